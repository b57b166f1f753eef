"""`python -m mini` compiles the kernels that are not in numba's cache yet."""

import time

from numba.core.event import install_recorder

from mini.kernels import warm_up


def report(done, total):
    print(f"\rcompiling kernels {done}/{total} …", end="", flush=True)


print("compiling kernels …", end="", flush=True)
start = time.perf_counter()
with install_recorder("numba:compile") as compilations:
    warm_up(report)
if compilations.buffer:
    print(f" done, once, in {time.perf_counter() - start:.0f} s")
else:
    print("\rall kernels are compiled and cached")
