"""Renders 20 films of which every decision is known, curates them with three real clips and four hostile files, and
writes curate/decisions.md: what was known beside what was decided.

Needs ffmpeg, build/release/vidattn and a folder with bikes.mp4, oa4_launch.webm and bbb_480p_30s.mp4. Exit code 1
where a decision is not the known one. Usage: python3 results/curate.py CLIPS [--work FOLDER] [--jobs N]
"""
import argparse
import dataclasses
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
WIDTH, HEIGHT, FPS, SHOT = 1280, 720, 25, 80  # frames of a shot
CANVAS = (1640, 960)
# A transition is found in windows of 24 frames, and two more are left out on either side (CURATE.md).
WINDOW = 26
LIMITS = {
    "default": {"least_seconds": 5, "video": {"brisque": -1}, "clip": {"brisque": -1, "sharpness": 20}},
    "sources": {"clips": {"least_side": 240, "least_seconds": 5,
                          "video": {"brisque": -1, "sharpness": 0, "contrast": 0, "exposure_low": 0},
                          "clip": {"brisque": -1, "sharpness": 0, "contrast": 0, "exposure_low": 0}}},
}


@dataclasses.dataclass
class Shot:
    change: str = ""  # filters of this shot alone
    reason: str = ""  # the rule that drops its clip; "" = kept
    avoided: tuple = ()  # x, y, width, height that its crop must not touch
    whole: bool = False  # whether nothing is cropped away
    frames: int = SHOT
    seed: int = 0  # of its picture; 0 = one of its own


@dataclasses.dataclass
class Film:
    name: str
    shows: str  # what is known of it
    shots: list
    join: str = ""  # xfade's name of the transition between two shots; "" = a cut
    overlap: int = 0  # frames of it
    change: str = ""  # filters of the whole film
    reason: str = ""  # the rule that drops it
    begins_with: str = "cut, clean"
    flash: int = 0  # a frame that is white

    def starts(self):
        at, starts = 0, []
        for shot in self.shots:
            starts.append(at)
            at += shot.frames - self.overlap
        return starts


def text(words, x, y, size, more=""):
    box = f"fontfile=/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf:fontcolor=white:borderw=3{more}"
    return f"drawtext={box}:text='{words}':x={x}:y={y}:fontsize={size}"


