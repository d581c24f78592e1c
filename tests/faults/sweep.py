#!/usr/bin/env python3
"""Runs commands of the tool again and again, each time with another of their writing calls failing
(tests/faults/inject.cpp), and looks at what is left: every result is the old one or the new one whole,
the store is sound and has all of a run or nothing, a loss shows in the exit code, no temporary file
lies around. Names every breach, and prints one line a command and one in all; exit 1 where there is a breach.

Usage: sweep.py TOOL INJECT.so [--quick] [--first CALL] [COMMAND…]
  --quick  one kind of fault at each call in turn, not all calls, and the commands that take least time
  --first  the call to begin with (1), to go on with a sweep
"""
import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile

KINDS = ["ENOSPC", "EIO", "ENOSPC+", "short", "KILL"]
CODES = {0, 1, 2, 3, 4, 130, 141}
SMALL = ["--grid", "2,4,4", "--heads", "1", "--dim", "16"]
RUN = ["run", "--quiet", "--repeat", "2", "--backend", "full", "--backend", "frame", *SMALL]
CALLS = 3  # of the capture
LONGEST = 600  # seconds of a run; one takes a second or two, and minutes at low priority beside others
SUITE = {"name": "s", "workloads": [{"grid": [2, 4, 4], "heads": 1, "dim": 16}],
         "backends": [{"backend": name, "parameters": {}} for name in ("frame", "stga")],
         "timing": {"seconds": 0.01, "min_blocks": 2, "max_blocks": 2}}


def is_json(path):
    with open(path, encoding="utf-8") as file:
        json.load(file)


def is_page(path):
    with open(path, encoding="utf-8") as file:
        assert file.read().rstrip().endswith("</html>"), "half a page"


def is_npy(path):
    with open(path, "rb") as file:
        header = file.read(128)
    assert header[:6] == b"\x93NUMPY", "no array"
    assert os.path.getsize(path) > 128, "no values"


def is_video(path):
    with open(path, "rb") as file:
        content = file.read()
    # What a container gets last: the index.
    assert b"moov" in content or b"idx1" in content, "a video that was not finished"


def is_text(path):
    assert os.path.getsize(path) > 0, "empty"


def is_store(path, calls=1):
    """All cases of every run have their blocks; a run of a command is there with all its cases, but for
    whole calls of a capture that are missing while it is not finished."""
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok", "damaged"
    if database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        return
    for run, suite, finished, cases in database.execute(
            "SELECT id, suite, finished, (SELECT count(*) FROM cases WHERE run_id = runs.id) FROM runs"):
        # The first one was there before, of a single workload.
        most = 2 if run == 1 else 2 * calls
        whole = cases == most or (not finished and cases in range(2, most, 2))
        assert suite == "s" or whole, f"a run of {cases} cases"
    bare = database.execute("SELECT count(*) FROM cases WHERE outcome = 'passed' AND NOT EXISTS "
                            "(SELECT 1 FROM blocks WHERE case_id = cases.id)").fetchone()[0]
    assert bare == 0, "a case without its samples"


def is_store_of_calls(path):
    is_store(path, calls=CALLS)


