"""What the machine, the container and the interpreter are, without importing torch."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from .journal import Journal
from .records import compare_files

VARIABLES = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")
# Distributions that say which torch and which CUDA this is.
LISTED = re.compile(r"(torch|triton|pytorch|nvidia|cuda|functorch|numpy$|transformers$|flash|xformers)")
NODES = ("dev/nvidiactl", "dev/nvidia-uvm")
NVIDIA, DISPLAY = "0x10de", "0x03"
PREFIXES = ("usr", "usr/local", "opt/*", "opt/*/envs/*", "venv", ".venv", "workspace/.venv")


def main(argv: list[str]) -> int:
    """The journal holds a fact of each kind; one that cannot be read does not keep the others away."""
    journal, level, root = Journal(argv[0]), argv[1], Path(argv[2])
    readers: dict[str, Callable[[], Any]] = {
        "python": read_python,
        "host": lambda: read_host(root, os.environ),
        "driver": lambda: read_driver(root),
        "nodes": lambda: read_nodes(root),
        "pci_gpus": lambda: count_pci_gpus(root),
        "torch": lambda: read_installed_torch(sys.path, sys.prefix),
        "others": lambda: list_others(root, os.environ),
        "packages": lambda: list_packages(list(distributions())),
        "files": lambda: compare_files(list(distributions()), level),
    }
    for name, read in readers.items():
        _take(journal, name, read)
    return 0


def _take(journal: Journal, name: str, read: Callable[[], Any]) -> None:
    """The fact is told, or the error that kept it away."""
    start = time.monotonic()
    journal.begin((name, None))
    try:
        journal.tell(name, read())
        error = None
    except Exception as trouble:  # a strange machine is what this program is for
        error = f"{type(trouble).__name__}: {trouble}"[:500]
    milliseconds = int((time.monotonic() - start) * 1000)
    journal.end((name, None), "error" if error else "ok", milliseconds, {}, error)


def read_python() -> dict[str, Any]:
    """The running interpreter."""
    return {"executable": sys.executable, "version": platform.python_version()}


def read_host(root: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """`host` of the facts."""
    boot = read_text(root / "proc/sys/kernel/random/boot_id")
    memory = os.statvfs(str(root / "dev/shm")) if (root / "dev/shm").is_dir() else None
    return {
        "id": hashlib.sha256(f"milepost host {boot}".encode()).hexdigest() if boot else None,
        "platform": name_platform(root),
        "machine": platform.machine(),
        "kernel": read_text(root / "proc/sys/kernel/osrelease") or platform.release(),
        "boot_id": boot,
        "container": name_container(root, environment),
        "uid": os.getuid(),
        "shm_total": memory.f_blocks * memory.f_frsize if memory else None,
        "shm_free": memory.f_bavail * memory.f_frsize if memory else None,
        "memory_limit": read_memory_limit(root),
        "cc": find_compiler(environment),
        "env": {name: environment.get(name) for name in VARIABLES},
        "unread": {"shm_total": "not-present", "shm_free": "not-present", "memory_limit": "not-present"},
    }


def name_platform(root: Path) -> str:
    """linux, wsl, jetson or other."""
    release = (read_text(root / "proc/sys/kernel/osrelease") or "").lower()
    if "microsoft" in release or (root / "dev/dxg").exists():
        return "wsl"
    if (root / "etc/nv_tegra_release").exists() or "tegra" in release:
        return "jetson"
    return "linux" if sys.platform.startswith("linux") else "other"


def name_container(root: Path, environment: Mapping[str, str]) -> str:
    """The kind of container; `none` only when nothing hints at one."""
    if environment.get("KUBERNETES_SERVICE_HOST") or (root / "var/run/secrets/kubernetes.io").exists():
        return "kubernetes"
    if (root / "run/.containerenv").exists():
        return "podman"
    if (root / ".dockerenv").exists():
        return "docker"
    hints = (read_text(root / "proc/1/cgroup") or "") + (read_text(root / "proc/1/sched") or "").partition("\n")[0]
    return "unknown" if re.search(r"docker|containerd|kubepods|libpod|lxc|buildkit", hints) else "none"


def read_memory_limit(root: Path) -> int | None:
    """The limit of our control group in bytes; None when there is none."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        text = read_text(root / "sys/fs/cgroup" / name) or ""
        if text.isdigit() and int(text) < 1 << 60:  # version 1 writes a huge number for none
            return int(text)
    return None


