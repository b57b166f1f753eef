"""`python -m benchmarks`: time `mini` beside torch, in alternation, on two threads.

    python -m benchmarks [--seconds S] [--threads T] [--write]

Times are the median of many alternating calls, so that a disturbance hits both alike.
With --write the table goes into README.md between its two marks.
"""

import argparse
import platform
import re
import statistics
import time
from datetime import date
from pathlib import Path

import numba
import numpy as np
import torch

from benchmarks.cases import all_cases
from mini import kernels

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- benchmarks:begin -->", "<!-- benchmarks:end -->"


def alternate(first, second, seconds):
    """Median seconds of each of two functions, called in turn for about `seconds`."""
    first(), second()
    times = [], []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < 5:
        for function, measured in zip((first, second), times, strict=True):
            start = time.perf_counter()
            function()
            measured.append(time.perf_counter() - start)
    return [statistics.median(t) for t in times]


def peak(seconds):
    """The faster library's multiplications and additions per second on 1024×1024."""
    a = np.random.default_rng(0).standard_normal((1024, 1024), dtype=np.float32)
    b = torch.tensor(a)
    return (
        2
        * 1024**3
        / min(alternate(lambda: kernels.matmul(a, a), lambda: b @ b, seconds))
    )


def cpu():
    try:
        names = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def measure(seconds, threads):
    """The rows of the table, as lists of strings, and its heading line."""
    top = peak(seconds)
    yield (
        f"{date.today()}, {cpu()}, {threads} threads, numba {numba.__version__}, torch"
        f" {torch.__version__}; matrix product peak {top / 1e9:.0f} GFLOP/s."
    )
    yield ["what", "mini, ms", "torch, ms", "mini / torch", "to reach", "of peak"]
    for case in all_cases(np.random.default_rng(0)):
        name, flops, ours, theirs, target, *parts = case
        a, b = alternate(ours, theirs, seconds)
        b *= parts[0] if parts else 1
        reach = "" if target is None else f"≤ {target}"
        share = "" if flops is None else f"{flops / a / top:.0%}"
        ratio = f"{a / b:.2f}" if a / b > 0.02 else f"{a / b:.2g}"
        yield [name, f"{a * 1e3:.2f}", f"{b * 1e3:.2f}", ratio, reach, share]


def write(lines, begin=BEGIN, end=END):
    """Put the table between two marks in README.md."""
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(begin)
    _, after = rest.split(end)
    new = "\n".join([before + begin, *lines, end + after])
    README.write_text(new, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each row")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write into README.md")
    options = parser.parse_args()
    numba.set_num_threads(options.threads)
    torch.set_num_threads(options.threads)
    lines = []
    for row in measure(options.seconds, options.threads):
        if isinstance(row, str):
            new = [row, ""]
        else:
            new = ["| " + " | ".join(row) + " |"]
            if len(lines) == 2:
                new.append("|---|--:|--:|--:|--:|--:|")
        lines += new
        print(*new, sep="\n", flush=True)
    if options.write:
        write(lines)


if __name__ == "__main__":
    main()
