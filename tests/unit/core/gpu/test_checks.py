"""Every check has two machines that differ in one leaf: on one it ends well, on the other badly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from milepost.core.compatibility import ARCH_NOT_IN_BUILD, DRIVER_BELOW_FLOOR
from milepost.core.gpu import build, devices, driver, host, judge, libraries, probes
from milepost.core.verdict import Answer, Ending

MODULES = (build, driver, devices, libraries, host, probes, judge)
ON_MACHINES = {rule.name for module in MODULES for rule in module.RULES} | {
    ARCH_NOT_IN_BUILD.name,
    DRIVER_BELOW_FLOOR.name,
}
# Their two machines differ in something else than a leaf of the facts: the day, the machine of before.
NOT_OF_FACTS = {"data-age", "drift"}

TRIED = (
    "probe-init",
    "probe-alloc",
    "probe-matmul",
    "probe-transfer",
    "probe-conv2d",
    "probe-again",
    "probe-conv3d",
    "probe-sdpa",
    "probe-autograd",
    "probe-amp",
    "probe-graph",
    "probe-compile",
    "probe-dataloader",
    "probe-nccl",
    "probe-peer",
)

# rule, what is declared, what the machine is like before, the leaf, and its bad value
Pair = tuple[str, dict[str, Any], dict[str, Any], str, Any]
PAIRS: list[Pair] = [
    ("python-version", {"python": "3.12"}, {}, "/python/version", "3.11.9"),
    ("torch-missing", {}, {"unread": {"/torch/version": "not-present"}}, "/torch/version", None),
    ("torch-import", {}, {}, "/torch/imported", False),
    ("torch-rocm", {}, {}, "/torch/hip", "6.4.43484"),
    ("torch-cpu-only", {}, {}, "/torch/version", "2.11.0+cpu"),
    ("torch-prerelease", {}, {}, "/torch/version", "2.9.0a0+145a3a7bda.nv25.09"),
    ("torch-version", {"torch": "==2.11.*"}, {}, "/torch/version", "2.8.0+cu130"),
    ("torch-local", {"local": "cu130"}, {}, "/torch/version", "2.11.0+cu128"),
    ("torch-cuda", {"cuda": "13.0"}, {}, "/torch/cuda", "12.6"),
    ("torchvision-version", {"torchvision": "==0.26.*"}, {}, "/packages/2/version", "0.23.0"),
    ("triton-version", {"triton": "3.6"}, {}, "/packages/3/version", "3.4.0"),
    (
        "import-declared",
        {"needs": {"imports": ["torchvision"]}},
        {"results": ["imports.torchvision"]},
        "/results/-1/status",
        "error",
    ),
    ("cuda-initialised-by-import", {}, {}, "/torch/cuda_initialised_by_import", True),
    ("driver-missing", {}, {"unread": {"/driver/libcuda": "not-present"}}, "/driver/libcuda", None),
    ("driver-library-mismatch", {}, {}, "/driver/nvml", "lib-rm-version-mismatch"),
    ("driver-version", {"driver": ">=580"}, {}, "/driver/version", "575.57.08"),
    ("forward-compat-unsupported", {}, {}, "/results/1/error", "Error 804: forward compatibility was attempted"),
    ("driver-works-below-floor", {}, {}, "/driver/version", "470.256.02"),
    ("driver-below-floor", {}, {"status": {"/results/3/status": "error"}}, "/driver/version", "470.256.02"),
    ("nvml-failed", {}, {"status": {"/results/3/status": "error"}}, "/driver/nvml", "unknown"),
    ("wrong-host", {}, {}, "/host/id", "sha256:other"),
    ("gpu-none", {}, {"unread": {"/gpus/0/cuda_index": "not-present"}}, "/gpus/0/cuda_index", None),
    ("gpu-lost", {}, {}, "/driver/nvml", "gpu-is-lost"),
    (
        "gpu-count",
        {"gpu": {"count": "2"}},
        {"gpus": 2, "unread": {"/gpus/1/cuda_index": "not-present"}},
        "/gpus/1/cuda_index",
        None,
    ),
    ("gpu-not-initialised", {}, {}, "/results/1/error", "Error 802: system not yet initialized"),
    ("gpu-busy", {}, {}, "/gpus/0/compute_mode", "prohibited"),
    ("arch-not-in-build", {}, {"status": {"/results/3/status": "error"}}, "/gpus/0/capability", "6.1"),
    ("gpu-name", {"gpu": {"names": ["H100", "H200"]}}, {}, "/gpus/0/name", "NVIDIA A100-SXM4-80GB"),
    ("gpu-memory", {"gpu": {"memory": ">=80 GB"}}, {}, "/gpus/0/memory_total", 42_949_672_960),
    ("gpu-capability", {"gpu": {"capability": ">=9.0"}}, {}, "/gpus/0/capability", "8.0"),
    ("gpu-mig", {}, {}, "/gpus/0/is_mig", True),
    ("gpu-leftovers", {}, {}, "/gpus/0/memory_used_before", 68_700_000_000),
    ("gpu-ecc", {}, {}, "/gpus/0/ecc_uncorrected", 3),
    ("gpu-remap-pending", {}, {}, "/gpus/0/remap_pending", True),
    ("gpu-remap-failed", {}, {}, "/gpus/0/remap_failed", True),
    (
        "files-differ",
        {},
        {"lists": {"/files/differ": [{"package": "nvidia-cudnn-cu13", "path": "libcudnn.so.9"}]}},
        "/files/differ",
        None,
    ),
    ("cudnn-incompatible", {}, {}, "/torch/cudnn_runtime", 90700),
    ("cudnn-mixed", {}, {}, "/loaded/1/path", "/usr/lib/x86_64-linux-gnu/libcudnn_graph.so.9"),
    ("cudnn-version", {"cudnn": "9.19"}, {}, "/torch/cudnn_runtime", 92000),
    ("nccl-version", {"nccl": "2.28.9"}, {}, "/torch/nccl", "2.26.2"),
    ("library-foreign", {}, {}, "/loaded/2/path", "/usr/lib/x86_64-linux-gnu/libnccl.so.2"),
    (
        "shm-too-small",
        {"needs": {"dataloader": {"shm": 10**9}}},
        {},
        "/host/shm_total",
        67_108_864,
    ),
    ("compiler-missing", {"needs": {"compile": True}}, {}, "/host/cc", None),
    ("memory-limit", {}, {}, "/host/memory_limit", 2**34),
    *[(name, {}, {"gpus": 2}, f"/results/{name.removeprefix('probe-')}/status", "wrong") for name in TRIED],
    ("probe-hung", {}, {}, "/results/3/status", "hung"),
    ("probe-crashed", {}, {}, "/results/3/status", "crashed"),
    ("probe-unkillable", {}, {}, "/results/3/status", "unkillable"),
    ("probe-garbage", {}, {}, "/results/3/status", "banana"),
    ("facts-incomplete", {}, {}, "/host/boot_id", None),
]


def prepare(new_machine: Callable[..., Any], before: dict[str, Any]) -> Any:
    """The healthy machine with what the pair has in common."""
    machine = new_machine(gpus=before.get("gpus", 1))
    for probe in before.get("results", ()):
        machine = machine.got(probe, "ok", gpu=None)
    for place, value in before.get("status", {}).items():
        machine = machine.put(place, value)
    machine.value["unread"] |= before.get("unread", {})
    return machine


def find_place(machine: Any, place: str) -> str:
    """The place, with the name of a probe or -1 as the number of its result."""
    parts = place.split("/")
    if parts[1] != "results" or parts[2].isdigit():
        return place
    names = [each["probe"].partition(".")[0] for each in machine.value["results"]]
    parts[2] = str(len(names) - 1 if parts[2] == "-1" else names.index(parts[2]))
    return "/".join(parts)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0])
def test_a_check_hangs_on_one_leaf(
    pair: Pair, court: Any, new_machine: Callable[..., Any], declare: Callable[..., Any]
) -> None:
    """With the good value it does not fail; with the bad one it does, or waits for what failed."""
    name, declared, before, place, bad = pair
    environment = declare(**declared)
    good = prepare(new_machine, before)
    changed = good.put(find_place(good, place), before["lists"][place] if "lists" in before else bad)

    fine, wrong = (court.judge(each, environment, host="sha256:host") for each in (good, changed))

    bad_endings = (Ending.FAILED, Ending.UNPROVEN) if name == "facts-incomplete" else (Ending.FAILED,)
    assert [] == [each for each in fine.checks if each.id == name and each.ending in bad_endings]
    assert name in [each.id for each in wrong.checks if each.ending in bad_endings]
    assert {name} & {each.id for each in wrong.findings}
    blocks = any(each.is_blocking for each in wrong.checks if each.id == name)
    assert not (blocks and wrong.answer is Answer.PASS)


def test_every_check_has_its_pair() -> None:
    """Also one that is added tomorrow."""
    assert ON_MACHINES - NOT_OF_FACTS == {pair[0] for pair in PAIRS}


def test_every_check_can_be_waived_by_its_name() -> None:
    """What the plan file may waive is what the judge can find."""
    from milepost.core.checks import WAIVABLE

    assert set() == ON_MACHINES - set(WAIVABLE)