def find_compiler(environment: Mapping[str, str]) -> str | None:
    """The C compiler that triton would start, by its own order."""
    given, path = environment.get("CC"), environment.get("PATH")
    if given:
        return shutil.which(given, path=path)
    return shutil.which("gcc", path=path) or shutil.which("clang", path=path)


def read_driver(root: Path) -> dict[str, Any]:
    """What the loaded kernel module says of itself."""
    line = (read_text(root / "proc/driver/nvidia/version") or "").partition("\n")[0]
    found = re.search(r"\d{3}\.\d+(\.\d+)?", line)
    version = read_text(root / "sys/module/nvidia/version") or (found[0] if found else None)
    return {"version": version, "has_open_module": "Open Kernel" in line if line else None}


def read_nodes(root: Path) -> list[dict[str, Any]]:
    """The device nodes, and for those that cannot be opened why."""
    own = sorted(each for each in (root / "dev").glob("nvidia*") if re.fullmatch(r"nvidia\d+", each.name))
    extra = [root / "dev/dxg"] if name_platform(root) == "wsl" else []
    return [try_node(each, root) for each in [*(root / name for name in NODES), *extra, *own]]


def try_node(path: Path, root: Path) -> dict[str, Any]:
    """The node's path as the machine knows it, and the error of opening it."""
    told = "/" + str(path.relative_to(root))
    try:
        os.close(os.open(str(path), os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as trouble:
        return {"path": told, "errno": trouble.errno}
    return {"path": told, "errno": None}


def count_pci_gpus(root: Path) -> int | None:
    """NVIDIA's display controllers on the bus, of the whole host; None without a bus."""
    bus = root / "sys/bus/pci/devices"
    if not bus.is_dir():
        return None
    return sum(
        read_text(each / "vendor") == NVIDIA and (read_text(each / "class") or "").startswith(DISPLAY)
        for each in bus.iterdir()
    )


def read_installed_torch(path: list[str], prefix: str) -> dict[str, Any]:
    """What the files of the installed torch say, for the case that it cannot be imported; empty when there is none."""
    folder = next((Path(each) / "torch" for each in path if (Path(each) / "torch/version.py").is_file()), None)
    if folder is None:
        return {}
    text = read_text(folder / "version.py") or ""
    found = dict(re.findall(r"^(__version__|cuda|hip|git_version)\b[^=\n]*=\s*['\"]([^'\"]*)['\"]", text, re.M))
    return {
        "path": str(folder),
        "version": found.get("__version__"),
        "cuda": found.get("cuda"),
        "hip": found.get("hip"),
        "git": found.get("git_version"),
        "origin": name_origin(folder, Path(prefix)),
    }


def name_origin(folder: Path, prefix: Path) -> str:
    """How torch came here: conda's own record is looked for first, since conda leaves that of a wheel as well."""
    if any((prefix / "conda-meta").glob("pytorch-*.json")) or any((prefix / "conda-meta").glob("libtorch-*.json")):
        return "conda"
    wheels = list(folder.parent.glob("torch-*.dist-info/WHEEL"))
    return "wheel" if wheels else "other"


def list_packages(found: list[Any]) -> list[dict[str, Any]]:
    """Those that matter for torch and CUDA, by name; the first of a name counts, as it does for imports."""
    packages: dict[str, dict[str, Any]] = {}
    for each in found:
        name = (each.metadata["Name"] or "").lower().replace("_", "-")
        if LISTED.match(name):
            packages.setdefault(name, {"name": name, "version": each.version})
    return [packages[name] for name in sorted(packages)]


def list_others(root: Path, environment: Mapping[str, str]) -> list[str]:
    """Other interpreters that hold torch, found by their files; none of them is started."""
    given = [Path(environment[name]) for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if environment.get(name)]
    prefixes = [*given, *(each for pattern in PREFIXES for each in sorted(root.glob(pattern)))]
    own = Path(sys.prefix).resolve()
    others = {prefix.resolve() for prefix in prefixes if _holds_torch(prefix)} - {own}
    return sorted(str(each / "bin/python3") for each in others)


def _holds_torch(prefix: Path) -> bool:
    patterns = ("lib/python3*/site-packages", "lib/python3*/dist-packages", "lib/python3/dist-packages")
    try:
        return any((each / "torch/version.py").is_file() for pattern in patterns for each in prefix.glob(pattern))
    except OSError:
        return False


def read_text(path: Path) -> str | None:
    """The file's text without the blanks around it; None when it cannot be read or is empty."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None
