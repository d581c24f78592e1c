"""Methods that are planned in Python."""
from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any, Callable, Mapping, Optional

from ._backends import Map, Ranges
from ._start import _core

_functions = []  # by the number that the core knows them by


def planned(number, call, values):
    """Called by the core."""
    return _handed_on(_functions[number](SimpleNamespace(**call), **values))


def _handed_on(answer):
    """The answer of a planner in the core's terms."""
    if isinstance(answer, Ranges):
        answer = [answer]
    if isinstance(answer, (list, tuple)) and answer and all(isinstance(a, Ranges) for a in answer):
        return [(a.segments, a.ranges, *a.orders) for a in answer]
    if not isinstance(answer, Map):
        answer = Map(answer)
    return (answer.settings, answer.arrays)


def backend(planner: Optional[Callable[..., Any]] = None, *,
            knob: Optional[tuple[str, float, float]] = None, name: Optional[str] = None,
            needs_grid: bool = False, takes_text: bool = True, takes_cross: bool = False,
            inputs: Optional[Mapping[str, str]] = None) -> Callable[..., Any]:
    """Makes a function a method, which attend, plan and compare take as they take any other.

    The function gets the call: q, k, v (NumPy, float32 [L,H,D], for reading), grid (T,H,W) or None,
    shots, text_tokens, scale, and inputs by name; its further arguments are the method's parameters,
    with their defaults. It returns a Map, a block map [NQ,NK] or [H,NQ,NK], a Ranges, or a list of
    Ranges, one a head. Keys that a query does not see are never looked at.

    knob: (parameter, value that is sparsest, value that is densest), for density=.
    name: as which the method is known, also in texts: "mine:top=8"; else the function's.
    needs_grid: refuse calls without a grid. takes_text: False = plan the video alone, and let other
    tokens see and be seen by all. inputs: {name: shape} of further inputs, {"router_logits": "[L,M]"}.
    """
    if planner is None:
        return lambda function: backend(
            function, knob=knob, name=name, needs_grid=needs_grid, takes_text=takes_text,
            takes_cross=takes_cross, inputs=inputs)
    params = list(inspect.signature(planner).parameters.values())[1:]
    for param in params:
        if param.default is inspect.Parameter.empty:
            raise ValueError(f"{planner.__name__}: the parameter '{param.name}' needs a default")

    _functions.append(planner)
    planner.backend_name = name or planner.__name__
    _core.register_backend(
        planner.backend_name, (inspect.getdoc(planner) or planner.__name__).splitlines()[0],
        [(param.name, param.default, "") for param in params], list((inputs or {}).items()),
        knob, needs_grid, takes_text, takes_cross, len(_functions) - 1)
    return planner
