"""What torch and the process's own memory map say, spelled the same whichever version says it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from milepost.probe import device

MAPS = """\
7f00-7f01 r-xp 00000000 08:01 11 /opt/venv/lib/python3.12/site-packages/nvidia/cudnn/lib/libcudnn.so.9
7f01-7f02 r--p 00001000 08:01 11 /opt/venv/lib/python3.12/site-packages/nvidia/cudnn/lib/libcudnn.so.9
7f02-7f03 r-xp 00000000 08:01 12 /usr/local/cuda/lib64/libcudnn_graph.so.9
7f03-7f04 r-xp 00000000 08:01 13 /opt/venv/lib/python3.12/site-packages/nvidia/cu13/lib/libcublasLt.so.13
7f04-7f05 r-xp 00000000 08:01 14 /opt/venv/lib/python3.12/site-packages/nvidia/nccl/lib/libnccl.so.2 (deleted)
7f05-7f06 r-xp 00000000 08:01 15 /usr/lib/x86_64-linux-gnu/libcuda.so.580.159.03
7f06-7f07 r-xp 00000000 08:01 16 /usr/lib/x86_64-linux-gnu/libcudadebugger.so.1
7f07-7f08 rw-p 00000000 00:00 0 [heap]
"""


def test_loaded_libraries_are_told_by_family() -> None:
    """Each path once; a deleted file is still what the process uses; others are not listed."""
    found = [(each["family"], each["path"].rpartition("/")[2]) for each in device.list_loaded(MAPS)]

    assert [
        ("cudnn", "libcudnn.so.9"),
        ("cudnn", "libcudnn_graph.so.9"),
        ("nccl", "libnccl.so.2"),
        ("cublas", "libcublasLt.so.13"),
        ("cuda", "libcuda.so.580.159.03"),
    ] == found


@pytest.mark.parametrize(
    ("told", "version"),
    [((9, 10, 2), 91002), ((8, 7, 0), 8700), (91900, 91900), ((0, 0, 0), None), (0, None)],
)
def test_cudnn_is_counted_as_its_header_does(told: Any, version: int | None) -> None:
    """The factor changed with version 9."""
    assert version == device.join_version(told)


@pytest.mark.parametrize(
    ("told", "version"),
    [((2, 27, 5), "2.27.5"), (8591900679, "2.30.7"), (22705, "2.27.5"), (2708, "2.7.8"), ((2, 30, 7, ""), "2.30.7")],
)
def test_nccl_is_spelled_with_points(told: Any, version: str) -> None:
    """Whether it is told as a number of any kind or as parts; the large one is what torch 2.14 tells."""
    assert version == device.spell_nccl(told)


def test_a_build_for_the_cpu_lacks_what_is_of_cuda() -> None:
    """That is no error of reading."""
    torch = SimpleNamespace(
        __file__="/site/torch/__init__.py",
        __version__="2.13.0+cpu",
        version=SimpleNamespace(cuda=None, hip=None, git_version="abc"),
        cuda=SimpleNamespace(is_initialized=lambda: False),
        _C=SimpleNamespace(),
    )

    found = device.read_torch(torch)

    lacking = ("cuda", "arch_list", "cudnn_compiled", "cudnn_runtime", "nccl")
    assert dict.fromkeys(lacking, "not-supported") == found["unread"]
    assert ("2.13.0+cpu", "/site/torch", False) == (
        found["version"],
        found["path"],
        found["cuda_initialised_by_import"],
    )


def test_without_a_driver_library_there_is_no_uuid() -> None:
    """Nothing is asked of it."""
    assert device.read_uuid(None, 0) is None
    assert {"libcuda": None, "cuda_api": None} == device.read_driver([])
