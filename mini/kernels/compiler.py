"""How numba compiles here: one pool of threads, wide vectors, memory that is kept."""

import ctypes
import os

import llvmlite.binding as llvm
import numba
import numpy as np
import scipy.linalg.blas  # noqa: F401  numba's np.dot calls it: load, then limit
from numba import njit
from numba.core import event
from threadpoolctl import threadpool_limits

from ..progress import progress

PARTS = 8  # shares of a batch: fixed, so no result depends on the number of threads

# threads that wait should sleep soon: if they spin, whatever else runs stands still
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
# two pools of threads would fight; ours is numba's
threadpool_limits(1, user_api="blas")

try:  # tell glibc to keep freed memory: fresh pages cost more than most arithmetic
    _libc = ctypes.CDLL("libc.so.6")
    _libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
    _libc.mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD
except (OSError, AttributeError):  # not glibc
    pass

if numba.config.CPU_FEATURES is None:  # let LLVM use the widest vectors there are
    _features = llvm.get_host_cpu_features()
    if _features.get("avx512f"):
        numba.config.CPU_NAME = llvm.get_host_cpu_name()
        numba.config.CPU_FEATURES = _features.flatten() + ",-prefer-256-bit"

# the compiler may reorder and fuse additions, but must pass NaN and Inf through
FAST = {"reassoc", "contract", "nsz", "arcp"}
# numpy's rules for errors: Python's test for a division by zero would stop vectors
OPTIONS = {"cache": True, "fastmath": FAST, "error_model": "numpy"}
compiled = njit(**OPTIONS)
parallel = njit(**OPTIONS, parallel=True)


def ready(x):
    """x as kernels take it, copied if need be: each kind of array is compiled for."""
    if type(x) is np.ndarray and x.flags.carray:
        return x
    return np.require(x, requirements=("C", "W"))


class Announcer(event.Listener):
    """Says that it compiles when a kernel is used that is not in the cache yet."""

    depth, bar, silent = 0, None, False

    def on_start(self, event):
        self.depth += 1
        module = event.data["dispatcher"].py_func.__module__ or ""
        ours = module.startswith(__package__)
        if ours and self.bar is None and not self.silent:
            text = "compiling a kernel, once on this machine (up to half a minute) …"
            self.bar = progress(desc=text, bar_format="{desc}")

    def on_end(self, event):
        self.depth -= 1
        if self.depth == 0 and self.bar is not None:
            self.bar.close()
            self.bar = None


announcer = Announcer()
event.register("numba:compile", announcer)
