"""A torch without arithmetic: what the processes do around it is tested with it. CUDA_STUB says how it behaves."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from typing import Any

MODE = os.environ.get("CUDA_STUB", "")
if MODE == "hang-import":
    time.sleep(1000)
if MODE == "die-import":
    os.kill(os.getpid(), signal.SIGSEGV)
if MODE == "refuse-import":
    raise ImportError("libcudnn.so.9: undefined symbol: ncclDevCommDestroy")
if MODE == "leave-import":
    raise SystemExit(0)

__version__ = "2.9.1+cu128"


class version:  # noqa: N801
    cuda = "12.8"
    hip = None
    git_version = "5811a8d7da873dd699ff6687092c225caffcf1bb"


class _C:
    class _cudnn:  # noqa: N801
        @staticmethod
        def getCompileVersion() -> tuple[int, int, int]:  # noqa: N802
            return 9, 10, 2

        @staticmethod
        def getRuntimeVersion() -> tuple[int, int, int]:  # noqa: N802
            if MODE == "broken-cudnn":
                raise RuntimeError("cuDNN version incompatibility")
            return 9, 24, 0

    @staticmethod
    def _cuda_getArchFlags() -> str:  # noqa: N802
        return "sm_80 sm_90"

    @staticmethod
    def _nccl_version() -> int:
        return 22705


class cuda:  # noqa: N801
    class properties:  # noqa: N801
        name, major, minor, total_memory = "NVIDIA A100-SXM4-80GB", 8, 0, 85175500800

    @staticmethod
    def is_initialized() -> bool:
        return False

    @staticmethod
    def init() -> None:
        if not MODE.startswith("gpus"):
            raise RuntimeError("Found no NVIDIA driver on your system.")
        ctypes.CDLL("libcuda.so.1")

    @staticmethod
    def device_count() -> int:
        return int(MODE.partition("=")[2])

    @staticmethod
    def get_device_properties(index: int) -> Any:
        return cuda.properties


def zeros(*_: Any, **__: Any) -> None:
    return None
