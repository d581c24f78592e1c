#!/usr/bin/env python3
"""Runs vidattn under mpirun and hurts a rank: one that dies, is stopped or has no memory ends a run on all
ranks in one line that names it, within seconds, with what was measured before kept; in a suite it costs its
case alone. Exit 77 (skipped) without mpirun or in a build without MPI.

Usage: tests/lost_ranks.py VIDATTN STOP_RANK.so      (MPIRUN: another launcher than mpirun)
"""
import os
import re
import signal
import sys
import time
import unittest

from mpirun import CALL, MPIRUN, SURVIVING, TOOL, RanksTest, below, lives, main, own_lines, ranks_of, run, start, version_of_mpi


STOP_RANK = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else ""
OPEN_MPI = unittest.skipUnless("Open MPI" in version_of_mpi(), "the launcher of Debian's MPICH ends with a rank")
# MPICH's launcher may pass on that of a rank that it killed then.
LOST_CODES = (2,) if "Open MPI" in version_of_mpi() else (2, 9)


class LostRanks(RanksTest):
    def hurt_suite(self, hurt, rank, launcher):
        """Hurts a rank of a suite of nine cases after its first one; returns mpirun's code, what vidattn
        said on stderr, and the cases of the store."""
        self.call = ["run", self.suite_of([4, 12, 12], [5, 12, 12], [6, 12, 12]), "--rank-timeout", "3",
                     "--db", os.path.join(self.folder.name, "suite.db")]
        store = self.call[-1]
        process = start(2, *self.call, launcher=launcher)
        while process.poll() is None and not (os.path.exists(store) and self.cases_of(store)):
            time.sleep(0.1)
        ranks = ranks_of(process)
        os.kill(ranks[rank], hurt)
        try:
            out, err = process.communicate(timeout=60)
        finally:  # what hangs is no test's to wait for
            for pid in [process.pid, *ranks.values()]:
                if lives(pid):
                    os.kill(pid, signal.SIGKILL)
        self.all_end(ranks)
        self.assertRegex(out + err, rf"rank {rank}\b|EXIT CODE: 9")
        return process.returncode, own_lines(err), self.cases_of(store)

    def loses_its_case_alone(self, hurt, launcher):
        """The others measure what is left, and the code says that a case failed."""
        code, said, cases = self.hurt_suite(hurt, 1, launcher)
        lost = [reason for outcome, _, reason in cases if outcome == "crashed"]
        self.assertEqual(len(cases), 9, said)
        self.assertLessEqual(len(lost), 1)
        for reason in lost:
            self.assertRegex(reason, r"^rank 1 on \S+, which measured it, was lost$")
        self.assertRegex(said[0], r"^vidattn: rank 1 on \S+ has not answered for [3-9] s: the run goes on without it$")
        if launcher == SURVIVING:
            self.assertEqual(code, 0)  # its own, whatever the ranks return
        self.assertEqual(said[1:], ["vidattn: exit code 1, which mpirun --enable-recovery does not pass on"]
                         if lost and launcher == SURVIVING else [])
        if lost and launcher != SURVIVING:
            self.assertEqual(code, 1)

    def keeps_what_was_done(self, hurt, rank):
        """The run ends on all ranks, and --resume carries on."""
        code, said, cases = self.hurt_suite(hurt, rank, [MPIRUN])
        self.assertNotEqual(code, 0)
        self.assertLess(len(cases), 9)
        self.assertLessEqual(len(said), 1)
        code, out, err = run(2, *self.call, "--resume")
        self.assertIn(code, (0, 2), out + err)  # 2: the machine is busy
        self.assertIn(f"{len(cases)} done before", out)
        found = self.cases_of(self.call[-1])
        self.assertEqual(len(found), 9)
        self.assertNotIn("crashed", [outcome for outcome, _, _ in found])

    @OPEN_MPI
    def test_a_rank_that_dies_loses_its_case_alone(self):
        self.loses_its_case_alone(signal.SIGKILL, SURVIVING)

    def test_a_rank_that_hangs_loses_its_case_alone(self):
        self.loses_its_case_alone(signal.SIGSTOP, [MPIRUN])

    @OPEN_MPI
    def test_a_rank_that_hangs_keeps_no_launcher(self):
        self.loses_its_case_alone(signal.SIGSTOP, SURVIVING)

    def test_a_suite_ends_with_a_rank_that_dies(self):
        self.keeps_what_was_done(signal.SIGKILL, 1)

    def test_a_suite_ends_with_its_first_rank(self):
        for hurt in signal.SIGKILL, signal.SIGSTOP:
            with self.subTest(hurt=hurt):
                self.keeps_what_was_done(hurt, 0)
                os.remove(self.call[-1])

    def test_a_rank_of_a_suite_without_memory_loses_its_cases_alone(self):
        limited = ["sh", "-c", 'test "${OMPI_COMM_WORLD_RANK:-$PMI_RANK}" != 1 || ulimit -d 100000; '
                   'exec "$0" "$@"', TOOL]
        store = os.path.join(self.folder.name, "suite.db")
        code, out, err = run(2, "run", self.suite_of([2, 4, 4], [16, 24, 24]), "--db", store, tool=limited)
        cases = self.cases_of(store)
        self.assertEqual((code, len(cases)), (1, 6), out + err)
        for outcome, note, reason in cases:
            if outcome == "out of memory":
                self.assertIn("rank 1", note)
            else:
                self.assertIn(outcome, ("passed", "mistrusted"), reason)
        self.assertIn("out of memory", [outcome for outcome, _, _ in cases])

    def stopped(self, rank, function, *call, ranks=3, launcher=(MPIRUN,)):
        """What a run says of which this rank stops in a function of MPI's, and the code."""
        stops = ["env", "LD_PRELOAD=" + STOP_RANK, f"VIDATTN_STOP={rank}:{function}", TOOL]
        process = start(ranks, *call, "--rank-timeout", "2", tool=stops, launcher=launcher)
        try:
            out, err = process.communicate(timeout=60)
        finally:
            if lives(process.pid):
                os.killpg(process.pid, signal.SIGKILL)
        return process.returncode, own_lines(err), out + err

    def test_nobody_waits_for_ever_for_mpi_to_start_or_to_end(self):
        """A rank that waits as long as it may says who it is, once, and is no rank that is stopped."""
        for rank, function, speaker, step in ((1, "MPI_Init_thread", 0, "MPI to start on all ranks"),
                                              (0, "MPI_Init_thread", 1, "MPI to start on all ranks"),
                                              (1, "begun", 0, "all ranks to begin"),
                                              (1, "MPI_Finalize", 0, "MPI to end on all ranks")):
            with self.subTest(function=function, rank=rank):
                code, said, told = self.stopped(rank, function, *CALL, "--backend", "full", "--distributed", "ring")
                self.assertIn(code, LOST_CODES, told)
                self.assertEqual(len(said), 1, told)
                self.assertRegex(said[0], rf"^vidattn: rank {speaker} \(process \d+ on \S+\) has waited \d+ s for {step}, "
                                 "of which one may be stopped or gone: the run ends on all ranks$")

    def test_a_rank_that_stops_when_all_others_are_through_is_killed(self):
        """No other rank waits for it, but mpirun does."""
        for rank, function, launcher in ((0, "ended", [MPIRUN]), (1, "ended", [MPIRUN])):
            with self.subTest(function=function, rank=rank):
                code, said, told = self.stopped(rank, function, *CALL, "--backend", "full", "--distributed", "ring",
                                                ranks=2, launcher=launcher)
                self.assertNotEqual(code, 0, told)
                self.assertEqual(len(said), 1, told)
                self.assertRegex(said[0], rf"^vidattn: rank {rank} \(process \d+ on \S+\) is stopped, and was to wait "
                                 "for MPI to end on all ranks: it is killed$")

    def test_only_the_silent_rank_is_named(self):
        """While it gathers hosts, all others wait for it."""
        code, said, told = self.stopped(1, "MPI_Iallgather", *CALL, "--backend", "full", "--distributed", "ring", ranks=4)
        self.assertEqual((code, len(said)), (2, 1), told)
        self.assertRegex(said[0], r"^vidattn: rank (1 has not answered for|0 \(process \d+ on \S+\) has waited) \d s")

    def lost_before_a_case(self, launcher):
        store = os.path.join(self.folder.name, "suite.db")
        code, said, told = self.stopped(1, "MPI_Isend", "run", self.suite_of([2, 4, 4]), "--db", store, ranks=2,
                                        launcher=launcher)
        self.assertEqual(len(self.cases_of(store)), 3, told)
        self.assertNotIn("crashed", [outcome for outcome, _, _ in self.cases_of(store)])
        self.assertRegex(said[0], r"^vidattn: rank 1 on \S+ has not answered for \d s: the run goes on without it$")
        return code, said[1:]

    def test_a_rank_that_is_lost_before_it_has_a_case_is_said_and_counts(self):
        code, said = self.lost_before_a_case([MPIRUN])
        self.assertIn(code, (1, 2))  # 2: the machine is busy
        self.assertEqual(said, [])

    @OPEN_MPI
    def test_a_rank_that_is_lost_before_it_has_a_case_keeps_no_launcher(self):
        code, said = self.lost_before_a_case(SURVIVING)
        self.assertEqual(code, 0)
        self.assertEqual(len(said), 1, said)
        self.assertRegex(said[0], "^vidattn: exit code [12], which mpirun --enable-recovery does not pass on$")

    @OPEN_MPI
    def test_what_is_refused_under_a_launcher_that_hides_codes_says_its_code(self):
        for ranks, call, why in ((2, ("run", "no_suite.json"), "no_suite.json"),
                                 (2, ("run", "--no-such-option"), "no-such-option"),
                                 (os.cpu_count() + 1, ("run", self.suite_of([2, 4, 4])), "cores of their own")):
            _, _, err = run(ranks, *call, launcher=SURVIVING)
            said = own_lines(err)
            self.assertEqual(len(said), 2, err)
            self.assertIn(why, said[0])
            self.assertEqual(said[1], "vidattn: exit code 3, which mpirun --enable-recovery does not pass on")

    def test_a_case_that_a_rank_measures_is_no_rank(self):
        process = start(2, "run", self.suite_of([4, 12, 12]), "--db", os.path.join(self.folder.name, "suite.db"))
        environments = []
        while process.poll() is None and not environments:
            for name in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{name}/cmdline", "rb") as opened:
                        is_case = opened.read().startswith(b"vidattn\0case\0")
                    with open(f"/proc/{name}/environ", "rb") as opened:
                        if is_case and below(name, process.pid):
                            environments.append(opened.read())
                except OSError:
                    continue  # it has ended
        process.communicate(timeout=280)
        self.assertNotEqual(environments, [])
        for environment in environments:
            self.assertNotRegex(environment, b"OMPI_COMM_WORLD|PMIX?_RANK")

    def test_a_launcher_ends_ranks_without_a_word(self):
        process = start(2, "run", self.suite_of([16, 24, 24]), "--db", os.path.join(self.folder.name, "suite.db"))
        while process.poll() is None and len(ranks_of(process)) < 2:
            time.sleep(0.1)
        time.sleep(1)  # signals are caught then
        for pid in ranks_of(process).values():
            os.kill(pid, signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        self.assertNotIn("safe point", err)
        self.assertEqual(own_lines(err), [])

    @OPEN_MPI
    def test_ranks_that_share_a_call_end_together(self):
        """Under a launcher that would let them live, and would return 0."""
        code, out, err = run(2, *CALL, "--distributed", "ulysses", launcher=SURVIVING)
        self.assertEqual(out, "")
        self.assertEqual(len(own_lines(err)), 2, err)
        self.assertIn("--enable-recovery is for suites", own_lines(err)[0])
        self.assertIn("exit code 3, which", own_lines(err)[1])

    def fails(self, hurt, rank=1):
        """Hurts a rank of a run after its first case was kept; returns what the run said."""
        process = start(3, "run", "--grid", "8,30,52", "--heads", "1", "--dim", "128", "--quiet",
                        "--repeat", "3", "--backend", "frame", "--backend", "full",
                        "--distributed", "ring", "--rank-timeout", "3", "--out", self.out)
        deadline = time.monotonic() + 200
        while not os.path.exists(self.out) and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.1)
        ranks = ranks_of(process)
        self.assertEqual(sorted(ranks), [0, 1, 2])
        os.kill(ranks[rank], hurt)
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

    def test_a_first_rank_that_hangs_ends_all(self):
        said = self.fails(signal.SIGSTOP, 0)
        self.assertRegex(said, r"vidattn: rank 0 on \S+ has not answered for \d+ s")

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
