"""The layers of a model and the attention modules in them."""
from __future__ import annotations

import dataclasses
import fnmatch
from typing import Callable, Iterator, List, Sequence, Tuple, Union

import torch

from .._values import shown
from .call import CaptureError

Chosen = Union[None, str, Sequence[str], Callable[[str, torch.nn.Module], bool]]


@dataclasses.dataclass
class AttentionModule:
    layer: int
    name: str  # in the model
    module: torch.nn.Module

    @property
    def crosses(self) -> bool:
        return bool(getattr(self.module, "is_cross_attention", False)) or "cross" in self.name


def attention_modules(model: torch.nn.Module, chosen: Chosen = None) -> List[AttentionModule]:
    """`chosen` are names with wildcards, or a function of name and module: each module that fits is a layer. Without
    it the layers are the model's lists of blocks, one behind the other; of a model without lists each attention
    module is one."""
    if chosen is None:
        return [AttentionModule(layer, f"{name}.{inner}" if inner else name, module)
                for layer, (name, block) in enumerate(_blocks(model))
                for inner, module in _outermost(block)]
    patterns = [chosen] if isinstance(chosen, str) else chosen
    if not callable(chosen) and not (isinstance(patterns, (list, tuple)) and all(isinstance(p, str) for p in patterns)):
        raise CaptureError(f"modules={shown(chosen)}: expected names with wildcards, or a function of name and module")
    fits = chosen if callable(chosen) else lambda name, _: any(_matches(name, pattern) for pattern in patterns)
    found = [(name, module) for name, module in model.named_modules() if fits(name, module)]
    if not found:
        raise CaptureError(f"modules={shown(chosen)}: no module of {type(model).__name__} has such a name")
    return [AttentionModule(layer, name, module) for layer, (name, module) in enumerate(found)]


def _matches(name: str, pattern: str) -> bool:
    """A wildcard stands within a part of the name: blocks.*.attn is the attention of every block and nothing in it."""
    parts, wanted = name.split("."), pattern.split(".")
    return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))


def _is_attention(module: torch.nn.Module) -> bool:
    kind = type(module).__name__.lower()
    return "attention" in kind or "attn" in kind


def _outermost(block: torch.nn.Module) -> Iterator[Tuple[str, torch.nn.Module]]:
    """The attention modules of a block that lie in no other."""
    taken: List[str] = []
    for name, module in block.named_modules():
        if _is_attention(module) and not any(name.startswith(outer + ".") for outer in taken):
            taken.append(name)
            yield name, module


def _alone(model: torch.nn.Module) -> List[Tuple[str, torch.nn.Module]]:
    """The attention modules of a model without lists of blocks, or itself."""
    found = list(_outermost(model))
    if not found:
        raise CaptureError(f"{type(model).__name__} has no attention module, by its name: say which they are, as "
                           "modules='blocks.*.mixer'")
    return [(name, module) for name, module in found if name] or found


def _blocks(model: torch.nn.Module) -> List[Tuple[str, torch.nn.Module]]:
    """Of the lists of blocks with attention, those nearest to the model: deeper ones refine texts."""
    lists = [(name, module) for name, module in model.named_modules()
             if isinstance(module, (torch.nn.ModuleList, torch.nn.Sequential))
             and any(_is_attention(part) for part in module.modules())]
    lists = [(name, module) for name, module in lists  # a list within a block belongs to the block
             if not any(name.startswith(outer + ".") for outer, _ in lists if outer != name)]
    if not lists:
        return _alone(model)
    depth = min(name.count(".") for name, _ in lists)
    return [(f"{name}.{i}" if name else str(i), block) for name, module in lists if name.count(".") == depth
            for i, block in enumerate(module) if any(_is_attention(part) for part in block.modules())]
