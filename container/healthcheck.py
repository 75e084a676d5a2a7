"""Healthy while every GPU that the container was given answers; a container without GPUs is healthy.

Asks the driver's NVML by ctypes: a health check that opened a CUDA context would take memory from the work.
"""

from __future__ import annotations

import ctypes
import glob
import os
import sys

LIBRARY = "libnvidia-ml.so.1"
NO_DEVICES = ("", "void", "none")
NO_GPU_FOUND = 6


def main() -> int:
    """0 when all is well; 1 with a reason on standard output."""
    nodes = glob.glob("/dev/nvidia[0-9]*")
    if not nodes and os.environ.get("NVIDIA_VISIBLE_DEVICES", "") in NO_DEVICES:
        print("healthy: no GPU was asked for")
        return 0
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError:
        print(f"unhealthy: a GPU was asked for, and the driver's {LIBRARY} is not there")
        return 1
    code = library.nvmlInit_v2()
    if code:
        print(f"unhealthy: NVML does not start, error {code}")
        return 1
    count, code = ask_all(library)
    library.nvmlShutdown()
    print(f"unhealthy: a GPU does not answer, NVML error {code}" if code else f"healthy: {count} GPUs answer")
    return 1 if code else 0


def ask_all(library: ctypes.CDLL) -> tuple[int, int]:
    """How many GPUs there are, and the first error that one gives; none at all is an error, too."""
    count = ctypes.c_uint(0)
    code = int(library.nvmlDeviceGetCount_v2(ctypes.byref(count)))
    if not code and not count.value:
        code = NO_GPU_FOUND
    for index in range(count.value):
        handle = ctypes.c_void_p()
        code = code or int(library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)))
    return count.value, code


if __name__ == "__main__":
    sys.exit(main())
