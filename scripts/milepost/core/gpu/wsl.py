"""What NVML's answers mean under WSL."""

from __future__ import annotations

import re
from dataclasses import replace

from milepost.core.facts import Facts, Platform, Reason

UNKNOWN = "unknown"
# Leaves that no verdict needs where NVML does not know them; a GPU's name or its memory is not among them.
OPTIONAL = re.compile(
    r"/gpus/[0-9]+/(memory_used_before|is_vgpu|compute_mode|ecc_uncorrected|remap_pending|remap_failed|processes)"
)


def translate(facts: Facts) -> Facts:
    """The facts in which an optional leaf that NVML does not know under WSL is one that it does not support.

    Drivers there answer `unknown` where others answer `not-supported`: dask/distributed issue 5567 and XuehaiPan/nvitop
    pull request 30 show it. Elsewhere the same answer means that access to the GPU is lost.
    """
    is_known = bool(facts.gpus) and all(gpu.uuid is not None for gpu in facts.gpus)
    if facts.host.platform is not Platform.WSL or facts.driver.nvml != UNKNOWN or not is_known:
        return facts
    unread = {place: _translate(place, reason) for place, reason in facts.unread.items()}
    return replace(facts, driver=replace(facts.driver, nvml="ok"), unread=unread)


def _translate(place: str, reason: Reason) -> Reason:
    return Reason.NOT_SUPPORTED if reason is Reason.ERROR and OPTIONAL.fullmatch(place) else reason
