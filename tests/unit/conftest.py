"""Machines as the probe tells them, declarations as a plan file makes them, and the judge between."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from milepost.core.environment import (
    Build,
    Environment,
    GpuDemand,
    LoaderNeed,
    Needs,
    Specifier,
    Waiver,
    read_sizes,
    read_specifier,
)
from milepost.core.facts import Level, read_facts
from milepost.core.gpu.judge import judge
from milepost.core.published import Data
from milepost.core.verdict import Observed, Verdict
from milepost.data.load import load_data
from milepost.diagnostics import Location

TODAY = date(2026, 11, 24)
SITE = "/usr/local/lib/python3.12/site-packages"
QUICK = ("alloc", "matmul.fp32", "matmul.bf16", "transfer", "again")
FULL = ("matmul.fp16", "matmul.tf32", "conv2d.bf16", "conv3d", "sdpa", "autograd", "amp", "graph")
AT = Location(file=".github/milepost.yml", line=1, column=1)


@dataclass
class Machine:
    """A machine that the probe looked at; `value` is the JSON that it wrote."""

    value: dict[str, Any]

    def put(self, place: str, value: object) -> Machine:
        """The machine with another value at the place, a JSON pointer."""
        changed = copy.deepcopy(self.value)
        holder, key = _find(changed, place)
        holder[key] = value
        return Machine(changed)

    def without(self, place: str) -> Machine:
        """The machine whose facts do not hold the place."""
        changed = copy.deepcopy(self.value)
        holder, key = _find(changed, place)
        del holder[key]
        return Machine(changed)

    def unread(self, place: str, reason: str) -> Machine:
        """The machine whose probe says why it could not read the place."""
        changed = self.put(place, None)
        changed.value["unread"] = {**changed.value["unread"], place: reason}
        return changed

    def got(self, probe: str, status: str, error: str | None = None, *, gpu: int | None = 0) -> Machine:
        """The machine on which the probe came out so."""
        changed = copy.deepcopy(self.value)
        uuid = None if gpu is None else changed["gpus"][gpu]["uuid"]
        kept = [each for each in changed["results"] if (each["probe"], each["gpu"]) != (probe, uuid)]
        changed["results"] = [*kept, _result(probe, uuid, status, error)]
        return Machine(changed)

    def with_errors(self, error: str) -> Machine:
        """The machine on whose GPUs every probe ends with the error."""
        changed = copy.deepcopy(self.value)
        for each in changed["results"]:
            if each["probe"] not in ("import", "dataloader"):
                each |= {"status": "error", "error": error}
        return Machine(changed)

    def leaves(self) -> list[str]:
        """The place of every leaf, the probe's reasons apart."""
        return [place for place in _walk(self.value, "") if not place.startswith("/unread")]

    def get(self, place: str) -> Any:
        """The value at the place."""
        holder, key = _find(self.value, place)
        return holder[key]


def _find(value: Any, place: str) -> tuple[Any, Any]:
    *above, last = place.removeprefix("/").split("/")
    for part in above:
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value, int(last) if isinstance(value, list) else last


def _walk(value: Any, place: str) -> list[str]:
    if isinstance(value, dict) and value:
        return [each for key, held in value.items() for each in _walk(held, f"{place}/{key}")]
    if isinstance(value, list) and value:
        return [each for index, held in enumerate(value) for each in _walk(held, f"{place}/{index}")]
    return [place]


def _result(probe: str, gpu: str | None, status: str = "ok", error: str | None = None) -> dict[str, Any]:
    return {"probe": probe, "gpu": gpu, "status": status, "ms": 1, "detail": {}, "error": error, "signal": None}


