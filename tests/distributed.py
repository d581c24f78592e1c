#!/usr/bin/env python3
"""Runs vidattn under mpirun: results are one process's, bytes are the closed form's, and a rank that
dies, is stopped or has no memory ends the run on all ranks in one line that names it, within seconds,
with what was measured before kept. Exit 77 (skipped) without mpirun or in a build without MPI.

Usage: tests/distributed.py VIDATTN      (MPIRUN: another launcher than mpirun)
"""
import array
import collections
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

TOOL = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else ""
MPIRUN = os.environ.get("MPIRUN", "mpirun")
# Root is allowed where tests run in containers; more ranks than cores are wanted here.
ENVIRONMENT = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
               "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none",
               "VIDATTN_MEASURE_LIMITS": "0"}


def version_of_mpi():
    if not shutil.which(MPIRUN):
        return ""
    return subprocess.run([MPIRUN, "--version"], capture_output=True, text=True, check=False).stdout


# A launcher that lets the other ranks live when one dies.
SURVIVING = [MPIRUN, "--enable-recovery"]
CALL = ["run", "--grid", "5,6,7", "--heads", "4", "--dim", "32", "--quiet", "--repeat", "1"]
METHODS = ["--backend", "full", "--backend", "moga_stga", "--backend", "svg2"]


def start(ranks, *arguments, tool=None, launcher=(MPIRUN,)):
    command = [*launcher, "-n", str(ranks), *(tool or [TOOL]), *arguments]
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, start_new_session=True)


def run(ranks, *arguments, **options):
    process = start(ranks, *arguments, **options)
    out, err = process.communicate(timeout=280)
    return process.returncode, out, err


def own_lines(err):
    """What vidattn said, without mpirun's own report."""
    return [line for line in err.splitlines() if line.startswith("vidattn: ")]


def lines_of(out):
    """What was printed, without what UCX warns of."""
    return [line for line in out.splitlines() if "UCX  WARN" not in line]


