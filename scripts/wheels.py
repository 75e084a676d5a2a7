"""Derives the rows of scripts/milepost/data/wheels.json from published wheels' metadata, and says what differs.

python3 scripts/wheels.py                    every release that a row or the index has; exit status 1 when one differs
python3 scripts/wheels.py --release 2.9.1    only that one; may be given again
python3 scripts/wheels.py --write            what can be derived is written into the rows
python3 scripts/wheels.py --plan FILE        a plan file whose issues are the releases that no row knows

pip asks the index, as it is set up on the machine, and reads the metadata of a wheel without the wheel.
Metadata says what a wheel pins: CUDA, cuDNN, NCCL, triton, Python.
It does not say which compute capabilities the wheel holds code for, and nothing of the builds beside the index,
of drivers, or of known bad releases: a person adds those, from the sources that the other rows name.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Protocol

DATA = Path(__file__).resolve().parent / "milepost" / "data"
WHEELS, RELEASES = DATA / "wheels.json", DATA / "releases.json"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux2014_x86_64", "manylinux1_x86_64")
PYTHONS = tuple(f"3.{minor}" for minor in range(7, 19))
OLDEST_PIP = (23, 3)
# How the pins of a wheel are called: until CUDA 12 every package has the major version in its name.
PINS = {
    "cuda_runtime": r"(?:nvidia-cuda-runtime-cu\d+|nvidia-cuda-runtime|cuda-toolkit\[[^\]]*\])",
    "cudnn": r"nvidia-cudnn-cu\d+",
    "nccl": r"nvidia-nccl-cu\d+",
}
Row = dict[str, Any]


class NoMetadata(Exception):
    """The index has no such wheel, or pip cannot say."""


class Index(Protocol):
    """Where wheels are published."""

    def list_releases(self, python: str) -> list[str]: ...
    def read_metadata(self, release: str, python: str) -> Mapping[str, Any]: ...


class PipIndex:
    """The index that pip is set up to ask."""

    def list_releases(self, python: str) -> list[str]:
        """The releases with a wheel for that Python; none when there is none."""
        try:
            told = self._pip("index", "versions", "torch", *_target(python))
        except NoMetadata:
            return []
        found = re.search(r"^Available versions: (.*)$", told, re.MULTILINE)
        return [each for each in found[1].split(", ") if re.fullmatch(r"[0-9.]+", each)] if found else []

    def read_metadata(self, release: str, python: str) -> Mapping[str, Any]:
        """The metadata of the wheel; raises NoMetadata."""
        # Without this, an index that publishes no metadata beside its wheels would have pip fetch the whole wheel.
        lazy = ["--use-feature=fast-deps"] if "fast-deps" in self._pip("install", "--help") else []
        with tempfile.TemporaryDirectory() as folder:
            options = [
                "--quiet",
                "--dry-run",
                "--ignore-installed",
                "--no-deps",
                "--report=-",
                f"--target={folder}",
                *lazy,
            ]
            report = json.loads(self._pip("install", *options, *_target(python), f"torch=={release}"))
        metadata: Mapping[str, Any] = report["install"][0]["metadata"]
        return metadata

    def _pip(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NoMetadata(done.stderr.strip().rpartition("\n")[2] or "pip failed")
        return done.stdout


def main(argv: list[str], index: Index | None = None) -> int:
    """The rows have been compared with the index; the value is the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", action="append", help="only this release")
    parser.add_argument("--write", action="store_true", help="write what can be derived into the rows")
    parser.add_argument(
        "--plan", type=Path, metavar="FILE", help="write a plan file with an issue for each new release"
    )
    given = parser.parse_args(argv)
    if index is None:
        _check_pip()
        index = PipIndex()
    pythons = list_pythons(index)
    if given.plan:
        return _write_plan(given.plan, index, pythons)
    rows: list[Row] = _read(WHEELS)["rows"]
    wanted = given.release or [*list_new(pythons), *(each["torch"] for each in rows)]
    problems = [*judge_pythons(pythons), *_compare(rows, wanted, index, pythons)]
    if given.write:
        _write_rows(rows)
    print("\n".join(problems) or f"{len(wanted)} releases: every row is as its wheel says")
    return 1 if problems else 0


def list_pythons(index: Index) -> dict[str, list[str]]:
    """Each release on the index with the Pythons that it has wheels for, oldest first."""
    found: dict[str, list[str]] = {}
    for python in PYTHONS:
        for release in index.list_releases(python):
            found.setdefault(release, []).append(python)
    return found


def list_new(pythons: Mapping[str, list[str]]) -> list[str]:
    """The releases that no row knows and that are newer than the oldest row, newest first."""
    known = [release for row in _read(RELEASES)["rows"] for release in row["releases"]]
    oldest = min(map(_numbers, known))
    return sorted(
        (each for each in pythons if each not in known and _numbers(each) > oldest), key=_numbers, reverse=True
    )


