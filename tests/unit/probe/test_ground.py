"""What a machine, its container and its packages are: read below a root that the tests fill."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import sys
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest
from milepost.probe import ground
from milepost.probe.records import compare_files


def write(root: Path, **files: str) -> Path:
    """The root with those files; `__` in a name stands for a slash."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("files", "environment", "kind"),
    [
        ({}, {}, "none"),
        ({"run__.containerenv": ""}, {}, "podman"),
        ({".dockerenv": ""}, {}, "docker"),
        ({".dockerenv": ""}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes"),
        ({"var__run__secrets__kubernetes.io__token": ""}, {}, "kubernetes"),
        ({"proc__1__cgroup": "0::/system.slice/containerd.service/x"}, {}, "unknown"),
        ({"proc__1__cgroup": "0::/init.scope"}, {}, "none"),
    ],
)
def test_containers_are_told_apart(
    files: dict[str, str], environment: dict[str, str], kind: str, tmp_path: Path
) -> None:
    """By the files that each leaves, Kubernetes first: its containers are also those of another kind."""
    assert kind == ground.name_container(write(tmp_path, **files), environment)


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"proc__sys__kernel__osrelease": "6.8.0-45-generic"}, "linux"),
        ({"proc__sys__kernel__osrelease": "5.15.153.1-microsoft-standard-WSL2"}, "wsl"),
        ({"dev__dxg": ""}, "wsl"),
        ({"etc__nv_tegra_release": "# R36"}, "jetson"),
        ({"proc__sys__kernel__osrelease": "5.15.148-tegra"}, "jetson"),
    ],
)
def test_platforms_are_told_apart(files: dict[str, str], name: str, tmp_path: Path) -> None:
    """Where there is no PCI bus and no node, that is no fault."""
    assert name == ground.name_platform(write(tmp_path, **files))


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"sys__fs__cgroup__memory.max": "max\n"}, None),
        ({"sys__fs__cgroup__memory.max": "4294967296\n"}, 4294967296),
        ({"sys__fs__cgroup__memory__memory.limit_in_bytes": "2147483648\n"}, 2147483648),
        ({"sys__fs__cgroup__memory__memory.limit_in_bytes": "9223372036854771712\n"}, None),
        ({}, None),
    ],
)
def test_the_limit_of_memory_is_that_of_the_control_group(
    files: dict[str, str], limit: int | None, tmp_path: Path
) -> None:
    """Of either version; none is none."""
    assert limit == ground.read_memory_limit(write(tmp_path, **files))


OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.03  Release Build\nGCC version: 13.2"
OTHER_OPEN = "NVRM version: NVIDIA UNIX Open Kernel x86_64 Kernel Module  590.48.01  Mon Dec  8 11:22:45 UTC 2025"
CLOSED = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.54  Wed Jun 14\n"


@pytest.mark.parametrize(
    ("files", "version", "is_open"),
    [
        ({}, None, None),
        ({"proc__driver__nvidia__version": OPEN}, "580.159.03", True),
        ({"proc__driver__nvidia__version": OTHER_OPEN}, "590.48.01", True),
        ({"proc__driver__nvidia__version": CLOSED}, "535.54", False),
        ({"proc__driver__nvidia__version": CLOSED, "sys__module__nvidia__version": "535.54.03\n"}, "535.54.03", False),
        ({"sys__module__nvidia__version": "580.159.03\n"}, "580.159.03", None),
    ],
)
def test_the_kernel_module_says_its_version(
    files: dict[str, str], version: str | None, is_open: bool | None, tmp_path: Path
) -> None:
    """Its own file first, else the line of the driver, which also says which kind of module it is."""
    assert {"version": version, "has_open_module": is_open} == ground.read_driver(write(tmp_path, **files))


def test_device_nodes_are_opened(tmp_path: Path) -> None:
    """Each GPU's and the two that all need; a missing one has its error, and other names are no GPUs."""
    root = write(tmp_path, dev__nvidiactl="", dev__nvidia0="", dev__nvidia10="", **{"dev__nvidia-modeset": ""})

    assert [
        {"path": "/dev/nvidiactl", "errno": None},
        {"path": "/dev/nvidia-uvm", "errno": errno.ENOENT},
        {"path": "/dev/nvidia0", "errno": None},
        {"path": "/dev/nvidia10", "errno": None},
    ] == ground.read_nodes(root)


