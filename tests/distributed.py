#!/usr/bin/env python3
"""Runs vidattn under mpirun: results are one process's and bytes are the closed form's. Exit 77 (skipped)
without mpirun or in a build without MPI. What becomes of ranks that are lost: tests/lost_ranks.py.

Usage: tests/distributed.py VIDATTN      (MPIRUN: another launcher than mpirun)
"""
import array
import collections
import json
import os
import random
import re
import subprocess

from mpirun import CALL, TOOL, RanksTest, lines_of, main, own_lines, run

METHODS = ["--backend", "full", "--backend", "moga_stga", "--backend", "svg2"]


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


class Distributed(RanksTest):
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
        call = ["generate", "--steps", "2", "--quiet", "--out", video, "--json", self.out, *more]
        if ranks == 0:
            subprocess.run([TOOL, *call], check=True, capture_output=True)
        else:
            code, out, err = run(ranks, *call)
            self.assertEqual(code, 0, out + err)
            self.assertEqual(out.count("attention of "), 1)
        with open(video, "rb") as opened:
            return opened.read(), self.record()

    def test_densities_are_those_of_one_process(self):
        call = [*CALL, "--density", "0.3,0.6", "--out", self.out]
        methods = ["--backend", "full", "--backend", "moga", "--backend", "svg2"]
        subprocess.run([TOOL, *call, *methods], check=False, capture_output=True)
        alone = [case["setting"] for case in self.record()["cases"]]
        code, out, err = run(2, *call, *methods, "--distributed", "ulysses")
        self.assertEqual(code, 0, out + err)
        cases = self.record()["cases"]
        self.assertEqual([case["backend"] for case in cases], alone)
        self.assertEqual([case.get("density_target") for case in cases], [None, 0.3, 0.6, 0.3, 0.6])
        self.assertTrue(all(case["same_bits"] for case in cases))
        code, out, err = run(2, *call, "--distributed", "ring", "--shared-only")
        self.assertEqual((code, out), (3, ""))
        self.assertEqual(len(own_lines(err)), 1, err)
        self.assertIn("--density solves on the whole call", own_lines(err)[0])

    def test_generate_paints_the_video_of_one_process(self):
        moga = ["--backend", "moga"]
        alone, record = self.painted(0, *moga)
        shared, found = self.painted(2, *moga, "--distributed", "ulysses")
        self.assertEqual(shared, alone)
        video = found["videos"][0]
        self.assertEqual(len(video["ranks"]), 2)
        self.assertAlmostEqual(video["density"], record["videos"][0]["density"], 12)
        self.assertGreater(video["check"]["rows"], 0)
        _, found = self.painted(2, *moga, "--distributed", "ring")
        self.assertEqual(found["distributed"]["tokens_over"], 2)

    def test_generate_solves_densities_as_one_process(self):
        """A whole number of groups, and a threshold that is no short decimal number."""
        for method in "moga", "svg2":
            call = ["--backend", method, "--density", "0.3"]
            alone, record = self.painted(0, *call)
            shared, found = self.painted(2, *call, "--distributed", "ulysses")
            self.assertEqual(shared, alone)
            self.assertIn("=", found["videos"][0]["backend"])
            self.assertEqual(found["videos"][0]["backend"], record["videos"][0]["backend"])
        code, out, err = run(2, "generate", "--steps", "2", "--backend", "sta", "--quiet", "--density", "0.3",
                             "--distributed", "ring")
        self.assertEqual(code, 0, out + err)

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
        gradient += ["--balance", "switch"]
        alone, options = self.written("alone")
        told = subprocess.run([TOOL, *call, *gradient, *options], check=True, capture_output=True, text=True).stdout
        balance = re.search(r"balance loss \(switch, alpha 0.1\) 0\.\d+", told).group(0)
        self.assertEqual(len(os.listdir(alone)), 9)  # an LSE of each of three branches
        for ranks, layout in ((3, "ulysses"), (2, "ring")):
            shared, options = self.written(layout)
            code, out, err = run(ranks, *call, *gradient, *options, "--distributed", layout)
            self.assertEqual(code, 0, out + err)
            self.assertIn(balance, out)
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
        for timed in (), ("--pass", "both"):
            code, out, err = run(2, *CALL, *METHODS, "--distributed", "ring", "--shared-only", "--out", self.out, *timed)
            self.assertEqual(code, 0, out + err)
            self.assertEqual(out.count("each rank's results agree with the reference"), 3)
            for case in self.record()["cases"]:
                self.assertNotIn("one_process_seconds", case)
                self.assertEqual(len(case.get("backward_ranks", [])), 2 if timed else 0)


if __name__ == "__main__":
    main()
