"""The environment as it was found, and how it differs from an earlier one."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields

from milepost.core.facts import Facts
from milepost.core.gpu.libraries import cudnn_version
from milepost.core.verdict import Device, Observed

# These say which machine it was, not what it was.
IDENTITY = ("host", "boot_id", "gpus")


def observe(facts: Facts) -> Observed:
    """What a release records of the machine that it was verified on."""
    return Observed(
        python=facts.python.version,
        torch=facts.torch.version,
        cuda=facts.torch.cuda,
        cudnn=cudnn_version(facts),
        nccl=facts.torch.nccl,
        triton=facts.package("triton"),
        torchvision=facts.package("torchvision"),
        driver=facts.driver.version,
        host=facts.host.id,
        boot_id=facts.host.boot_id,
        gpus=tuple(
            Device(
                uuid=gpu.uuid,
                name=gpu.name,
                capability=gpu.capability,
                memory=gpu.memory_total,
                mig=gpu.mig_profile,
            )
            for _, gpu in facts.visible
        ),
    )


def list_changes(before: Observed, now: Observed) -> list[str]:
    """What differs, in words; another machine of the same kind differs in nothing."""
    names = [each.name for each in fields(Observed) if each.name not in IDENTITY]
    pairs = [(name, getattr(before, name), getattr(now, name)) for name in names]
    pairs.append(("gpus", count_models(before), count_models(now)))
    return [f"{name} was {old or 'not there'}, is {new or 'not there'}" for name, old, new in pairs if old != new]


def count_models(observed: Observed) -> str:
    """The GPUs by name and MIG profile: `8 × NVIDIA H100 80GB HBM3`; empty when there is none."""
    counts = Counter(f"{each.name}{f' {each.mig}' if each.mig else ''}" for each in observed.gpus)
    return ", ".join(f"{number} × {name}" for name, number in sorted(counts.items()))
