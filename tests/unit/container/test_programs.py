"""The programs inside the container image: what they say of an image, and when it is healthy."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

CONTAINER = Path(__file__).parents[3] / "container"
FAKE_NVML = """
#include <stdlib.h>
static int number(const char *name) { const char *text = getenv(name); return text ? atoi(text) : 0; }
int nvmlInit_v2(void) { return number("FAKE_INIT"); }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = number("FAKE_COUNT"); return number("FAKE_COUNT_ERROR"); }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) { return index == 1 ? number("FAKE_SECOND") : 0; }
"""


def a_torch(version: str, cuda: str | None, cudnn: int | None, nccl: tuple[int, ...]) -> Any:
    return SimpleNamespace(
        __version__=version,
        version=SimpleNamespace(cuda=cuda),
        backends=SimpleNamespace(cudnn=SimpleNamespace(version=lambda: cudnn)),
        cuda=SimpleNamespace(nccl=SimpleNamespace(version=lambda: nccl)),
    )


def load_describe(torch: Any, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """container/describe.py, in an image with that torch."""
    monkeypatch.setitem(sys.modules, "torch", torch)
    spec = importlib.util.spec_from_file_location("describe", CONTAINER / "describe.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_image_is_described_by_labels(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """Each under our prefix, as torch itself says it; what is not installed has none."""
    describe = load_describe(a_torch("2.9.1+cu128", "12.8", 91002, (2, 27, 5)), monkeypatch)
    monkeypatch.setattr(describe, "read_distribution", {"triton": "3.5.1"}.get)
    monkeypatch.setattr(describe, "find_cudnn", lambda _: ["/opt/one"])

    status = describe.main(["--torch", "2.9.1", "--cuda", "12.8"])

    labels = json.loads(capsys.readouterr().out)
    assert 0 == status
    python = ".".join(map(str, sys.version_info[:3]))
    expected = {"torch": "2.9.1+cu128", "cuda": "12.8", "cudnn": "9.10.2", "nccl": "2.27.5", "triton": "3.5.1"}
    assert {f"io.github.milepost.{name}": each for name, each in {**expected, "python": python}.items()} == labels


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--torch", "2.9.1"], "torch is 2.9.0+cpu, wanted is 2.9.1"),
        (["--cuda", "12.8"], "torch is built for CUDA none, wanted is 12.8"),
        ([], ""),
        (["--torch", "2.9.0", "--cuda", "none"], ""),
    ],
)
def test_what_is_not_as_it_was_meant_fails(
    options: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """With what there is, and what was wanted."""
    describe = load_describe(a_torch("2.9.0+cpu", None, None, ()), monkeypatch)
    monkeypatch.setattr(describe, "find_cudnn", lambda _: [])

    assert (1 if told else 0) == describe.main(options)
    assert told in capsys.readouterr().err


def test_cudnn_is_found_wherever_it_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A link is where it leads; a sublibrary is no second one."""
    describe = load_describe(a_torch("2.9.1", "12.8", 91002, ()), monkeypatch)
    for place in ("venv/cudnn/lib", "usr/lib"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "venv/cudnn/lib/libcudnn.so.9").touch()
    (tmp_path / "venv/cudnn/lib/libcudnn_ops.so.9").touch()
    (tmp_path / "usr/lib/libcudnn.so.9").symlink_to(tmp_path / "venv/cudnn/lib/libcudnn.so.9")
    one = describe.find_cudnn(str(tmp_path))

    (tmp_path / "usr/lib/libcudnn.so.8").touch()
    two = describe.find_cudnn(str(tmp_path))

    assert ([f"{tmp_path}/venv/cudnn/lib"], []) == (one, describe.judge_cudnn(one))
    (problem,) = describe.judge_cudnn(two)
    assert f"cuDNN is there 2 times, in {tmp_path}/usr/lib and {tmp_path}/venv/cudnn/lib" in problem


@pytest.mark.parametrize(("number", "said"), [(91002, "9.10.2"), (90100, "9.1.0"), (8907, "8.9.7"), (None, "")])
def test_cudnn_counts_in_two_ways(number: int | None, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Since version 9, and before."""
    assert said == load_describe(a_torch("2", None, None, ()), monkeypatch).say_cudnn(number)


@pytest.fixture(scope="module")
def fake_nvml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a libnvidia-ml.so.1 that answers as its environment says."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler is installed here")
    folder = tmp_path_factory.mktemp("nvml")
    (folder / "nvml.c").write_text(FAKE_NVML, encoding="utf-8")
    command = [compiler, "-shared", "-fPIC", "-o", str(folder / "libnvidia-ml.so.1"), str(folder / "nvml.c")]
    subprocess.run(command, check=True)
    return folder


@pytest.mark.parametrize(
    ("answers", "status", "told"),
    [
        ({"FAKE_COUNT": "2"}, 0, "healthy: 2 GPUs answer"),
        ({"FAKE_COUNT": "0"}, 1, "unhealthy: a GPU does not answer, NVML error 6"),
        ({"FAKE_INIT": "18"}, 1, "unhealthy: NVML does not start, error 18"),
        ({"FAKE_COUNT_ERROR": "4"}, 1, "NVML error 4"),
        ({"FAKE_COUNT": "3", "FAKE_SECOND": "15"}, 1, "NVML error 15"),
    ],
)
def test_health_is_what_nvml_says(answers: dict[str, str], status: int, told: str, fake_nvml: Path) -> None:
    """Every GPU that was asked for answers; a lost one does not."""
    ran = check_health({"NVIDIA_VISIBLE_DEVICES": "all", "LD_LIBRARY_PATH": str(fake_nvml), **answers})

    assert (status, True) == (ran.returncode, told in ran.stdout)


@pytest.mark.skipif(os.path.exists("/dev/nvidia0"), reason="this machine has a GPU")
@pytest.mark.parametrize(
    ("visible", "status", "told"),
    [
        (None, 0, "healthy: no GPU was asked for"),
        ("void", 0, "healthy: no GPU was asked for"),
        ("all", 1, "libnvidia-ml.so.1 is not there"),
    ],
)
def test_a_container_that_was_given_no_gpu_is_healthy(visible: str | None, status: int, told: str) -> None:
    """One that was, and has no driver's library, is not."""
    ran = check_health({} if visible is None else {"NVIDIA_VISIBLE_DEVICES": visible})

    assert (status, True) == (ran.returncode, told in ran.stdout)


def check_health(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-S", str(CONTAINER / "healthcheck.py")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_health_check_opens_no_context() -> None:
    """It calls NVML only, by ctypes."""
    text = (CONTAINER / "healthcheck.py").read_text(encoding="utf-8")

    assert "torch" not in text
    assert {"nvmlInit_v2", "nvmlDeviceGetCount_v2", "nvmlDeviceGetHandleByIndex_v2", "nvmlShutdown"} == set(
        re.findall(r"library\.(\w+)\(", text)
    )
