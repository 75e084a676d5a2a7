"""The GPUs that the job was given, and their health."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from milepost.core.compatibility import ARCH_NOT_IN_BUILD
from milepost.core.environment import GpuDemand, Sizes
from milepost.core.facts import ComputeMode, Container, Gpu, Platform, Status
from milepost.core.gpu.case import Case, failed, met, not_applicable, not_asked, unproven
from milepost.core.gpu.driver import LOST, has_nodes
from milepost.core.published import serves
from milepost.core.verdict import Check, Ending
from milepost.diagnostics import Rule, Severity

WRONG_HOST = Rule("wrong-host", Severity.ERROR, "The job runs on another machine than the one that was verified.")
GPU_NONE = Rule("gpu-none", Severity.ERROR, "The job sees no GPU.")
GPU_LOST = Rule("gpu-lost", Severity.ERROR, "A GPU has fallen off the bus, or does not answer.")
GPU_COUNT = Rule("gpu-count", Severity.ERROR, "The job sees another number of GPUs than declared.")
GPU_NOT_INITIALISED = Rule("gpu-not-initialised", Severity.ERROR, "The GPUs' fabric is not initialized.")
GPU_BUSY = Rule("gpu-busy", Severity.ERROR, "A GPU lets no process in.")
GPU_NAME = Rule("gpu-name", Severity.ERROR, "A GPU is of another model than declared.")
GPU_MEMORY = Rule("gpu-memory", Severity.ERROR, "A GPU has another amount of memory than declared.")
GPU_CAPABILITY = Rule("gpu-capability", Severity.ERROR, "A GPU has another compute capability than declared.")
GPU_MIG = Rule("gpu-mig", Severity.ERROR, "A GPU is divided by MIG otherwise than declared.")
GPU_LEFTOVERS = Rule("gpu-leftovers", Severity.WARNING, "A GPU's memory is in use before the job starts.")
GPU_ECC = Rule("gpu-ecc", Severity.WARNING, "A GPU counts memory errors that ECC could not correct.")
GPU_REMAP_PENDING = Rule("gpu-remap-pending", Severity.WARNING, "A GPU waits for a reset to remap bad memory rows.")
GPU_REMAP_FAILED = Rule("gpu-remap-failed", Severity.ERROR, "A GPU could not remap bad memory rows.")
RULES = (
    WRONG_HOST,
    GPU_NONE,
    GPU_LOST,
    GPU_COUNT,
    GPU_NOT_INITIALISED,
    GPU_BUSY,
    GPU_NAME,
    GPU_MEMORY,
    GPU_CAPABILITY,
    GPU_MIG,
    GPU_LEFTOVERS,
    GPU_ECC,
    GPU_REMAP_PENDING,
    GPU_REMAP_FAILED,
)

NOT_INITIALISED = ("error 802", "system not yet initialized")
BUSY = ("busy or unavailable",)
OFF_THE_BUS = ("fallen off the bus", "gpu is lost", "unable to determine the device handle")
UNCORRECTABLE = ("uncorrectable ecc error",)
NO_KERNEL = ("no kernel image", "not compatible with the current pytorch")
CAPABILITY = re.compile(r"[0-9]{1,3}\.[0-9]")
GIGABYTE = 10**9
# NVML's own reserve and a display server stay below this share of a GPU's memory.
IDLE_SHARE = 0.02
NO_SUCH_FILE, NOT_PERMITTED = 2, (1, 13)


def judge_devices(case: Case) -> Iterator[Check]:
    """The checks of the GPUs, causes first; only the host is judged where no GPU is declared."""
    yield _judge_host(case)
    if not case.has_gpu:
        yield from (not_applicable(rule) for rule in (*RULES[1:], ARCH_NOT_IN_BUILD))
        return
    yield _judge_none(case)
    yield from _judge_lost(case)
    yield _judge_count(case)
    yield _judge_initialised(case)
    demand = case.environment.gpu or GpuDemand()
    judged = [tuple(_judge_gpu(case, index, gpu, demand)) for index, gpu in case.visible]
    if demand.is_any and any(not any(check.is_blocking for check in checks) for checks in judged):
        judged = [tuple(_spared(check) for check in checks) for checks in judged]
    for checks in judged:
        yield from checks
    for index, gpu in case.visible:
        yield from _judge_health(case, index, gpu)


def _judge_host(case: Case) -> Check:
    if not case.host:
        return not_asked(WRONG_HOST)
    if case.facts.host.id is None:
        return unproven(WRONG_HOST, "/host/id")
    if case.facts.host.id == case.host:
        return met(WRONG_HOST)
    return failed(
        WRONG_HOST,
        f"this is the machine {case.facts.host.id}",
        expected=case.host,
        help="give the job the label of the verified runner, or verify in the job itself",
    )


def _judge_none(case: Case) -> Check:
    if case.visible and not (_is_without_uvm(case) and not case.has_computed):
        return met(GPU_NONE, found=f"{len(case.visible)}")
    if "/gpus" in case.facts.unread:
        return unproven(GPU_NONE, "/gpus")
    found = "CUDA cannot reach the GPU" if case.visible else "the job sees no GPU"
    why, help = _explain_none(case)
    return failed(GPU_NONE, found, why=why, help=help)


def _is_without_uvm(case: Case) -> bool:
    """True when the node is missing that CUDA needs; WSL and Jetson have no such node."""
    is_missing = any(each.path == "/dev/nvidia-uvm" and each.errno == NO_SUCH_FILE for each in case.facts.nodes)
    return is_missing and case.facts.host.platform not in (Platform.WSL, Platform.JETSON)


def _explain_none(case: Case) -> tuple[str, str]:
    """The likely cause, from what the job sees: its variables first, then nodes, then the kernel module."""
    env, nodes = case.facts.host.env, case.facts.nodes
    if env.nvidia_visible_devices in ("", "none", "void"):
        return f"NVIDIA_VISIBLE_DEVICES is {env.nvidia_visible_devices!r}", "set it to `all` in the job's container"
    if case.facts.gpus and not case.visible:
        return f"CUDA_VISIBLE_DEVICES is {env.cuda_visible_devices!r}", "unset it, or name the GPUs of this job in it"
    denied = next((each.path for each in nodes if each.errno in NOT_PERMITTED), None)
    if denied:
        return (
            f"{denied} is there and may not be opened: the container lost its access, as after a daemon reload",
            "restart the container; NVIDIA/nvidia-container-toolkit issue 48 tells how to prevent it",
        )
    if _is_without_uvm(case) and has_nodes(case):
        return "/dev/nvidia-uvm is missing", "load the nvidia-uvm module on the host: `nvidia-modprobe -u -c 0`"
    if case.facts.driver.version is None:
        return "there is no NVIDIA driver on the host", "run on a machine with a GPU: see `runs-on:` of the job"
    if case.facts.host.container is Container.KUBERNETES:
        return (
            "the host has a driver, and the pod was given no GPU; `options:` of a job's container is ignored there",
            "ask for `nvidia.com/gpu` in the pod template of the runner's container hooks",
        )
    return (
        "the host has a driver, and the container was given no GPU",
        "write `options: --gpus all` below the job's `container:`, or the CDI device of your engine",
    )


def _judge_lost(case: Case) -> Iterator[Check]:
    error = case.complaint(*OFF_THE_BUS)
    silent = [f"/gpus/{index}" for index, gpu in enumerate(case.facts.gpus) if gpu.uuid is None]
    if case.facts.driver.nvml == LOST or error or any(case.is_unread(f"{place}/uuid") for place in silent):
        pci = case.facts.pci_gpus
        seen = f"; the PCI bus shows {pci}, NVML {len(case.facts.gpus) - len(silent)}" if pci is not None else ""
        yield failed(
            GPU_LOST,
            error or "a GPU does not answer NVML",
            why=f"look for Xid 79 in the host's kernel log{seen}",
            help="drain the node and reboot it; when it comes back, the GPU or its seat is broken",
        )
    else:
        yield met(GPU_LOST)


def _judge_count(case: Case) -> Check:
    demand = case.environment.gpu.count if case.environment.gpu else None
    if demand is None:
        return not_asked(GPU_COUNT)
    if "/gpus" in case.facts.unread:
        return unproven(GPU_COUNT, "/gpus")
    if demand.takes(str(len(case.visible))):
        return met(GPU_COUNT, found=str(len(case.visible)))
    env = case.facts.host.env
    return failed(
        GPU_COUNT,
        f"the job sees {len(case.visible)}",
        expected=demand.text,
        why=f"CUDA_VISIBLE_DEVICES is {env.cuda_visible_devices!r}, NVIDIA_VISIBLE_DEVICES {env.nvidia_visible_devices!r}, "
        f"NVML shows {len(case.facts.gpus)}, the PCI bus {case.facts.pci_gpus}",
        help="look at `options: --gpus` of the job's container, and at what the image sets in NVIDIA_VISIBLE_DEVICES",
    )


def _judge_initialised(case: Case) -> Check:
    error = case.complaint(*NOT_INITIALISED)
    if not error:
        return met(GPU_NOT_INITIALISED)
    return failed(
        GPU_NOT_INITIALISED,
        f"CUDA does not start: {error}",
        why="on machines with NVSwitch the fabric manager must run, in the driver's version",
        help="start nvidia-fabricmanager on the host, in the same version as the driver",
    )


def _judge_gpu(case: Case, index: int, gpu: Gpu, demand: GpuDemand) -> Iterator[Check]:
    """One GPU against what is declared of each."""
    place, uuid = f"/gpus/{index}", gpu.uuid
    yield _judge_name(gpu, demand, place)
    yield _judge_size(GPU_MEMORY, demand.memory, gpu.memory_total, uuid, f"{place}/memory_total")
    if demand.capability is None:
        yield not_asked(GPU_CAPABILITY)
    elif gpu.capability is None:
        yield unproven(GPU_CAPABILITY, f"{place}/capability", gpu=uuid)
    elif demand.capability.takes(gpu.capability):
        yield met(GPU_CAPABILITY, gpu=uuid, found=gpu.capability)
    else:
        found = f"the compute capability is {gpu.capability}"
        yield failed(GPU_CAPABILITY, found, expected=demand.capability.text, gpu=uuid)
    yield _judge_mig(case, gpu, demand, place)
    yield _judge_leftovers(case, gpu, demand, place)


def _judge_name(gpu: Gpu, demand: GpuDemand, place: str) -> Check:
    if not demand.names:
        return not_asked(GPU_NAME)
    if gpu.name is None:
        return unproven(GPU_NAME, f"{place}/name", gpu=gpu.uuid)
    if any(has_words(gpu.name, each) for each in demand.names):
        return met(GPU_NAME, gpu=gpu.uuid, found=gpu.name)
    return failed(GPU_NAME, f"the GPU is a {gpu.name}", expected=" or ".join(demand.names), gpu=gpu.uuid)


def has_words(name: str, words: str) -> bool:
    """True when the words stand in the name, whole and one after the other: `A10` is not in `A100`."""
    wanted, held = (re.findall(r"[a-z0-9]+", text.lower()) for text in (words, name))
    return any(held[start : start + len(wanted)] == wanted for start in range(len(held) - len(wanted) + 1))


def _judge_size(rule: Rule, demand: Sizes | None, size: int | None, uuid: str | None, leaf: str) -> Check:
    if demand is None:
        return not_asked(rule)
    if size is None:
        return unproven(rule, leaf, gpu=uuid)
    if demand.takes(size):
        return met(rule, gpu=uuid)
    return failed(rule, f"the GPU has {size / GIGABYTE:.1f} GB", expected=demand.text, gpu=uuid)


def _judge_mig(case: Case, gpu: Gpu, demand: GpuDemand, place: str) -> Check:
    if gpu.is_mig is None:  # a GPU that knows no MIG is not divided by it
        is_open = demand.mig in (None, "off") and not case.is_unread(f"{place}/is_mig")
        return not_applicable(GPU_MIG, gpu=gpu.uuid) if is_open else unproven(GPU_MIG, f"{place}/is_mig", gpu=gpu.uuid)
    is_wanted = demand.mig not in (None, "off")
    if gpu.is_mig is is_wanted and demand.mig in (None, "off", "on", gpu.mig_profile):
        return met(GPU_MIG, gpu=gpu.uuid)
    found = f"the GPU is divided by MIG ({gpu.mig_profile})" if gpu.is_mig else "the GPU is whole"
    help = "declare `gpu: {mig: on}` or its profile, or turn MIG off on the host" if gpu.is_mig else ""
    return failed(GPU_MIG, found, expected=f"mig {demand.mig or 'off'}", gpu=gpu.uuid, help=help)


def _judge_leftovers(case: Case, gpu: Gpu, demand: GpuDemand, place: str) -> Check:
    used, total = gpu.memory_used_before, gpu.memory_total
    if used is None or total is None:
        is_open = demand.free is None and not case.is_unread(f"{place}/memory_used_before", f"{place}/memory_total")
        missed = f"{place}/memory_used_before"
        return not_applicable(GPU_LEFTOVERS, gpu=gpu.uuid) if is_open else unproven(GPU_LEFTOVERS, missed, gpu=gpu.uuid)
    help = "end what the last job left: `nvidia-smi` on the host shows the processes"
    if demand.free is not None and not demand.free.takes(max(total - used, 0)):
        found = f"{(total - used) / GIGABYTE:.1f} GB are free"
        return failed(GPU_LEFTOVERS, found, expected=demand.free.text, gpu=gpu.uuid, help=help, severity=Severity.ERROR)
    is_shared = case.facts.host.platform is Platform.WSL  # Windows and its desktop use the same memory
    if used > max(GIGABYTE, total * IDLE_SHARE) and not is_shared:
        found = f"{used / GIGABYTE:.1f} of {total / GIGABYTE:.1f} GB are in use before the job starts"
        return failed(GPU_LEFTOVERS, found, gpu=gpu.uuid, help=help)
    return met(GPU_LEFTOVERS, gpu=gpu.uuid)


def _judge_health(case: Case, index: int, gpu: Gpu) -> Iterator[Check]:
    """What NVML tells of the GPU's state; what it does not support is no fault."""
    place, uuid = f"/gpus/{index}", gpu.uuid
    has_failed = any(each.gpu == uuid and each.status is not Status.OK for each in case.facts.results)
    yield _judge_busy(case, gpu)
    yield _judge_arch(case, gpu, place)
    error = case.complaint(*UNCORRECTABLE, gpu=uuid)
    if error or gpu.ecc_uncorrected:
        found = error or f"{gpu.ecc_uncorrected} errors since the last reset could not be corrected"
        severity = Severity.ERROR if error or has_failed else None
        yield failed(GPU_ECC, found, gpu=uuid, severity=severity, help="reset the GPU; when it comes back, replace it")
    else:
        yield _as_told(case, GPU_ECC, gpu.ecc_uncorrected is not None, f"{place}/ecc_uncorrected", uuid)
    if gpu.remap_pending:
        severity = Severity.ERROR if has_failed else None
        found = "bad memory rows wait to be remapped"
        yield failed(GPU_REMAP_PENDING, found, gpu=uuid, severity=severity, help="reset the GPU, or reboot the node")
    else:
        yield _as_told(case, GPU_REMAP_PENDING, gpu.remap_pending is not None, f"{place}/remap_pending", uuid)
    if gpu.remap_failed:
        yield failed(GPU_REMAP_FAILED, "bad memory rows could not be remapped", gpu=uuid, help="replace the GPU")
    else:
        yield _as_told(case, GPU_REMAP_FAILED, gpu.remap_failed is not None, f"{place}/remap_failed", uuid)


