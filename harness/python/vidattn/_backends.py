"""How a method is named: by its text, by a map of your own, or by a planner in Python."""
from __future__ import annotations

import operator
from typing import Any, Callable, Optional, Sequence, Union

import numpy as np

from ._frameworks import Array, given
from ._start import _core
from ._values import block_sizes, mapping, shown, text


class Map:
    """Your own selection: which blocks of keys each block of queries sees.

    block_map: 0/1 of any integer type or bool, [NQ,NK] for all heads or [H,NQ,NK].
    block: tokens in a block, one size or (queries, keys); without it the size that fits.
    name: as which compare() lists it; else "map".
    Further arrays by name say the same in other forms, and which tokens stand where: block_index,
    block_count, block_indptr, block_indices, pair_mask [L,LK], token_order, key_order, query_sizes,
    key_sizes. A plan's blocks() are such arrays: Map(**plan.blocks()).
    """

    def __init__(self, block_map: Optional[Array] = None,
                 block: Union[int, Sequence[int], None] = None, *, name: str = "",
                 **arrays: Array) -> None:
        if block_map is not None:
            arrays["block_map"] = block_map
        self.name = text("name", name, "mine")
        self.arrays = {key: given(key, array) for key, array in arrays.items() if array is not None}
        sizes = () if block is None else block_sizes("block", block)
        self.settings = [f"{name}={size}" for name, size in zip(("block_q", "block_k"), sizes)]

    def __repr__(self):
        return f"Map({', '.join([*self.arrays, *self.settings])})"


class Ranges:
    """Your own selection as ranges of keys, for all heads; of several heads a list of them.

    queries: [(begin, end), …], segments of queries; keys: for each the [(begin, end), …] that it sees.
    Positions are tokens, or places in query_order and key_order (int32, tokens by place).
    """

    def __init__(self, queries: Sequence[tuple[int, int]], keys: Sequence[Sequence[tuple[int, int]]],
                 query_order: Optional[Array] = None, key_order: Optional[Array] = None) -> None:
        segments = _ranges("queries", queries)
        lists = [_ranges("keys", ranges) for ranges in _sequence("keys", keys)]
        if len(segments) != len(lists):
            raise ValueError(f"{len(segments)} segments of queries, but keys for {len(lists)}")
        counts = np.cumsum([0] + [len(ranges) for ranges in lists])
        self.segments = np.column_stack([segments, counts[:-1], counts[1:]]).astype(np.int32)
        self.ranges = np.concatenate([np.empty((0, 2), np.int32), *lists])
        self.orders = [_order("query_order", query_order), _order("key_order", key_order)]


def _sequence(name, values):
    if hasattr(values, "__len__") and not isinstance(values, (str, bytes)):
        return values
    raise ValueError(f"{name}={shown(values)}: expected a list")


def _ranges(name, pairs):
    """[N,2] int32."""
    made = _tokens(name, pairs) if len(_sequence(name, pairs)) else np.empty((0, 2), np.int32)
    if made.ndim != 2 or made.shape[1] != 2:
        raise ValueError(f"{name}: expected pairs of whole numbers, (begin, end)")
    return made


def _order(name, tokens):
    """[N] int32; None stays None."""
    made = None if tokens is None else _tokens(name, tokens)
    if made is not None and made.ndim != 1:
        raise ValueError(f"{name}: expected tokens by place, one axis")
    return made


def _tokens(name, values):
    """int32, in any shape."""
    try:
        made = np.asarray(values)
    except (ValueError, TypeError):  # lists of different lengths
        made = np.empty(0)
    if made.dtype.kind not in "iu":
        raise ValueError(f"{name}: expected pairs of whole numbers, (begin, end)" if name in ("queries", "keys") else
                         f"{name}: expected whole numbers")
    if made.size and not 0 <= made.min() <= made.max() < 2**31:
        raise ValueError(f"{name}: {made.min()} to {made.max()} are no tokens")
    return np.ascontiguousarray(made, np.int32)


Method = Union[str, Map, Callable[..., Any]]


def text_of(value):
    """A parameter as the tool reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(operator.index(value))  # one number, for torch.compile, which would have it stand for any
    if hasattr(value, "tolist"):  # of NumPy and other frameworks
        return text_of(_listed(value))
    if isinstance(value, (list, tuple)):
        return ",".join(map(text_of, value))
    return str(value)


def _listed(array):
    """An array's numbers."""
    try:
        if getattr(array, "ndim", 0) < 2:
            return array.tolist()
    except RuntimeError:  # of torch, where no numbers are behind it
        pass
    raise ValueError(f"a parameter is {type(array).__name__} of {tuple(array.shape)}: expected one value, or some in a row")


latest_planners = {}  # functions made methods, by name: the last of each


def planner_name(planner):
    """That of a function made a method by @vidattn.backend."""
    name = getattr(planner, "backend_name", None)
    if name is None:
        raise ValueError(f"backend is {type(planner).__name__}: expected a method's text, a vidattn.Map, or a "
                         "function made by @vidattn.backend")
    if latest_planners.get(name) is not planner:
        raise ValueError(f"the planner '{name}' is another function by now: give one of them another name")
    return name


def described(backend, params=None):
    """A method as its text, its settings and arrays of its own by name."""
    settings = [text("params", f"{name}={text_of(value)}", "top_k=3") for name, value in mapping("params", params).items()]
    if isinstance(backend, Map):
        return "map", backend.settings + settings, backend.arrays
    if isinstance(backend, str):
        return text("backend", backend, "sta"), settings, {}
    return planner_name(backend), settings, {}


def resolve(backend, params=None):
    """The same for the core."""
    return _core.Backend(*described(backend, params), label=getattr(backend, "name", "") if isinstance(
        backend, Map) else "")
