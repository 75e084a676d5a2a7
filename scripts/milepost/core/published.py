"""What is known of published torch builds, CUDA drivers and bad releases: the data, with its evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import cached_property

from milepost.core.environment import Specifier, specify

# Compute capabilities of devices, in the order in which messages list them.
DEVICES = (
    "3.5",
    "3.7",
    "5.0",
    "5.2",
    "5.3",
    "6.0",
    "6.1",
    "6.2",
    "7.0",
    "7.2",
    "7.5",
    "8.0",
    "8.6",
    "8.7",
    "8.9",
    "9.0",
    "10.0",
    "10.1",
    "10.3",
    "11.0",
    "12.0",
    "12.1",
)
# torch/cuda/__init__.py: integrated GPUs run only their own code, and 10.1 is not served by code for 10.0.
OWN_CODE_ONLY = ((5, 3), (6, 2), (7, 2), (8, 7), (10, 1))
SHARED_SINCE = {(7, 2): (13, 2), (8, 7): (13, 2)}
CODE = re.compile(r"(sm|compute)_([0-9]+)([0-9])([af]?)")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Where a row comes from, and when somebody looked."""

    source: str
    date: date


@dataclass(frozen=True, kw_only=True)
class Release:
    """A minor version of torch, its releases, oldest first, and the Pythons it was published for."""

    torch: str
    releases: tuple[str, ...]
    oldest_python: str
    newest_python: str
    evidence: Evidence

    @property
    def pythons(self) -> Specifier:
        """The Python versions from the oldest to the newest."""
        return specify(f">={self.oldest_python},<{next_minor(self.newest_python)}")

    def is_admitted_by(self, wanted: Specifier | None) -> bool:
        """True when a release of it will do, known or still to come."""
        return wanted is None or wanted.meets(specify(self.torch)) or self.is_known_to(wanted)

    def is_known_to(self, wanted: Specifier | None) -> bool:
        """True when one of its known releases will do."""
        return wanted is None or any(wanted.takes(each) for each in self.releases)


class Standing(str, Enum):
    """What PyTorch's release matrix says of a build."""

    STABLE = "stable"
    EXPERIMENTAL = "experimental"
    UNLISTED = "unlisted"


@dataclass(frozen=True, kw_only=True)
class PublishedBuild:
    """A build that PyTorch published; `capabilities` are those that it holds code for, empty when not known."""

    torch: str
    cuda: str
    machine: str
    standing: Standing
    cudnn: str | None
    nccl: str | None
    capabilities: tuple[str, ...]
    has_ptx: bool
    evidence: Evidence

    @property
    def label(self) -> str:
        """The local version label of its wheels."""
        return "cu" + self.cuda.replace(".", "")

    @property
    def arch_list(self) -> tuple[str, ...]:
        """Its code as torch names it; the newest also as PTX where it has any."""
        codes = tuple("sm_" + each.replace(".", "") for each in self.capabilities)
        return (*codes, codes[-1].replace("sm", "compute")) if self.has_ptx and codes else codes


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """The default wheel on PyPI of one release, with its pins."""

    torch: str
    requires_python: str
    cuda: str
    cuda_runtime: str
    cudnn: str
    nccl: str | None
    triton: str | None
    capabilities: tuple[str, ...]
    evidence: Evidence


@dataclass(frozen=True, kw_only=True)
class CudaDriver:
    """A CUDA version, the oldest driver that runs it, and the one that its toolkit came with."""

    cuda: str
    floor: str
    shipped: str | None
    evidence: Evidence


@dataclass(frozen=True, kw_only=True)
class KnownBad:
    """Releases that compute wrongly or fail, under what is needed or with an old cuDNN only."""

    torch: Specifier
    needs_compile: bool
    cudnn_below: str | None
    what: str
    way_out: str
    evidence: Evidence


@dataclass(frozen=True, kw_only=True)
class Data:
    """Everything that is known without a machine; releases are newest first, drivers oldest first."""

    releases: tuple[Release, ...]
    builds: tuple[PublishedBuild, ...]
    wheels: tuple[Wheel, ...]
    drivers: tuple[CudaDriver, ...]
    known_bad: tuple[KnownBad, ...]
    reviewed: date

    @cached_property
    def version(self) -> str:
        """The day of its newest row: the same rows have the same version."""
        groups = (self.releases, self.builds, self.wheels, self.drivers, self.known_bad)
        return max(each.evidence.date for rows in groups for each in rows).isoformat()

    @property
    def newest(self) -> Release:
        """The newest minor version of torch that is known."""
        return self.releases[0]

    def floor(self, cuda: str) -> str | None:
        """The oldest driver that runs that CUDA version; that of its family when the version itself is not known."""
        exact = [each.floor for each in self.drivers if each.cuda == cuda]
        family = [each.floor for each in self.drivers if _pair(each.cuda)[0] == _pair(cuda)[0]]
        return next(iter([*exact, *family]), None)

    def shipped(self, cuda: str) -> str | None:
        """The driver that the first toolkit of that CUDA version came with."""
        return next((each.shipped for each in self.drivers if each.cuda == cuda), None)

    def wheel(self, torch: str) -> Wheel | None:
        """The default wheel of that release; a local label does not count."""
        return next((each for each in self.wheels if each.torch == torch.partition("+")[0]), None)


def serves(codes: Iterable[str], capability: str, *, cuda: str | None = None) -> bool:
    """True when code of these kinds, such as `sm_90`, runs on devices of that compute capability."""
    device = _pair(capability)
    found = [each for each in map(CODE.fullmatch, codes) if each]
    return any(_runs(each, device, _pair(cuda) if cuda else None) for each in found)


def next_minor(version: str) -> str:
    """`3.14` after `3.13`."""
    major, minor = _pair(version)
    return f"{major}.{minor + 1}"


def _runs(code: re.Match[str], device: tuple[int, int], cuda: tuple[int, int] | None) -> bool:
    kind, own, suffix = code[1], (int(code[2]), int(code[3])), code[4]
    if own == device:
        return True
    if suffix == "a":
        return False
    if kind == "compute" and not suffix:
        return own < device
    if own in OWN_CODE_ONLY:
        return False
    since = SHARED_SINCE.get(device)
    if device in OWN_CODE_ONLY and not (since and cuda and cuda >= since):
        return False
    return own[0] == device[0] and own[1] <= device[1]


def _pair(version: str) -> tuple[int, int]:
    major, _, rest = version.partition(".")
    return int(major), int(rest.partition(".")[0] or 0)
