"""Captures from a torch model: hooks on its attention modules say whose a call is."""
from __future__ import annotations

import contextlib
import inspect
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import torch

from .call import AttentionCall, CaptureError, Geometry, Place
from .geometry import geometry_of
from .layers import AttentionModule, Chosen, attention_modules
from .progress import Progress
from .projections import Projections
from .recorder import Recorder
from .selection import passes_of
from .tap import Tap, compiled

TIMESTEPS = ("timestep", "timesteps", "t", "sigma")


class ModelCapture:
    """A model that denoises, heard while it is open."""

    def __init__(self, model: torch.nn.Module, recorder: Recorder, progress: Progress, *, name: str = "",
                 modules: Chosen = None, qkv: Optional[Sequence[str]] = None, passes: Sequence[str] = (),
                 geometry: Optional[Geometry] = None):
        if compiled(model):
            raise CaptureError(f"{type(model).__name__} is compiled, and compiled code passes hooks by: "
                               "capture before torch.compile")
        self.model, self.recorder, self.progress = model, recorder, progress
        self.prefix = f"{name}." if name else ""
        self.attentions = attention_modules(model, modules)
        self.projections = [] if qkv is None else [Projections(one, qkv, self._hear) for one in self.attentions]
        self.passes, self.geometry = passes_of(passes, recorder.selection), geometry
        self.count = self.attentions[-1].layer + 1
        recorder.selection.layers_of(self.count)
        self.passes_now: Optional[Tuple[str, ...]] = None  # where the pipeline says them
        self._shape: Tuple[int, ...] = ()  # of the first tensor that the model is given
        self._found: Optional[Geometry] = None
        self._within: List[Tuple[AttentionModule, Dict[str, Any]]] = []  # modules that run, and their arguments

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        self.recorder.layer_count = self.count
        with contextlib.ExitStack() as stack:
            hook = self.model.register_forward_pre_hook(self._begin, with_kwargs=True)
            stack.callback(hook.remove)
            for attention in self.attentions:
                for handle in self._hooks(attention):
                    stack.callback(handle.remove)
            for projections in self.projections:
                stack.enter_context(projections.open())
            if not self.projections:
                stack.enter_context(Tap(self._listening, self._hear).open())
            yield

    def _hooks(self, attention: AttentionModule):
        def enter(module, args, kwargs):
            self.recorder.heard.layers.add(attention.layer)
            self._within.append((attention, _arguments(module, args, kwargs)))

        def leave(module, args, kwargs, result):
            self._within.pop()

        yield attention.module.register_forward_pre_hook(enter, with_kwargs=True)
        yield attention.module.register_forward_hook(leave, with_kwargs=True, always_call=True)

    def _begin(self, model, args, kwargs) -> None:
        given = _arguments(model, args, kwargs)
        self._within.clear()
        self.progress.forward(next((_number(given[key]) for key in TIMESTEPS if key in given), None))
        self.recorder.heard.step(self.progress.step)
        self._shape = next((tuple(value.shape) for value in given.values()
                            if isinstance(value, torch.Tensor) and value.dim() > 1), ())
        self._found = self.geometry or geometry_of(model, given)

    def _listening(self) -> bool:
        if not self._within or self.progress.step < 0:  # or a part of the model runs alone
            return False
        recorder = self.recorder
        return not recorder.estimate.said or recorder.selection.has(self._within[-1][0].layer, self.progress.step)

    def _hear(self, q, k, v, *, mask=None, causal=False, scale=None, output=None, hidden=None, crosses=False) -> None:
        if not self._listening():
            return
        attention, given = self._within[-1]
        video = None if "audio" in attention.name else self._found
        call = AttentionCall(q, k, v, self._place(attention.layer), self.prefix + attention.name,
                             attention.crosses or crosses, mask, causal, scale, output, geometry=video)
        self.recorder.heard.call(call.crosses, call.place.passes)
        if self.recorder.hidden and not call.crosses:
            call.hidden = hidden if hidden is not None else hidden_of(call, given)
        if not call.crosses:
            self.recorder.announce(call)
        if not self.recorder.wants(call):
            return
        if not self._batched_alike(q):
            raise CaptureError(f"{attention.name} attends in a batch of {q.shape[0]} where the model is given "
                               f"{self._shape[0]}: attention over space and time apart is not captured")
        self.recorder.record(call)

    def _batched_alike(self, q: torch.Tensor) -> bool:
        """Whether the entries of its batch are those of the model's: [B,…], or [L,B,C] as torch's layers take it."""
        shape = self._shape
        return not shape or q.shape[0] == shape[0] or (len(shape) == 3 and tuple(q.shape[1::-1]) == shape[:2]) \
            or (len(shape) == 2 and q.shape[:2] == (1, shape[0]))

    def _place(self, layer: int) -> Place:
        progress = self.progress
        return Place(layer, progress.step, progress.run, progress.timestep, progress.sigma, self._passes(),
                     progress.prompt, type(self.model).__name__)

    def _passes(self) -> Tuple[str, ...]:
        """Of this forward pass: several are parts of its batch."""
        if self.passes_now is not None:
            return self.passes_now
        said, passed = self.passes, self.progress.passed
        if not said and passed:
            raise CaptureError(f"the model is called again in step {self.progress.step}: say which pass of guidance "
                               "is which, as passes=('cond', 'uncond')")
        if len(said) > 1 and (passed or (self._shape or (0,))[0] % len(said)):
            return (said[passed % len(said)],)
        return said


def _arguments(module: torch.nn.Module, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Dict[str, Any]:
    """By name, as forward() has them."""
    try:
        bound = inspect.signature(module.forward).bind_partial(*args, **kwargs).arguments
    except (TypeError, ValueError):
        bound = {**{str(i): value for i, value in enumerate(args)}, **kwargs}
    found = dict(bound)
    for extra in [value for value in bound.values() if isinstance(value, dict)]:
        found.update({key: value for key, value in extra.items() if key not in found})
    return found


def _number(value: Any) -> Optional[float]:
    """A timestep; of one for each token, the largest: clean tokens have smaller ones."""
    if isinstance(value, torch.Tensor):
        return float(value.detach().max()) if value.numel() else None
    return float(value) if isinstance(value, (int, float)) else None


def hidden_of(call: AttentionCall, given: Dict[str, Any]) -> torch.Tensor:
    """What the attention module projects to q, k and v, in the order of the queries. [B,L,C]"""
    states = [value for value in given.values() if isinstance(value, torch.Tensor) and value.dim() == 3]
    video = given.get("hidden_states", states[0] if states else None)
    text = given.get("encoder_hidden_states")
    length = call.q.shape[1]
    if video is not None and video.shape[1] == length:
        return video
    if video is not None and text is not None and video.shape[1] + text.shape[1] == length:
        text_first = call.geometry is not None and call.geometry.prefix > 0
        return torch.cat([text, video] if text_first else [video, text], dim=1)
    raise CaptureError(f"hidden=True: {call.name} is given no states of its {length} tokens")
