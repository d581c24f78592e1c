"""Captures of pipelines of diffusers through to the tool: `vidattn run --workload tensors:FOLDER`."""
import json
import os
import pathlib
import subprocess

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("transformers")
pytest.importorskip("safetensors")

import tiny_models  # noqa: E402
from capture_files import read  # noqa: E402
from capture_test import tiny, wan  # noqa: E402,F401  fixtures
from vidattn.capturing import capture  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = pathlib.Path(os.environ.get("VIDATTN_TOOL", ROOT / "build" / "release" / "vidattn"))
pytestmark = pytest.mark.skipif(not TOOL.exists(), reason=f"no tool at {TOOL}: harness/build.sh release vidattn")


def measured(folder, *backends):
    """`vidattn run` on the capture in folder/cap: its record, and what it prints."""
    words = [word for name in backends for word in ("--backend", name)]
    done = subprocess.run([TOOL, "run", "--workload", f"tensors:{folder / 'cap'}", *words, "--repeat", "1", "--out",
                           folder / "run.json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "run.json").read_text()), done.stdout + done.stderr


def test_the_tool_reads_what_was_captured(tiny, tmp_path):
    with capture(tiny.pipe, out=tmp_path / "cap", output=True, hidden=True, steps=[0, 2]):
        tiny(steps=3)
    record, _ = measured(tmp_path, "full", "moga")
    cases = record["cases"]
    assert len(cases) == 2 * 2 * tiny.layers
    for case in cases:
        assert case["outcome"] == "passed"
        workload = case["details"]["workload"]
        assert workload["provenance"]["capture_check"]["relative_l2"] < 1e-5
        assert "hidden" in workload["provenance"]["tensors"]
        assert workload["call"]["layer"] in range(tiny.layers) and workload["call"]["step"] in (0, 2)


@pytest.mark.parametrize("make", [tiny_models.wan, tiny_models.ltx], ids=lambda make: make.__name__)
def test_the_tools_figures_are_those_of_numpy(make, tmp_path):
    """Of a method whose rule takes one line: frames see themselves alone."""
    made = make()
    with capture(made.pipe, out=tmp_path / "cap", steps=[1]):
        made(steps=2)
    record, _ = measured(tmp_path, "frame")
    frames, height, width = made.grid
    frame = np.repeat(np.arange(frames), height * width)
    seen = frame[:, None] == frame
    cases = record["cases"]
    assert len(cases) == made.layers
    for case in cases:
        layer = case["details"]["workload"]["call"]["layer"]
        tensors, said, _ = read(tmp_path / "cap" / f"step01_layer{layer:02d}.safetensors")
        q, k, v = (tensors[name].double().numpy() for name in "qkv")
        weights = np.exp(np.einsum("lhd,mhd->hlm", q, k) * said["softmax_scale"])
        kept = weights * seen
        full, sparse = (np.einsum("hlm,mhd->lhd", w / w.sum(-1, keepdims=True), v) for w in (weights, kept))
        figures = {name: figure["value"] for name, figure in case["metrics"].items()}
        assert figures["density"] == pytest.approx(seen.mean())
        assert figures["recall_mean"] == pytest.approx((kept.sum(-1) / weights.sum(-1)).mean(), rel=1e-5)
        error = sparse - full
        assert figures["relative_l2"] == pytest.approx(np.linalg.norm(error) / np.linalg.norm(full), rel=1e-5)
        assert figures["max_error"] == pytest.approx(np.abs(error).max(), rel=1e-5)


def test_the_tool_names_heads_as_the_model_does(wan, tmp_path):
    with capture(wan.pipe, out=tmp_path / "cap", heads=[0, 3], layers=[0, 1], steps=1):
        wan(steps=2)
    record, said = measured(tmp_path, "full", "moga")
    assert "the query heads are the model's 0,3 of 4" in said
    for case in record["cases"]:
        assert case["details"]["workload"]["call"]["heads"] == [0, 3]
    lowest = [head for row in record["over_calls"] for head in row["worst_heads"]]
    assert lowest and {head["head"] for head in lowest} == {0, 3}
