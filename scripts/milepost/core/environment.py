"""A declared environment: what a machine must be, and what must work on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from functools import cache, cached_property

from packaging.ranges import VersionRange
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from milepost.diagnostics import Location

BARE = re.compile(r"v?[0-9]+(?:\.[0-9]+)*")
# Python reads no number of more than 4,300 digits, and says so by an exception.
MOST_CHARACTERS = 200
SIZE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?([kmgt]?i?b)", re.IGNORECASE)
UNITS = {"b": 1} | {
    f"{prefix}{infix}b": base**power
    for power, prefix in enumerate("kmgt", start=1)
    for infix, base in (("", 1000), ("i", 1024))
}


class Build(str, Enum):
    """Who built torch; only PyTorch's own builds are judged by what PyTorch published."""

    PYTORCH = "pytorch"
    NGC = "ngc"
    CONDA_FORGE = "conda-forge"
    SOURCE = "source"


@dataclass(frozen=True)
class Specifier:
    """Versions that will do; `text` is what the plan file says."""

    text: str
    versions: SpecifierSet

    def __str__(self) -> str:
        return self.text

    def takes(self, version: str, *, has_prerelease: bool = False) -> bool:
        """True when the version will do; a pre-release only where it is asked for, a text that is no version never."""
        is_readable = len(version) <= MOST_CHARACTERS
        return is_readable and self.versions.contains(
            version, prereleases=has_prerelease or bool(self.versions.prereleases)
        )

    def meets(self, other: Specifier) -> bool:
        """True when some version, published or not, will do for both."""
        return not self._range.is_disjoint(other._range)

    @cached_property
    def _range(self) -> VersionRange:
        return self.versions.to_range()


@dataclass(frozen=True)
class Sizes:
    """Sizes in bytes that will do, from `least` to `most`; `text` is what the plan file says."""

    text: str
    least: int = 0
    most: int | None = None

    def takes(self, size: int) -> bool:
        """True when the size is neither too small nor too large."""
        return self.least <= size and (self.most is None or size <= self.most)


@dataclass(frozen=True, kw_only=True)
class GpuDemand:
    """What the GPUs that the job sees must be: each of them, or with `is_any` one.

    `names` are words of the name, any of which will do; `mig` is `on`, `off` or a profile, None when not declared.
    """

    count: Specifier | None = None
    names: tuple[str, ...] = ()
    memory: Sizes | None = None
    capability: Specifier | None = None
    mig: str | None = None
    free: Sizes | None = None
    is_any: bool = False


@dataclass(frozen=True, kw_only=True)
class LoaderNeed:
    """DataLoader workers that must work, and the bytes of shared memory that they need."""

    workers: int = 2
    shm: int | None = None


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What must work."""

    compile: bool = False
    dataloader: LoaderNeed | None = None
    imports: tuple[str, ...] = ()
    nccl: bool = False
    peer: bool = False


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """A check that is let pass, until the end of a day."""

    check: str
    reason: str
    expires: date
    at: Location

    def holds(self, today: date) -> bool:
        """True until the end of its last day."""
        return today <= self.expires


@dataclass(frozen=True, kw_only=True)
class Environment:
    """An environment of the plan file; what is None is not declared, and so not judged.

    `is_cpu` says that no GPU is wanted, and that a build without CUDA will do.
    """

    name: str
    image: str | None = None
    platform: str = "linux/amd64"
    torch: Specifier | None = None
    torchvision: Specifier | None = None
    cuda: Specifier | None = None
    driver: Specifier | None = None
    cudnn: Specifier | None = None
    nccl: Specifier | None = None
    triton: Specifier | None = None
    python: Specifier | None = None
    build: Build = Build.PYTORCH
    local: str | None = None
    has_prerelease: bool = False
    gpu: GpuDemand | None = None
    needs: Needs = Needs()
    waivers: tuple[Waiver, ...] = ()
    is_cpu: bool = False
    at: Location
    places: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)

    def place(self, key: str) -> Location:
        """Where the key stands in the plan file, or else the environment."""
        return self.places.get(key, self.at)

    def waiver(self, check: str, today: date) -> Waiver | None:
        """The waiver of the check that holds today, if any."""
        return next((each for each in self.waivers if each.check == check and each.holds(today)), None)


def read_specifier(text: str) -> tuple[Specifier | None, str]:
    """The versions that the text means, or the reason why it means none; a bare version stands for all below it."""
    bare = BARE.fullmatch(text.strip())
    if "+" in text:
        return None, "holds a local label; write that below `local:`"
    if "===" in text:
        return None, "uses `===`; write `==`"
    try:
        versions = SpecifierSet(f"=={bare[0]}.*" if bare else text)
    except InvalidSpecifier:
        return None, "is not a version specifier; write one like `>=2.9,<2.10`, `==2.9.1` or a bare `2.9`"
    if not len(versions):
        return None, "names no version"
    if versions.is_unsatisfiable():
        return None, "admits no version at all"
    return Specifier(text.strip(), versions), ""


@cache
def specify(text: str) -> Specifier:
    """The specifier of a text that is known to be one."""
    specifier, reason = read_specifier(text)
    assert specifier is not None, f"{text!r} {reason}"
    return specifier


def read_sizes(text: str) -> tuple[Sizes | None, str]:
    """The sizes that the text means, or the reason why it means none; a bare size means at least that much."""
    least, most = [0], []
    for part in text.split(","):
        rest = part.strip().lstrip("<>=!~")
        operator, size = part.strip().removesuffix(rest) or ">=", read_size(rest)
        if size is None:
            return None, "is not a size; write a number and a unit, such as `>=80 GB` or `512 MiB`"
        if operator not in (">=", ">", "<=", "<"):
            return None, f"compares by `{operator}`, which no real size meets; write `>=`"
        # Sizes are whole bytes.
        if operator in (">=", ">"):
            least.append(size + (operator == ">"))
        else:
            most.append(size - (operator == "<"))
    sizes = Sizes(text.strip(), max(least), min(most, default=None))
    if sizes.most is not None and sizes.most < sizes.least:
        return None, "admits no size at all"
    return sizes, ""


def read_size(text: str) -> int | None:
    """The bytes that the text means; None when it means none. `GB` is decimal, `GiB` binary."""
    found = SIZE.fullmatch(text.strip())
    return int(float(found[1]) * UNITS[found[2].lower()]) if found else None
