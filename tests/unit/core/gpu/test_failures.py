"""The 35 failures that people reported: at which stage each is stopped, and by which finding first."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[4] / "docs" / "failures.md"
STAGES = ("declaration", "registry", "job start", "facts", "probe")
NO_DRIVER = {"/driver/version": "not-present", "/driver/libcuda": "not-present"}

# number, what is declared beyond a GPU, how the healthy machine is spoiled, the first finding
Story = tuple[int, dict[str, Any], Callable[[Any], Any], str]


def without_gpu(machine: Any, nvml: str = "library-not-found") -> Any:
    """No device, and every probe says so."""
    bare = machine.put("/gpus", []).put("/nodes", []).put("/driver/nvml", nvml)
    return bare.with_errors("RuntimeError: No CUDA GPUs are available")


def mixed(machine: Any, where: str) -> Any:
    """A cuDNN in the library path that is not the wheel's."""
    return machine.put("/host/env/LD_LIBRARY_PATH", where).put("/loaded/1/path", f"{where}/libcudnn_graph.so.9")


def overlaid(machine: Any, package: str) -> Any:
    """A package for CUDA 12 was installed over the one for 13."""
    return machine.put("/files/differ", [{"package": package, "path": "libcudnn.so.9"}])


STORIES: list[Story] = [
    (
        1,
        {},
        lambda m: (
            m.put("/torch/version", "2.11.0+cpu")
            .unread("/torch/cuda", "not-supported")
            .with_errors("AssertionError: Torch not compiled with CUDA enabled")
        ),
        "torch-cpu-only",
    ),
    (
        2,
        {},
        lambda m: m.put("/driver/version", "470.256.02").with_errors(
            "RuntimeError: The NVIDIA driver on your system is too old (found version 11040)"
        ),
        "driver-below-floor",
    ),
    (
        3,
        {},
        lambda m: without_gpu(m, "unknown").put("/nodes", [{"path": "/dev/nvidiactl", "errno": 1}]),
        "nvml-failed",
    ),
    (
        4,
        {},
        lambda m: m.put("/gpus/0/capability", "6.1").with_errors(
            "CUDA error: no kernel image is available for execution on the device"
        ),
        "arch-not-in-build",
    ),
    (
        5,
        {},
        lambda m: m.put("/torch/cudnn_runtime", 90700).got(
            "conv2d.fp32",
            "error",
            "RuntimeError: cuDNN version incompatibility: PyTorch was compiled against (9, 19, 0) but found runtime "
            "version (9, 7, 0)",
        ),
        "cudnn-incompatible",
    ),
    (
        6,
        {},
        lambda m: mixed(m, "/usr/lib/x86_64-linux-gnu").put("/torch/cudnn_runtime", 92400),
        "cudnn-mixed",
    ),
    (
        7,
        {},
        lambda m: (
            m.put("/torch/imported", False)
            .put("/torch/error", "ImportError: undefined symbol: __nvJitLinkComplete_12_4, version libnvJitLink.so.12")
            .unread("/torch/cudnn_runtime", "error")
            .put("/results", [])
        ),
        "torch-import",
    ),
    (
        8,
        {"needs": {"imports": ["torchvision"]}},
        lambda m: m.got(
            "imports.torchvision", "error", "RuntimeError: operator torchvision::nms does not exist", gpu=None
        ),
        "import-declared",
    ),
    (
        9,
        {},
        lambda m: m.put("/driver/libcuda", "/usr/local/cuda/compat/libcuda.so.1").with_errors(
            "Error 804: forward compatibility was attempted on non supported HW"
        ),
        "forward-compat-unsupported",
    ),
    (10, {}, lambda m: m.with_errors("Error 802: system not yet initialized"), "gpu-not-initialised"),
    (
        11,
        {},
        lambda m: m.with_errors("Error 803: system has unsupported display driver / cuda driver combination"),
        "forward-compat-unsupported",
    ),
    (
        12,
        {},
        lambda m: without_gpu(m, "lib-rm-version-mismatch").put("/nodes", [{"path": "/dev/nvidiactl", "errno": None}]),
        "driver-library-mismatch",
    ),
    (14, {}, lambda m: without_gpu(m).put("/host/container", "kubernetes"), "gpu-none"),
    (
        15,
        {"needs": {"dataloader": {"shm": 10**9}}},
        lambda m: m.put("/host/shm_total", 67_108_864).got(
            "dataloader", "error", "RuntimeError: DataLoader worker (pid 7) is killed by signal: Bus error.", gpu=None
        ),
        "shm-too-small",
    ),
    (
        16,
        {"needs": {"compile": True}},
        lambda m: m.put("/host/cc", None).got("compile", "error", "RuntimeError: Failed to find C compiler.", gpu=None),
        "compiler-missing",
    ),
    (17, {}, lambda m: m.got("compile", "wrong", "gradients differ from eager by 0.31", gpu=None), "probe-compile"),
    (18, {}, lambda m: m.got("compile", "error", "InductorError: bmm", gpu=None), "probe-compile"),
    (19, {}, lambda m: m.got("conv3d", "wrong", "differs by 12.0"), "probe-conv3d"),
    (
        20,
        {},
        lambda m: m.got("sdpa", "error", "cuDNN Frontend error: No valid execution plans built"),
        "probe-sdpa",
    ),
    (21, {}, lambda m: m.put("/torch/cuda_initialised_by_import", True), "cuda-initialised-by-import"),
    (22, {}, lambda m: overlaid(m, "nvidia-cudnn-cu13").put("/torch/cudnn_runtime", 90700), "files-differ"),
    (23, {}, lambda m: m.put("/gpus/0/is_mig", True).put("/gpus/0/mig_profile", "3g.40gb"), "gpu-mig"),
    (24, {}, lambda m: m.got("peer", "hung", gpu=None), "probe-hung"),
    (25, {"gpu": {"count": "1"}}, lambda m: m.put("/driver/nvml", "gpu-is-lost"), "gpu-lost"),
    (
        26,
        {},
        lambda m: m.got("matmul.bf16", "error", "CUDA error: uncorrectable ECC error encountered"),
        "gpu-ecc",
    ),
    (27, {}, lambda m: m.unread("/gpus/0/name", "error"), "nvml-failed"),
    (28, {}, lambda m: m.put("/gpus/0/memory_used_before", 68_700_000_000), "gpu-leftovers"),
    (
        29,
        {},
        lambda m: m.put("/nodes/1/errno", 2).with_errors("CUDA unknown error"),
        "gpu-none",
    ),
    (
        30,
        {},
        lambda m: m.put("/gpus/0/compute_mode", "exclusive-process").with_errors(
            "CUDA error: CUDA-capable device(s) is/are busy or unavailable"
        ),
        "gpu-busy",
    ),
    (31, {"gpu": {"count": "2"}}, lambda m: m, "gpu-count"),
    (
        33,
        {"needs": {"imports": ["torchcodec"]}},
        lambda m: m.got("imports.torchcodec", "error", "libnvrtc.so.12: cannot open shared object file", gpu=None),
        "import-declared",
    ),
]


