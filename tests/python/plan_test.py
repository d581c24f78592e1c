"""Plans, maps and planners of one's own."""
import numpy as np
import pytest

import vidattn
from support import tensors

GRID = (4, 8, 8)


def full_tensors():
    return tensors(length=256, heads=2, dim=16)


def test_figures_agree_with_the_mask():
    q, k, v = full_tensors()
    for backend in ("full", "moga", "sta", "svg2", "moba", "radial"):
        plan = vidattn.plan(q, k, v, backend=backend, grid=GRID)
        assert len(plan.per_head) == 2 and plan.density == pytest.approx(np.mean(plan.per_head))
        masks = [plan.mask(head) for head in (0, 1)]
        assert masks[0].dtype == bool and masks[0].shape == (256, 256)
        for head in (0, 1):
            assert masks[head].mean() == pytest.approx(plan.per_head[head])
        assert plan.pairs == sum(mask.sum() for mask in masks)
        both = plan.mask()
        assert (both[0] == masks[0]).all() and (both[-1] == masks[1]).all()
        assert len(plan.checksum) == 16 and plan.stages is not None


def test_block_maps_are_the_mask_in_blocks():
    q, k, v = tensors(length=250)
    plan = vidattn.plan(q, k, v, backend="moga")
    for block in (64, (100, 7)):
        rows, columns = (block, block) if isinstance(block, int) else block
        for head in (0, 1):
            mask, made = plan.mask(head), plan.block_map(block, head)
            for i in range(made.shape[0]):
                for j in range(made.shape[1]):
                    part = mask[i * rows:(i + 1) * rows, j * columns:(j + 1) * columns]
                    assert made[i, j] == part.any()
    with pytest.raises(ValueError, match="at least 1"):
        plan.block_map(0)
    with pytest.raises(ValueError, match="heads 0 to 1"):
        plan.mask(2)


def test_a_plan_as_a_map_is_that_plan():
    q, k, v = full_tensors()
    plan = vidattn.plan(q, k, v, backend="moga:use_gate=false", grid=GRID)
    again = vidattn.Map(**plan.blocks())
    assert (vidattn.plan(q, k, v, backend=again).mask() == plan.mask()).all()
    with pytest.raises(ValueError, match="no block map can say this plan"):
        vidattn.plan(q, k, v, backend="vsa", grid=GRID).blocks()


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64])
def test_maps_of_ones_own(dtype):
    q, k, v = full_tensors()
    chosen = np.eye(2, 4, dtype=dtype)
    chosen[1, 2:] = 1
    plan = vidattn.plan(q, k, v, backend=vidattn.Map(chosen, block=(128, 64)))
    assert (plan.mask(0) == np.kron(chosen, np.ones((128, 64))).astype(bool)).all()
    o = vidattn.attend(q, k, v, backend=vidattn.Map(chosen, block=(128, 64)))
    rows = vidattn.attend(q[:128], k[:64], v[:64], attention="cross")
    assert np.allclose(o[:128], rows, atol=1e-6)


def test_a_planner_in_python():
    @vidattn.backend(knob=("top", 1, 8), needs_grid=True)
    def strongest(call, top=2, flip=False):
        """The blocks of 32 keys whose mean agrees most."""
        assert call.grid == GRID and call.q.dtype == np.float32 and not call.q.flags.writeable
        means = call.k.reshape(8, 32, *call.k.shape[1:]).mean(1)
        scores = np.einsum("lhd,mhd->hlm", call.q.reshape(8, 32, *call.q.shape[1:]).mean(1), means)
        order = np.argsort(scores if flip else -scores, axis=-1)[..., :int(top)]
        chosen = np.zeros(scores.shape, bool)
        np.put_along_axis(chosen, order, True, -1)
        return vidattn.Map(chosen, block=32)

    q, k, v = full_tensors()
    plan = vidattn.plan(q, k, v, backend=strongest, grid=GRID)
    assert plan.backend == "strongest" and plan.density == 2 / 8
    assert vidattn.plan(q, k, v, backend="strongest:top=3", grid=GRID).density == 3 / 8
    assert vidattn.plan(q, k, v, backend=strongest, params=dict(top=4, flip=True),
                        grid=GRID).backend == "strongest:top=4,flip=true"
    assert vidattn.plan(q, k, v, backend=strongest, density=0.75, grid=GRID).density == 0.75
    assert [stage["name"] for stage in plan.stages][0] == "python"
    expected = vidattn.attend(q, k, v, backend=vidattn.Map(**plan.blocks()))
    assert (vidattn.attend(q, k, v, backend=strongest, grid=GRID) == expected).all()
    with pytest.raises(ValueError, match="strongest needs the video grid"):
        vidattn.plan(q, k, v, backend=strongest)
    with pytest.raises(ValueError, match="strongest: .*nope"):
        vidattn.plan(q, k, v, backend=strongest, params=dict(nope=1), grid=GRID)


def test_a_planner_with_ranges():
    @vidattn.backend
    def halves(call, first=0.5):
        middle = int(len(call.q) * first)
        return vidattn.Ranges([(0, middle), (middle, len(call.q))],
                              [[(0, middle)], [(0, 3), (middle, len(call.q))]])

    q, k, v = full_tensors()
    mask = vidattn.plan(q, k, v, backend=halves).mask(0)
    expected = np.zeros((256, 256), bool)
    expected[:128, :128] = expected[128:, 128:] = expected[128:, :3] = True
    assert (mask == expected).all()

    @vidattn.backend
    def wrong(call):
        return vidattn.Ranges([(0, 9)], [[(0, len(call.k) + 1)]])
    with pytest.raises(ValueError, match="^wrong: "):
        vidattn.plan(q, k, v, backend=wrong)