def _judge_busy(case: Case, gpu: Gpu) -> Check:
    error = case.complaint(*BUSY, gpu=gpu.uuid) or case.complaint(*BUSY)
    if gpu.compute_mode is ComputeMode.PROHIBITED or error:
        mode = gpu.compute_mode.value if gpu.compute_mode else "not told"
        return failed(
            GPU_BUSY,
            error or "its compute mode prohibits every process",
            gpu=gpu.uuid,
            why=f"its compute mode is {mode}",
            help="end the process that holds the GPU, or set `nvidia-smi -c DEFAULT` on the host",
        )
    return met(GPU_BUSY, gpu=gpu.uuid)


def _judge_arch(case: Case, gpu: Gpu, place: str) -> Check:
    """A kernel that ran is proof enough; where none did, torch's own rule says whether the build has code for it."""
    error, arches = case.complaint(*NO_KERNEL, gpu=gpu.uuid), case.facts.torch.arch_list
    if case.has_computed and not error:
        return met(ARCH_NOT_IN_BUILD, gpu=gpu.uuid)
    capability = gpu.capability if CAPABILITY.fullmatch(gpu.capability or "") else None
    if not error and (capability is None or not arches):
        return unproven(ARCH_NOT_IN_BUILD, f"{place}/capability", "/torch/arch_list", gpu=gpu.uuid)
    if not error and serves(arches, capability or ""):
        return met(ARCH_NOT_IN_BUILD, gpu=gpu.uuid)
    return failed(
        ARCH_NOT_IN_BUILD,
        error or f"torch has no code for compute capability {gpu.capability}",
        gpu=gpu.uuid,
        why=f"it is built for {', '.join(arches) or 'nobody knows what'}",
        help="install a torch that is built for a CUDA that knows this GPU",
    )


def _as_told(case: Case, rule: Rule, is_known: bool, leaf: str, uuid: str | None) -> Check:
    if is_known:
        return met(rule, gpu=uuid)
    return unproven(rule, leaf, gpu=uuid) if case.is_unread(leaf) else not_applicable(rule, gpu=uuid)


def _spared(check: Check) -> Check:
    """Another GPU is all that is declared: this one may be anything."""
    return replace(check, ending=Ending.NOT_APPLICABLE) if check.is_blocking else check
