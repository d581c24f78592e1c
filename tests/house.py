#!/usr/bin/env python3
"""Holds the tree against the rules of the house: which room may include which, how long a file and
how full a folder may be, which libraries and calls stay in which room, that the documents' links
lead somewhere, that the version has its section in CHANGELOG.md and stands in CITATION.cff. Prints every
breach; exit 1 if any.

Usage: tests/house.py [ROOT]
"""
import collections
import os
import re
import subprocess
import sys

# A room may include its own files and those of rooms further left; rooms of one group may include
# each other as long as no circle of rooms arises.
ORDER = [
    "attention", "baselines", "metrics",
    "harness/io harness/host", "harness/workloads", "harness/measure", "harness/store",
    "harness/suites harness/compare harness/report harness/tables harness/probes harness/videos "
    "harness/conform harness/dit harness/study harness/distributed harness/curate",
    "harness/commands harness/cli harness/python", "harness/main.cpp",
]
RANK = {room: rank for rank, group in enumerate(ORDER) for room in group.split()}
MAX_LINES = 400
MAX_FILES = 25
FULL_FOLDERS = {"baselines", "tests/baselines"}  # one file a method
CODE = re.compile(r"\.(h|cpp|inc|in|comp|glsl|js|css|html|sh|py|cmake)$|(^|/)CMakeLists\.txt$")
CXX = re.compile(r"\.(h|cpp)$")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
# (library, how its headers begin, the folders that may include it)
LIBRARIES = [
    ("CLI11", "CLI/", ("harness/cli/",)),
    ("nlohmann-json", "nlohmann/", ("harness/", "tests/")),
    ("OpenCV", "opencv2/", ("metrics/", "harness/", "tests/")),
    ("FFmpeg", "libav", ("harness/workloads/media/", "harness/host/environment.cpp", "tests/")),
    ("FFmpeg", "libsw", ("harness/workloads/media/", "harness/host/environment.cpp", "tests/")),
    ("SQLite", "SQLite", ("harness/store/", "tests/")),
    ("cpp-httplib", "httplib.h", ("harness/study/serve/http_server.cpp",
                                  "harness/curate/captions/http_post.cpp", "tests/")),
    ("libarchive", "archive", ("harness/curate/output/tar_shards.cpp", "tests/")),
    ("Tesseract", "tesseract/", ("harness/curate/text/tesseract/",)),
    ("nanobind", "nanobind/", ("harness/python/",)),
    ("MPI", "mpi.h", ("harness/distributed/mpi/", "tests/faults/stop_rank.cpp")),
    ("libzip", "zip.h", ("harness/io/", "tests/")),
    ("files", "fstream", ("metrics/", "harness/", "tests/")),
    ("files", "filesystem", ("metrics/", "harness/", "tests/")),
]
# (what it does, how it is called, the only files that may, what others use)
CALLS = [
    ("starts a program", r"\b(popen|system|fork|vfork|exec[lv]p?e?|execvpe|posix_spawnp?)\(",
     ("harness/host/programs/program.cpp", "harness/host/process.cpp", "harness/cli/restart.cpp",
      "harness/distributed/mpi/guardian.cpp"),
     "harness/host/programs/program.h"),
    ("prints", r"\bfmt::print\(|\b(printf|fprintf|puts|fputs)\(|\bstd::(cout|cerr|clog)\b",
     ("harness/io/text/console.cpp", "harness/host/progress.cpp"), "harness/io/text/console.h"),
    # What the library alone lets through, parse_json() refuses.
    ("parses JSON", r"\bjson::(parse|accept|sax_parse|from_\w+)\s*\(",
     ("harness/io/json_file.cpp", "harness/io/text/escape.cpp"), "parse_json() of harness/io/json_file.h"),
]


def tracked(root):
    """Files of the working tree that git knows or would add."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"],
                            check=True, capture_output=True, text=True).stdout.splitlines()
    return sorted(f for f in set(listed) if os.path.isfile(os.path.join(root, f)))


def read(root, file):
    with open(os.path.join(root, file), encoding="utf-8") as opened:
        return opened.read()


def room_of(file):
    """The room that a source file or an include lies in; None for tests, libraries, generated files."""
    parts = file.split("/")
    name = "/".join(parts[:2]) if parts[0] == "harness" else parts[0]
    return name if name in RANK or parts[0] == "harness" and len(parts) > 1 else None


def includes(root, files):
    """(file, included) for every #include in C++ files, as written."""
    for file in files:
        if CXX.search(file):
            for included in INCLUDE.findall(read(root, file)):
                yield file, included


