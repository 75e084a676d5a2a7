"""The data files are whole, in order, and agree with each other."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from milepost.core.environment import specify
from milepost.core.published import DEVICES
from milepost.data.load import FILES, FOLDER, load_data

DATA = load_data()


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in version.split("."))


@pytest.mark.parametrize("name", FILES)
def test_every_row_says_where_it_is_from_and_when(name: str) -> None:
    """All rows of a file have the same keys, and none is there twice."""
    file = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    rows: list[dict[str, Any]] = file["rows"]

    assert file["about"]
    assert date.fromisoformat(file["reviewed"]) >= max(date.fromisoformat(each["date"]) for each in rows)
    assert 1 == len({tuple(each) for each in rows})
    assert all(each["source"].startswith("https://") for each in rows)
    assert len(rows) == len({json.dumps(each, sort_keys=True) for each in rows})


def test_no_other_file_is_in_the_folder() -> None:
    """What nobody reads is not data."""
    assert {*FILES} == {each.name for each in Path(FOLDER).glob("*.json")}


def test_releases_are_newest_first_and_drivers_oldest_first() -> None:
    """The order is part of what the data says."""
    releases = [numbers(each.torch) for each in DATA.releases]

    assert sorted(releases, reverse=True) == releases
    assert sorted(numbers(each.cuda) for each in DATA.drivers) == [numbers(each.cuda) for each in DATA.drivers]
    for each in DATA.releases:
        assert sorted(each.releases, key=numbers) == list(each.releases)
        assert all(release.startswith(f"{each.torch}.") for release in each.releases)
        assert numbers(each.oldest_python) < numbers(each.newest_python)


def test_every_build_is_of_a_known_torch_and_cuda() -> None:
    """And holds code for devices that are known, oldest first."""
    minors = {each.torch for each in DATA.releases}
    pairs = [(each.torch, each.cuda, each.machine) for each in DATA.builds]

    assert len(pairs) == len(set(pairs))
    for each in DATA.builds:
        assert each.torch in minors
        assert DATA.floor(each.cuda)
        assert set(each.capabilities) <= set(DEVICES)
        assert sorted(each.capabilities, key=numbers) == list(each.capabilities)


def test_a_default_wheel_is_one_of_the_published_builds() -> None:
    """The same CUDA, the same cuDNN, the same code: two files never contradict each other."""
    for each in DATA.wheels:
        minor = each.torch.rpartition(".")[0]
        (build,) = [
            build for build in DATA.builds if (build.torch, build.cuda, build.machine) == (minor, each.cuda, "x86_64")
        ]
        assert each.cudnn == build.cudnn
        assert build.nccl in (None, each.nccl)
        assert each.capabilities == build.capabilities or "published wheel" not in build.evidence.source
        assert not build.has_ptx
        assert any(each.torch in release.releases for release in DATA.releases)
        assert specify(each.requires_python)


def test_every_torch_has_a_build() -> None:
    """There is nothing to list otherwise."""
    assert {each.torch for each in DATA.releases} == {each.torch for each in DATA.builds}


def test_the_version_is_the_day_of_the_newest_row() -> None:
    """The review is the day of the file that was looked at longest ago."""
    assert "2026-11-24" <= DATA.version
    assert DATA.reviewed.isoformat() >= DATA.version