def make_machine(*, gpus: int = 1, level: str = "full") -> Machine:
    """A machine with H100s, torch 2.11.0 of PyPI and nothing wrong."""
    devices = [
        {
            "uuid": f"GPU-{index}",
            "cuda_index": index,
            "pci": f"0000:{index:02x}:00.0",
            "name": "NVIDIA H100 80GB HBM3",
            "capability": "9.0",
            "memory_total": 85_520_809_984,
            "memory_used_before": 0,
            "is_mig": False,
            "mig_profile": None,
            "is_vgpu": False,
            "compute_mode": "default",
            "ecc_uncorrected": 0,
            "remap_pending": False,
            "remap_failed": False,
            "processes": 0,
        }
        for index in range(gpus)
    ]
    names = QUICK if level == "quick" else (*QUICK, *FULL)
    results = [_result("import", None), _result("init", None)]
    results += [_result(name, each["uuid"]) for each in devices for name in names]
    results += [_result("conv2d.fp32", each["uuid"]) for each in devices[:1]]
    if level == "full":
        results += [_result(name, None) for name in ("compile", "dataloader", *(("nccl", "peer") if gpus > 1 else ()))]
    return Machine(
        {
            "schema": "milepost.facts/1",
            "probe": {"version": "1", "started": "2026-11-24T09:00:00Z", "ms": 4000, "level": level},
            "host": {
                "id": "sha256:host",
                "platform": "linux",
                "machine": "x86_64",
                "kernel": "6.8.0",
                "boot_id": "boot",
                "container": "docker",
                "uid": 0,
                "shm_total": 2**34,
                "shm_free": 2**34,
                "memory_limit": 2**41,
                "cc": "/usr/bin/cc",
                "env": {"CUDA_VISIBLE_DEVICES": None, "NVIDIA_VISIBLE_DEVICES": "all", "LD_LIBRARY_PATH": None},
            },
            "python": {"executable": "/usr/bin/python3", "version": "3.12.3", "others_with_torch": []},
            "torch": {
                "imported": True,
                "error": None,
                "path": f"{SITE}/torch/__init__.py",
                "version": "2.11.0+cu130",
                "cuda": "13.0",
                "hip": None,
                "git": "70d99e9",
                "origin": "wheel",
                "arch_list": ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"],
                "cudnn_compiled": 91900,
                "cudnn_runtime": 91900,
                "nccl": "2.28.9",
                "cuda_initialised_by_import": False,
            },
            "packages": [
                {"name": "nvidia-cudnn-cu13", "version": "9.19.0.56"},
                {"name": "nvidia-nccl-cu13", "version": "2.28.9"},
                {"name": "torchvision", "version": "0.26.0"},
                {"name": "triton", "version": "3.6.0"},
            ],
            "files": {"how": "size", "checked": 111, "differ": []},
            "loaded": [
                {"family": "cudnn", "path": f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9"},
                {"family": "cudnn", "path": f"{SITE}/nvidia/cudnn/lib/libcudnn_graph.so.9"},
                {"family": "nccl", "path": f"{SITE}/nvidia/nccl/lib/libnccl.so.2"},
            ],
            "driver": {
                "version": "580.126.09",
                "nvml": "ok",
                "cuda_api": 13000,
                "libcuda": "/usr/lib/x86_64-linux-gnu/libcuda.so.1",
                "is_compat": False,
                "has_open_module": True,
            },
            "nodes": [
                {"path": "/dev/nvidiactl", "errno": None},
                {"path": "/dev/nvidia-uvm", "errno": None},
                *({"path": f"/dev/nvidia{index}", "errno": None} for index in range(gpus)),
            ],
            "pci_gpus": gpus,
            "gpus": devices,
            "results": results,
            "unread": {},
        }
    )


def make_environment(
    *,
    gpu: Mapping[str, Any] | None = None,
    needs: Mapping[str, Any] | None = None,
    waive: Mapping[str, date] | None = None,
    is_cpu: bool = False,
    **versions: str,
) -> Environment:
    """An environment as the plan file declares it."""
    others = {name: versions.pop(name) for name in ("local", "image", "build") if name in versions}
    has_prerelease = versions.pop("prerelease", "") == "true"
    specified = {name: read(text) for name, text in versions.items()}
    return Environment(
        name="prod",
        image=others.get("image"),
        local=others.get("local"),
        build=Build(others.get("build", "pytorch")),
        has_prerelease=has_prerelease,
        gpu=None if gpu is None else _demand(gpu),
        is_cpu=is_cpu,
        needs=_needs(needs or {}),
        waivers=tuple(Waiver(check=check, reason="meant", expires=day, at=AT) for check, day in (waive or {}).items()),
        at=AT,
        **specified,  # type: ignore[arg-type]
    )


def read(text: str) -> Specifier:
    """The text as versions that will do."""
    specifier, problem = read_specifier(text)
    assert specifier is not None, problem
    return specifier


def _demand(gpu: Mapping[str, Any]) -> GpuDemand:
    sizes = {name: read_sizes(gpu[name])[0] for name in ("memory", "free") if name in gpu}
    specified = {name: read(gpu[name]) for name in ("count", "capability") if name in gpu}
    return GpuDemand(
        names=tuple(gpu.get("names", ())), mig=gpu.get("mig"), is_any=gpu.get("any", False), **sizes, **specified
    )


def _needs(needs: Mapping[str, Any]) -> Needs:
    loader = needs.get("dataloader")
    others = {name: needs[name] for name in ("compile", "nccl", "peer") if name in needs}
    return Needs(
        dataloader=LoaderNeed(**loader) if loader is not None else None,
        imports=tuple(needs.get("imports", ())),
        **others,
    )


@dataclass(frozen=True)
class Court:
    """The judge with the day and the data of the tests."""

    data: Data
    today: date = TODAY

    def judge(
        self,
        machine: Machine,
        environment: Environment | None = None,
        *,
        level: str = "full",
        host: str = "",
        previous: Observed | None = None,
    ) -> Verdict:
        return judge(
            read_facts(machine.value),
            environment or make_environment(),
            self.data,
            level=Level(level),
            today=self.today,
            host=host,
            previous=previous,
        )

    def first(self, machine: Machine, environment: Environment | None = None, **more: Any) -> str:
        """The id of the first finding; empty when there is none."""
        return next((each.id for each in self.judge(machine, environment, **more).findings), "")


@pytest.fixture(scope="session")
def data() -> Data:
    """The compatibility data that is shipped."""
    return load_data()


@pytest.fixture
def court(data: Data) -> Court:
    """The judge."""
    return Court(data)


@pytest.fixture
def machine() -> Machine:
    """A healthy machine with one H100, probed in full."""
    return make_machine()


@pytest.fixture
def new_machine() -> Callable[..., Machine]:
    """Makes healthy machines: see `make_machine`."""
    return make_machine


@pytest.fixture
def declare() -> Callable[..., Environment]:
    """Makes declarations: see `make_environment`."""
    return make_environment


@pytest.fixture
def published() -> list[dict[str, Any]]:
    """The healthy machines of public reports."""
    path = Path(__file__).parent / "core" / "gpu" / "machines.json"
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found
