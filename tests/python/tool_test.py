"""The module against the tool: the same bits, the same refusals."""
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import support
import vidattn
from vidattn._attend import core_call
from vidattn._backends import resolve

pytestmark = pytest.mark.skipif(not support.TOOL, reason="VIDATTN_TOOL names no tool")
CASES = 500
# What cannot do without inputs that random calls do not have.
NEEDS = ["map"]
# Before other tests add some.
METHODS = {name: info for name, info in vidattn.backends().items() if name not in NEEDS}
DTYPES = ["f32", "f32", "f32", "bf16", "f16", "int8", "fp8"]


class Case:
    """A random call: lengths, heads, types, grids with text and shots, cross-attention."""

    def __init__(self, number):
        rng = np.random.default_rng([21, number])
        self.backend = str(rng.choice(sorted(METHODS)))
        info = METHODS[self.backend]
        self.grid = tuple(int(n) for n in rng.integers(1, 7, 3)) if rng.random() < 0.8 else None
        text = int(rng.choice([0, 0, 1, 15, 17]))
        length = int(np.prod(self.grid)) + text if self.grid else int(rng.integers(1, 200))
        self.shots = None
        if self.grid and self.grid[0] > 2 and rng.random() < 0.4:
            self.shots = [0, int(rng.integers(1, self.grid[0]))]
        keys = int(rng.integers(1, 120)) if info["takes_cross"] and rng.random() < 0.3 else length
        heads = int(rng.choice([1, 2, 3, 4]))
        kv_heads = heads if rng.random() < 0.8 else 1
        dim = int(rng.choice([1, 8, 15, 16, 17, 32, 64]))
        self.dtype = str(rng.choice(DTYPES))
        self.scale = float(rng.uniform(0.05, 2)) if rng.random() < 0.2 else None
        self.arrays = {"q": rng.standard_normal((length, heads, dim)),
                       "k": rng.standard_normal((keys, kv_heads, dim)),
                       "v": rng.standard_normal((keys, kv_heads, dim))}
        self.arrays = {name: a.astype(np.float32) for name, a in self.arrays.items()}
        self.inputs = {}
        if any(i["name"] == "router_logits" for i in info["inputs"]) and rng.random() < 0.5:
            self.inputs["router_logits"] = rng.standard_normal((length, 5)).astype(np.float32)

    def words(self):
        words = ["--backend", self.backend, "--q", "q.npy", "--k", "k.npy", "--v", "v.npy",
                 "--dtype", self.dtype]
        if self.grid:
            words += ["--grid", ",".join(map(str, self.grid))]
        if self.shots:
            words += ["--shots", ",".join(map(str, self.shots))]
        if self.scale:
            words += ["--scale", repr(self.scale)]
        for name in self.inputs:
            words += ["--input", f"{name}={name}.npy"]
        return words

    def options(self):
        return dict(grid=self.grid, shots=self.shots, scale=self.scale, dtype=self.dtype,
                    **self.inputs)

    def __str__(self):
        shapes = {name: array.shape for name, array in self.arrays.items()}
        return f"{shapes} vidattn attend {' '.join(self.words())}"


def tool_says(folder, number):
    case = Case(number)
    here = folder / str(number)
    here.mkdir()
    code, line = support.run_tool(here, {**case.arrays, **case.inputs}, case.words() + [
        "--out", "o.npy", "--lse", "lse.npy", "--stats", "stats.json"])
    return code, line, here


def test_random_cases_agree_bit_for_bit(tmp_path):
    refused = 0
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda n: tool_says(tmp_path, n), range(CASES)))
    for number, (code, line, here) in enumerate(answers):
        case = Case(number)
        if code != 0:
            refused += 1
            with pytest.raises(ValueError) as refusal:
                vidattn.attend(**case.arrays, backend=case.backend, **case.options())
            assert str(refusal.value) == line, case
            continue
        o, lse = vidattn.attend(**case.arrays, backend=case.backend, return_lse=True,
                                **case.options())
        expected = np.load(here / "o.npy")
        assert o.astype(np.float32).tobytes() == expected.tobytes(), case
        parts = lse if isinstance(lse, dict) else {None: lse}
        for name, rows in parts.items():
            file = here / (f"lse_{name}.npy" if name else "lse.npy")
            assert rows.tobytes() == np.load(file).tobytes(), case
        plan = vidattn.plan(**case.arrays, backend=case.backend, **case.options())
        assert plan.density == json.loads((here / "stats.json").read_text())["density"], case
    assert refused < CASES / 3  # or little was compared


def test_gradients_agree_bit_for_bit(tmp_path):
    compared = 0
    for number in range(60):
        case = Case(number)
        if case.dtype in ("int8", "fp8"):
            continue
        length, heads, _ = case.arrays["q"].shape
        d_out = np.random.default_rng(number).standard_normal(
            (length, heads, case.arrays["v"].shape[2])).astype(np.float32)
        here = tmp_path / str(number)
        here.mkdir()
        code, line = support.run_tool(here, {**case.arrays, **case.inputs, "do": d_out}, case.words() + [
            "--out", "o.npy", "--grad", "do.npy", "--dq", "dq.npy", "--dk", "dk.npy", "--dv", "dv.npy"])
        call = core_call(**case.arrays, **case.options())
        if code != 0:
            with pytest.raises(ValueError) as refusal:
                call.gradients(resolve(case.backend), None, d_out)
            assert str(refusal.value) == line, case
            continue
        gradients = call.gradients(resolve(case.backend), None, d_out)
        for name in "qkv":
            made = np.asarray(gradients[name])
            assert made.tobytes() == np.load(here / f"d{name}.npy").tobytes(), case
        compared += 1
    assert compared > 20
