"""Where a denoising run stands, told from the timesteps that the model is given and from its scheduler."""
from __future__ import annotations

import contextlib
import functools
from typing import Any, Callable, Iterator, Optional


class Progress:
    """A step ends when the scheduler steps, or when the model is given another timestep."""

    def __init__(self):
        self.run, self.step, self.passed = 0, -1, -1  # passed: forward passes of this step before the current one
        self.timestep: Optional[float] = None
        self.count: Optional[int] = None  # steps of this run
        self.prompt = ""
        self._scheduler: Any = None
        self._ended, self._begun = True, False

    def next_run(self) -> None:
        """What follows belongs to another run, such as another prompt's."""
        if self._begun:
            self.run += 1
        self.step, self.timestep, self._ended, self._begun = -1, None, True, False

    def forward(self, timestep: Optional[float]) -> None:
        """The model is called."""
        self._begun = True
        moved = timestep != self.timestep if timestep is not None else self._scheduler is None
        if self._ended or moved:
            self.step += 1
            self.passed = -1
        self._ended, self.timestep = False, timestep
        self.passed += 1

    @property
    def sigma(self) -> Optional[float]:
        """The share of noise, of schedulers of flow matching: the others' sigmas are no shares."""
        sigmas = getattr(self._scheduler, "sigmas", None)
        if sigmas is None or self.step >= len(sigmas) or float(max(sigmas)) > 1 or float(min(sigmas)) < 0:
            return None
        return float(sigmas[self.step])

    @contextlib.contextmanager
    def follow(self, scheduler: Any, check: Callable[[int], None]) -> Iterator[None]:
        """Watches a scheduler of diffusers. `check` is given the number of steps before the first."""
        self._scheduler = scheduler

        def set_timesteps(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            self.next_run()
            self.count = len(scheduler.timesteps)
            check(self.count)
            return result

        def step(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            self._ended = True
            return original(*args, **kwargs)

        with replaced(scheduler, "set_timesteps", set_timesteps), replaced(scheduler, "step", step):
            yield


@contextlib.contextmanager
def replaced(owner: Any, name: str, function: Callable[..., Any]) -> Iterator[None]:
    """While it lasts, owner.name(…) is function(what it was, …). Without such a method nothing happens."""
    original = getattr(owner, name, None)
    if original is None:
        yield
        return
    own = owner.__dict__.get(name)
    setattr(owner, name, functools.wraps(original)(functools.partial(function, original)))
    try:
        yield
    finally:
        if own is None:
            delattr(owner, name)
        else:
            setattr(owner, name, own)
