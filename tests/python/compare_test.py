"""Methods beside each other, by the harness's engine."""
import math

import numpy as np
import pytest

import vidattn
from support import tensors

GRID = (4, 8, 8)


@pytest.fixture(scope="module")
def table():
    q, k, v = tensors(length=256, dim=32)
    mine = vidattn.Map(np.eye(4, dtype=bool), block=64)
    return vidattn.compare(q, k, v, backends=["full", "sta", "moga", mine, "nsa"], grid=GRID,
                           seconds=0.5, min_blocks=6, max_blocks=20)


def test_rows_are_checked_and_timed(table):
    rows = {row["backend"].partition(":")[0]: row for row in table}
    assert list(rows) == ["full", "sta", "moga", "map", "nsa"]
    for name in ("full", "sta", "moga", "map"):
        row = rows[name]
        assert row["outcome"] in ("passed", "mistrusted"), row["reason"]
        assert 0 < row["check_error"] < row["check_limit"] and row["total_time"] > 0
        assert row["speedup"] > 0 and 0 < row["recall_mean"] <= 1 + 1e-6
    assert rows["full"]["density"] == 1 and rows["map"]["density"] == 0.25
    plan = vidattn.plan(*tensors(length=256, dim=32), backend="moga", grid=GRID)
    assert rows["moga"]["checksum"] == plan.checksum and rows["moga"]["density"] == plan.density


def test_recall_is_that_of_the_mask(table):
    q, k, v = tensors(length=256, dim=32)
    scores = np.einsum("lhd,mhd->hlm", q, k, dtype=np.float64) / math.sqrt(32)
    weights = np.exp(scores)
    weights /= weights.sum(-1, keepdims=True)
    mask = np.kron(np.eye(4), np.ones((64, 64)))
    assert table[3]["recall_mean"] == pytest.approx((weights * mask).sum(-1).mean(), rel=1e-4)


def test_a_method_that_refuses_has_its_reason():
    table = vidattn.compare(*tensors(length=64), backends=["sta"], seconds=0.1, min_blocks=2)
    assert table[0]["outcome"] == "skipped" and "needs the video grid" in table[0]["reason"]
    assert "needs the video grid" in table._repr_html_()


def test_equal_density():
    table = vidattn.compare(*tensors(length=1024), backends=["moba", "random_block"], density=0.25,
                            grid=(4, 16, 16), seconds=0.2, min_blocks=2)
    for row in table:
        assert row["density_target"] == 0.25
        assert row["density"] == pytest.approx(0.25, rel=0.05) or row["note"]


def test_printed(table):
    assert table.to_latex().startswith("%") or "\\begin{tabular}" in table.to_latex()
    assert "| method" in table.to_markdown()
    html = table._repr_html_()
    assert html.startswith("<table>") and "<td>moga</td>" in html


def test_pandas(table):
    pytest.importorskip("pandas")
    frame = table.to_pandas()
    assert frame.loc["moga", "density"] == table[2]["density"] and len(frame) == 5


def test_bad_settings_are_one_line():
    q, k, v = tensors()
    for given in (dict(density=2), dict(seconds=0), dict(passes="sideways"), dict(min_blocks=0),
                  dict(min_blocks=5, max_blocks=4), dict(backends=["fill"]), dict(backends=[]),
                  dict(seconds="1"), dict(seconds=math.nan), dict(interval=-1), dict(passes=3), dict(seed=0.5),
                  dict(router_logits=np.zeros((64, 2), np.float32))):
        with pytest.raises(ValueError) as refusal:
            vidattn.compare(q, k, v, **given)
        assert "\n" not in str(refusal.value)


QUICK = dict(seconds=0.1, min_blocks=2, max_blocks=4)


def test_one_method_needs_no_list():
    assert [row["backend"] for row in vidattn.compare(*tensors(), backends="moga", **QUICK)] == ["moga"]


def test_every_row_has_a_name_of_its_own():
    maps = [vidattn.Map(np.eye(n, dtype=bool)) for n in (2, 4, 8)]
    maps.append(vidattn.Map(np.tri(4, dtype=bool), name="past_alone"))
    table = vidattn.compare(*tensors(), backends=maps, **QUICK)
    assert [row["backend"] for row in table] == ["map", "map (2)", "map (3)", "past_alone"]
    assert "past\\_alone &" in table.to_latex() and "<td>map (3)</td>" in table._repr_html_()


@pytest.mark.parametrize("density", [None, 0.5])
def test_a_planner_that_raises_has_its_line(density):
    @vidattn.backend(knob=("top", 1, 8))
    def fails(call, top=1):
        raise LookupError("no such thing\nand more")
    rows = vidattn.compare(*tensors(length=256), backends=[fails, "moba"], grid=GRID, density=density, **QUICK)
    assert (rows[0]["outcome"], rows[0]["reason"]) == ("failed", "LookupError: no such thing")
    assert rows[1]["outcome"] in ("passed", "mistrusted")


def test_rows_have_the_same_keys():
    rows = vidattn.compare(*tensors(length=256), backends=["full", "moga"], grid=GRID, density=0.5, **QUICK)
    assert set(rows[0]) == set(rows[1]) and rows[0]["density_target"] is None
