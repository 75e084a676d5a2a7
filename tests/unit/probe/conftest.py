"""A machine for the probe: a torch without arithmetic, libraries of NVIDIA's that the tests compile, and a file tree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from milepost.probe.launch import Options, run_probe

HERE = Path(__file__).parent
PROBE = Path(__file__).parents[3] / "scripts" / "milepost" / "probe"
SCHEMA = json.loads((PROBE / "facts.schema.json").read_text(encoding="utf-8"))


@dataclass
class Machine:
    """Where the probe runs: its folder, what its environment holds, and which interpreter is inspected."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    python: str = sys.executable

    def probe(
        self, probes: str = "", *, level: str = "quick", needs: Mapping[str, Any] | None = None, **deadlines: float
    ) -> dict[str, Any]:
        """The facts of one run, which fit the schema; `probes` is the text of a file that replaces the probes.

        With deadlines of its own the patience with what must be ended is short as well.
        """
        extra = self.folder / "extra.py"
        extra.write_text(probes or "ONLY = True", encoding="utf-8")
        options = Options(
            scale=0.1 if deadlines else 1.0,
            root=str(self.folder / "root"),
            extra=str(extra),
            deadlines={name: 10 * seconds for name, seconds in deadlines.items()},
            environment=self.settings(),
        )
        path = run_probe(self.python, level, needs or {}, self.folder / "facts", options)
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        validate(facts)
        return facts

    def settings(self) -> dict[str, str]:
        """What a job's environment would be."""
        return {"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE / "stub"), **self.environment}


def validate(facts: Mapping[str, Any]) -> None:
    """The facts fit the schema, and every null that is no value has its reason."""
    jsonschema.Draft202012Validator(SCHEMA).validate(facts)
    assert [] == [place for place in list_nulls(facts) if place not in facts["unread"]]


def list_nulls(facts: Mapping[str, Any]) -> list[str]:
    """The pointers of the leaves that are null and whose null is no value."""

    def walk(part: Any, value: Any, place: str) -> None:
        part = SCHEMA["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        if "items" in part:
            for index, each in enumerate(value):
                walk(part["items"], each, f"{place}/{index}")
        elif "properties" in part:
            for name, each in part["properties"].items():
                walk(each, value[name], f"{place}/{name}")
        elif value is None and "default" not in part:
            found.append(place)

    found: list[str] = []
    walk(SCHEMA, facts, "")
    return found


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the compiled fakes of NVIDIA's libraries."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to build the fake libraries with")
    folder = tmp_path_factory.mktemp("libraries")
    for source, name in (("nvml.c", "libnvidia-ml.so.1"), ("cuda.c", "libcuda.so.1")):
        command = [compiler, "-shared", "-fPIC", "-Wall", "-Werror", "-o", str(folder / name)]
        subprocess.run([*command, str(HERE / "fakes" / source)], check=True)
    return folder


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without a GPU, on which the stub of torch is installed."""
    (tmp_path / "root").mkdir()
    return Machine(tmp_path)


@pytest.fixture
def gpu_machine(machine: Machine, libraries: Path) -> Callable[..., Machine]:
    """Makes a machine with fake GPUs: `nvml` says how the management library answers."""

    def make(nvml: str = "gpus=2", stub: str = "gpus=2") -> Machine:
        machine.environment = {
            "LD_LIBRARY_PATH": str(libraries),
            "NVIDIA_FAKE_NVML": nvml,
            "CUDA_STUB": stub,
        }
        return machine

    return make
