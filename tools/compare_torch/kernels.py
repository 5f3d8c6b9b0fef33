"""Median milliseconds of the kernels that `compare_torch --kernels` asks for, on the processor: numpy's BLAS and PyTorch's convolutions.

Standard input has a case a line, `matmul N` or `conv BATCH CHANNELS SIDE`; each line of the answer is `NAME milliseconds`.
"""

import os
import sys
import time

import numpy
import torch

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


def median(work, runs=9):
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return sorted(times)[runs // 2] * 1e3


for line in sys.stdin:
    kind, *extents = line.split()
    extents = [int(e) for e in extents]
    if kind == "matmul":
        n = extents[0]
        a, b = (numpy.random.standard_normal((n, n)).astype(numpy.float32) for _ in range(2))
        out = numpy.empty((n, n), numpy.float32)
        print(f"matmul {n}", median(lambda: numpy.matmul(a, b, out=out)), flush=True)
        continue
    batch, channels, side = extents
    x = torch.randn(batch, channels, side, side)
    w = torch.randn(channels, channels, 3, 3)
    dy = torch.randn(batch, channels, side, side)

    def gradient(dx, dw):
        return torch.ops.aten.convolution_backward(dy, x, w, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, [dx, dw, False])

    with torch.no_grad():
        print(f"conv {channels} fwd", median(lambda: torch.conv2d(x, w, padding=1)))
        print(f"conv {channels} dx", median(lambda: gradient(True, False)))
        print(f"conv {channels} dw", median(lambda: gradient(False, True)), flush=True)
