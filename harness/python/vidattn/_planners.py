"""Methods that are planned in Python."""
from __future__ import annotations

import inspect
import re
from types import SimpleNamespace
from typing import Any, Callable, Mapping, Optional

from ._backends import Map, Ranges, latest_planners
from ._start import _core
from ._values import flag, mapping, number, shown, text, whole_number

_functions = []  # by the number that the core knows them by


def planned(number, call, values):
    """Called by the core."""
    planner = _functions[number]
    return _handed_on(planner.backend_name, planner(SimpleNamespace(**call), **values))


def _handed_on(name, answer):
    """The answer of a planner in the core's terms."""
    if isinstance(answer, Ranges):
        answer = [answer]
    if isinstance(answer, (list, tuple)) and answer and all(isinstance(a, Ranges) for a in answer):
        return [(a.segments, a.ranges, *a.orders) for a in answer]
    if not isinstance(answer, Map):
        if not hasattr(answer, "__dlpack__"):
            raise ValueError(f"{name} returned {type(answer).__name__}: expected a vidattn.Map, a block map (an array), "
                             "a vidattn.Ranges, or a list of these, one a head")
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
    if not callable(planner):
        raise ValueError(f"the planner is {type(planner).__name__}: expected a function of the call")
    name = text("name", name, "mine") or getattr(planner, "__name__", "")
    if not re.fullmatch(r"\w+", name):
        raise ValueError(f"a planner called {shown(name)}: give it a name of letters, digits and _, as name='mine'")
    params = _params(planner, name)
    knob = _knob(knob, dict(params), name)
    shapes = {key: text(f"inputs[{shown(key)}]", shape, "[L,M]") or "" for key, shape in mapping("inputs", inputs).items()}
    try:
        planner.backend_name = name
    except AttributeError:
        raise ValueError(f"{name} is {type(planner).__name__}, which cannot be named: give a function") from None
    _core.register_backend(
        name, (inspect.getdoc(planner) or name).splitlines()[0], [(*param, "") for param in params],
        list(shapes.items()), knob, flag("needs_grid", needs_grid), flag("takes_text", takes_text),
        flag("takes_cross", takes_cross), len(_functions))
    _functions.append(planner)
    latest_planners[name] = planner
    return planner


def _params(planner, name):
    """[(parameter, default), …] behind the call."""
    try:
        params = list(inspect.signature(planner).parameters.values())
    except (TypeError, ValueError):  # of functions in C
        raise ValueError(f"{name}: its parameters cannot be read: give a function of Python") from None
    if not params:
        raise ValueError(f"{name}: a planner's first parameter is the call")
    for param in params[1:]:
        numbers = isinstance(param.default, (list, tuple)) and all(isinstance(n, (int, float)) for n in param.default)
        if not numbers and not isinstance(param.default, (bool, int, float, str)):
            raise ValueError(f"{name}: the parameter '{param.name}' needs a default: a number or several, a bool or a "
                             "text")
        if isinstance(param.default, int):
            whole_number(f"{name}: {param.name}", param.default)
    return [(param.name, param.default) for param in params[1:]]


def _knob(knob, params, name):
    """(parameter, sparsest, densest) as plain values; None stays None."""
    if knob is None:
        return None
    if not isinstance(knob, (tuple, list)) or len(knob) != 3:
        raise ValueError(f"{name}: knob is (parameter, value that is sparsest, value that is densest)")
    default = params.get(text("knob", knob[0], "top"))
    if isinstance(default, bool) or not isinstance(default, (int, float)):
        raise ValueError(f"{name}: the knob {shown(knob[0])} is no parameter with a number as its default")
    return knob[0], number("knob", knob[1]), number("knob", knob[2])
