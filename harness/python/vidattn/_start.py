"""Loads the core with the settings that its libraries read once, when they are loaded."""
import os

import numpy  # noqa: F401  NumPy's own BLAS must not see them

# OpenMP threads that wait should soon leave the cores to what runs next, and the core shares products
# among OpenMP's threads by itself.
_SETTINGS = {"GOMP_SPINCOUNT": "2000", "OPENBLAS_NUM_THREADS": "1"}
_added = {name: value for name, value in _SETTINGS.items()
          if name not in os.environ and not (name == "GOMP_SPINCOUNT" and "OMP_WAIT_POLICY" in os.environ)}
os.environ.update(_added)
try:
    from . import _core
finally:
    for _name in _added:
        del os.environ[_name]

__all__ = ["_core"]
