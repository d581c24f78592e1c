"""Arrays in and out: layouts, types, frameworks, copies."""
import warnings

import numpy as np
import pytest

import vidattn
from support import tensors

OPTIONS = dict(backend="moga", params=dict(num_groups=3))


def test_every_layout_gives_the_same_values():
    q, k, v = tensors()
    expected, lse = vidattn.attend(q, k, v, return_lse=True, **OPTIONS)
    assert expected.shape == q.shape and lse.shape == q.shape[:2]
    for layout, axes in {"HLD": (1, 0, 2), "BLHD": None, "BHLD": (0, 2, 1, 3)}.items():
        given = [a[None] if layout[0] == "B" else a for a in (q, k, v)]
        if axes:
            given = [np.ascontiguousarray(a.transpose(axes)) for a in given]
        o, rows = vidattn.attend(*given, layout=layout, return_lse=True, **OPTIONS)
        assert o.shape == given[0].shape
        assert rows.shape == given[0].shape[:-1]
        same = expected[None] if layout[0] == "B" else expected
        same_lse = lse[None] if layout[0] == "B" else lse
        assert (o == (same.transpose(axes) if axes else same)).all()
        rows_axes = {"HLD": (1, 0), "BLHD": (0, 1, 2), "BHLD": (0, 2, 1)}[layout]
        assert (rows == same_lse.transpose(rows_axes)).all()


def test_entries_of_a_batch_are_planned_alone():
    batch = [tensors(seed=s) for s in range(3)]
    logits = np.random.default_rng(7).standard_normal((3, 64, 3)).astype(np.float32)
    q, k, v = (np.stack([entry[i] for entry in batch]) for i in range(3))
    o, lse = vidattn.attend(q, k, v, layout="BLHD", router_logits=logits, return_lse=True, **OPTIONS)
    shared = vidattn.attend(q, k, v, layout="BLHD", router_logits=logits[0], **OPTIONS)
    for i, entry in enumerate(batch):
        one, rows = vidattn.attend(*entry, router_logits=logits[i], return_lse=True, **OPTIONS)
        assert (o[i] == one).all() and (lse[i] == rows).all()
        assert (shared[i] == vidattn.attend(*entry, router_logits=logits[0], **OPTIONS)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64])
def test_types_of_numpy(dtype):
    q, k, v = tensors(dtype=dtype)
    o = vidattn.attend(q, k, v)
    assert o.dtype == (np.float32 if dtype == np.float64 else dtype)
    scores = np.einsum("lhd,mhd->hlm", q, k, dtype=np.float64) / 4
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    exact = np.einsum("hlm,mhd->lhd", weights / weights.sum(-1, keepdims=True), v)
    assert np.abs(o - exact).max() < (2e-3 if dtype == np.float16 else 1e-5)


def test_any_strides_and_any_place_in_memory():
    q, k, v = tensors(length=50, dim=24)
    expected = vidattn.attend(q, k, v)
    for make in (lambda a: np.asfortranarray(a),
                 lambda a: np.repeat(a, 2, axis=2)[:, :, ::2],
                 lambda a: a[::-1].copy()[::-1]):
        assert (vidattn.attend(make(q), make(k), make(v)) == expected).all()
    for offset in range(4, 68, 4):  # aligned to the elements alone
        places = [np.empty(a.nbytes + 128, np.uint8) for a in (q, k, v)]
        moved = []
        for place, array in zip(places, (q, k, v)):
            start = -place.ctypes.data % 64 + offset
            view = place[start:start + array.nbytes].view(np.float32).reshape(array.shape)
            view[...] = array
            moved.append(view)
        assert (vidattn.attend(*moved) == expected).all()


def test_read_only_arrays_and_results_that_outlive_everything():
    q, k, v = tensors()
    for array in (q, k, v):
        array.flags.writeable = False
    o = vidattn.attend(q, k, v)
    kept = o.copy()
    del q, k, v
    for _ in range(20):
        vidattn.attend(*tensors(seed=3))
    assert (o == kept).all()
    o += 1  # is the caller's own


