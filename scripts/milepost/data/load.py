"""The data files of this folder as values."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from milepost.core.environment import specify
from milepost.core.published import CudaDriver, Data, Evidence, KnownBad, PublishedBuild, Release, Standing, Wheel

FOLDER = Path(__file__).parent
FILES = ("releases.json", "builds.json", "wheels.json", "drivers.json", "known-bad.json")
Row = dict[str, Any]
T = TypeVar("T")


@cache
def load_data() -> Data:
    """Everything that the data files hold; reviewed on the day of the file that was looked at longest ago."""
    files = {name: json.loads((FOLDER / name).read_text(encoding="utf-8")) for name in FILES}
    return Data(
        releases=_rows(files["releases.json"], _release),
        builds=_rows(files["builds.json"], _build),
        wheels=_rows(files["wheels.json"], _wheel),
        drivers=_rows(files["drivers.json"], _driver),
        known_bad=_rows(files["known-bad.json"], _known_bad),
        reviewed=min(date.fromisoformat(each["reviewed"]) for each in files.values()),
    )


def _rows(file: Row, make: Callable[[Row, Evidence], T]) -> tuple[T, ...]:
    return tuple(
        make(each, Evidence(source=each["source"], date=date.fromisoformat(each["date"]))) for each in file["rows"]
    )


def _release(row: Row, evidence: Evidence) -> Release:
    oldest, newest = row["python"]
    return Release(
        torch=row["torch"],
        releases=tuple(row["releases"]),
        oldest_python=oldest,
        newest_python=newest,
        evidence=evidence,
    )


def _build(row: Row, evidence: Evidence) -> PublishedBuild:
    return PublishedBuild(
        torch=row["torch"],
        cuda=row["cuda"],
        machine=row["machine"],
        standing=Standing(row["standing"]),
        cudnn=row["cudnn"],
        nccl=row["nccl"],
        capabilities=tuple(row["capabilities"]),
        has_ptx=row["ptx"],
        evidence=evidence,
    )


def _wheel(row: Row, evidence: Evidence) -> Wheel:
    return Wheel(
        torch=row["torch"],
        requires_python=row["requires_python"],
        cuda=row["cuda"],
        cuda_runtime=row["cuda_runtime"],
        cudnn=row["cudnn"],
        nccl=row["nccl"],
        triton=row["triton"],
        capabilities=tuple(row["capabilities"]),
        evidence=evidence,
    )


def _driver(row: Row, evidence: Evidence) -> CudaDriver:
    return CudaDriver(cuda=row["cuda"], floor=row["floor"], shipped=row["shipped"], evidence=evidence)


def _known_bad(row: Row, evidence: Evidence) -> KnownBad:
    return KnownBad(
        torch=specify(row["torch"]),
        needs_compile=row["needs"] == "compile",
        cudnn_below=row["cudnn_below"],
        what=row["what"],
        way_out=row["way_out"],
        evidence=evidence,
    )