def test_a_node_that_may_not_be_opened_tells_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a control group takes access away."""

    def refuse(*_: object) -> int:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "open", refuse)

    assert {"path": "/dev/nvidia0", "errno": errno.EPERM} == ground.try_node(tmp_path / "dev/nvidia0", tmp_path)


def test_gpus_on_the_bus_are_counted(tmp_path: Path) -> None:
    """NVIDIA's display controllers of both kinds; neither its bridges nor other makers' cards."""
    bus = "sys__bus__pci__devices__"
    for number, (vendor, kind) in enumerate(
        [("0x10de", "0x030200"), ("0x10de", "0x030000"), ("0x10de", "0x068000"), ("0x1002", "0x030000")]
    ):
        write(tmp_path, **{f"{bus}{number}__vendor": vendor + "\n", f"{bus}{number}__class": kind + "\n"})

    assert 2 == ground.count_pci_gpus(tmp_path)
    assert ground.count_pci_gpus(tmp_path / "nowhere") is None


def test_the_compiler_is_the_one_that_triton_would_start(tmp_path: Path) -> None:
    """CC when it is set, and then no other; else gcc before clang; `cc` alone does not help it."""
    for name in ("gcc", "clang", "cc", "own"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text("")
        (tmp_path / name / name).chmod(0o755)
    path = {name: str(tmp_path / name) for name in ("gcc", "clang", "cc", "own")}

    def find(*names: str, **more: str) -> str | None:
        return ground.find_compiler({"PATH": os.pathsep.join(path[name] for name in names), **more})

    assert f"{path['gcc']}/gcc" == find("clang", "gcc", "cc")
    assert f"{path['clang']}/clang" == find("clang", "cc")
    assert find("cc") is None
    assert f"{path['own']}/own" == find("gcc", CC=f"{path['own']}/own")
    assert find("gcc", CC="/nowhere/cc") is None


def test_the_host_is_told(tmp_path: Path) -> None:
    """Its identity is the same until it restarts, and says nothing of where it came from."""
    root = write(tmp_path, proc__sys__kernel__random__boot_id="bc70f21a\n", proc__sys__kernel__osrelease="6.8.0\n")
    (root / "dev" / "shm").mkdir(parents=True)

    host = ground.read_host(root, {"CUDA_VISIBLE_DEVICES": ""})

    assert host["id"] == ground.read_host(root, {})["id"] != "bc70f21a"
    assert ("bc70f21a", "6.8.0") == (host["boot_id"], host["kernel"])
    assert 0 < host["shm_free"] <= host["shm_total"]
    assert {"CUDA_VISIBLE_DEVICES": "", "NVIDIA_VISIBLE_DEVICES": None, "LD_LIBRARY_PATH": None} == host["env"]


def test_a_strange_machine_is_no_crash(tmp_path: Path) -> None:
    """Nothing can be read there, and each leaf has its reason or is none."""
    host = ground.read_host(tmp_path / "nowhere", {})

    assert (None, None, None) == (host["id"], host["shm_total"], host["memory_limit"])
    assert {"shm_total", "shm_free", "memory_limit"} == set(host["unread"])


@pytest.mark.parametrize(
    ("files", "origin"),
    [
        ({"site__torch-2.9.1+cu128.dist-info__WHEEL": ""}, "wheel"),
        ({"site__torch-2.9.1.dist-info__WHEEL": "", "conda-meta__pytorch-2.9.1-cuda128.json": "{}"}, "conda"),
        ({"conda-meta__libtorch-2.9.1.json": "{}"}, "conda"),
        ({}, "other"),
    ],
)
def test_how_torch_was_installed_is_told(files: dict[str, str], origin: str, tmp_path: Path) -> None:
    """Its files also say its version and its CUDA, without importing it."""
    text = "from typing import Optional\n__version__ = '2.9.1+cu128'\ncuda: Optional[str] = '12.8'\n"
    text += "git_version = 'abc'\nhip: Optional[str] = None\n"
    write(tmp_path, **{"site__torch__version.py": "", **files})
    (tmp_path / "site/torch/version.py").write_text(text, encoding="utf-8")

    found = ground.read_installed_torch([str(tmp_path / "none"), str(tmp_path / "site")], str(tmp_path))

    assert {
        "path": str(tmp_path / "site/torch"),
        "version": "2.9.1+cu128",
        "cuda": "12.8",
        "hip": None,
        "git": "abc",
        "origin": origin,
    } == found
    assert {} == ground.read_installed_torch([str(tmp_path / "none")], str(tmp_path))


def test_other_interpreters_with_torch_are_named(tmp_path: Path) -> None:
    """By their files, in the usual places and in those that the environment names; those without torch are not."""
    for name in ("opt/conda/lib/python3.12/site-packages", "mine/lib/python3.11/site-packages", "usr/lib/python3/none"):
        (tmp_path / name / "torch").mkdir(parents=True)
        (tmp_path / name / "torch/version.py").write_text("")
    environment = {"VIRTUAL_ENV": str(tmp_path / "mine")}

    assert [str(tmp_path / name / "bin/python3") for name in ("mine", "opt/conda")] == ground.list_others(
        tmp_path, environment
    )


def distribution(folder: Path, name: str, version: str, files: dict[str, bytes]) -> PathDistribution:
    """A package installed there, with a RECORD that tells the truth about its files."""
    lines = []
    for each, content in files.items():
        path = folder / each
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{each},sha256={digest},{len(content)}")
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    (info / "RECORD").write_text("\n".join([*lines, f"{info.name}/RECORD,,"]) + "\n", encoding="utf-8")
    return PathDistribution(info)


def test_libraries_are_compared_with_what_was_installed(tmp_path: Path) -> None:
    """By size at once; one of the same size is found by its hash, at level full, where another overlays it."""
    cudnn = distribution(
        tmp_path,
        "nvidia-cudnn-cu13",
        "9.19.0.56",
        {
            "nvidia/cudnn/lib/libcudnn.so.9": b"main",
            "nvidia/cudnn/lib/libcudnn_graph.so.9": b"graph",
            "notes.txt": b"x",
        },
    )
    nccl = distribution(tmp_path, "nvidia-nccl-cu13", "2.28.9", {"nvidia/nccl/lib/libnccl.so.2": b"nccl"})
    other = distribution(tmp_path, "numpy", "2.5.0", {"numpy/core.so": b"core"})
    everything = [cudnn, nccl, other]
    assert {"how": "size", "checked": 3, "differ": []} == compare_files(everything, "quick")

    (tmp_path / "nvidia/cudnn/lib/libcudnn.so.9").write_bytes(b"niam")
    (tmp_path / "nvidia/nccl/lib/libnccl.so.2").unlink()
    (tmp_path / "numpy/core.so").write_bytes(b"longer")
    quick, full = compare_files(everything, "quick"), compare_files(everything, "full")

    gone = {"package": "nvidia-nccl-cu13", "path": str(tmp_path / "nvidia/nccl/lib/libnccl.so.2")}
    same_size = {"package": "nvidia-cudnn-cu13", "path": str(tmp_path / "nvidia/cudnn/lib/libcudnn.so.9")}
    assert {"how": "size", "checked": 3, "differ": [gone]} == quick
    assert {"how": "sha256", "checked": 3, "differ": [same_size, gone]} == full


def test_packages_that_matter_are_listed(tmp_path: Path) -> None:
    """By name, as written in small letters with hyphens; the first on the path counts."""
    found = [
        distribution(tmp_path / "a", "nvidia_cudnn_cu12", "9.10.2.21", {}),
        distribution(tmp_path / "b", "nvidia-cudnn-cu12", "9.1.0.70", {}),
        distribution(tmp_path / "a", "Torch", "2.9.1", {}),
        distribution(tmp_path / "a", "requests", "2.32", {}),
    ]

    assert [
        {"name": "nvidia-cudnn-cu12", "version": "9.10.2.21"},
        {"name": "torch", "version": "2.9.1"},
    ] == ground.list_packages(found)


def test_the_running_interpreter_is_told() -> None:
    """Its path and its version."""
    assert {"executable": sys.executable, "version": ".".join(map(str, sys.version_info[:3]))} == ground.read_python()
