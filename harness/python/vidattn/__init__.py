"""Sparse attention of video diffusion transformers: every published method on any tensors, planned and
executed by the core of the tool vidattn."""
from ._start import _core
from ._attend import attend, plan
from ._backends import Map, Ranges
from ._compare import Table, compare
from ._inventory import backends, catalogue, devices
from ._planners import backend
from .capturing import CaptureError, capture, read_capture
from . import metrics

Plan = _core.Plan
__version__ = _core.__version__

__all__ = ["CaptureError", "Map", "Plan", "Ranges", "Table", "attend", "backend", "backends", "capture", "catalogue", "compare",
           "devices", "metrics", "plan", "read_capture"]