def arrows(root, files):
    """{(room, included room): [(file, included)]}, without a room's arrows to itself."""
    found = collections.defaultdict(list)
    for file, included in includes(root, files):
        here, there = room_of(file), room_of(included)
        if here and there and here != there:
            found[here, there].append((file, included))
    return found


def circle(edges, start):
    """A way from `start` back to it along the edges, or None."""
    ways, seen = [[start]], set()
    while ways:
        way = ways.pop(0)
        for there in sorted(b for a, b in edges if a == way[-1]):
            if there == start:
                return way + [start]
            if there not in seen:
                seen.add(there)
                ways.append(way + [there])
    return None


def arrow_breaches(found):
    for (here, there), places in sorted(found.items()):
        unknown = [room for room in (here, there) if room not in RANK]
        if unknown:
            yield f"{unknown[0]}: a room without a place in ORDER of tests/house.py"
        elif RANK[here] < RANK[there]:
            for file, included in places:
                yield f"{file}: includes {included}, but {here} comes before {there}"
    # Circles of rooms of one rank; others contain an arrow that was refused above.
    edges = {(a, b) for a, b in found if RANK.get(a) == RANK.get(b)}
    done = set()
    for here in sorted({a for a, _ in edges}):
        way = circle(edges, here)
        if way and not done & set(way):
            done |= set(way)
            yield "a circle of rooms: " + " -> ".join(way) + "".join(
                f"\n  {file} includes {included}" for step in zip(way, way[1:])
                for file, included in found[step][:3])


def library_breaches(root, files):
    for file, included in includes(root, files):
        for library, prefix, rooms in LIBRARIES:
            if included.startswith(prefix) and not file.startswith(rooms):
                yield f"{file}: includes {included}; {library} belongs to {' '.join(rooms)}"
        if included.endswith("-inl.h") and os.path.dirname(included) != os.path.dirname(file):
            yield f"{file}: includes {included}, the inside of another folder"


def call_breaches(root, files):
    for file in files:
        if not CXX.search(file) or file.startswith("tests/"):
            continue
        code = re.sub(r"//.*", "", read(root, file))
        for does, call, allowed, instead in CALLS:
            if file not in allowed and (found := re.search(call, code)):
                yield f"{file}: {does} with {found[0]}; {instead} is for that"


def size_breaches(root, files):
    folders = collections.Counter()
    for file in filter(CODE.search, files):
        lines = read(root, file).count("\n")
        if lines > MAX_LINES:
            yield f"{file}: {lines} lines; at most {MAX_LINES}"
        folders[os.path.dirname(file)] += 1
    for folder, count in sorted(folders.items()):
        if count > MAX_FILES and folder not in FULL_FOLDERS:
            yield f"{folder}/: {count} source files; at most {MAX_FILES}"


def link_breaches(root, files):
    for file in files:
        if not file.endswith(".md"):
            continue
        for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)|(?:src|srcset)=\"([^\"]+)\"", read(root, file)):
            path = target[0] or target[1]
            if not re.match(r"[a-z]+:", path) and not os.path.exists(
                    os.path.join(root, os.path.dirname(file), path)):
                yield f"{file}: the link {path} leads nowhere"


def version_breaches(root):
    version = re.search(r"project\(vidattn VERSION (\S+)", read(root, "CMakeLists.txt"))[1]
    section = re.search(r"^## \[(\d[^]]*)\]", read(root, "CHANGELOG.md"), re.M)
    if not section or section[1] != version:
        yield (f"CHANGELOG.md: the newest version is {section and section[1]}, "
               f"CMakeLists.txt has {version}")
    if f"\nversion: {version}\n" not in read(root, "CITATION.cff"):
        yield f"CITATION.cff: its version is not {version}, as CMakeLists.txt has it"


def breaches(root):
    files = tracked(root)
    yield from arrow_breaches(arrows(root, files))
    yield from library_breaches(root, files)
    yield from call_breaches(root, files)
    yield from size_breaches(root, files)
    yield from link_breaches(root, files)
    yield from version_breaches(root)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    found = list(breaches(root))
    print("".join(f"house: {breach}\n" for breach in found), end="")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
