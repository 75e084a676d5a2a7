"""A good machine as an entry of `environments:` that it meets itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

from packaging.version import InvalidVersion, Version

from milepost.core.facts import Facts, Gpu, Origin, Platform

GIGABYTE = 10**9
# The part of NVIDIA's own builds that their local version has.
NGC = "nv"
# The local versions of PyTorch's own builds; another one, such as a commit's, is somebody else's.
PUBLISHED = re.compile(r"cpu|cu[0-9]+|rocm[0-9.]+|xpu")
Entry = Mapping[str, object]


def capture(facts: Facts) -> Entry:
    """What the facts hold, as keys and values of the plan file, in its order; what is not known is left out."""
    torch = facts.torch
    public, _, local = (torch.version or "").partition("+")
    entry = {
        "build": _build(torch.origin, local),
        "torch": f"=={public}" if public else None,
        "local": local if local and NGC not in local else None,
        "prerelease": True if _is_prerelease(public) else None,
        "cuda": torch.cuda or "none",
        "driver": _driver(facts) if torch.cuda else None,
        "nccl": torch.nccl if torch.cuda else None,
        "python": ".".join((facts.python.version or "").split(".")[:2]) or None,
        "gpu": _gpu(facts) if torch.cuda else None,
    }
    return {name: value for name, value in entry.items() if value}


def _build(origin: Origin | None, local: str) -> str | None:
    if NGC in local:
        return "ngc"
    if local and not PUBLISHED.fullmatch(local):
        return "source"
    return {Origin.CONDA: "conda-forge", Origin.OTHER: "source"}.get(origin or Origin.WHEEL)


def _driver(facts: Facts) -> str | None:
    """The driver, or a newer one; a Jetson's counts by releases of its system."""
    is_counted = facts.driver.version and facts.host.platform is not Platform.JETSON
    return f">={facts.driver.version}" if is_counted else None


def _is_prerelease(public: str) -> bool:
    try:
        return Version(public).is_prerelease
    except InvalidVersion:
        return False


def _gpu(facts: Facts) -> Entry | None:
    gpus = [gpu for index, gpu in enumerate(facts.gpus) if not facts.is_hidden(index)]
    if not gpus:
        return None
    memory = min((each.memory_total for each in gpus if each.memory_total is not None), default=0)
    entry = {
        "count": str(len(gpus)),
        "name": list(dict.fromkeys(each.name for each in gpus if each.name)),
        "memory": f">={memory // GIGABYTE} GB" if memory >= GIGABYTE else None,
        "compute-capability": _least_capability(gpus),
        "mig": next((each.mig_profile or "on" for each in gpus if each.is_mig), None),
    }
    return {name: value for name, value in entry.items() if value}


def _least_capability(gpus: list[Gpu]) -> str | None:
    known = [each.capability for each in gpus if each.capability]
    least = min(known, key=lambda text: [int(each) if each.isdigit() else 0 for each in text.split(".")], default=None)
    return f">={least}" if least else None