def ranks_of(process):
    """The processes of the ranks by number."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.path.realpath(f"/proc/{name}/exe") != TOOL or not below(name, process.pid):
                continue
            if os.path.realpath(f"/proc/{parent_of(name)}/exe") == TOOL:
                continue  # a case that a rank measures
            with open(f"/proc/{name}/environ", encoding="utf-8", errors="replace") as opened:
                environment = dict(entry.partition("=")[::2] for entry in opened.read().split("\0"))
        except OSError:
            continue  # it has ended
        found[int(environment.get("OMPI_COMM_WORLD_RANK") or environment["PMI_RANK"])] = int(name)
    return found


def parent_of(name):
    with open(f"/proc/{name}/stat", encoding="utf-8") as opened:
        return opened.read().rsplit(")", 1)[1].split()[1]


def below(name, ancestor):
    while name not in ("0", "1"):
        name = parent_of(name)
        if name == str(ancestor):
            return True
    return False


def lives(pid):
    """Whether a process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as opened:
            return opened.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def write_npy(path, shape, seed):
    """Normal float32 numbers as NumPy stores them."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    numbers, count = random.Random(seed), 1
    for size in shape:
        count *= size
    with open(path, "wb") as opened:
        opened.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
        opened.write(array.array("f", (numbers.gauss(0, 1) for _ in range(count))).tobytes())


class Distributed(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.out = os.path.join(self.folder.name, "out.json")

    def tearDown(self):
        self.folder.cleanup()

    def record(self):
        with open(self.out, encoding="utf-8") as opened:
            return json.load(opened)

    def check(self, ranks, layout, *more):
        code, out, err = run(ranks, *CALL, *METHODS, "--distributed", layout, "--out", self.out, *more)
        self.assertEqual(code, 0, out + err)
        record = self.record()
        self.assertEqual(len(record["cases"]), 3)
        for case in record["cases"]:
            with self.subTest(backend=case["backend"], ranks=ranks, layout=layout):
                self.assertEqual(case["outcome"], "passed", case)
                self.assertEqual(len(case["ranks"]), ranks)
                if record["distributed"]["tokens_over"] == 1:
                    self.assertTrue(case["same_bits"])
                    self.assertTrue(case.get("gradients", case)["same_bits"])
                for rank in case["ranks"] + (case.get("backward_ranks", []) if layout == "ulysses" else []):
                    self.assertEqual(rank["communication"]["sent_bytes"], rank["closed_form_sent_bytes"])
                self.assertEqual(len(case.get("backward_ranks", [])), ranks if "--pass" in more else 0)
        self.assertEqual(out.count("one process on the same cores"), 3)
        self.assertEqual(out.count("the cluster model says"), 3)

    def test_ulysses(self):
        for ranks in 2, 4:
            self.check(ranks, "ulysses")

    def test_ring(self):
        self.check(3, "ring")

    def test_gradients(self):
        self.check(2, "ulysses", "--pass", "both")
        self.check(4, "2x2", "--pass", "both")

    def painted(self, ranks, *more):
        """A video of the model that the program carries, as `generate` wrote it, and the record."""
        video = os.path.join(self.folder.name, f"{ranks}.avi")
        call = ["generate", "--steps", "2", "--backend", "moga", "--quiet", "--out", video, "--json", self.out, *more]
        if ranks == 0:
            subprocess.run([TOOL, *call], check=True, capture_output=True)
        else:
            code, out, err = run(ranks, *call)
            self.assertEqual(code, 0, out + err)
            self.assertEqual(out.count("attention of "), 1)
        with open(video, "rb") as opened:
            return opened.read(), self.record()

    def test_generate_paints_the_video_of_one_process(self):
        alone, record = self.painted(0)
        shared, found = self.painted(2, "--distributed", "ulysses")
        self.assertEqual(shared, alone)
        video = found["videos"][0]
        self.assertEqual(len(video["ranks"]), 2)
        self.assertAlmostEqual(video["density"], record["videos"][0]["density"], 12)
        self.assertGreater(video["check"]["rows"], 0)
        _, found = self.painted(2, "--distributed", "ring")
        self.assertEqual(found["distributed"]["tokens_over"], 2)

    def test_bench(self):
        code, out, err = run(2, "bench", "--quick", "--seconds", "0", "--distributed", "ulysses", "--out", self.out)
        self.assertEqual(code, 0, out + err)
        lines = self.record()["lines"]
        self.assertEqual([(line["shape"], line["dtype"], line["heads"]) for line in lines],
                         [("full", "f32", 2), ("full", "bf16", 2), ("groups", "f32", 2)])
        for line in lines:
            self.assertTrue(line["same_bits"])
            self.assertGreater(line["gflops"], 0)
            for rank in line["ranks"]:
                self.assertEqual(rank["communication"]["sent_bytes"], rank["closed_form_sent_bytes"])

    def call_on_files(self):
        """`attend` on 210 tokens of three heads with scores for five groups, and what it writes."""
        shapes = {"q": (210, 3, 32), "k": (210, 3, 32), "v": (210, 3, 32), "r": (210, 5), "g": (210, 3, 32)}
        files = {name: os.path.join(self.folder.name, name + ".npy") for name in shapes}
        for seed, (name, shape) in enumerate(shapes.items()):
            write_npy(files[name], shape, seed)
        call = ["attend", "--backend", "moga_stga", "--grid", "5,6,7", "--router-logits", files["r"],
                *(part for name in "qkv" for part in ("--" + name, files[name]))]
        return call, ["--grad", files["g"]]

    def written(self, folder, *, gradients=True):
        wanted = ["--out", "--lse", "--mask", *(["--dq", "--dk", "--dv", "--drouter-logits"] if gradients else [])]
        path = os.path.join(self.folder.name, folder)
        os.makedirs(path, exist_ok=True)
        return path, [part for name in wanted for part in (name, os.path.join(path, name.strip("-") + ".npy"))]

    def test_attend_writes_gradients_lse_and_mask_of_one_process(self):
        call, gradient = self.call_on_files()
        alone, options = self.written("alone")
        subprocess.run([TOOL, *call, *gradient, *options], check=True, capture_output=True)
        self.assertEqual(len(os.listdir(alone)), 9)  # an LSE of each of three branches
        for ranks, layout in ((3, "ulysses"), (2, "ring")):
            shared, options = self.written(layout)
            code, out, err = run(ranks, *call, *gradient, *options, "--distributed", layout)
            self.assertEqual(code, 0, out + err)
            self.assertEqual(sorted(os.listdir(shared)), sorted(os.listdir(alone)))
            for name in os.listdir(alone):
                with open(os.path.join(alone, name), "rb") as expected, \
                        open(os.path.join(shared, name), "rb") as got:
                    want, have = expected.read(), got.read()
                if layout == "ulysses" or name == "mask.npy":
                    self.assertEqual(have, want, f"{name}, {layout}")
                else:
                    self.assertEqual(have[:128], want[:128])
                    a, b = (array.array("f", text[128:]) for text in (have, want))
                    distance = sum((x - y) ** 2 for x, y in zip(a, b)) / sum(y * y for y in b)
                    self.assertLess(distance, 8e-6 ** 2, name)

    def test_attend_writes_the_file_of_one_process(self):
        call, _ = self.call_on_files()
        alone = os.path.join(self.folder.name, "alone.npy")
        subprocess.run([TOOL, *call, "--out", alone], check=True, capture_output=True)
        for ranks in 1, 3:
            code, out, err = run(ranks, *call, "--distributed", "ulysses", "--out", self.out)
            self.assertEqual(code, 0, out + err)
            with open(alone, "rb") as expected, open(self.out, "rb") as got:
                self.assertEqual(got.read(), expected.read(), f"{ranks} ranks")

    def test_refusals_are_one_line_of_rank_0(self):
        for layout, text in (("3x2", "needs 6 ranks, and there are 2"), ("rings", "none of ulysses")):
            code, out, err = run(2, *CALL, "--distributed", layout)
            self.assertEqual((code, lines_of(out)), (3, []))
            self.assertEqual(len(own_lines(err)), 1, err)
            self.assertIn(text, own_lines(err)[0])

    def suite_of(self, *grids):
        path = os.path.join(self.folder.name, "suite.json")
        with open(path, "w", encoding="utf-8") as opened:
            json.dump({"name": "ranks", "workloads": [{"workload": "film", "grid": grid} for grid in grids],
                       "backends": ["full", "frame", "stga"], "timing": {"seconds": 0.2, "min_blocks": 2, "max_blocks": 3}}, opened)
        return path

    def cases_of(self, store):
        with sqlite3.connect(store) as opened:
            return opened.execute("SELECT outcome, note, reason FROM cases").fetchall()

    def test_suites_are_handed_out(self):
        store = os.path.join(self.folder.name, "suite.db")
        call = ["run", self.suite_of([2, 4, 4], [2, 4, 6]), "--db", store]
        code, out, err = run(2, *call)
        self.assertIn(code, (0, 2), out + err)  # 2: the machine is busy
        cases = self.cases_of(store)
        self.assertEqual(len(cases), 6)
        hosts = collections.Counter(re.search(r"rank (\d), cores? ([\d,-]+) of", note).groups()
                                    for _, note, _ in cases)
        self.assertEqual({rank for rank, _ in hosts}, {"0", "1"})
        self.assertEqual(len({cores for _, cores in hosts}), 2)  # of their own
        code, out, err = run(2, *call, "--resume")
        self.assertIn("6 done before", out, out + err)
        self.assertEqual(len(self.cases_of(store)), 6)

    def test_more_ranks_than_cores_are_refused(self):
        code, out, err = run(os.cpu_count() + 1, "run", self.suite_of([2, 4, 4]))
        self.assertEqual((code, out), (3, ""))
        self.assertEqual(len(own_lines(err)), 1, err)
        self.assertIn("cannot have cores of their own", own_lines(err)[0])

    def loses_its_case_alone(self, hurt, launcher):
        """Hurts rank 1 of a suite after its first case: the others measure what is left."""
        store = os.path.join(self.folder.name, "suite.db")
        process = start(2, "run", self.suite_of([4, 12, 12], [5, 12, 12], [6, 12, 12]), "--db", store,
                        "--rank-timeout", "3", launcher=launcher)
        while process.poll() is None and not (os.path.exists(store) and self.cases_of(store)):
            time.sleep(0.1)
        ranks = ranks_of(process)
        os.kill(ranks[1], hurt)
        out, err = process.communicate(timeout=200)
        self.all_end(ranks)
        cases = self.cases_of(store)
        lost = [reason for outcome, _, reason in cases if outcome == "crashed"]
        self.assertEqual(len(cases), 9, out + err)
        self.assertLessEqual(len(lost), 1)
        self.assertTrue(any(re.match(r"vidattn: rank 1 on \S+ has not answered for [3-9] s: its case is lost", line)
                            for line in own_lines(err)), out + err)

    @unittest.skipUnless("Open MPI" in version_of_mpi(), "the launcher of Debian's MPICH ends with a rank")
    def test_a_rank_that_dies_loses_its_case_alone(self):
        self.loses_its_case_alone(signal.SIGKILL, SURVIVING)

    def test_a_rank_that_hangs_loses_its_case_alone(self):
        self.loses_its_case_alone(signal.SIGSTOP, [MPIRUN])

    def test_what_is_wrong_on_all_is_said_once(self):
        for line, text in ((("run", "--no-such-option"), "no-such-option"),
                           (("bench", "--quick"), "2 ranks would each measure everything"),
                           (("generate", "--steps", "2"), "2 ranks would each paint everything"),
                           (("shots", "a.mp4"), "2 ranks would each do all of `vidattn shots`"),
                           (("run", "--rank-timeout", "3"), "--rank-timeout is for ranks")):
            code, out, err = run(2, *line)
            self.assertEqual((code, out), (3, ""))
            self.assertEqual(len(own_lines(err)), 1, err)
            self.assertIn(text, own_lines(err)[0])

    def fails(self, hurt):
        """Hurts rank 1 of a run after its first case was kept; returns what the run said."""
        process = start(3, "run", "--grid", "8,30,52", "--heads", "1", "--dim", "128", "--quiet",
                        "--repeat", "3", "--backend", "frame", "--backend", "full",
                        "--distributed", "ring", "--rank-timeout", "3", "--out", self.out)
        deadline = time.monotonic() + 200
        while not os.path.exists(self.out) and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.1)
        ranks = ranks_of(process)
        self.assertEqual(sorted(ranks), [0, 1, 2])
        os.kill(ranks[1], hurt)
        began = time.monotonic()
        out, err = process.communicate(timeout=60)
        self.assertLess(time.monotonic() - began, 20)
        self.assertNotEqual(process.returncode, 0)
        self.assertEqual(self.record()["cases"][0]["outcome"], "passed")
        self.all_end(ranks)
        return out + err

    def all_end(self, ranks):
        began = time.monotonic()
        while any(map(lives, ranks.values())):
            self.assertLess(time.monotonic() - began, 10, "a rank lives on")
            time.sleep(0.1)

    def test_a_rank_that_dies_ends_all(self):
        self.assertRegex(self.fails(signal.SIGKILL), r"rank 1\b.*\bsignal 9|EXIT CODE: 9")

    def test_a_rank_that_hangs_ends_all(self):
        said = self.fails(signal.SIGSTOP)
        self.assertRegex(said, r"vidattn: rank 1 on \S+ has not answered for \d+ s")

    def test_what_one_rank_cannot_hold_passes_on_four(self):
        call = ["run", "--grid", "12,24,32", "--heads", "16", "--dim", "128", "--quiet", "--repeat", "1",
                "--backend", "frame", "--distributed", "ulysses", "--shared-only", "--out", self.out]
        limited = ["sh", "-c", 'ulimit -d 370000; exec "$0" "$@"', TOOL]
        code, out, err = run(1, *call, tool=limited)
        self.assertNotEqual(code, 0)
        self.assertTrue(any("out of memory" in line for line in own_lines(err)), out + err)
        code, out, err = run(4, *call, tool=limited)
        self.assertEqual(code, 0, out + err)
        held = {4: [rank["peak_bytes"] for rank in self.record()["cases"][0]["ranks"]]}
        code, out, err = run(2, *call)
        held[2] = [rank["peak_bytes"] for rank in self.record()["cases"][0]["ranks"]]
        self.assertLess(max(held[4]), 0.8 * max(held[2]))

    def test_a_report_shows_the_ranks(self):
        code, out, err = run(2, *CALL, "--backend", "full", "--pass", "both", "--distributed", "ring", "--out", self.out)
        self.assertEqual(code, 0, out + err)
        page = os.path.join(self.folder.name, "report.html")
        subprocess.run([TOOL, "report", self.out, "--out", page, "--quiet"], check=True, capture_output=True)
        with open(page, encoding="utf-8") as opened:
            data = json.loads(re.search(r'id="data">(.*?)</script>', opened.read(), re.S).group(1))
        self.assertEqual([shown["case"] for shown in data["ranks"]], ["full on cpu (f32)", "full on cpu (f32), backward"])
        for shown, ranks in zip(data["ranks"], ("ranks", "backward_ranks")):
            self.assertIn("ring over 2 ranks", shown["facts"])
            for row, rank in zip(shown["rows"], self.record()["cases"][0][ranks]):
                self.assertAlmostEqual(row["attention"], 1e3 * rank["attention_seconds"])
                self.assertAlmostEqual(row["sent"], 1e-6 * rank["communication"]["sent_bytes"])

    def test_a_ring_checks_itself(self):
        code, out, err = run(2, *CALL, *METHODS, "--distributed", "ring", "--shared-only", "--out", self.out)
        self.assertEqual(code, 0, out + err)
        self.assertEqual(out.count("each rank's results agree with the reference"), 3)
        self.assertNotIn("one_process_seconds", self.record()["cases"][0])

    def test_a_rank_without_memory_ends_all(self):
        limited = ["sh", "-c", 'test "${OMPI_COMM_WORLD_RANK:-$PMI_RANK}" != 1 || ulimit -d 300000; '
                   'exec "$0" "$@"', TOOL]
        code, out, err = run(2, "run", "--grid", "21,60,104", "--heads", "4", "--dim", "64", "--quiet",
                             "--backend", "frame", "--distributed", "ring", tool=limited)
        self.assertNotEqual(code, 0)
        self.assertTrue(any(re.match(r"vidattn: rank 1: out of memory", line) for line in own_lines(err)),
                        out + err)


if __name__ == "__main__":
    if not shutil.which(MPIRUN):
        print("skipped: no mpirun")
        sys.exit(77)
    if "no MPI" in subprocess.run([TOOL, *CALL, "--distributed", "ulysses"], capture_output=True, text=True,
                                  check=False).stderr:
        print("skipped: this build has no MPI")
        sys.exit(77)
    unittest.main(verbosity=2)
