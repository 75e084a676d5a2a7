"""What torch and the CUDA driver library say of themselves and of the devices, from within the process that uses them."""

from __future__ import annotations

import ctypes
import os
import re
from ctypes import byref, c_int, create_string_buffer
from pathlib import Path
from typing import Any, Callable

from .nvml import normalise_address

# Library families of which one process must hold one version, or whose place explains a failure.
FAMILIES = {
    "cudnn": r"libcudnn[\w]*\.so",
    "nccl": r"libnccl\.so",
    "cublas": r"libcublas(Lt)?\.so",
    "cudart": r"libcudart\.so",
    "cuda": r"libcuda\.so",
}
# What a build for the CPU does not have; in others it is there.
CUDA_ONLY = ("cuda", "arch_list", "cudnn_compiled", "cudnn_runtime", "nccl", "cuda_initialised_by_import")


def read_torch(torch: Any) -> dict[str, Any]:
    """`torch` of the facts, without touching a device; every reading stands alone, since builds lack this or that."""
    library = torch._C
    read: dict[str, Callable[[], Any]] = {
        "path": lambda: os.path.dirname(torch.__file__),
        "version": lambda: str(torch.__version__),
        "cuda": lambda: torch.version.cuda,
        "hip": lambda: torch.version.hip,
        "git": lambda: torch.version.git_version,
        "arch_list": lambda: library._cuda_getArchFlags().split(),
        "cudnn_compiled": lambda: join_version(library._cudnn.getCompileVersion()),
        "cudnn_runtime": lambda: join_version(library._cudnn.getRuntimeVersion()),
        "nccl": lambda: spell_nccl(library._nccl_version()),
        "cuda_initialised_by_import": lambda: bool(torch.cuda.is_initialized()),
    }
    found: dict[str, Any] = {"imported": True, "error": None, "unread": {}}
    for name, ask in read.items():
        try:
            found[name] = ask()
        except Exception as trouble:  # a build may lack it, and may fail in its own way
            found[name] = None
            found["unread"][name] = "not-supported" if isinstance(trouble, AttributeError) else "error"
    if found["cuda"] is None:
        found["unread"].update({name: "not-supported" for name in CUDA_ONLY if found[name] is None})
    return found


def join_version(parts: Any) -> int | None:
    """cuDNN's version as its own header counts: 9.10.2 is 91002, 8.7.0 was 8700; 0 is none."""
    if isinstance(parts, int):
        return parts or None
    major, minor, patch = parts
    return (major * 10000 if major >= 9 else major * 1000) + minor * 100 + patch or None


def spell_nccl(version: Any) -> str:
    """NCCL's version with points, from what torch has told it as over time: parts, 16 bits each, or NCCL's number."""
    if not isinstance(version, int):
        return ".".join(str(part) for part in version[:3])
    if version >> 32:
        return f"{version >> 32}.{version >> 16 & 0xFFFF}.{version & 0xFFFF}"
    base = 10000 if version >= 10000 else 1000
    return f"{version // base}.{version % base // 100}.{version % 100}"


def list_loaded(maps: str) -> list[dict[str, str]]:
    """The libraries of the families that `/proc/self/maps` shows, by family and path."""
    paths = sorted({found[0] for found in re.findall(r"(/\S*/(lib[\w.+-]+\.so[\w.]*))(?: \(deleted\))?$", maps, re.M)})
    return [
        {"family": family, "path": path}
        for family, pattern in FAMILIES.items()
        for path in paths
        if re.match(pattern, os.path.basename(path))
    ]


def read_maps() -> str:
    """What this process has mapped; empty where the system does not tell."""
    try:
        return Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def list_devices(torch: Any) -> list[dict[str, Any]]:
    """The devices in CUDA's order, which is not NVML's: known by their UUID."""
    driver = _load_driver()
    return [_read_device(torch, driver, index) for index in range(torch.cuda.device_count())]


def _read_device(torch: Any, driver: Any, index: int) -> dict[str, Any]:
    properties = torch.cuda.get_device_properties(index)
    return {
        "cuda_index": index,
        "uuid": read_uuid(driver, index) or f"cuda:{index}",
        "pci": _read_pci(driver, index),
        "name": str(properties.name),
        "capability": f"{properties.major}.{properties.minor}",
        "memory_total": int(properties.total_memory),
    }


def _load_driver() -> Any:
    """The driver library that this process already uses; None where there is none."""
    try:
        return ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None


def read_uuid(driver: Any, index: int) -> str | None:
    """The device's UUID as NVML spells it; that of the part where MIG has cut a GPU (version 2 of the call)."""
    device, buffer = c_int(), create_string_buffer(16)
    for name in ("cuDeviceGetUuid_v2", "cuDeviceGetUuid"):
        ask = getattr(driver, name, None)
        if ask is None or driver.cuDeviceGet(byref(device), c_int(index)) != 0:
            continue
        if ask(buffer, device) == 0:
            digits = buffer.raw.hex()
            parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
            return _name_kind(driver, index) + "-".join(parts)
    return None


def _name_kind(driver: Any, index: int) -> str:
    """`GPU-`, or `MIG-` for a part of one, whose name says so."""
    device, name = c_int(), create_string_buffer(256)
    driver.cuDeviceGet(byref(device), c_int(index))
    driver.cuDeviceGetName(name, c_int(len(name)), device)
    return "MIG-" if b" MIG " in name.value else "GPU-"


def _read_pci(driver: Any, index: int) -> str | None:
    device, text = c_int(), create_string_buffer(32)
    if driver is None or driver.cuDeviceGet(byref(device), c_int(index)) != 0:
        return None
    if driver.cuDeviceGetPCIBusId(text, c_int(len(text)), device) != 0:
        return None
    return normalise_address(text.value.decode("ascii", "replace"))


def read_driver(loaded: list[dict[str, str]]) -> dict[str, Any]:
    """The driver library in use, and the newest CUDA that it speaks."""
    path = next((each["path"] for each in loaded if each["family"] == "cuda"), None)
    version, driver = c_int(), _load_driver() if path else None
    if driver is not None and driver.cuDriverGetVersion(byref(version)) == 0:
        return {"libcuda": path, "cuda_api": version.value}
    return {"libcuda": path, "cuda_api": None}
