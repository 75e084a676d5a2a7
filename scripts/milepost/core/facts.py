"""What the probe found, typed: a leaf that is missing, null or of the wrong kind is unread, never a crash."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

SCHEMA = "milepost.facts/1"


class Reason(str, Enum):
    """Why a leaf holds no value; the last three are ours, the others are the probe's."""

    NOT_SUPPORTED = "not-supported"
    NO_PERMISSION = "no-permission"
    NOT_PRESENT = "not-present"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    GARBAGE = "garbage"
    ERROR = "error"
    MISSING = "missing"
    WRONG_KIND = "wrong-kind"
    UNEXPLAINED = "unexplained"

    @property
    def is_tolerated(self) -> bool:
        """True when a healthy machine may say so."""
        return self in (Reason.NOT_SUPPORTED, Reason.NO_PERMISSION, Reason.NOT_PRESENT)


class Platform(str, Enum):
    """What kind of system the probe ran on."""

    LINUX = "linux"
    WSL = "wsl"
    JETSON = "jetson"
    OTHER = "other"


class Container(str, Enum):
    """What kind of container the probe ran in."""

    DOCKER = "docker"
    PODMAN = "podman"
    KUBERNETES = "kubernetes"
    NONE = "none"
    UNKNOWN = "unknown"


class Level(str, Enum):
    """How much is tried on the machine."""

    QUICK = "quick"
    FULL = "full"


class Origin(str, Enum):
    """How torch came to be installed."""

    WHEEL = "wheel"
    CONDA = "conda"
    OTHER = "other"


class ComputeMode(str, Enum):
    """Who may use a GPU."""

    DEFAULT = "default"
    EXCLUSIVE = "exclusive-process"
    PROHIBITED = "prohibited"


class Status(str, Enum):
    """What became of a probe."""

    OK = "ok"
    WRONG = "wrong"
    ERROR = "error"
    CRASHED = "crashed"
    HUNG = "hung"
    UNKILLABLE = "unkillable"
    NOT_RUN = "not-run"


def _named(name: str, *, may_be_null: bool = False) -> Any:
    """A leaf under another name in JSON, or one whose null is a value."""
    return field(metadata={"name": name, "may_be_null": may_be_null})


@dataclass(frozen=True, kw_only=True)
class Run:
    """The run of the probe."""

    version: str | None
    started: str | None
    ms: float | None
    level: Level | None


@dataclass(frozen=True, kw_only=True)
class Variables:
    """The environment variables that decide what CUDA sees."""

    cuda_visible_devices: str | None = _named("CUDA_VISIBLE_DEVICES", may_be_null=True)
    nvidia_visible_devices: str | None = _named("NVIDIA_VISIBLE_DEVICES", may_be_null=True)
    ld_library_path: str | None = _named("LD_LIBRARY_PATH", may_be_null=True)


@dataclass(frozen=True, kw_only=True)
class Host:
    """The machine, or what the container shows of it; sizes in bytes."""

    id: str | None
    platform: Platform | None
    machine: str | None
    kernel: str | None
    boot_id: str | None
    container: Container | None
    uid: int | None
    shm_total: int | None
    shm_free: int | None
    memory_limit: int | None
    cc: str | None = _named("cc", may_be_null=True)
    env: Variables


@dataclass(frozen=True, kw_only=True)
class Python:
    """The inspected interpreter."""

    executable: str | None
    version: str | None
    others_with_torch: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Torch:
    """The torch under inspection; `origin` is how it was installed."""

    imported: bool | None
    error: str | None = _named("error", may_be_null=True)
    path: str | None
    version: str | None
    cuda: str | None
    hip: str | None = _named("hip", may_be_null=True)
    git: str | None
    origin: Origin | None
    arch_list: tuple[str, ...]
    cudnn_compiled: int | None
    cudnn_runtime: int | None
    nccl: str | None
    cuda_initialised_by_import: bool | None


@dataclass(frozen=True, kw_only=True)
class Package:
    """An installed distribution."""

    name: str | None
    version: str | None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A file that is not what its package brought."""

    package: str | None
    path: str | None


@dataclass(frozen=True, kw_only=True)
class Files:
    """How the installed files compare with what their packages brought."""

    how: str | None
    checked: int | None
    differ: tuple[Difference, ...]


@dataclass(frozen=True, kw_only=True)
class Library:
    """A shared library that the process with torch has loaded."""

    family: str | None
    path: str | None


@dataclass(frozen=True, kw_only=True)
class Driver:
    """The NVIDIA driver as NVML, the kernel and CUDA tell it."""

    version: str | None
    nvml: str | None
    cuda_api: int | None
    libcuda: str | None
    is_compat: bool | None
    has_open_module: bool | None


@dataclass(frozen=True, kw_only=True)
class Node:
    """A device node; `errno` is null when it could be opened."""

    path: str | None
    errno: int | None = _named("errno", may_be_null=True)


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One device as NVML shows it; sizes in bytes."""

    uuid: str | None
    cuda_index: int | None
    pci: str | None
    name: str | None
    capability: str | None
    memory_total: int | None
    memory_used_before: int | None
    is_mig: bool | None
    mig_profile: str | None = _named("mig_profile", may_be_null=True)
    is_vgpu: bool | None
    compute_mode: ComputeMode | None
    ecc_uncorrected: int | None
    remap_pending: bool | None
    remap_failed: bool | None
    processes: int | None


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of one probe, on one GPU or on none."""

    probe: str | None
    gpu: str | None = _named("gpu", may_be_null=True)
    status: Status | None
    ms: float | None = _named("ms", may_be_null=True)
    error: str | None = _named("error", may_be_null=True)
    signal: int | None = _named("signal", may_be_null=True)

    @property
    def kind(self) -> str:
        """The probe without what it was tried with: `matmul` of `matmul.bf16`."""
        return (self.probe or "").partition(".")[0]


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Everything that the judge may read, in the shape of the JSON."""

    schema: str | None
    probe: Run
    host: Host
    python: Python
    torch: Torch
    packages: tuple[Package, ...]
    files: Files
    loaded: tuple[Library, ...]
    driver: Driver
    nodes: tuple[Node, ...]
    pci_gpus: int | None
    gpus: tuple[Gpu, ...]
    results: tuple[Result, ...]


