"""A user's typed code passes mypy --strict."""
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("mypy")

CODE = """
from __future__ import annotations
import numpy as np
import vidattn

q = np.zeros((64, 2, 16), np.float32)
o, lse = vidattn.attend(q, q, q, backend="moga", params={"num_groups": 2}, return_lse=True)
mean: float = vidattn.attend(q, q, q).mean()
plan: vidattn.Plan = vidattn.plan(q, q, q, backend=vidattn.Map(np.eye(2, dtype=bool), block=32))
density: float = plan.density + sum(plan.per_head)
mask = plan.mask(head=0) & plan.mask(0)
text: str = plan.checksum + plan.backend + plan.note + repr(plan.block_map((64, 32)).shape)
seconds: list[float] = [stage["seconds"] for stage in plan.stages]

@vidattn.backend(knob=("top", 1, 4))
def mine(call: object, top: int = 2) -> vidattn.Map:
    return vidattn.Map(np.eye(2, dtype=bool), block=32)

@vidattn.backend
def other(call: object) -> vidattn.Ranges:
    return vidattn.Ranges([(0, 64)], [[(0, 32)]])

table: vidattn.Table = vidattn.compare(q, q, q, backends=["full", mine, other], seconds=0.1)
row: dict[str, object] = table[0]
text += table.to_latex() + table.to_markdown() + table._repr_html_()
names = {name: info["title"] for name, info in vidattn.backends().items()}
with vidattn.capture(object(), out="cap", layers=[0], steps=1, heads=8):
    pass
for call in vidattn.read_capture("cap"):
    heads: list[int] = call.heads
    vidattn.compare(*call.qkv(), backends="sta", **call.terms)
vidattn.metrics.video("clip.mp4")
"""
WRONG = """
import vidattn
vidattn.attend(1, 2, 3, bakcend="full", return_lse="yes")
"""


def mypy(folder: pathlib.Path, code: str) -> str:
    (folder / "users.py").write_text(code)
    done = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder), "users.py"],
                          cwd=folder, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_strict(tmp_path):
    assert mypy(tmp_path, CODE).startswith("Success")
    assert 'incompatible type "str"; expected "bool"' in mypy(tmp_path, WRONG)
