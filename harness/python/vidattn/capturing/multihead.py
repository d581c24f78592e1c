"""Attention calls of torch's own nn.MultiheadAttention, and of the encoder and decoder layers made of it.

torch runs it as one function, within which nothing can be heard: q, k and v are projected here from what it is given.
"""
from __future__ import annotations

import inspect
from typing import Any, Dict, Optional

import torch
from torch.nn import functional

from .call import CaptureError

SIGNATURE = inspect.signature(functional.multi_head_attention_forward)


def multihead_call(*args: Any, **kwargs: Any) -> Dict[str, Any]:
    """What to hear of a call of multi_head_attention_forward: query, key, value [B,L,H,D], attn_mask as
    scaled_dot_product_attention takes it, output before the last projection, hidden [B,L,C] and whether it crosses;
    equal to what the module computes but for rounding. Throws CaptureError."""
    said = SIGNATURE.bind(*args, **kwargs).arguments
    if any(said.get(name) is not None for name in ("bias_k", "bias_v", "static_k", "static_v")) \
            or said.get("add_zero_attn"):
        raise CaptureError("this nn.MultiheadAttention adds keys of its own (add_bias_kv, add_zero_attn), which a "
                           "capture cannot say")
    states = [x[:, None] if x.dim() == 2 else x for x in (said["query"], said["key"], said["value"])]
    with torch.no_grad():
        q, k, v = (functional.linear(x, weight, bias).unflatten(-1, (said["num_heads"], -1)).transpose(0, 1)
                   for x, weight, bias in zip(states, _weights(said), _biases(said)))
        mask = _mask(said, q.shape[0])
        output = functional.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (q, k, v)), attn_mask=mask)
    return {"q": q, "k": k, "v": v, "mask": mask, "output": output.transpose(1, 2),
            "hidden": states[0].transpose(0, 1), "crosses": not _same(states[0], states[1])}


def _weights(said: Dict[str, Any]) -> Any:
    if said.get("use_separate_proj_weight"):
        return [said[f"{name}_proj_weight"] for name in "qkv"]
    return said["in_proj_weight"].chunk(3)


def _biases(said: Dict[str, Any]) -> Any:
    bias = said.get("in_proj_bias")
    return bias.chunk(3) if bias is not None else (None, None, None)


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one is other or (one.shape == other.shape and torch.equal(one, other))


def _mask(said: Dict[str, Any], batch: int) -> Optional[torch.Tensor]:
    """What is added to the scores, [B or 1, H or 1, L or 1, LK]; here True leaves a key out."""
    padding, mask = said.get("key_padding_mask"), said.get("attn_mask")
    if padding is not None:
        padding = padding[None] if padding.dim() == 1 else padding
        padding = _added(padding, said)[:, None, None]
    if mask is not None:
        mask = _added(mask, said)
        mask = mask.unflatten(0, (batch, -1)) if mask.dim() == 3 else mask[None, None]
    if padding is None or mask is None:
        return mask if padding is None else padding
    return mask + padding


def _added(mask: torch.Tensor, said: Dict[str, Any]) -> torch.Tensor:
    if mask.dtype != torch.bool:
        return mask
    return torch.zeros(mask.shape, dtype=said["query"].dtype, device=mask.device).masked_fill(mask, -torch.inf)
