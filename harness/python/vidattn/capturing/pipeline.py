"""Captures from pipelines of diffusers: their transformers, with the steps, prompts and passes of guidance."""
from __future__ import annotations

import contextlib
from typing import Any, Dict, Iterator, Optional, Tuple

import torch

from .._values import shown
from .call import COND, UNCOND, CaptureError
from .model import ModelCapture
from .progress import Progress, replaced
from .recorder import Recorder


def transformers_of(pipe: Any) -> Dict[str, torch.nn.Module]:
    """Those that denoise, by name: Wan 2.2 has two, one for much noise and one for little."""
    found = {name: part for name, part in sorted(pipe.components.items())
             if name.startswith(("transformer", "unet")) and isinstance(part, torch.nn.Module)}
    if not found:
        raise CaptureError(f"{type(pipe).__name__} has no transformer: pass the model itself")
    return found


class PipelineCapture:
    """Given to the user: `pipe` is a pipeline, or a bare model with a scheduler or without."""

    def __init__(self, pipe: Any, recorder: Recorder, scheduler: Any = None, prompt: str = "", **options: Any):
        if not isinstance(pipe, torch.nn.Module) and not hasattr(pipe, "components"):
            raise CaptureError(f"source is {type(pipe).__name__}: expected a pipeline of diffusers, a torch module, or a "
                               "ModelPatcher of ComfyUI")
        self.pipe = None if isinstance(pipe, torch.nn.Module) else pipe
        if scheduler is not None and (self.pipe is not None or not callable(getattr(scheduler, "step", None))):
            raise CaptureError(f"scheduler={shown(scheduler)}: expected a bare model's scheduler of diffusers; a pipeline "
                               "has its own")
        self.progress = Progress()
        self.progress.prompt = prompt
        self.recorder = recorder
        self.scheduler = scheduler if self.pipe is None else pipe.scheduler
        models = {"": pipe} if self.pipe is None else transformers_of(pipe)
        self.models = [ModelCapture(model, recorder, self.progress, name=name, **options)
                       for name, model in models.items()]
        if UNCOND in recorder.selection.passes and not options.get("passes") \
                and not any(hasattr(capture.model, "cache_context") for capture in self.models):
            raise CaptureError(f"guidance asks for {' and '.join(recorder.selection.passes)}: say what the parts of the "
                               "model's batch are, or its calls in a step, as passes=('uncond', 'cond')")

    def next_run(self, prompt: str = "") -> None:
        """Of a loop of your own: what follows is another run. Pipelines say so themselves."""
        self.progress.next_run()
        self.progress.prompt = prompt

    @contextlib.contextmanager
    def open(self) -> Iterator["PipelineCapture"]:
        with contextlib.ExitStack() as stack:
            if self.scheduler is not None:
                stack.enter_context(self.progress.follow(self.scheduler, self._steps_known))
            if self.pipe is not None:
                stack.enter_context(replaced(self.pipe, "encode_prompt", self._encode_prompt))
            for capture in self.models:
                stack.enter_context(replaced(capture.model, "cache_context", self._cache_context(capture)))
                stack.enter_context(capture.open())
            yield self

    def _steps_known(self, count: int) -> None:
        self.recorder.selection.steps_of(count)
        self.recorder.step_count = count

    def _encode_prompt(self, original, *args, **kwargs):
        prompt = kwargs.get("prompt", args[0] if args else None)
        prompt = prompt[0] if isinstance(prompt, (list, tuple)) and prompt else prompt
        if isinstance(prompt, str):
            self.progress.prompt = prompt
        return original(*args, **kwargs)

    def _cache_context(self, capture: ModelCapture):
        """Pipelines name the passes of guidance so, for caches."""

        @contextlib.contextmanager
        def context(original, name, *args, **kwargs):
            capture.passes_now = self._passes_named(name)
            try:
                with original(name, *args, **kwargs):
                    yield
            finally:
                capture.passes_now = None

        return context

    def _passes_named(self, name: str) -> Optional[Tuple[str, ...]]:
        if name == "cond_uncond":  # one batch; diffusers puts the negative prompt first
            return (UNCOND, COND) if self._guided() else ()
        return {COND: (COND,), UNCOND: (UNCOND,)}.get(name)

    def _guided(self) -> bool:
        guided = getattr(self.pipe, "do_classifier_free_guidance", None)
        return bool(guided if guided is not None else (getattr(self.pipe, "guidance_scale", None) or 0) > 1)
