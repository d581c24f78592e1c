"""Where the attention of torch models can be heard: torch's scaled_dot_product_attention and nn.MultiheadAttention,
whose fused path torch itself leaves while a mode like Tap is on, and the backends of diffusers' dispatcher. What they compute stays as it is."""
from __future__ import annotations

import contextlib
import functools
import sys
from typing import Any, Callable, Iterator

import torch
from torch.nn.functional import scaled_dot_product_attention
from torch.nn.functional import multi_head_attention_forward
from torch.overrides import TorchFunctionMode

from .multihead import multihead_call

# hear(q, k, v [B,L,H,D], mask, causal, scale, output, hidden, crosses)
Hear = Callable[..., None]
HEARD = (scaled_dot_product_attention, multi_head_attention_forward)


class Tap(TorchFunctionMode):
    """Hands every attention call to `hear` while `listening()`."""

    def __init__(self, listening: Callable[[], bool], hear: Hear):
        super().__init__()
        self.listening, self.hear = listening, hear
        self._inside = False  # a backend may call torch's attention itself

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        output = function(*args, **kwargs)
        if self._inside or function not in HEARD or not self.listening():
            return output
        if function is multi_head_attention_forward:
            self.hear(**multihead_call(*args, **kwargs))
        else:
            self._hear_torch(output, *args, **kwargs)
        return output

    def _hear_torch(self, output, query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None,
                    enable_gqa=False):
        if query.dim() == 3:  # without a batch
            query, key, value, output = (x[None] for x in (query, key, value, output))
        q, k, v, o = (x.transpose(1, 2) for x in (query, key, value, output))
        self.hear(q, k, v, mask=attn_mask, causal=is_causal, scale=scale, output=o)

    def around(self, backend: Callable[..., Any]) -> Callable[..., Any]:
        """A backend of diffusers' dispatcher, heard. It takes [B,L,H,D] by name."""

        @functools.wraps(backend)
        def heard(*args, **kwargs):
            if not self.listening() or self._inside:
                return backend(*args, **kwargs)
            self._inside = True
            try:
                output = backend(*args, **kwargs)
            finally:
                self._inside = False
            q, k, v = kwargs["query"], kwargs["key"], kwargs["value"]
            mask = kwargs.get("attn_mask")
            if mask is not None and mask.shape == (k.shape[0], k.shape[1]):  # of keys, as some backends take it
                mask = mask[:, None, None, :]
            self.hear(q, k, v, mask=mask, causal=kwargs.get("is_causal", False), scale=kwargs.get("scale"),
                      output=output[0] if isinstance(output, tuple) else output)
            return output

        return heard

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        with self, dispatcher_heard(self):
            yield


@contextlib.contextmanager
def dispatcher_heard(tap: Tap) -> Iterator[None]:
    """Every backend that diffusers has registered. The names of backends are a closed enum, so the functions behind
    them are replaced, and the user's choice of a backend stands."""
    dispatch = sys.modules.get("diffusers.models.attention_dispatch")
    backends = dispatch._AttentionBackendRegistry._backends if dispatch else {}
    before = dict(backends)
    try:
        for name, backend in before.items():
            backends[name] = tap.around(backend)
        yield
    finally:
        backends.update(before)


def compiled(model: torch.nn.Module) -> bool:
    """Whether torch.compile has been at it: compiled code passes hooks by."""
    return any(getattr(module, "_compiled_call_impl", None) is not None or hasattr(module, "_orig_mod")
               for module in model.modules())
