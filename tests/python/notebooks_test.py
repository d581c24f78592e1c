"""The notebooks: that they are kept without outputs, run from end to end, and say what is so."""
import json
import os
import pathlib

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

NOTEBOOKS = pathlib.Path(__file__).resolve().parents[2] / "harness" / "python" / "notebooks"


def read(name):
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def executed(notebook, folder, asked):
    """Runs it with one more cell, which prints `asked` as JSON: its value, and all that was printed or shown."""
    cells = [cell.source for cell in notebook.cells]
    notebook.cells.append(nbformat.v4.new_code_cell(f"import json; print(json.dumps({asked}))"))
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3",
                            resources={"metadata": {"path": str(folder)}}).execute()
    assert [cell.source for cell in notebook.cells[:-1]] == cells
    shown = "".join(output.get("text", "") + output.get("data", {}).get("text/html", "")
                    for cell in notebook.cells[:-1] if cell.cell_type == "code" for output in cell.outputs)
    (last,) = notebook.cells[-1].outputs
    return json.loads(last.text), shown


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_kept_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.stat().st_size < 20_000
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None


def test_ten_lines_are_ten():
    (lines,) = [cell.source for cell in read("judge_your_mask").cells if "vidattn.compare" in cell.source
                and cell.cell_type == "code"]
    assert len([line for line in lines.splitlines() if line]) <= 10 + 1  # and the table, to be shown


def test_judge_your_mask(tmp_path):
    rows, shown = executed(read("judge_your_mask"), tmp_path, "[dict(r) for r in table]")
    full, mine, sta, oracle, random = rows
    assert all(row["outcome"] in ("passed", "mistrusted") for row in rows), [row["reason"] for row in rows]
    assert mine["density"] == pytest.approx(22 / 64)  # of 8 frames 2 have one neighbour and 6 have two
    for row in (sta, oracle, random):
        assert row["density"] == pytest.approx(mine["density"], rel=0.05)
    assert full["recall_mean"] == pytest.approx(1) and random["recall_mean"] < mine["recall_mean"]
    assert mine["recall_mean"] < oracle["recall_mean"] <= 1.0001
    assert "oracle_block" in shown and "executed density 0.125" in shown


def test_which_layers(tmp_path):
    if not os.environ.get("CAPTURE"):
        pytest.importorskip("torch")
        pytest.importorskip("diffusers")
    pytest.importorskip("safetensors")
    asked = '{"answer": answer, "figures": [[f[k] for k in ("layer", "step", "method", "wanted", "density", ' \
            '"relative_l2", "outcome")] for f in figures], "allowed": allowed}'
    said, _ = executed(read("which_layers"), tmp_path, asked)
    assert set(said["answer"]) == {"0", "1", "2"} and len(said["figures"]) == 3 * 2 * 3 * 2
    worst = {}
    for layer, _, method, wanted, density, error, outcome in said["figures"]:
        assert outcome in ("passed", "mistrusted")
        assert density == pytest.approx(wanted, rel=0.05) or method == "sta"  # its windows are coarse
        at = layer, method, wanted
        worst[at] = max(worst.get(at, 0), error)
    for layer, of in said["answer"].items():
        for method, least in of.items():
            borne = [wanted for (at, by, wanted), error in worst.items()
                     if (at, by) == (int(layer), method) and error <= said["allowed"]]
            assert least == min(borne, default=1.0)
