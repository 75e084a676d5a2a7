"""What NVIDIA's management library says of the driver and of every GPU, before anybody has opened a CUDA context.

The library is called through ctypes, as its header describes it; `nvidia-smi` is never started.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from ctypes import Structure, byref, c_char, c_int, c_uint, c_ulonglong, c_void_p, create_string_buffer, sizeof
from typing import Any

from .journal import Journal

LIBRARY = "libnvidia-ml.so.1"
SUCCESS, NO_PERMISSION, INSUFFICIENT_SIZE, LIBRARY_NOT_FOUND, FUNCTION_NOT_FOUND = 0, 4, 7, 12, 13
# nvml.h, nvmlReturn_t: a code's name there, without the prefix.
CODES = {
    0: "ok",
    1: "uninitialized",
    2: "invalid-argument",
    3: "not-supported",
    4: "no-permission",
    5: "already-initialized",
    6: "not-found",
    7: "insufficient-size",
    8: "insufficient-power",
    9: "driver-not-loaded",
    10: "timeout",
    11: "irq-issue",
    12: "library-not-found",
    13: "function-not-found",
    14: "corrupted-inforom",
    15: "gpu-is-lost",
    16: "reset-required",
    17: "operating-system",
    18: "lib-rm-version-mismatch",
    19: "in-use",
    20: "memory",
    21: "no-data",
    22: "vgpu-ecc-not-supported",
    23: "insufficient-resources",
    24: "freq-not-supported",
    25: "argument-version-mismatch",
    26: "deprecated",
    27: "not-ready",
    28: "gpu-not-found",
    29: "invalid-state",
    999: "unknown",
}
# Why a leaf is not there; a code that is not named is an error.
REASONS = {
    3: "not-supported",
    4: "no-permission",
    6: "not-present",
    10: "timeout",
    13: "not-supported",
    22: "not-supported",
    25: "not-supported",
}
# These say that the GPU or the driver is broken, whatever was asked.
BROKEN = (14, 15, 16, 18, 999)
COMPUTE_MODES = {0: "default", 1: "exclusive-process", 2: "prohibited", 3: "exclusive-process"}
VGPU = 2
UNCORRECTED, VOLATILE = 1, 0


class PciInfo(Structure):
    """nvmlPciInfo_t of version 3."""

    _fields_ = [
        ("legacy", c_char * 16),
        ("domain", c_uint),
        ("bus", c_uint),
        ("device", c_uint),
        ("identity", c_uint),
        ("subsystem", c_uint),
        ("address", c_char * 32),
    ]


class Memory(Structure):
    """nvmlMemory_t: what is used includes what the driver keeps for itself."""

    _fields_ = [("total", c_ulonglong), ("free", c_ulonglong), ("used", c_ulonglong)]


class MemoryWithReserve(Structure):
    """nvmlMemory_v2_t: what the driver keeps for itself stands apart."""

    _fields_ = [
        ("version", c_uint),
        ("total", c_ulonglong),
        ("reserved", c_ulonglong),
        ("free", c_ulonglong),
        ("used", c_ulonglong),
    ]


class Refused(Exception):
    """The library answered with a code other than success."""

    def __init__(self, code: int) -> None:
        super().__init__(CODES.get(code, "unknown"))
        self.code = code


class Library:
    """The loaded library; a function that it lacks is refused as one that it does not find."""

    def __init__(self, name: str = LIBRARY) -> None:
        try:
            self.functions = ctypes.CDLL(name)
        except OSError:
            raise Refused(LIBRARY_NOT_FOUND) from None

    def call(self, name: str, *arguments: Any) -> None:
        """The function answered with success; else Refused."""
        try:
            function = getattr(self.functions, "nvml" + name)
        except AttributeError:
            raise Refused(FUNCTION_NOT_FOUND) from None
        function.restype = c_int
        code = function(*arguments)
        if code != SUCCESS:
            raise Refused(code)

    def text(self, name: str, *arguments: Any) -> str:
        """What the function writes as text."""
        buffer = create_string_buffer(256)
        self.call(name, *arguments, buffer, c_uint(len(buffer)))
        return buffer.value.decode("utf-8", "replace")

    def number(self, name: str, *arguments: Any, kind: Any = c_uint) -> int:
        """What the function writes as a number."""
        found = kind()
        self.call(name, *arguments, byref(found))
        return int(found.value)

    def handle(self, name: str, *arguments: Any) -> Any:
        """The device that the function gives."""
        found = c_void_p()
        self.call(name, *arguments, byref(found))
        return found


class Sheet:
    """The leaves of one object, and for each that could not be read the reason."""

    def __init__(self) -> None:
        self.leaves: dict[str, Any] = {}
        self.unread: dict[str, str] = {}
        self.broken = "ok"

    def read(self, name: str, ask: Callable[[], Any]) -> Any:
        """The leaf's value, written down; None with its reason when it is refused."""
        self.leaves[name] = None
        try:
            self.leaves[name] = ask()
        except Refused as refused:
            self.refuse(name, refused)
        return self.leaves[name]

    def refuse(self, name: str, refused: Refused) -> None:
        """The leaf has no value, for that reason."""
        self.unread[name] = REASONS.get(refused.code, "error")
        if self.broken == "ok" and refused.code in BROKEN:
            self.broken = str(refused)


