"""New torch wheels become issues, once each; rows are compared with what wheels say of themselves."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LINUX = 'platform_system == "Linux"'
# What the published wheels of these releases say, as far as it is read.
METADATA: dict[str, dict[str, Any]] = {
    "2.9.1": {
        "requires_python": ">=3.10",
        "requires_dist": [
            "filelock",
            f"nvidia-cuda-runtime-cu12==12.8.90; {LINUX}",
            f"nvidia-cudnn-cu12==9.10.2.21; {LINUX}",
            f"nvidia-nccl-cu12==2.27.5; {LINUX}",
            f"triton==3.5.1; {LINUX}",
        ],
    },
    "2.14.1": {
        "requires_python": ">=3.10",
        "requires_dist": [
            f"cuda-toolkit[cublas,cudart,nvrtc]==13.0.3; {LINUX}",
            f"nvidia-cudnn-cu13==9.24.0.43; {LINUX}",
            f"nvidia-nccl-cu13==2.30.7; {LINUX}",
            f'triton~=3.8.0; {LINUX} and python_version < "3.15"',
        ],
    },
    "2.1.2": {
        "requires_python": ">=3.8.0",
        "requires_dist": [
            f"nvidia-cuda-runtime-cu12 (==12.1.105) ; {LINUX}",
            f"nvidia-cudnn-cu12 (==8.9.2.26) ; {LINUX}",
            f"nvidia-nccl-cu12 (==2.18.1) ; {LINUX}",
            f"triton (==2.1.0) ; {LINUX}",
        ],
    },
    "2.16.0": {
        "requires_python": ">=3.11",
        "requires_dist": [f"cuda-toolkit[cudart]==13.4.0; {LINUX}", f"nvidia-cudnn-cu13==9.30.0.1; {LINUX}"],
    },
    "2.17.0": {"requires_python": ">=3.11", "requires_dist": ["filelock"]},
}


class FakeIndex:
    """An index that publishes these releases for these Pythons."""

    def __init__(self, published: Mapping[str, list[str]], refusal: Exception) -> None:
        self.published, self.refusal = published, refusal

    def list_releases(self, python: str) -> list[str]:
        return [release for release, pythons in self.published.items() if python in pythons]

    def read_metadata(self, release: str, python: str) -> Mapping[str, Any]:
        if release not in METADATA:
            raise self.refusal
        return METADATA[release]


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """scripts/wheels.py as a module, over copies of the data files."""
    spec = importlib.util.spec_from_file_location("wheels", ROOT / "scripts" / "wheels.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("WHEELS", "RELEASES"):
        copy = tmp_path / getattr(module, name).name
        shutil.copy(getattr(module, name), copy)
        monkeypatch.setattr(module, name, copy)
    return module


def index(wheels: Any, **published: list[str]) -> FakeIndex:
    named = {release.strip("v").replace("_", "."): pythons for release, pythons in published.items()}
    return FakeIndex(named, wheels.NoMetadata("a constraint forbids it"))


def test_rows_that_say_what_their_wheels_say_are_told_so(wheels: Any, capsys: Any) -> None:
    """Whatever the names of the packages and the form of the pins."""
    found = index(wheels, v2_9_1=["3.10", "3.14"], v2_14_1=["3.12"], v2_1_2=["3.11"])

    releases = [f"--release={each}" for each in ("2.9.1", "2.14.1", "2.1.2")]

    assert 0 == wheels.main(releases, found)
    assert "3 releases: every row is as its wheel says" in capsys.readouterr().out


def test_what_differs_is_named_and_written(wheels: Any, capsys: Any) -> None:
    """A wrong pin, a new release, a Python that no row knows, and what the index does not tell."""
    rows = wheels._read(wheels.WHEELS)["rows"]
    next(each for each in rows if each["torch"] == "2.9.1")["cudnn"] = "9.9.9"
    wheels._write_rows(rows)
    found = index(wheels, v2_9_1=["3.14", "3.15"], v2_13_0=["3.12"], v2_16_0=["3.13"])
    asked = [f"--release={each}" for each in ("2.9.1", "2.13.0", "2.16.0", "2.0.1")]

    status = wheels.main([*asked, "--write"], found)

    assert 1 == status
    told = capsys.readouterr().out
    for line in (
        "torch 2.9.1: has wheels for Python 3.15, and its row does not say so",
        "torch 2.9.1: cudnn is '9.10.2.21', and its row says '9.9.9'",
        "torch 2.13.0: cannot be compared: a constraint forbids it",
        "torch 2.16.0: has no row",
        "torch 2.0.1: cannot be compared: the index has no wheel of it",
    ):
        assert line in told
    written = {each["torch"]: each for each in wheels._read(wheels.WHEELS)["rows"]}
    assert "9.10.2.21" == written["2.9.1"]["cudnn"]
    assert ("13.4", "9.30.0.1", None, []) == tuple(
        written["2.16.0"][each] for each in ("cuda", "cudnn", "nccl", "capabilities")
    )


def test_the_data_files_are_written_as_they_are(wheels: Any) -> None:
    """Nothing changes but what was derived."""
    before = wheels.WHEELS.read_text(encoding="utf-8")

    wheels._write_rows(wheels._read(wheels.WHEELS)["rows"])

    assert before == wheels.WHEELS.read_text(encoding="utf-8")


def test_each_new_release_becomes_one_issue_and_no_second_one(wheels: Any, tmp_path: Path, bench: Any) -> None:
    """The plan file is applied by `sync`: what exists already, even closed, is not opened again."""
    found = index(wheels, v2_14_1=["3.12"], v2_16_0=["3.12", "3.13"], v2_17_0=["3.13"], v1_5_0=["3.7"])
    plan = tmp_path / "wheels.yml"
    assert 0 == wheels.main([f"--plan={plan}"], found)
    text = plan.read_text(encoding="utf-8")

    bench.sync(text)
    again = bench.writes(lambda: bench.sync(text))

    issues = bench.request("GET", "/issues?state=all")
    assert {"New torch wheel: 2.16.0", "New torch wheel: 2.17.0"} == {each["title"] for each in issues}
    bodies = {each["title"][-6:]: each["body"] for each in issues}
    assert '"cuda": "13.4"' in bodies["2.16.0"]
    assert "3.12, 3.13" in bodies["2.16.0"]
    assert "nothing: its metadata pins no CUDA runtime" in bodies["2.17.0"]
    assert 0 == again
    bench.request("PATCH", f"/issues/{issues[0]['number']}", {"state": "closed"})
    assert 0 == bench.writes(lambda: bench.sync(text))


def test_no_new_release_writes_nothing(wheels: Any, tmp_path: Path, bench: Any) -> None:
    """An index that names nothing at all is trouble, not peace."""
    plan = tmp_path / "wheels.yml"

    assert 0 == wheels.main([f"--plan={plan}"], index(wheels, v2_14_1=["3.12"]))
    assert 0 == bench.writes(lambda: bench.sync(plan.read_text(encoding="utf-8")))
    assert 1 == wheels.main([f"--plan={plan}"], index(wheels))


def test_the_workflow_applies_the_plan_that_the_program_writes() -> None:
    """One file name, and no more rights than an issue needs."""
    import yaml

    (job,) = yaml.safe_load((ROOT / ".github/workflows/wheels.yml").read_text(encoding="utf-8"))["jobs"].values()

    assert {"contents": "read", "issues": "write"} == job["permissions"]
    assert [
        "python3 scripts/wheels.py --plan wheels.yml",
        "python3 scripts/run.py sync --plan wheels.yml --mode apply",
    ] == [each["run"] for each in job["steps"][1:]]


def test_pip_says_what_it_found_or_why_not(wheels: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From an index on this machine: a wheel is listed and read, releases with a local label are passed over."""
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this Python has no pip, so nothing can ask an index")
    (tmp_path / "links").mkdir()
    for version in ("1.2.3", "1.2.4+cpu"):
        _write_wheel(tmp_path / "links", version)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    pip = wheels.PipIndex()

    assert ["1.2.3"] == pip.list_releases("3.12")
    assert ["filelock"] == pip.read_metadata("1.2.3", "3.12")["requires_dist"]
    with pytest.raises(wheels.NoMetadata):
        pip.read_metadata("9.9.9", "3.12")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert [] == pip.list_releases("3.12")


def _write_wheel(folder: Path, version: str) -> None:
    import zipfile

    info = f"torch-{version}.dist-info"
    with zipfile.ZipFile(folder / f"torch-{version}-py3-none-any.whl", "w") as wheel:
        metadata = f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\nRequires-Dist: filelock\n"
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def test_the_derived_row_is_json(wheels: Any) -> None:
    """So that a plan file can hold it."""
    assert json.dumps(wheels.derive_row("2.9.1", METADATA["2.9.1"]))
