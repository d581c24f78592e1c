"""What callers give, as the core takes it; anything else is refused in one line."""
from __future__ import annotations

import operator
import os
import pathlib
from collections.abc import Mapping, Set
from typing import Any, Optional


def shown(value: Any) -> str:
    """A value as messages have it: in one line, and not long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else type(value).__name__


def whole_number(name: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name}={shown(value)}: expected a whole number") from None
    if not -2**63 <= number < 2**63:
        raise ValueError(f"{name}={shown(number)} does not fit 64 bits")
    return number


def whole_numbers(name: str, values: Any) -> Optional[list[int]]:
    """Of any sequence; None stays None."""
    if values is None:
        return None
    try:
        if isinstance(values, (Set, Mapping)):  # in no order that the caller wrote
            raise TypeError
        return [whole_number(name, value) for value in values]
    except TypeError:
        raise ValueError(f"{name}={shown(values)}: expected several whole numbers") from None


def block_sizes(name: str, block: Any) -> tuple[int, int]:
    """Of queries and of keys, from one size or both."""
    several = hasattr(block, "__len__") and not isinstance(block, (str, bytes))
    sizes = whole_numbers(name, block if several else (block, block)) or []
    if len(sizes) != 2 or min(sizes) < 1:
        raise ValueError(f"{name}={shown(block)}: expected a size of at least 1, or one for queries and one for keys")
    return sizes[0], sizes[1]


def number(name: str, value: Any) -> float:
    try:
        if not isinstance(value, (str, bytes)):
            return float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # the last of tensors of several numbers
        pass
    raise ValueError(f"{name}={shown(value)}: expected a number")


def optional_number(name: str, value: Any) -> Optional[float]:
    """None stays None."""
    return None if value is None else number(name, value)


def flag(name: str, value: Any) -> bool:
    """Python's or NumPy's."""
    if type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise ValueError(f"{name}={shown(value)}: expected True or False")


def text(name: str, value: Any, example: str) -> Optional[str]:
    """None stays None."""
    if value is None or isinstance(value, str) and _is_utf8(value):
        return value
    raise ValueError(f"{name}={shown(value)}: expected a text such as '{example}'")


def _is_utf8(text: str) -> bool:
    """As the core takes texts: without halves of surrogate pairs."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def mapping(name: str, value: Any) -> dict[str, Any]:
    """A dict, of None an empty one."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {str(key): held for key, held in value.items()}
    raise ValueError(f"{name}={shown(value)}: expected a dict, values by name")


def path(name: str, value: Any) -> pathlib.Path:
    if isinstance(value, (str, os.PathLike)) and value != "":
        return pathlib.Path(value)
    raise ValueError(f"{name}={shown(value)}: expected a path")