def main(argv: list[str]) -> int:
    """The journal holds the driver and one fact for every GPU."""
    journal = Journal(argv[0])
    journal.begin(("nvml", None))
    try:
        library = Library(*argv[1:])
        library.call("Init_v2")
    except Refused as refused:
        journal.tell("driver", {"nvml": str(refused), "version": None, "cuda_api": None})
    else:
        _read_all(library, journal)
    journal.end(("nvml", None), "ok", 0, {})
    return 0


def _read_all(library: Library, journal: Journal) -> None:
    driver = Sheet()
    driver.read("version", lambda: library.text("SystemGetDriverVersion"))
    driver.read("cuda_api", lambda: library.number("SystemGetCudaDriverVersion_v2", kind=c_int))
    count = driver.read("count", lambda: library.number("DeviceGetCount_v2"))
    broken = driver.broken
    for index in range(count or 0):
        for gpu in _read_gpu(library, index):
            journal.tell("gpu", {**gpu.leaves, "nvml": gpu.broken, "unread": gpu.unread})
            broken = gpu.broken if broken == "ok" else broken
    if count is None and broken == "ok":
        broken = "unknown"
    journal.tell("driver", {**driver.leaves, "nvml": broken, "unread": driver.unread})


def _read_gpu(library: Library, index: int) -> list[Sheet]:
    """The GPU, or the parts into which MIG has cut it; nothing for one that is not ours to use.

    nvml.h: the count holds all GPUs of the system, also those that answer `no-permission` to whoever asks for them.
    """
    try:
        device = library.handle("DeviceGetHandleByIndex_v2", c_uint(index))
    except Refused as refused:
        lost = Sheet()
        lost.broken = str(refused)
        return [] if refused.code == NO_PERMISSION else [lost]
    is_cut = _is_cut(library, device)
    parts = _list_parts(library, device) if is_cut else []
    whole = _read_device(library, device, device)
    whole.leaves["is_mig"] = is_cut
    whole.leaves["mig_profile"] = None
    return [_read_part(library, part, device) for part in parts] or [whole]


def _is_cut(library: Library, device: Any) -> bool:
    """True in MIG mode; a GPU that does not know the mode is not in it."""
    now, after = c_uint(), c_uint()
    try:
        library.call("DeviceGetMigMode", device, byref(now), byref(after))
    except Refused:
        return False
    return now.value == 1


def _list_parts(library: Library, device: Any) -> list[Any]:
    parts = []
    try:
        most = library.number("DeviceGetMaxMigDeviceCount", device)
    except Refused:
        return []
    for index in range(most):
        try:
            parts.append(library.handle("DeviceGetMigDeviceHandleByIndex", device, c_uint(index)))
        except Refused:
            pass  # places that hold no part are not found
    return parts


def _read_part(library: Library, part: Any, parent: Any) -> Sheet:
    sheet = _read_device(library, part, parent)
    sheet.leaves["is_mig"] = True
    found = re.search(r"MIG (\d+g\.\S+)", sheet.leaves["name"] or "")
    sheet.leaves["mig_profile"] = found[1] if found else None
    return sheet