def test_what_a_planner_raises_comes_out():
    @vidattn.backend
    def broken(call):
        raise LookupError("no such thing")
    with pytest.raises(LookupError, match="no such thing"):
        vidattn.attend(*full_tensors(), backend=broken)
    with pytest.raises(ValueError, match="is a method of vidattn"):
        vidattn.backend(lambda call: None, name="full")
    with pytest.raises(ValueError, match="needs a default"):
        @vidattn.backend
        def without(call, top):
            return None


@pytest.mark.parametrize("answer, line", [
    (None, "answers returned NoneType"), ("abc", "returned str"), ([], "returned list"),
    (np.ones((3, 5), bool), "answers: .*give block_q"), (np.ones((8, 8)), "holds float32"),
    (np.full((8, 8), 2), "other than 0 and 1")], ids=str)
def test_an_answer_that_is_none_is_one_line(answer, line):
    @vidattn.backend
    def answers(call):
        return answer
    with pytest.raises(ValueError, match=line) as refusal:
        vidattn.plan(*full_tensors(), backend=answers)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("queries, keys, line", [
    ([(0, 128), (128, 256)], [[(0, 9)]], "2 segments of queries, but keys for 1"),
    ([(0, 0.5)], [[(0, 9)]], "pairs of whole numbers"), ([(0, 1, 2)], [[(0, 9)]], "pairs of whole numbers"),
    ([(0, -1)], [[(0, 9)]], "no tokens"), ([(0, 9)], [[(0, 2**40)]], "no tokens")], ids=str)
def test_ranges_that_are_none_are_refused_at_once(queries, keys, line):
    with pytest.raises(ValueError, match=line):
        vidattn.Ranges(queries, keys)


@pytest.mark.parametrize("block", [0, -3, 1.5, "x", (1, 2, 3)], ids=str)
def test_sizes_of_blocks_that_are_none(block):
    with pytest.raises(ValueError, match="block="):
        vidattn.Map(np.ones((2, 2), bool), block=block)


@pytest.mark.parametrize("planner, options, line", [
    (lambda call: None, {}, "called '<lambda>'"), (lambda call: None, dict(name="a:b"), "letters, digits and _"),
    (lambda: None, dict(name="mine"), "first parameter is the call"),
    (lambda call, top=None: None, dict(name="mine"), "'top' needs a default"),
    (lambda call, top=1: None, dict(name="mine", knob="top"), "knob is"),
    (lambda call, top=1: None, dict(name="mine", knob=("top", 1)), "knob is"),
    (lambda call, top=1: None, dict(name="mine", knob=("tip", 1, 3)), "the knob 'tip'"),
    (lambda call, top="x": None, dict(name="mine", knob=("top", 1, 3)), "the knob 'top'")])
def test_planners_that_are_none(planner, options, line):
    with pytest.raises(ValueError, match=line):
        vidattn.backend(planner, **options)


def test_parameters_of_every_kind():
    @vidattn.backend
    def kinds(call, *, count=1, share=0.5, flag=False, name="x", sizes=(1, 2)):
        seen.append((count, share, flag, name, list(sizes)))
        return np.ones((1, 1), bool)
    seen = []
    q, k, v = full_tensors()
    vidattn.plan(q, k, v, backend=kinds)
    vidattn.plan(q, k, v, backend=kinds, params=dict(count=2, share=1, flag=True, name="y", sizes=[3, 4, 5]))
    assert seen[0] == (1, 0.5, False, "x", [1, 2]) and seen[-1] == (2, 1, True, "y", [3, 4, 5])


def test_the_older_of_two_planners_of_a_name_is_not_mistaken_for_the_newer():
    def twice(call):
        return np.ones((1, 1), bool)
    first = vidattn.backend(twice)
    second = vidattn.backend(lambda call: np.zeros((1, 1), bool), name="twice")
    q, k, v = full_tensors()
    assert vidattn.plan(q, k, v, backend=second).density == 0
    with pytest.raises(ValueError, match="'twice' is another function by now"):
        vidattn.plan(q, k, v, backend=first)


def test_a_plan_is_shown():
    assert repr(vidattn.plan(*full_tensors())) == "Plan(full: density 1, 256 queries, 256 keys, 2 heads)"


def test_a_planner_made_anew_takes_the_place_of_the_old_one():
    def define(density):
        @vidattn.backend(name="redefined")
        def anything(call):
            chosen = np.zeros((1, 8), bool)
            chosen[:, :density] = True
            return vidattn.Map(chosen, block=(256, 32))
    q, k, v = full_tensors()
    define(3)
    assert vidattn.plan(q, k, v, backend="redefined").density == 3 / 8
    define(5)
    assert vidattn.plan(q, k, v, backend="redefined").density == 5 / 8


def test_inventory():
    known = vidattn.backends()
    assert {"full", "moga", "stga", "svg2"} <= set(known)
    assert known["moga"]["params"][0]["name"] == "num_groups"
    assert "cpu" in vidattn.devices() and "speedup" in vidattn.catalogue()
    with pytest.raises(RuntimeError, match="vidattn metrics"):
        vidattn.metrics.video("clip.mp4")
