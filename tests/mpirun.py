"""vidattn under mpirun, for tests: its launcher, its ranks' processes, and what they say."""
import json
import os
import shutil
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


class RanksTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.out = os.path.join(self.folder.name, "out.json")

    def tearDown(self):
        self.folder.cleanup()

    def record(self):
        with open(self.out, encoding="utf-8") as opened:
            return json.load(opened)

    def suite_of(self, *grids):
        path = os.path.join(self.folder.name, "suite.json")
        with open(path, "w", encoding="utf-8") as opened:
            json.dump({"name": "ranks", "workloads": [{"workload": "film", "grid": grid} for grid in grids],
                       "backends": ["full", "frame", "stga"], "timing": {"seconds": 0.2, "min_blocks": 2, "max_blocks": 3}}, opened)
        return path

    def cases_of(self, store):
        with sqlite3.connect(store) as opened:
            if not opened.execute("SELECT 1 FROM sqlite_master WHERE name = 'cases'").fetchone():
                return []  # it has only just begun
            return opened.execute("SELECT outcome, note, reason FROM cases").fetchall()

    def all_end(self, ranks):
        began = time.monotonic()
        while any(map(lives, ranks.values())):
            self.assertLess(time.monotonic() - began, 10, "a rank lives on")
            time.sleep(0.1)


def main():
    if not shutil.which(MPIRUN):
        print("skipped: no mpirun")
        sys.exit(77)
    if "no MPI" in subprocess.run([TOOL, *CALL, "--distributed", "ulysses"], capture_output=True, text=True,
                                  check=False).stderr:
        print("skipped: this build has no MPI")
        sys.exit(77)
    unittest.main(verbosity=2)