def core(words, x, y, size):
    """A rectangle that lies inside of the letters for certain, around their middle `x`."""
    width = int(0.4 * len(words) * size)
    return (x - width // 2, y + size // 4, width, size // 2)


def films():
    def plain(count, **more):
        return [Shot(**more) for _ in range(count)]

    title, second, mark = "where do we go from here", "nobody knows the way home", "SAMPLE CLIP"
    low = text(title, "(w-tw)/2", 640, 40)
    corner = text(mark, "w-tw-30", 30, 30)
    ring = "drawbox=40:40:70:70:white:8,drawbox=48:48:54:54:black:5,drawbox=66:66:18:18:white:fill"
    blur, dark, bright = "gblur=sigma=14", "lutyuv=y=16+(val-16)*0.06", "lutyuv=y=235-(235-val)*0.05"
    bars = "drawbox=0:0:iw:90:black:fill,drawbox=0:630:iw:90:black:fill"
    pillars = "drawbox=0:0:160:ih:black:fill,drawbox=1120:0:160:ih:black:fill"
    ring_box, bar_boxes = (46, 46, 58, 58), ((0, 0, 1280, 90), (0, 630, 1280, 90))
    return [
        Film("cuts", "four shots, hard cuts", plain(4, whole=True)),
        Film("one_shot", "a single shot", [Shot(frames=200, whole=True)]),
        Film("dissolves", "three shots, dissolves of 12 frames", plain(3, whole=True), join="fade", overlap=12,
             begins_with="gradual, overlapped"),
        Film("long_dissolves", "three shots, dissolves of 20 frames", plain(3, whole=True, frames=130), join="fade", overlap=20,
             begins_with="gradual, overlapped"),
        Film("fades", "three shots, fades through black of 24 frames", plain(3, whole=True, frames=130), join="fadeblack",
             overlap=24, begins_with="fade, overlapped"),
        Film("wipes", "three shots, wipes to the left of 16 frames", plain(3), join="wipeleft", overlap=16,
             begins_with="wipe, overlapped"),
        Film("subtitle", "a subtitle in the second of three shots",
             [Shot(whole=True), Shot(low, avoided=(core(title, 640, 640, 40),)), Shot(whole=True)]),
        Film("subtitles", "another subtitle in each of two shots",
             [Shot(low, avoided=(core(title, 640, 640, 40),)),
              Shot(text(second, "(w-tw)/2", 640, 40), avoided=(core(second, 640, 640, 40),))]),
        Film("watermark", "words in a corner over all shots", plain(3, avoided=(core(mark, 1130, 30, 30),)),
             change=corner),
        Film("logo", "a logo without letters over twelve shots", plain(12, avoided=(ring_box,)), change=ring),
        Film("sign", "a sign that moves with the scene in the first of two shots",
             [Shot(text("HOTEL", "100+4*n", 300, 90), whole=True), Shot(whole=True)]),
        Film("letterbox", "black bars of 90 rows", plain(2, avoided=bar_boxes), change=bars),
        Film("pillarbox", "black bars of 160 columns",
             plain(2, avoided=((0, 0, 160, 720), (1120, 0, 160, 720))), change=pillars),
        Film("blurred_shot", "the second of three shots is blurred",
             [Shot(whole=True), Shot(blur, "clip.sharpness"), Shot(whole=True)]),
        Film("dark_shot", "the second of three shots is nearly black",
             [Shot(whole=True), Shot(dark, "clip."), Shot(whole=True)]),
        Film("bright_shot", "the second of three shots is nearly white",
             [Shot(whole=True), Shot(bright, "clip."), Shot(whole=True)]),
        Film("repeat", "the first shot is the first of 'cuts'",
             [Shot(seed=1000, reason="clip.duplicate", whole=True), Shot(whole=True)]),
        Film("flash", "a white frame in the middle of a shot parts it in two clips", [Shot(frames=200)], flash=120),
        Film("blurred", "blurred throughout", plain(2), change=blur, reason="source.sharpness"),
        Film("small", "640x360", plain(2), change="scale=640:360", reason="source.side"),
    ]


def canvas(path, seed):
    """A picture of rectangles, as PPM."""
    draw = random.Random(seed)
    width, height = CANVAS
    colour = lambda: bytes(draw.randrange(25, 230) for _ in range(3))  # noqa: E731
    rows = [bytearray(colour() * width) for _ in range(height)]
    for _ in range(130):
        x, y = draw.randrange(-100, width), draw.randrange(-100, height)
        wide, high = draw.randrange(70, 360), draw.randrange(120, 360)
        begin = max(0, x)
        end = max(begin, min(width, x + wide))
        line = colour() * (end - begin)
        for row in rows[max(0, y):max(0, y + high)]:
            row[3 * begin:3 * end] = line
    path.write_bytes(b"P6 %d %d 255\n" % CANVAS + b"".join(rows))


def render(film, number, folder):
    """Writes the film with ffmpeg: a camera that pans over a picture for every shot."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y"]
    graph, joined = [], ""
    for i, shot in enumerate(film.shots):
        picture = folder / f"{number}-{i}.ppm"
        canvas(picture, shot.seed or 1000 + 100 * number + i)
        command += ["-loop", "1", "-framerate", str(FPS), "-i", str(picture)]
        step = ("2*n", "0") if i % 2 == 0 else ("320-1.5*n", "n")
        filters = [f"crop={WIDTH}:{HEIGHT}:{step[0]}:{step[1]}", "noise=alls=5:allf=t", "format=yuv420p",
                   shot.change, f"trim=end_frame={shot.frames}", "setpts=PTS-STARTPTS", f"settb=1/{FPS}"]
        graph.append(f"[{i}:v]" + ",".join(f for f in filters if f) + f"[s{i}]")
        joined += f"[s{i}]"
    if film.join:
        last = "[s0]"
        for i, start in enumerate(film.starts()[1:], 1):
            graph.append(f"{last}[s{i}]xfade=transition={film.join}:duration={film.overlap / FPS}:"
                         f"offset={start / FPS}[j{i}]")
            last = f"[j{i}]"
    else:
        graph.append(f"{joined}concat=n={len(film.shots)}[all]")
        last = "[all]"
    flash = f"drawbox=0:0:iw:ih:white:fill:enable='eq(n,{film.flash})'" if film.flash else ""
    graph.append(last + ",".join(f for f in (film.change, flash, "null") if f) + "[out]")
    command += ["-filter_complex", ";".join(graph), "-map", "[out]", "-c:v", "libx264", "-preset", "veryfast",
                "-crf", "17", "-g", str(FPS), "-pix_fmt", "yuv420p", str(folder / "in" / f"{film.name}.mp4")]
    subprocess.run(command, check=True)
    for picture in folder.glob(f"{number}-*.ppm"):
        picture.unlink()


def touches(a, b):
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


class Judge:
    """Holds a film's decisions against what is known of it."""

    def __init__(self, film, video, clips):
        self.film, self.video, self.clips = film, video, clips
        self.wrong = []

    def differences(self):
        if self.film.reason:
            verdict = self.video["verdict"]
            self.demand(verdict.startswith("dropped: " + self.film.reason), f"verdict {verdict!r}")
        elif self.film.flash:
            held = [clip for clip in self.clips if clip["first"] <= self.film.flash <= clip["last"]]
            self.demand(not held and len(self.clips) == 2, f"{len(self.clips)} clips, {len(held)} with the flash")
        else:
            self.demand(len(self.clips) == len(self.film.shots), f"{len(self.clips)} clips")
            for i, clip in enumerate(self.clips[:len(self.film.shots)]):
                self.judge(i, clip)
        return self.wrong

    def demand(self, fine, what):
        if not fine:
            self.wrong.append(what)

    def judge(self, i, clip):
        film, shot = self.film, self.film.shots[i]
        first = film.starts()[i]
        last = first + shot.frames - 1
        head = film.overlap if i > 0 else 0
        tail = film.overlap if i + 1 < len(film.shots) else 0
        where = f"clip {i} "
        begins, ends = clip["first"] - first - head, last - tail - clip["last"]
        self.demand(0 <= begins <= (WINDOW if head else 0), f"{where}begins {begins} frames late")
        self.demand(0 <= ends <= (WINDOW if tail else 0), f"{where}ends {ends} frames early")
        if i > 0:
            self.demand(clip["begins_with"] == film.begins_with, where + clip["begins_with"])
        reason = clip.get("reason", "")
        self.demand(reason.startswith(shot.reason) if shot.reason else not reason, where + (reason or "kept"))
        crop = clip["crop"]
        for box in shot.avoided:
            self.demand(not touches(crop, box), f"{where}crop {crop} touches {list(box)}")
        self.demand(not shot.whole or clip["area"] > 0.999, f"{where}crop is {clip['area']:.2f}")
        self.demand(clip["area"] > 0.5, f"{where}crop is {clip['area']:.2f}")


def hostile(folder):
    """Files that are no videos, or half of one; returns their names."""
    whole = (folder / "in" / "cuts.mp4").read_bytes()
    files = {"empty.mp4": b"", "playlist.mp4": b"#EXTM3U\nhttp://127.0.0.1/x.ts\n", "cut_off.mp4": whole[:5000],
             "noise.mkv": random.Random(1).randbytes(50000)}
    for name, content in files.items():
        (folder / "in" / name).write_bytes(content)
    return list(files)


def curate(folder, jobs):
    (folder / "limits.json").write_text(json.dumps(LIMITS))
    run = subprocess.run([ROOT / "build/release/vidattn", "curate", folder / "in", "--out", folder / "out", "--limits",
                          folder / "limits.json", "--jobs", str(jobs), "--quiet"], capture_output=True, text=True)
    print(run.stdout + run.stderr)
    return run


def decided(folder):
    """The videos' lines by file name, and the clips' by video."""
    videos, clips = {}, {}
    for line in map(json.loads, (folder / "out/decisions.jsonl").read_text().splitlines()):
        if line["kind"] == "video":
            videos[pathlib.Path(line["video_path"]).name] = line
        else:
            clips.setdefault(line["video"], []).append(line)
    return videos, clips


def spans(clips):
    return ", ".join(f"{c['first']}–{c['last']}" for c in clips) or "–"


# First frames of the clips' shots, as the clips' sources have them; the third fades in.
REAL = {"bikes.mp4": [0, 30, 76, 137, 187, 242], "oa4_launch.webm": [0, 74], "bbb_480p_30s.mp4": [0, 285, 378, 553]}


def rows(folder, all_films, names):
    videos, clips = decided(folder)
    for film in all_films:
        video = videos[film.name + ".mp4"]
        own = clips.get(video["video"], [])
        wrong = Judge(film, video, own).differences()
        yield film.name, film.shows, video["verdict"], spans(own), wrong
    for name, cuts in REAL.items():
        video = videos[name]
        own = clips.get(video["video"], [])
        firsts = [clip["first"] for clip in own]
        wrong = [f"no clip begins at {cut}" for cut in cuts[1:] if cut not in firsts]
        yield name, f"cuts at {', '.join(map(str, cuts[1:]))}", video["verdict"], spans(own), wrong
    for name in names:
        video = videos[name]
        verdict = re.sub("'[^']*/", "'", video["verdict"])  # folders say nothing
        yield name, "no video", verdict, "–", [] if "error" in video else ["it was read"]


def write_table(path, table, summary):
    lines = ["| video | known | decided | clips, frames | as known |", "|---|---|---|---|---|"]
    for name, shows, verdict, clips, wrong in table:
        agrees = "; ".join(wrong) or "yes"
        lines.append("| " + " | ".join(x.replace("|", "\\|") for x in (name, shows, verdict, clips, agrees)) + " |")
    wrong = sum(1 for row in table if row[4])
    lines += ["", f"{len(table) - wrong} of {len(table)} as known. {summary['seconds_in']:.0f} s of video, "
              f"{summary['seconds_kept']:.0f} s kept in {summary['samples']} samples."]
    path.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=pathlib.Path, help="folder of the real clips")
    parser.add_argument("--work", type=pathlib.Path, help="keep videos and dataset here")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    folder = given.work or pathlib.Path(tempfile.mkdtemp(prefix="vidattn-curate-"))
    (folder / "in/clips").mkdir(parents=True, exist_ok=True)
    all_films = films()
    for number, film in enumerate(all_films):
        if not (folder / "in" / f"{film.name}.mp4").exists():
            render(film, number, folder)
    for name in REAL:
        shutil.copy(given.clips / name, folder / "in/clips" / name)
    names = hostile(folder)
    run = curate(folder, given.jobs)
    summary = json.loads((folder / "out/summary.json").read_text())["summary"]
    wrong = write_table(ROOT / "results/curate/decisions.md", list(rows(folder, all_films, names)), summary)
    wrong += run.returncode != 3  # four files cannot be read
    if not given.work:
        shutil.rmtree(folder)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
