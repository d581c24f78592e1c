"""Methods beside each other on one call."""
from __future__ import annotations

from typing import Any, Optional, Sequence, Union

from ._attend import core_call
from ._backends import Map, Method, resolve
from ._frameworks import Array
from ._start import _core
from ._values import flag, number, optional_number, shown, text, whole_number


class Table(list[dict[str, Any]]):
    """Rows of a comparison, one dict a method: backend, setting, outcome, reason, note, checksum, and
    every figure of vidattn.catalogue() that was taken, in its own unit (None = unknown)."""

    def __init__(self, core):
        super().__init__(core.rows())
        self._core = core

    def to_pandas(self) -> Any:
        """The rows as a DataFrame, with the methods as its index. Needs pandas."""
        import pandas
        return pandas.DataFrame(list(self)).set_index("backend")

    def to_latex(self) -> str:
        """The columns for papers, with booktabs."""
        return self._core.latex()

    def to_markdown(self) -> str:
        """The same in Markdown."""
        return self._core.markdown()

    def _repr_html_(self) -> str:
        return self._core.html()


def compare(q: Array, k: Array, v: Array, *, backends: Union[Method, Sequence[Method]] = ("full",),
            density: Optional[float] = None, passes: str = "forward", seconds: float = 10.0,
            interval: float = 0.01, min_blocks: int = 11, max_blocks: int = 1000, seed: int = 1,
            whole: bool = False, cold: bool = False, layout: Optional[str] = None,
            grid: Optional[Sequence[int]] = None, shots: Optional[Sequence[int]] = None,
            scale: Optional[float] = None, dtype: Optional[str] = None, device: str = "cpu",
            attention: Optional[str] = None, **inputs: Array) -> Table:
    """Checks every method against the float64 reference, times it beside full attention, and measures
    how near it stays to it: the tool's `vidattn run` on your tensors, by the same engine.

    backends: what attend() takes, one or several; of two Maps each has a name=. density: for which every method's knob is solved.
    passes: "forward", "backward" or "both", what is timed. seconds, interval, min_blocks, max_blocks:
    when timing stops, by time, by the 95% interval of the ratios, and by blocks; seed: of their order;
    cold: with caches evicted; whole: never extrapolate full attention from a sample of its rows.
    Other arguments as attend()'s; q, k, v are of one call, and an input goes to the methods that know
    it. Returns a Table; a method that fails has its outcome and reason there.
    """
    call = core_call(q, k, v, layout=layout, grid=grid, shots=shots, scale=scale, dtype=dtype,
                     device=device, attention=attention, **inputs)
    settings = _core.Settings(density=optional_number("density", density), passes=text("passes", passes, "both") or "forward",
                              seconds=number("seconds", seconds), interval=number("interval", interval),
                              min_blocks=whole_number("min_blocks", min_blocks),
                              max_blocks=whole_number("max_blocks", max_blocks),
                              seed=whole_number("seed", seed), whole=flag("whole", whole), cold=flag("cold", cold))
    methods = [backends] if isinstance(backends, (str, Map)) or callable(backends) else backends
    if not isinstance(methods, (list, tuple)):
        raise ValueError(f"backends={shown(methods)}: expected a method, or a list of several")
    if not methods:
        raise ValueError("backends is empty: give a method, or several")
    return Table(_core.compare(call, [resolve(method) for method in methods], settings))