@pytest.mark.parametrize("given, line", [
    (dict(backend="mogo"), "unknown backend 'mogo'"),
    (dict(params=dict(nope=1)), "nope"),
    (dict(backend="sta"), "sta needs the video grid"),
    (dict(grid=(4, 4)), "grid has 2 numbers"),
    (dict(grid=(5, 4, 4)), "the grid has 80 tokens, q has 64"),
    (dict(layout="LDX"), "layout"),
    (dict(dtype="f64"), "unknown dtype 'f64'"),
    (dict(device="cuda"), "cuda"),
    (dict(router_logits=np.zeros((64, 5), np.float32)), "full has no input 'router_logits'"),
    (dict(density=0), "density 0"),
    (dict(density=float("nan")), "density nan"),
    (dict(density="0.5"), "density='0.5': expected a number"),
    (dict(grid=(-4, 4, 4)), "all three must be positive"),
    (dict(grid=(4.0, 4, 4)), "grid=4.0: expected a whole number"),
    (dict(grid=4), "grid=4: expected several whole numbers"),
    (dict(grid="4,4,4"), "grid='4': expected a whole number"),
    (dict(grid=(2**62, 4, 4)), "too large"),
    (dict(grid=(2**70, 4, 4)), "does not fit 64 bits"),
    (dict(shots=[0, 2]), "shots need the grid"),
    (dict(grid=(4, 4, 4), shots=[0, 9]), "shot start 9"),
    (dict(scale=-1), "scale -1"),
    (dict(scale=0), "scale 0"),
    (dict(scale=float("nan")), "scale nan"),
    (dict(scale="1"), "scale='1': expected a number"),
    (dict(dtype=np.float16), "expected a text such as 'bf16'"),
    (dict(layout=3), "layout=3"),
    (dict(device=0), "device=0"),
    (dict(attention="crosss"), "attention 'crosss' is neither self nor cross"),
    (dict(backend=None), "backend is NoneType"),
    (dict(backend=np.ones((2, 2))), "expected a method's text, a vidattn.Map"),
    (dict(backend=lambda call: None), "made by @vidattn.backend"),
    (dict(backend="moga", params=dict(num_groups=float("nan"))), "'nan' is not a number"),
    (dict(backend="moga", params=dict(num_groups=-1)), "-1 is outside"),
    (dict(backend="moga", router_logits="x"), "router_logits is str"),
    (dict(backend="moga", router_logits=np.full((64, 5), np.nan)), "router_logits[0,0] is nan"),
    (dict(backend=vidattn.Map(np.full((2, 2), 2), block=32)), "block_map holds values other than 0 and 1"),
])
def test_what_does_not_fit_is_one_line(given, line):
    with pytest.raises(ValueError) as refusal:
        vidattn.attend(*tensors(), **given)
    assert line in str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.parametrize("array, line", [
    (None, "k is NoneType"), ("abc", "k is str"), (np.zeros((64, 2, 16), object), "k is ndarray of object"),
    (np.zeros((64, 2, 16), np.int32), "k is of int32"), (np.zeros((64, 2, 16), np.complex64), "k is of complex64"),
    (np.zeros((64, 2, 16), bool), "k is of bool,"), (np.zeros((64, 16), np.float32), "layout lhd has 3 axes"),
    (np.zeros((1, 1, 64, 2, 16), np.float32), "layout lhd has 3 axes"), (np.zeros((0, 2, 16), np.float32), "empty"),
    (np.zeros((64, 0, 16), np.float32), "empty"), (np.zeros((64, 2, 0), np.float32), "empty"),
    (np.zeros((64, 2, 8), np.float32), "differ in head dimension"), (np.zeros((9, 2, 16), np.float32), "differ in length"),
    (np.zeros((64, 3, 16), np.float32), "differ in length or heads")])
def test_arrays_that_are_none_are_one_line(array, line):
    q, _, v = tensors()
    with pytest.raises(ValueError) as refusal:
        vidattn.attend(q, array, v)
    assert line in str(refusal.value) and "\n" not in str(refusal.value)


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="q has a batch of 0"):
        vidattn.attend(*(a[None][:0] for a in tensors()), layout="BLHD")