def read_table() -> dict[int, tuple[str, str]]:
    """The table of the docs: number of the failure to stage and check."""
    pattern = r"^\| (\d+) \| .*? \| ([a-z ]+) \| `([a-z0-9-]+)` \|"
    rows = re.findall(pattern, DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    return {int(number): (stage.strip(), check) for number, stage, check in rows}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story[0]}-{story[3]}")
def test_the_first_finding_is_the_documented_one(
    story: Story, court: Any, machine: Any, declare: Callable[..., Any]
) -> None:
    """As the reporter of the failure would have been told."""
    _, declared, spoil, check = story

    assert check == court.first(spoil(machine), declare(**declared))


def test_every_failure_has_its_stage() -> None:
    """The docs name a stage and a check for each of the 35; those of facts and probe are the ones tested here."""
    table = read_table()

    assert list(range(1, 36)) == sorted(table)
    assert set() == {stage for stage, _ in table.values()} - set(STAGES)
    told = {number: check for number, (stage, check) in table.items() if stage in ("facts", "probe")}
    assert told == {number: check for number, _, _, check in STORIES}


def test_a_machine_without_a_driver_is_no_gpu_first(court: Any, machine: Any) -> None:
    """A CUDA wheel on a machine that has nothing of NVIDIA: `gpu-none`, with the host's missing driver as the reason."""
    bare = without_gpu(machine)
    for place, reason in NO_DRIVER.items():
        bare = bare.unread(place, reason)

    verdict = court.judge(bare)

    assert ["gpu-none"] == [each.id for each in verdict.findings]
    assert "no NVIDIA driver on the host" in verdict.findings[0].why


def test_a_cpu_wheel_without_a_gpu_is_told_first(court: Any, machine: Any) -> None:
    """Two independent causes, the wheel before the machine."""
    bare = without_gpu(machine).put("/torch/version", "2.11.0+cpu").unread("/torch/cuda", "not-supported")

    assert ["torch-cpu-only", "gpu-none"] == [each.id for each in court.judge(bare).findings]
