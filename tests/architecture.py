#!/usr/bin/env python3
"""Draws results/pictures/architecture.svg: the rooms of the house, with an arrow wherever a room's
files include another's and no way over other rooms says so already. Where the boxes stand is laid
out here; the arrows come from the sources.

Usage: tests/architecture.py           writes the picture
       tests/architecture.py --check   exit 1 when the committed one differs
"""
import os
import re
import sys
from html import escape

import house

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
PICTURE = os.path.join(ROOT, "results", "pictures", "architecture.svg")
COLUMN, ROW, GAP, MARGIN = 122, 78, 30, 16  # pixels

# room: (row, first column, columns, what it is for); rows from the top
LAYOUT = {
    "harness/main.cpp": (0, 0, 10, "the program vidattn"),
    "harness/commands": (1, 0, 8, "one file a command"),
    "harness/cli": (1, 8, 1, "options"),
    "harness/python": (1, 9, 1, "the module"),
    "harness/compare": (2, 0, 1, "A/B, CI"),
    "harness/suites": (2, 1, 1, "sets of cases"),
    "harness/report": (2, 2, 1, "page, figures"),
    "harness/tables": (2, 3, 1, "the paper's"),
    "harness/study": (2, 4, 1, "blind studies"),
    "harness/conform": (2, 5, 1, "vectors"),
    "harness/probes": (2, 6, 1, "restore, labels"),
    "harness/videos": (2, 7, 1, "scores, shots"),
    "harness/curate": (2, 8, 1, "long videos"),
    "harness/dit": (2, 9, 1, "a trained DiT"),
    "harness/store": (3, 0, 3, "runs in SQLite, history"),
    "harness/distributed": (3, 4, 2, "ranks that share a call"),
    "harness/measure": (4, 0, 6, "one case, one timing engine, checks, density solver"),
    "harness/workloads": (5, 0, 10, "what is attended to: rendered film, videos, tensors from models"),
    "harness/host": (6, 0, 4, "machine, processes, progress"),
    "harness/io": (6, 4, 6, "npy, safetensors, json, files"),
    "metrics": (7, 0, 4, None),
    "baselines": (7, 4, 3, None),
    "attention": (8, 0, 10, None),
}
STYLE = """
  .box { fill: #f4f6fa; stroke: #8a94a6; } .core { fill: #e3eefc; stroke: #4a7dbd; }
  .arrow { stroke: #5b6472; fill: none; } .head { fill: #5b6472; }
  text { font: 12px Helvetica, Arial, sans-serif; fill: #4a5260; text-anchor: middle; }
  .name { font-weight: bold; font-size: 14px; fill: #1c2330; }
  @media (prefers-color-scheme: dark) {
    .box { fill: #222833; stroke: #6b7688; } .core { fill: #1b3049; stroke: #5b94d6; }
    .arrow { stroke: #a3adbd; } .head { fill: #a3adbd; }
    text { fill: #b5bdca; } .name { fill: #f0f3f8; }
  }
"""


def reachable(edges, start, without):
    seen, todo = set(), [start]
    while todo:
        here = todo.pop()
        for a, b in edges:
            if a == here and (a, b) != without and b not in seen:
                seen.add(b)
                todo.append(b)
    return seen


def needed(edges):
    """The arrows that no way over other rooms implies."""
    return sorted(e for e in edges if e[1] not in reachable(edges, e[0], e))


def captions(files):
    """Captions that follow from the tree: rooms of metrics, published methods, devices."""
    rooms = sorted({f.split("/")[1] for f in files if re.match(r"metrics/\w+/", f)})
    methods = sum(all(word in house.read(ROOT, f) for word in ("RegisterBackend<", ".paper ="))
                  for f in files
                  if re.fullmatch(r"baselines/\w+\.cpp", f))
    devices = sorted({re.split(r"[/.]", f)[1] for f in files if re.match(r"attention/.*\.cpp", f)
                      and re.search(r"RegisterDevice(Family)?<", house.read(ROOT, f))})
    return {"metrics": ", ".join(rooms), "baselines": f"{methods} published methods",
            "attention": "a backend plans which keys each query sees, a device executes any plan: "
                         + ", ".join(devices)}


def place(room):
    row, column, columns, _ = LAYOUT[room]
    return (MARGIN + column * COLUMN, MARGIN + row * ROW,
            columns * COLUMN - GAP, ROW - GAP)


def box(room, caption):
    x, y, w, h = place(room)
    kind = "box" if room.startswith("harness") else "core"
    name = room.removeprefix("harness/")
    return (f'<rect class="{kind}" x="{x}" y="{y}" width="{w}" height="{h}" rx="6"/>'
            f'<text class="name" x="{x + w / 2:g}" y="{y + 20}">{name}</text>'
            f'<text x="{x + w / 2:g}" y="{y + 38}">{escape(caption)}</text>')


def arrow(here, there):
    """Straight down where one box stands above the other, sideways in a row."""
    x1, y1, w1, h1 = place(here)
    x2, y2, w2, h2 = place(there)
    if y1 == y2:
        y = y1 + h1 / 2
        return line(x1 + w1, y, x2, y) if x1 < x2 else line(x1, y, x2 + w2, y)
    left, right = max(x1, x2), min(x1 + w1, x2 + w2)
    if left < right:
        x = clear_way(here, there, left, right)
        return line(x, y1 + h1, x, y2)
    return line(x1 + w1 / 2, y1 + h1, min(max(x1 + w1 / 2, x2 + 12), x2 + w2 - 12), y2)


def clear_way(here, there, left, right):
    """The x nearest to the middle where no box stands between the two."""
    between = [place(r) for r in LAYOUT if LAYOUT[here][0] < LAYOUT[r][0] < LAYOUT[there][0]]
    tries = sorted(range(int(left) + 8, int(right) - 7), key=lambda x: abs(2 * x - left - right))
    clear = [x for x in tries if not any(bx - 14 < x < bx + bw + 14 for bx, _, bw, _ in between)]
    return (clear or [(left + right) / 2])[0]


def line(x1, y1, x2, y2):
    return (f'<line class="arrow" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" '
            'marker-end="url(#head)"/>')


def drawn():
    files = house.tracked(ROOT)
    edges = {e for e in house.arrows(ROOT, files) if house.RANK[e[0]] >= house.RANK[e[1]]}
    found = captions(files)
    width = MARGIN * 2 + 10 * COLUMN - GAP
    height = MARGIN * 2 + 9 * ROW - GAP
    parts = [arrow(a, b) for a, b in needed(edges)]  # behind the boxes that they pass
    parts += [box(room, layout[3] or found[room]) for room, layout in LAYOUT.items()]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n'
            "<title>The rooms of vidattn; an arrow points to what a room uses</title>\n"
            f"<style>{STYLE}</style>\n"
            '<defs><marker id="head" markerWidth="9" markerHeight="8" refX="8" refY="4" '
            'orient="auto"><path class="head" d="M0,0 L9,4 L0,8 z"/></marker></defs>\n'
            + "\n".join(parts) + "\n</svg>\n")


def main():
    picture = drawn()
    if "--check" not in sys.argv:
        os.makedirs(os.path.dirname(PICTURE), exist_ok=True)
        with open(PICTURE, "w", encoding="utf-8") as opened:
            opened.write(picture)
    elif not os.path.exists(PICTURE) or house.read(ROOT, PICTURE) != picture:
        sys.exit("the includes changed; tests/architecture.py draws results/pictures/architecture.svg anew")


if __name__ == "__main__":
    main()