def test_what_numpy_and_others_call_numbers_are_numbers():
    q, k, v = tensors(length=64)
    options = dict(backend="sta", grid=(4, 4, 4), params=dict(window=3), scale=0.5)
    expected = vidattn.attend(q, k, v, **options)
    same = dict(backend="sta", grid=np.array([4, 4, 4]), params=dict(window=np.int64(3)), scale=np.float32(0.5))
    assert (vidattn.attend(q, k, v, **same) == expected).all()
    assert (vidattn.attend(q, k, v, backend="moga", params=dict(use_gate=np.bool_(False)))
            == vidattn.attend(q, k, v, backend="moga:use_gate=false")).all()
    swapped = [a.astype(a.dtype.newbyteorder()) for a in (q, k, v)]
    assert (vidattn.attend(*swapped, **options) == expected).all()


def test_values_that_are_no_numbers_are_named():
    q, k, v = tensors()
    k[3, 1, 2] = np.nan
    with pytest.raises(ValueError, match=r"k\[3,1,2\] is nan"):
        vidattn.attend(q, k, v)
    with pytest.raises(ValueError, match="four axes"):
        vidattn.attend(q[None], v[None], v[None])
    with pytest.raises(ValueError, match="q is f32 and k is f16"):
        vidattn.attend(q, v.astype(np.float16), v)


def test_tokens_without_keys_are_named():
    q, k, v = tensors(length=100)
    seen = np.ones((4, 2), bool)
    seen[1] = False
    with pytest.warns(UserWarning, match="^32 tokens see no keys$"):
        o, lse = vidattn.attend(q, k, v, backend=vidattn.Map(seen, block=(32, 64)), return_lse=True)
    assert (o[32:64] == 0).all() and np.isneginf(lse[32:64]).all() and np.isfinite(lse[64:]).all()
    batch = [np.stack([a, a]) for a in (q, k, v)]
    with pytest.warns(UserWarning, match="32 tokens see no keys"):
        vidattn.attend(*batch, layout="BLHD", backend=vidattn.Map(seen, block=(32, 64)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vidattn.attend(q, k, v, backend="moba")


def test_density_is_solved():
    q, k, v = tensors(length=1024)
    plan = vidattn.plan(q, k, v, backend="moba", density=0.3, grid=(4, 16, 16))
    assert plan.density == pytest.approx(0.3, rel=0.1)
    o = vidattn.attend(q, k, v, backend="moba", density=0.3, grid=(4, 16, 16))
    assert (o == vidattn.attend(q, k, v, backend=plan.backend, grid=(4, 16, 16))).all()


def test_jax():
    jax = pytest.importorskip("jax")
    q, k, v = tensors()
    o = vidattn.attend(*(jax.numpy.asarray(a) for a in (q, k, v)))
    assert isinstance(o, jax.Array) and (np.asarray(o) == vidattn.attend(q, k, v)).all()
    half = [jax.numpy.asarray(a, jax.numpy.bfloat16) for a in (q, k, v)]
    o, lse = vidattn.attend(*half, return_lse=True)
    assert o.dtype == jax.numpy.bfloat16 and isinstance(lse, jax.Array)
    batch = [a[None].transpose(0, 2, 1, 3) for a in half]
    assert (vidattn.attend(*batch, layout="BHLD")[0].transpose(1, 0, 2) == o).all()
    with pytest.raises(ValueError, match="q is DynamicJaxprTracer of float32: expected numbers"):
        jax.jit(vidattn.attend)(*(jax.numpy.asarray(a) for a in (q, k, v)))


def test_a_missed_density_is_a_warning():
    q, k, v = (np.random.default_rng(i).standard_normal((105, 2, 16), dtype=np.float32) for i in range(3))
    for call in (vidattn.attend, vidattn.plan):
        with pytest.warns(UserWarning, match="missed"):
            call(q, k, v, backend="frame", density=0.1, grid=(3, 5, 7))