def derive_row(release: str, metadata: Mapping[str, Any]) -> Row:
    """What the metadata says of the wheel; raises NoMetadata when it pins no CUDA."""
    requirements = [str(each) for each in metadata.get("requires_dist", ())]
    pins = {name: _pin(requirements, pattern) for name, pattern in PINS.items()}
    if pins["cuda_runtime"] is None:
        raise NoMetadata("its metadata pins no CUDA runtime")
    return {
        "torch": release,
        "requires_python": metadata.get("requires_python"),
        "cuda": ".".join(pins["cuda_runtime"].split(".")[:2]),
        **pins,
        "triton": _triton(requirements),
    }


def judge_pythons(pythons: Mapping[str, list[str]]) -> Iterator[str]:
    """A line for each release that has wheels for a Python outside the range of its row."""
    for row in _read(RELEASES)["rows"]:
        oldest, newest = map(_numbers, row["python"])
        for release in row["releases"]:
            beyond = [each for each in pythons.get(release, ()) if not oldest <= _numbers(each) <= newest]
            if beyond:
                yield f"torch {release}: has wheels for Python {', '.join(beyond)}, and its row does not say so"


def _compare(rows: list[Row], wanted: Iterable[str], index: Index, pythons: Mapping[str, list[str]]) -> Iterator[str]:
    """A line for each difference; the rows hold what the metadata says afterwards."""
    for release in wanted:
        row = next((each for each in rows if each["torch"] == release), None)
        try:
            if release not in pythons:
                raise NoMetadata("the index has no wheel of it")
            derived = derive_row(release, index.read_metadata(release, pythons[release][-1]))
        except NoMetadata as reason:
            yield f"torch {release}: cannot be compared: {reason}"
            continue
        if row is None:
            yield f"torch {release}: has no row; its metadata says {json.dumps(derived)}"
            rows.insert(0, {**derived, "capabilities": [], "source": _source(release), "date": f"{date.today()}"})
            continue
        for name in [each for each in derived if derived[each] != row[each]]:
            yield f"torch {release}: {name} is {derived[name]!r}, and its row says {row[name]!r}"
            row.update({name: derived[name], "date": f"{date.today()}"})


def render_plan(new: Mapping[str, str]) -> str:
    """A plan file with one issue for each release, with what is known of it; JSON is YAML, too."""
    issues = [
        {"title": f"New torch wheel: {release}", "key": f"torch-wheel-{release}", "body": body}
        for release, body in new.items()
    ]
    return json.dumps({"version": 1, "issues": issues}, indent=2, ensure_ascii=False) + "\n"


def describe_new(release: str, index: Index, pythons: Mapping[str, list[str]]) -> str:
    """What is derived of the release, and what a person must add."""
    try:
        derived = json.dumps(derive_row(release, index.read_metadata(release, pythons[release][-1])), indent=1)
    except NoMetadata as reason:
        derived = f"nothing: {reason}"
    return f"""torch {release} is on the index, with wheels for Python {", ".join(pythons[release])}.
Environments that declare it are judged with the warning `torch-unknown-to-data` until the data knows it.

```json
{derived}
```

- [ ] `scripts/milepost/data/releases.json`: the release, and its Pythons
- [ ] `python3 scripts/wheels.py --release {release} --write`, and the wheel's compute capabilities
- [ ] `scripts/milepost/data/builds.json`: every CUDA that it was published for
- [ ] `scripts/milepost/data/drivers.json`, if a CUDA is new
- [ ] `scripts/milepost/data/known-bad.json`
"""


def _write_plan(path: Path, index: Index, pythons: Mapping[str, list[str]]) -> int:
    if not pythons:
        print("the index names no torch at all: nothing can be said of new releases", file=sys.stderr)
        return 1
    new = list_new(pythons)
    path.write_text(render_plan({each: describe_new(each, index, pythons) for each in new}), encoding="utf-8")
    print(f"{path}: {len(new)} new releases")
    return 0


def _write_rows(rows: list[Row]) -> None:
    head = {name: value for name, value in _read(WHEELS).items() if name != "rows"}
    lines = [f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)},\n" for name, value in head.items()]
    body = ",\n".join("  " + json.dumps(each, ensure_ascii=False) for each in rows)
    WHEELS.write_text("{\n" + "".join(lines) + f' "rows": [\n{body}\n ]\n}}\n', encoding="utf-8")


def _pin(requirements: list[str], pattern: str) -> str | None:
    found = (re.match(rf"{pattern} ?\(?==([0-9.]+)", each) for each in requirements)
    return next((each[1] for each in found if each), None)


def _triton(requirements: list[str]) -> str | None:
    found = (re.match(r"triton ?\(?((?:==|~=|>=)[0-9.]+)", each) for each in requirements)
    return next((each[1] for each in found if each), None)


def _target(python: str) -> list[str]:
    platforms = [f"--platform={each}" for each in PLATFORMS]
    return ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}", *platforms]


def _check_pip() -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"pip (\d+)\.(\d+)", done.stdout)
    if found is None or (int(found[1]), int(found[2])) < OLDEST_PIP:
        wanted = ".".join(map(str, OLDEST_PIP))
        sys.exit(f"this needs pip {wanted} or newer, which reads metadata without the wheel: pip install --upgrade pip")


def _read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value


def _source(release: str) -> str:
    return f"https://pypi.org/project/torch/{release}/"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in version.split("."))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
