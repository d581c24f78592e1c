"""What callers give, as the core takes it; anything else is refused in one line."""
from __future__ import annotations

import operator
from typing import Any, Optional


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else type(value).__name__


def whole_number(name: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name}={_shown(value)}: expected a whole number") from None
    if not -2**63 <= number < 2**63:
        raise ValueError(f"{name}={number} does not fit 64 bits")
    return number


def whole_numbers(name: str, values: Any) -> Optional[list[int]]:
    """Of any sequence; None stays None."""
    if values is None:
        return None
    try:
        return [whole_number(name, value) for value in values]
    except TypeError:
        raise ValueError(f"{name}={_shown(values)}: expected several whole numbers") from None


def number(name: str, value: Any) -> Optional[float]:
    """None stays None."""
    if value is None:
        return None
    try:
        if not isinstance(value, (str, bytes)):
            return float(value)
    except (TypeError, ValueError):
        pass
    raise ValueError(f"{name}={_shown(value)}: expected a number")


def text(name: str, value: Any, example: str) -> Optional[str]:
    """None stays None."""
    if value is None or isinstance(value, str):
        return value
    raise ValueError(f"{name}={_shown(value)}: expected a text such as '{example}'")
