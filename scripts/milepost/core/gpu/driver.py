"""The NVIDIA driver, and the way to it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from milepost.core.compatibility import DRIVER_BELOW_FLOOR
from milepost.core.environment import read_specifier
from milepost.core.facts import Platform, Reason
from milepost.core.gpu.case import Case, compare, failed, met, not_applicable, unproven
from milepost.core.verdict import Check
from milepost.diagnostics import Rule, Severity

DRIVER_MISSING = Rule("driver-missing", Severity.ERROR, "A GPU is given to the job, its driver's libraries are not.")
DRIVER_LIBRARY_MISMATCH = Rule(
    "driver-library-mismatch", Severity.ERROR, "The driver's libraries are of another version than its kernel module."
)
DRIVER_VERSION = Rule("driver-version", Severity.ERROR, "The driver is of another version than declared.")
FORWARD_COMPAT = Rule(
    "forward-compat-unsupported", Severity.ERROR, "CUDA's forward compatibility is tried where it is not supported."
)
WORKS_BELOW_FLOOR = Rule(
    "driver-works-below-floor", Severity.NOTICE, "The driver is older than the CUDA family's oldest, and works."
)
NVML_FAILED = Rule(
    "nvml-failed", Severity.ERROR, "NVML, the driver's management library, does not answer as it should."
)
RULES = (
    DRIVER_MISSING,
    DRIVER_LIBRARY_MISMATCH,
    DRIVER_VERSION,
    FORWARD_COMPAT,
    WORKS_BELOW_FLOOR,
    NVML_FAILED,
)

CUDA = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")
# NVML's answers that other checks speak of.
NO_LIBRARY, MISMATCH, LOST = "library-not-found", "lib-rm-version-mismatch", "gpu-is-lost"
TOLERATED = ("ok", "not-supported", "no-permission")
FORWARD = ("error 803", "error 804", "forward compatibility", "unsupported display driver / cuda driver")
TOO_OLD = ("driver on your system is too old", "driver version is insufficient")


def judge_driver(case: Case) -> Iterator[Check]:
    """The checks of the driver, causes first; none applies where no GPU is declared."""
    if not case.has_gpu:
        yield from (not_applicable(rule) for rule in (*RULES, DRIVER_BELOW_FLOOR))
        return
    yield _judge_missing(case)
    yield _judge_mismatch(case)
    yield _judge_nvml(case)
    yield from _judge_answers(case)
    driver = case.facts.driver
    yield compare(DRIVER_VERSION, case.environment.driver, driver.version, "/driver/version", name="the driver")
    yield _judge_forward(case)
    yield from _judge_floor(case)


def has_nodes(case: Case) -> bool:
    """True when the job was given a device node of a GPU; `/dev/dxg` is that of WSL."""
    return any(
        each.errno != 2 and each.path is not None and (each.path == "/dev/dxg" or each.path.startswith("/dev/nvidia"))
        for each in case.facts.nodes
    )


def _judge_missing(case: Case) -> Check:
    driver = case.facts.driver
    if not has_nodes(case):
        return not_applicable(DRIVER_MISSING)
    is_missing = driver.libcuda is None and case.facts.unread.get("/driver/libcuda") is Reason.NOT_PRESENT
    is_without_nvml = driver.nvml == NO_LIBRARY and not _is_jetson(case)
    if is_missing or is_without_nvml:
        name = "libcuda" if is_missing else "libnvidia-ml"
        return failed(
            DRIVER_MISSING,
            f"there is no {name} beside the GPU's device nodes",
            why="the container runtime puts the driver's libraries into a container by NVIDIA_DRIVER_CAPABILITIES",
            help="set NVIDIA_DRIVER_CAPABILITIES=compute,utility in the image or in the job's container",
        )
    return met(DRIVER_MISSING) if driver.libcuda is not None else unproven(DRIVER_MISSING, "/driver/libcuda")


def _is_jetson(case: Case) -> bool:
    """True on an integrated GPU: NVML came with JetPack 6 only, and the driver counts its versions otherwise."""
    return case.facts.host.platform is Platform.JETSON


def _judge_mismatch(case: Case) -> Check:
    driver = case.facts.driver
    if driver.nvml == MISMATCH or case.complaint("driver/library version mismatch"):
        return failed(
            DRIVER_LIBRARY_MISMATCH,
            f"the kernel module is {driver.version or 'of a version that is not told'}, the libraries are of another",
            why="the driver was updated and the module of before is still loaded",
            help="reboot the host, or unload and load the nvidia modules",
        )
    return (
        met(DRIVER_LIBRARY_MISMATCH) if driver.nvml is not None else unproven(DRIVER_LIBRARY_MISMATCH, "/driver/nvml")
    )


def _judge_nvml(case: Case) -> Check:
    nvml = case.facts.driver.nvml
    if nvml is None:
        return unproven(NVML_FAILED, "/driver/nvml")
    if nvml in (*TOLERATED, NO_LIBRARY, MISMATCH, LOST):
        return met(NVML_FAILED, found=nvml)
    return failed(
        NVML_FAILED,
        f"NVML answers {nvml}",
        why="access to the GPU is lost when the container manager reloads its rules while the container runs",
        help="restart the container; NVIDIA/nvidia-container-toolkit issue 48 tells how to prevent it",
        severity=Severity.WARNING if case.has_computed else None,
    )


def _judge_answers(case: Case) -> Iterator[Check]:
    """A field that answers with an error is no field that is not supported."""
    for index, gpu in enumerate(case.facts.gpus):
        place = f"/gpus/{index}"
        wrong = sorted(
            each.removeprefix(f"{place}/")
            for each, reason in case.facts.unread.items()
            if each.startswith(f"{place}/") and reason is Reason.ERROR
        )
        if wrong and gpu.uuid is not None:
            yield failed(
                NVML_FAILED,
                f"NVML answers with an error for {', '.join(wrong)}",
                gpu=gpu.uuid,
                help="reset the GPU or reboot the node; look for Xid messages in its kernel log",
            )


def _judge_forward(case: Case) -> Check:
    error = case.complaint(*FORWARD)
    if not error:
        return met(FORWARD_COMPAT)
    driver = case.facts.driver
    is_compat = driver.is_compat or "/compat/" in (driver.libcuda or "")
    return failed(
        FORWARD_COMPAT,
        f"CUDA does not start: {error}",
        why=f"libcuda is {driver.libcuda}, {'of a' if is_compat else 'not of a'} cuda-compat package",
        help="take cuda-compat out of the library path, or update the host's driver; it serves data-centre GPUs only",
    )


def _judge_floor(case: Case) -> Iterator[Check]:
    """Below the family's floor it may work by forward compatibility: then that is told, and nothing more."""
    driver, cuda = case.facts.driver, case.facts.torch.cuda
    floor = case.data.floor(cuda) if cuda and CUDA.fullmatch(cuda) and not _is_jetson(case) else None
    error = case.complaint(*TOO_OLD)
    demand = read_specifier(f">={floor}")[0] if floor else None
    is_below = bool(driver.version and demand and not demand.takes(driver.version))
    if not is_below and not error:
        yield met(DRIVER_BELOW_FLOOR)
        yield not_applicable(WORKS_BELOW_FLOOR)
    elif case.has_computed:
        yield met(DRIVER_BELOW_FLOOR)
        yield failed(
            WORKS_BELOW_FLOOR,
            f"the driver {driver.version} is older than {floor}, and kernels run by {driver.libcuda}",
            why="forward compatibility does that",
        )
    else:
        yield failed(
            DRIVER_BELOW_FLOOR,
            f"the driver is {driver.version}{f': {error}' if error else ''}",
            expected=f">={floor}" if floor else "",
            why=f"torch is built for CUDA {cuda}",
            help="update the host's driver, or use a torch that is built for an older CUDA",
        )
        yield not_applicable(WORKS_BELOW_FLOOR)