# Command: (arguments, results with what each must be when it is new, whether it takes a second or less)
COMMANDS = {
    "run": (RUN + ["--out", "o.json", "--db", "v.db"], {"o.json": is_json, "v.db": is_store}, False),
    "calls": (["run", "--quiet", "--repeat", "2", "--backend", "full", "--backend", "frame", "--workload",
               "tensors:calls", "--grid", "2,2,2", "--out", "o.json", "--db", "v.db"],
              {"o.json": is_json, "v.db": is_store_of_calls}, False),
    "suite": (["run", "s.json", "--db", "v.db"], {"v.db": is_store}, False),
    "export": (["export", "1", "--db", "v.db", "--out", "o.json"], {"o.json": is_json}, True),
    "import": (["import", "e.json", "--db", "w.db"], {"w.db": is_store}, True),
    "accept": (["check", "--run", "1", "--db", "v.db", "--baseline", "base.json", "--accept", "why",
                "--force"],
               {"base.json": is_json}, True),
    "check": (["check", "--run", "1", "--db", "v.db", "--baseline", "base.json",
               "--out", "o.json", "--markdown", "o.md", "--junit", "o.xml"],
              {"o.json": is_json, "o.md": is_text, "o.xml": is_text}, True),
    "report": (["report", "r.json", "--no-pictures", "--out", "o.html", "--figures", "fig"],
               {"o.html": is_page, "fig/table.csv": is_text, "fig/table.tex": is_text,
                "fig/table.md": is_text}, False),
    "attend": (["attend", "--backend", "full", "--q", "q.npy", "--k", "q.npy", "--v", "q.npy",
                "--out", "o.npy", "--lse", "l.npy", "--mask", "m.npy", "--stats", "o.json"],
               {"o.npy": is_npy, "l.npy": is_npy, "m.npy": is_npy, "o.json": is_json}, True),
    "film.mp4": (["film", "--frames", "3", "--width", "64", "--height", "48", "--out", "o.mp4"],
                 {"o.mp4": is_video}, True),
    "film.avi": (["film", "--frames", "3", "--width", "64", "--height", "48", "--out", "o.avi"],
                 {"o.avi": is_video}, True),
    "restore": (["restore", "f.mp4", "--frames", "5", "--height", "16", "--backend", "frame", "--quiet",
                 "--out", "o.json", "--folder", "fig"],
                {"o.json": is_json, "fig/clean.avi": is_video, "fig/noisy.avi": is_video,
                 "fig/frame.avi": is_video, "fig/side_by_side.png": is_text}, False),
    "table": (["table", "11", "--out", "o.md", "--out", "o.csv", "--out", "o.json"],
              {"o.md": is_text, "o.csv": is_text, "o.json": is_json}, True),
}