@dataclass(frozen=True, kw_only=True)
class Facts(Contents):
    """What the probe found; `unread` says of every leaf without a value why it has none."""

    unread: Mapping[str, Reason]

    def package(self, name: str) -> str | None:
        """The version of the installed distribution; None when it is not installed."""
        return next((each.version for each in self.packages if each.name == name), None)

    def is_hidden(self, index: int) -> bool:
        """True when NVML shows that GPU and CUDA does not."""
        place = f"/gpus/{index}/cuda_index"
        return self.gpus[index].cuda_index is None and self.unread.get(place) is Reason.NOT_PRESENT

    @property
    def visible(self) -> tuple[tuple[int, Gpu], ...]:
        """The GPUs that CUDA shows, with their places in the facts."""
        return tuple((index, gpu) for index, gpu in enumerate(self.gpus) if not self.is_hidden(index))

    @property
    def has_computed(self) -> bool:
        """True when every matrix product that was tried came out right, and one was."""
        tried = [each for each in self.results if each.kind == "matmul"]
        return bool(tried) and all(each.status is Status.OK for each in tried)


def read_facts(value: object) -> Facts:
    """The JSON value as facts, whatever it is."""
    told = value.get("unread") if isinstance(value, Mapping) else None
    reader = _Reader(told if isinstance(told, Mapping) else {})
    read = {name: reader.read(hint, _member(value, name), f"/{name}", each) for name, each, hint in _leaves(Contents)}
    if not isinstance(told, Mapping):
        reader.unread["/unread"] = Reason.MISSING
    return Facts(**read, unread=reader.unread)


class _Absent(Enum):
    """The value of a key that is not there."""

    KEY = "absent"


class _Reader:
    """Reads values by the type that they must have, and remembers what could not be read."""

    def __init__(self, told: Mapping[Any, Any]) -> None:
        self.told, self.unread = told, dict[str, Reason]()

    def read(self, hint: Any, value: object, place: str, member: Field[Any] | None = None) -> Any:
        if get_origin(hint) is tuple:
            return self._read_list(get_args(hint)[0], value, place)
        if isinstance(hint, type) and is_dataclass(hint):
            return self._read_object(hint, value, place)
        kind = next(each for each in (*get_args(hint), hint) if each is not type(None))
        return self._read_leaf(kind, value, place, may_be_null=member is not None and _may_be_null(member))

    def _read_list(self, hint: Any, value: object, place: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            self._note(value, place, may_be_null=False)
            return ()
        if place in self.told:
            self.unread[place] = self._told(place)
        read = [self.read(hint, each, f"{place}/{index}") for index, each in enumerate(value)]
        return tuple(each for each in read if each is not None)

    def _read_object(self, kind: type[Any], value: object, place: str) -> Any:
        if not isinstance(value, Mapping):
            self._note(value, place, may_be_null=False)
        members = {}
        for name, each, hint in _leaves(kind):  # type: ignore[arg-type]  # mypy denies that types have a hash
            key = each.metadata.get("name", name)
            held = _member(value, key) if isinstance(value, Mapping) else None
            members[name] = self.read(hint, held, f"{place}/{key}", each)
        return kind(**members)

    def _read_leaf(self, kind: Any, value: object, place: str, *, may_be_null: bool) -> Any:
        read = _convert(kind, value)
        if read is None:
            self._note(value, place, may_be_null=may_be_null)
        return read

    def _note(self, value: object, place: str, *, may_be_null: bool) -> None:
        """Remembers why the place has no value, unless null is one."""
        if value is _Absent.KEY:
            self.unread[place] = Reason.MISSING
        elif value is not None:
            self.unread[place] = Reason.WRONG_KIND
        elif place in self.told or not may_be_null:
            self.unread[place] = self._told(place)

    def _told(self, place: str) -> Reason:
        """The probe's reason for the place, or for what it is part of."""
        above = place
        while above:
            reason = _convert(Reason, self.told.get(above))
            if isinstance(reason, Reason):
                return reason
            above = above.rpartition("/")[0]
        return Reason.UNEXPLAINED


def _convert(kind: Any, value: object) -> Any:
    """The value when it is of the kind, else None."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next((each for each in kind if each.value == value and isinstance(value, str)), None)
    if kind is bool:
        return value if isinstance(value, bool) else None
    if isinstance(value, bool):
        return None
    if kind is float:
        return value if isinstance(value, int | float) and value >= 0 else None
    if kind is int:
        return value if isinstance(value, int) and value >= 0 else None
    return value if isinstance(value, str) else None


def _member(value: object, name: str) -> object:
    return value.get(name, _Absent.KEY) if isinstance(value, Mapping) else _Absent.KEY


def _may_be_null(member: Field[Any]) -> bool:
    return bool(member.metadata.get("may_be_null", False))


@cache
def _leaves(kind: Hashable) -> tuple[tuple[str, Field[Any], Any], ...]:
    assert isinstance(kind, type)
    hints = get_type_hints(kind)
    return tuple((each.name, each, hints[each.name]) for each in fields(kind))
