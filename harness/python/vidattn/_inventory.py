"""What there is."""
from __future__ import annotations

import json
from typing import Any

from ._start import _core


def backends() -> dict[str, dict[str, Any]]:
    """Every method by name: title, paper, params, inputs, presets, knob, needs_grid, takes_cross."""
    return {one.pop("name"): one for one in _core.backends()}


def devices() -> dict[str, dict[str, str]]:
    """Every device of this machine by name, with its facts. Asks the drivers, which takes time."""
    return json.loads(_core.device_facts())


def catalogue() -> dict[str, dict[str, str]]:
    """Every figure of a comparison by its tag: unit, better, meaning."""
    return {one.pop("tag"): one for one in _core.catalogue()}