class Sweep:
    def __init__(self, tool, inject, scratch):
        self.tool = os.path.abspath(tool)
        self.inject = os.path.abspath(inject)
        self.start = os.path.join(scratch, "start")
        self.folder = os.path.join(scratch, "here")
        self.mark = os.path.join(scratch, "mark")
        self.breaches = []
        self.runs = 0

    def call(self, arguments, folder, fault=None):
        # Set: the tool does not start itself again, which would lose the preloaded library.
        environment = dict(os.environ, VIDATTN_RESTARTED="1", GOMP_SPINCOUNT="2000",
                           OPENBLAS_NUM_THREADS="1")
        if fault:
            environment.update(LD_PRELOAD=self.inject, VIDATTN_FAULT=fault, VIDATTN_FAULT_MARK=self.mark)
        return subprocess.run([self.tool, *arguments], cwd=folder, env=environment, timeout=LONGEST,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)

    def prepare(self):
        """A folder with what the commands read."""
        os.makedirs(self.start)
        with open(os.path.join(self.start, "s.json"), "w", encoding="utf-8") as file:
            json.dump(SUITE, file)
        values = b"\x00\x00\x80\x3f" * (8 * 8)
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (8, 1, 8), }"
        header = header.ljust(117) + b"\n"
        with open(os.path.join(self.start, "q.npy"), "wb") as file:
            file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + values)
        self.write_capture(os.path.join(self.start, "calls"), values)
        for arguments in (RUN + ["--out", "r.json", "--db", "v.db"],
                          ["export", "1", "--db", "v.db", "--out", "e.json"],
                          ["check", "--run", "1", "--db", "v.db", "--baseline", "base.json",
                           "--accept", "first", "--force"],
                          ["film", "--frames", "5", "--width", "64", "--height", "48", "--out", "f.mp4"]):
            done = self.call(arguments, self.start)
            if done.returncode != 0:
                sys.exit(f"sweep: {arguments} gave {done.returncode}: {done.stderr.decode()}")

    @staticmethod
    def write_capture(folder, values):
        """Calls of 8 tokens and one head of 8 channels, the same values in each."""
        os.makedirs(folder)
        tensors = {name: {"dtype": "F32", "shape": [8, 1, 8],
                          "data_offsets": [at * len(values), (at + 1) * len(values)]}
                   for at, name in enumerate("qkv")}
        header = json.dumps(tensors).encode()
        for call in range(CALLS):
            with open(os.path.join(folder, f"step00_block{call:02}.safetensors"), "wb") as file:
                file.write(len(header).to_bytes(8, "little") + header + 3 * values)

    def old(self, results, with_old):
        """The folder anew, with older results in it, or none."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.start, self.folder)
        os.makedirs(os.path.join(self.folder, "fig"))
        for name in results:
            path = os.path.join(self.folder, name)
            if with_old and not os.path.exists(path) and not name.endswith(".db"):
                with open(path, "wb") as file:
                    file.write(b"old")
                os.chmod(path, 0o600)

    def files(self):
        """The rights of every file below the folder."""
        paths = [os.path.join(folder, name)
                 for folder, _, names in os.walk(self.folder) for name in names]
        return {os.path.relpath(path, self.folder): os.stat(path).st_mode for path in paths}

    def breach(self, text):
        """Said at once: a sweep takes long, and may be cut short."""
        self.breaches.append(text)
        print(text, flush=True)

    def look(self, results, before, done, killed):
        """Why what is there is not as it should be."""
        lost = []
        for name, check in results.items():
            path = os.path.join(self.folder, name)
            if not os.path.exists(path):
                lost.append(name)
                continue
            if name in before and not name.endswith(".db"):
                with open(path, "rb") as file:
                    if file.read() == b"old":
                        lost.append(name)
                        continue
                if os.stat(path).st_mode != before[name]:
                    yield f"{name}: other rights"
            try:
                check(path)
            except (AssertionError, ValueError, sqlite3.Error) as error:
                yield f"{name}: {error}"
        said = done.stderr.decode()
        if not killed and done.returncode not in CODES:
            yield f"exit code {done.returncode}: {said[-300:]}"
        # The files of a report's folder are named by a warning each.
        named = "vidattn: " in said or all(f"no {os.path.basename(name)}: " in said for name in lost)
        if not killed and lost and (done.returncode == 0 or not named):
            yield f"exit code {done.returncode}, but no {', '.join(lost)}: {said[-300:]}"
        for name in self.files().keys() - before.keys() - results.keys():
            left = name.endswith("-journal") or os.path.basename(name).startswith(".vidattn-")
            if not (left and killed) and not name.startswith("fig/"):
                yield f"{name} was left"
            if name.startswith("fig/.") and not killed:
                yield f"{name} was left"

    def once(self, name, fault, with_old):
        """Returns whether it came to the fault."""
        arguments, results, _ = COMMANDS[name]
        self.old(results, with_old)
        if os.path.exists(self.mark):
            os.remove(self.mark)
        before = self.files()
        self.runs += 1
        try:
            done = self.call(arguments, self.folder, fault)
        except subprocess.TimeoutExpired:
            self.breach(f"{name} {fault}: no end within {LONGEST} s")
            return os.path.exists(self.mark)
        struck = os.path.exists(self.mark)
        killed = struck and fault.endswith("KILL")
        told = list(self.look(results, before, done, killed))
        if not struck and done.returncode > 2:  # below: verdicts, which follow from the times
            told.append(f"exit code {done.returncode} without a fault: {done.stderr.decode()[-300:]}")
        for why in told:
            self.breach(f"{name} {fault}: {why}")
        return struck

    def sweep(self, name, quick, first):
        """Every call until there are no more; a quick one leaves out more and more of them. By turns with
        older results, which take some calls more to replace, and without."""
        call, tried, missed = first - 1, 0, 0
        while missed < 2:
            call += 1 + (call // 6 if quick else 0)
            kinds = [KINDS[tried % len(KINDS)]] if quick else KINDS
            struck = any([self.once(name, f"{call}:{kind}", tried % 2 == 0) for kind in kinds])
            missed = 0 if struck else missed + 1
            tried += 1
        return tried - missed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("inject")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("commands", nargs="*")
    given = parser.parse_intermixed_args()
    names = given.commands or [name for name, command in COMMANDS.items() if command[2] or not given.quick]
    with tempfile.TemporaryDirectory() as scratch:
        sweep = Sweep(given.tool, given.inject, scratch)
        sweep.prepare()
        for name in names:
            before = len(sweep.breaches)
            calls = sweep.sweep(name, given.quick, given.first)
            print(f"{name}: at {calls} calls, {len(sweep.breaches) - before} breaches", flush=True)
    print(f"sweep: {sweep.runs} runs of {len(names)} commands, {len(sweep.breaches)} breaches")
    return 1 if sweep.breaches else 0


if __name__ == "__main__":
    sys.exit(main())