def _read_device(library: Library, device: Any, parent: Any) -> Sheet:
    """What can be asked of a part is asked of it, the rest of the GPU that it is a part of."""
    sheet = Sheet()
    sheet.read("uuid", lambda: library.text("DeviceGetUUID", device))
    sheet.read("pci", lambda: _read_pci(library, parent))
    sheet.read("name", lambda: library.text("DeviceGetName", device))
    sheet.read("capability", lambda: _read_capability(library, parent))
    _read_memory(library, device, sheet)
    sheet.read("is_vgpu", lambda: library.number("DeviceGetVirtualizationMode", parent) == VGPU)
    sheet.read("compute_mode", lambda: _read_compute_mode(library, parent))
    sheet.read("ecc_uncorrected", lambda: _read_ecc(library, parent))
    _read_remapped(library, parent, sheet)
    sheet.read("processes", lambda: _count_processes(library, device))
    return sheet


def _read_pci(library: Library, device: Any) -> str | None:
    """The address as the kernel writes it: four digits of domain, small letters."""
    info = PciInfo()
    library.call("DeviceGetPciInfo_v3", device, byref(info))
    return normalise_address(info.address.decode("ascii", "replace"))


def normalise_address(address: str) -> str | None:
    """`00000000:1B:00.0` as `0000:1b:00.0`; None when it is no address."""
    found = re.match(r"([0-9A-Fa-f]*)([0-9A-Fa-f]{4}):([0-9A-Fa-f]{2}):([0-9A-Fa-f]{2})(?:\.([0-7]))?$", address)
    if found is None:
        return None
    extra = found[1].lstrip("0")
    return f"{extra}{found[2]}:{found[3]}:{found[4]}.{found[5] or '0'}".lower()


def _read_capability(library: Library, device: Any) -> str:
    major, minor = c_int(), c_int()
    library.call("DeviceGetCudaComputeCapability", device, byref(major), byref(minor))
    return f"{major.value}.{minor.value}"


def _read_memory(library: Library, device: Any, sheet: Sheet) -> None:
    """Used memory is told only without the driver's own reserve: with it every idle GPU looks busy."""
    full = MemoryWithReserve(version=sizeof(MemoryWithReserve) | 2 << 24)
    sheet.leaves.update(memory_total=None, memory_used_before=None)
    try:
        library.call("DeviceGetMemoryInfo_v2", device, byref(full))
        sheet.leaves.update(memory_total=full.total, memory_used_before=full.used)
    except Refused as refused:
        sheet.refuse("memory_used_before", refused)
        sheet.read("memory_total", lambda: _read_total(library, device))


def _read_total(library: Library, device: Any) -> int:
    plain = Memory()
    library.call("DeviceGetMemoryInfo", device, byref(plain))
    return int(plain.total)


def _read_compute_mode(library: Library, device: Any) -> str | None:
    return COMPUTE_MODES.get(library.number("DeviceGetComputeMode", device))


def _read_ecc(library: Library, device: Any) -> int:
    arguments = (device, c_int(UNCORRECTED), c_int(VOLATILE))
    return library.number("DeviceGetTotalEccErrors", *arguments, kind=c_ulonglong)


def _read_remapped(library: Library, device: Any, sheet: Sheet) -> None:
    values = [c_uint() for _ in range(4)]
    sheet.leaves.update(remap_pending=None, remap_failed=None)
    try:
        library.call("DeviceGetRemappedRows", device, *map(byref, values))
        sheet.leaves.update(remap_pending=bool(values[2].value), remap_failed=bool(values[3].value))
    except Refused as refused:
        sheet.refuse("remap_pending", refused)
        sheet.refuse("remap_failed", refused)


def _count_processes(library: Library, device: Any) -> int:
    """How many hold a context; the list itself is not asked for, so its form does not matter."""
    count = c_uint(0)
    for name in ("_v3", "_v2", ""):
        try:
            library.call("DeviceGetComputeRunningProcesses" + name, device, byref(count), None)
        except Refused as refused:
            if refused.code == INSUFFICIENT_SIZE:
                return int(count.value)
            if refused.code != FUNCTION_NOT_FOUND:
                raise
        else:
            return int(count.value)
    raise Refused(FUNCTION_NOT_FOUND)
