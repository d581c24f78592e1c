#!/usr/bin/env python3
"""Runs vidattn under mpirun and hurts a rank: one that dies, is stopped or has no memory ends a run on all
ranks in one line that names it, within seconds, with what was measured before kept; in a suite it costs its
case alone. Exit 77 (skipped) without mpirun or in a build without MPI.

Usage: tests/lost_ranks.py VIDATTN      (MPIRUN: another launcher than mpirun)
"""
import os
import re
import signal
import time
import unittest

from mpirun import MPIRUN, SURVIVING, TOOL, RanksTest, main, own_lines, ranks_of, run, start, version_of_mpi


class LostRanks(RanksTest):
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

    def test_a_rank_that_dies_ends_all(self):
        self.assertRegex(self.fails(signal.SIGKILL), r"rank 1\b.*\bsignal 9|EXIT CODE: 9")

    def test_a_rank_that_hangs_ends_all(self):
        said = self.fails(signal.SIGSTOP)
        self.assertRegex(said, r"vidattn: rank 1 on \S+ has not answered for \d+ s")

    def test_a_rank_without_memory_ends_all(self):
        limited = ["sh", "-c", 'test "${OMPI_COMM_WORLD_RANK:-$PMI_RANK}" != 1 || ulimit -d 300000; '
                   'exec "$0" "$@"', TOOL]
        code, out, err = run(2, "run", "--grid", "21,60,104", "--heads", "4", "--dim", "64", "--quiet",
                             "--backend", "frame", "--distributed", "ring", tool=limited)
        self.assertNotEqual(code, 0)
        self.assertTrue(any(re.match(r"vidattn: rank 1: out of memory", line) for line in own_lines(err)),
                        out + err)


if __name__ == "__main__":
    main()
