"""Every public function with a wrong value for each of its arguments: one line of ValueError or TypeError, nothing
else, and nothing that hangs or is taken in silence for what it is not."""
import warnings

import numpy as np
import pytest

import vidattn
from support import tensors

try:
    import torch
except ImportError:
    torch = None

Q, K, V = tensors()


class Odd:
    """Of no type that anything takes."""

    def __repr__(self):
        return "Odd(\n)"  # two lines


def sound_planner(call, top=1):
    return np.ones((1, 1), bool)


WRONG = [None, "x", "", b"x", -1, 2**70, 10**400, 0.5, float("nan"), float("inf"), 1j, True, [], [1], ["x"], [None],
         [[1, 2], [3]], (1, 2, 3, 4), {}, {1: 2}, {3, 1, 2}, Odd(), object, len, lambda: None, np.zeros((0,)),
         np.zeros((2, 2)), np.zeros((2, 2), object), np.array("x"), np.ma.masked_array(Q, Q > 0), iter([1]), range(3),
         "a\nb", "\0", "\ud800", "é", ..., slice(3), memoryview(b"abc"), np.datetime64("2026-01-01"), np.float32(2)]
if torch is not None:
    WRONG += [torch.float32, torch.Size([2]), torch.device("cpu"), torch.tensor(3), torch.zeros(2), torch.nn.Linear(2, 2),
              torch.zeros(2, 2).to_sparse(), torch.zeros(2, device="meta")]
CALL = ("q", "k", "v", "backend", "params", "density", "layout", "grid", "shots", "scale", "dtype", "device", "attention",
        "router_logits", "hidden", "gate")
ATTEND = dict(q=Q, k=K, v=V, backend="moga", params=dict(num_groups=2), grid=(4, 4, 4))
COMPARE = dict(q=Q, k=K, v=V, backends="full", grid=(4, 4, 4), seconds=0.01, min_blocks=1, max_blocks=1)
RANGES = dict(queries=[(0, 64)], keys=[[(0, 64)]])
CASES = [(vidattn.attend, ATTEND, [*CALL, "return_lse"]), (vidattn.plan, ATTEND, CALL),
         (vidattn.compare, COMPARE, [name for name in CALL if name not in ("backend", "params")]
          + ["backends", "passes", "seconds", "interval", "min_blocks", "max_blocks", "seed", "whole", "cold"]),
         (vidattn.Map, {}, ["block_map", "block", "name", "block_index", "token_order"]),
         (vidattn.Ranges, RANGES, ["queries", "keys", "query_order", "key_order"]),
         (vidattn.backend, dict(planner=sound_planner, name="odd"), ["planner", "knob", "name", "inputs", "needs_grid", "takes_text", "takes_cross"]),
         (vidattn.plan(Q, K, V).mask, {}, ["head"]), (vidattn.plan(Q, K, V).block_map, {}, ["block", "head"])]


def complaint(function, given):
    """What it raises as (type, text); None where it takes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            function(**given)
        except UserWarning:  # it is taken, and leaves tokens without keys
            return None
        except Exception as error:  # noqa: BLE001  its kind is what is tested
            return type(error), str(error)
    return None


@pytest.mark.parametrize("function, sound, name", [(f, sound, name) for f, sound, names in CASES for name in names],
                         ids=lambda value: getattr(value, "__name__", value) if not isinstance(value, dict) else "")
def test_wrong_values_are_one_line(function, sound, name):
    refused = 0
    for value in WRONG:
        said = complaint(function, {**sound, name: value})
        if said is None:
            continue
        kind, line = said
        assert issubclass(kind, (ValueError, TypeError)), (value, said)
        assert line and "\n" not in line and len(line) < 400, (value, said)
        refused += 1
    assert refused >= len(WRONG) / 4  # or it does not look at it


def answering(value):
    """A planner that returns it."""
    return vidattn.backend(lambda call: value, name="answer")


@pytest.mark.parametrize("use", [
    lambda value: vidattn.attend(**ATTEND | dict(params={"num_groups": value})),
    lambda value: vidattn.attend(Q, K, V, backend="full", params={value: 1}),
    lambda value: vidattn.attend(Q, K, V, backend=vidattn.Map(np.eye(2, dtype=bool), block=(value, 32))),
    lambda value: vidattn.attend(Q, K, V, backend=vidattn.Map(block=32, pair_mask=value)),
    lambda value: vidattn.attend(Q, K, V, backend=vidattn.Map(np.eye(2, dtype=bool), block=32, key_order=value)),
    lambda value: vidattn.attend(Q, K, V, backend=answering(value)),
    lambda value: vidattn.attend(Q, K, V, backend=answering([value])),
    lambda value: vidattn.attend(Q, K, V, backend=answering(vidattn.Ranges([(0, value)], [[(0, 32)]]))),
    lambda value: vidattn.backend(sound_planner, name="odd", knob=("top", value, 2)),
    lambda value: vidattn.backend(sound_planner, name="odd", knob=(value, 1, 2)),
    lambda value: vidattn.plan(Q, K, V).block_map((value, 64))],
    ids=["param", "name of a param", "one of two sizes", "pairs", "key order", "answer", "list", "range", "knob's end",
         "knob's name", "block of a plan"])
def test_wrong_values_within_values_are_one_line(use):
    refused = 0
    for value in WRONG:
        said = complaint(use, dict(value=value))
        if said is not None:
            assert issubclass(said[0], (ValueError, TypeError)), (value, said)
            assert said[1] and "\n" not in said[1] and len(said[1]) < 600, (value, said)
            refused += 1
    assert refused >= len(WRONG) / 4


@pytest.mark.parametrize("params", ["num_groups=2", [1], 3, Odd()], ids=str)
def test_params_are_a_dict(params):
    with pytest.raises(ValueError, match=r"params=.*: expected a dict"):
        vidattn.attend(Q, K, V, backend="moga", params=params)


def test_lists_of_different_lengths_are_named():
    with pytest.raises(ValueError, match="k is list, and no array can be made of it"):
        vidattn.attend(Q, [[1.0, 2.0], [3.0]], V)
    with pytest.raises(ValueError, match="block_map is list, and no array"):
        vidattn.Map([[1, 0], [1]], block=32)


def test_what_would_be_lost_is_refused():
    with pytest.raises(ValueError, match="q is a masked array"):
        vidattn.attend(np.ma.masked_array(Q, Q > 0), K, V)
    with pytest.raises(ValueError, match="grid={.*expected several whole numbers"):
        vidattn.attend(Q, K, V, grid={16, 2})
    with pytest.raises(ValueError, match="query_order: expected whole numbers"):
        vidattn.Ranges(**RANGES, query_order=np.arange(64) + 0.5)
    with pytest.raises(ValueError, match="seed must not be below 0"):
        vidattn.compare(**COMPARE, seed=-1)


def test_a_planner_that_is_refused_is_no_method():
    def refused(call, top=2**70):
        return None
    with pytest.raises(ValueError, match="does not fit 64 bits"):
        vidattn.backend(refused)
    with pytest.raises(ValueError, match="which cannot be named|parameters cannot be read"):
        vidattn.backend(len, name="length")
    assert not {"refused", "length"} & set(vidattn.backends())
