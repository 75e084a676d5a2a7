"""Which check explains which: a consequence is told as unproven, so that the first finding is the cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from milepost.core.compatibility import ARCH_NOT_IN_BUILD, DRIVER_BELOW_FLOOR
from milepost.core.gpu import build, devices, driver, host, libraries, probes
from milepost.core.verdict import Check, Ending
from milepost.diagnostics import Rule, Severity

TORCH = (build.TORCH_MISSING, build.TORCH_IMPORT, build.TORCH_ROCM, build.TORCH_CPU_ONLY)
ACCESS = (driver.DRIVER_MISSING, driver.DRIVER_LIBRARY_MISMATCH, driver.NVML_FAILED)
PRESENCE = (*ACCESS, devices.GPU_NONE, devices.GPU_LOST)
START = (
    *PRESENCE,
    driver.FORWARD_COMPAT,
    DRIVER_BELOW_FLOOR,
    devices.GPU_NOT_INITIALISED,
    devices.GPU_BUSY,
    ARCH_NOT_IN_BUILD,
)
CUDNN = (libraries.FILES_DIFFER, libraries.CUDNN_INCOMPATIBLE, libraries.CUDNN_MIXED)
HEALTH = (devices.GPU_ECC, devices.GPU_REMAP_PENDING, devices.GPU_REMAP_FAILED, devices.GPU_LEFTOVERS)
COMPUTING = (*TORCH, *START, *CUDNN, *HEALTH, *probes.TOOLS)

# What makes the check fail, too.
BREAKS: Mapping[Rule, tuple[Rule, ...]] = {
    build.TORCH_IMPORT: (build.TORCH_MISSING,),
    build.TORCH_CPU_ONLY: (build.TORCH_MISSING, build.TORCH_ROCM),
    build.TORCH_LOCAL: (build.TORCH_ROCM, build.TORCH_CPU_ONLY),
    build.TORCH_CUDA: (build.TORCH_ROCM, build.TORCH_CPU_ONLY),
    build.TRITON_VERSION: (build.TORCH_MISSING, build.TORCH_CPU_ONLY),
    build.TORCHVISION_VERSION: (build.TORCH_MISSING,),
    build.IMPORT_DECLARED: (build.TORCH_MISSING, build.TORCH_IMPORT),
    devices.GPU_NONE: ACCESS,
    devices.GPU_LOST: (driver.DRIVER_LIBRARY_MISMATCH,),
    devices.GPU_COUNT: PRESENCE,
    libraries.CUDNN_INCOMPATIBLE: (libraries.FILES_DIFFER,),
    libraries.CUDNN_MIXED: (libraries.FILES_DIFFER, libraries.CUDNN_INCOMPATIBLE),
    libraries.CUDNN_VERSION: CUDNN,
    libraries.LIBRARY_FOREIGN: CUDNN,
    **dict.fromkeys(probes.PROBES.values(), (*COMPUTING, probes.PROBES["init"])),
    probes.PROBES["compile"]: (*COMPUTING, probes.PROBES["init"], host.COMPILER_MISSING),
    probes.PROBES["dataloader"]: (*TORCH, host.SHM_TOO_SMALL, *probes.TOOLS),
}
# What leaves nothing to judge it by.
HIDES: Mapping[Rule, tuple[Rule, ...]] = {
    **dict.fromkeys((*build.RULES, *libraries.RULES), (*TORCH, *probes.TOOLS)),
    **dict.fromkeys((*driver.RULES, *devices.RULES), (*PRESENCE, *probes.TOOLS)),
    **dict.fromkeys(host.RULES, probes.TOOLS),
    build.PYTHON_VERSION: probes.TOOLS,
}
# The parts of the facts that those leave empty.
PLACES: Mapping[str, tuple[Rule, ...]] = {
    "/torch": (*TORCH, *probes.TOOLS),
    "/loaded": (*TORCH, *probes.TOOLS),
    "/results": probes.TOOLS,
    "/driver": (*PRESENCE, *probes.TOOLS),
    "/gpus": (*TORCH, *PRESENCE, *probes.TOOLS),
    "/pci_gpus": (*PRESENCE, *probes.TOOLS),
    "/nodes": probes.TOOLS,
    "/host": probes.TOOLS,
    "/python": probes.TOOLS,
    "/packages": probes.TOOLS,
    "/files": (build.TORCH_MISSING, *probes.TOOLS),
}


def order(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Every check that another one explains is unproven because of that."""
    found = tuple(checks)
    causes = list_causes(found)
    return tuple(_explained(each, causes) for each in found)


def list_causes(checks: Iterable[Check]) -> dict[Rule, tuple[Check, ...]]:
    """The checks that failed and alone stop a deployment, by their rule."""
    causes: dict[Rule, tuple[Check, ...]] = {}
    for each in checks:
        if each.ending is Ending.FAILED and each.severity is Severity.ERROR:
            causes[each.rule] = (*causes.get(each.rule, ()), each)
    return causes


def explains(place: str, causes: Mapping[Rule, tuple[Check, ...]]) -> bool:
    """True when one of the causes leaves the place in the facts empty."""
    part = "/" + place.split("/")[1]
    return any(rule in causes for rule in PLACES.get(part, ()))


def _explained(check: Check, causes: Mapping[Rule, tuple[Check, ...]]) -> Check:
    if check.ending not in (Ending.FAILED, Ending.UNPROVEN):
        return check
    rules = BREAKS.get(check.rule, ())
    if check.ending is Ending.UNPROVEN:
        rules = (*rules, *HIDES.get(check.rule, ()))
    for rule in rules:
        if rule is not check.rule and any(
            each.gpu in (None, check.gpu) or check.gpu is None for each in causes.get(rule, ())
        ):
            return replace(check, ending=Ending.UNPROVEN, because=rule.name)
    return check
