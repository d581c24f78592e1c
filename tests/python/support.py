"""What the tests share: random calls, and the tool on files."""
import os
import pathlib
import subprocess

import numpy as np

TOOL = os.environ.get("VIDATTN_TOOL", "")
ROOT = pathlib.Path(__file__).resolve().parents[2]


def tensors(length=64, heads=2, dim=16, seed=0, dtype=np.float32, keys=None):
    """q, k and v."""
    rng = np.random.default_rng(seed)
    sizes = [length, keys or length, keys or length]
    return [rng.standard_normal((size, heads, dim)).astype(dtype) for size in sizes]


def run_tool(folder, arrays, words):
    """`vidattn attend` on arrays: its exit code and last line."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    done = subprocess.run([TOOL, "attend", *words], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stderr.strip().rpartition("\n")[2].removeprefix("vidattn: ")


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as opened:
        return int(opened.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
