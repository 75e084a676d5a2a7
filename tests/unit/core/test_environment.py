"""What version specifiers and sizes of a plan file let in."""

from __future__ import annotations

from datetime import date

import pytest
from milepost.core.environment import Environment, Waiver, read_size, read_sizes, read_specifier, specify
from milepost.diagnostics import Location

AT = Location(file="plan.yml", line=1, column=1)


@pytest.mark.parametrize(
    ("text", "within", "without"),
    [
        ("2.9", ["2.9", "2.9.0", "2.9.1+cu128"], ["2.90", "2.10.0", "2.8.9", "2.9.0a0+nv25.09"]),
        (" v12.8 ", ["12.8", "12.8.1"], ["12.80", "12"]),
        ("==2.9.*", ["2.9.1"], ["2.10.0"]),
        ("==2.9.1", ["2.9.1", "2.9.1+cu126"], ["2.9.10", "2.9.0"]),
        (">=2.9, <2.11", ["2.9.0", "2.10.0"], ["2.11.0", "2.8.0"]),
        ("~=2.9", ["2.15.0"], ["3.0", "2.8"]),
        ("!=2.9.0", ["2.9.1"], ["2.9.0"]),
        (">=570", ["570.26", "580.159.03"], ["565.57.01"]),
        ("==2.9.0rc1", ["2.9.0rc1"], ["2.9.0"]),
        ("9.10.2.21", ["9.10.2.21"], ["9.10.2.2"]),
        (">=1", ["1", "8"], ["0", "no version at all", ""]),
    ],
)
def test_a_specifier_takes_what_its_text_says(text: str, within: list[str], without: list[str]) -> None:
    """By the rules of Python's version specifiers; a bare version is everything below it."""
    specifier, reason = read_specifier(text)

    assert specifier is not None, reason
    assert within == [each for each in within if specifier.takes(each)]
    assert [] == [each for each in without if specifier.takes(each)]
    assert text.strip() == str(specifier)


def test_a_pre_release_will_do_only_where_it_is_asked_for() -> None:
    """An NGC build is a pre-release by its version."""
    specifier = specify("==2.9.*")

    assert not specifier.takes("2.9.0a0+145a3a7.nv25.10")
    assert specifier.takes("2.9.0a0+145a3a7.nv25.10", has_prerelease=True)
    assert not specifier.takes("2.10.0a0", has_prerelease=True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("latest", "is not a version specifier"),
        (">=2.9 <2.10", "is not a version specifier"),
        ("2.9.x", "is not a version specifier"),
        ("==2.9.1+cu128", "holds a local label"),
        ("===2.9", "uses `===`"),
        ("", "names no version"),
        (" , ", "names no version"),
        (">=2.9,<2.8", "admits no version at all"),
    ],
)
def test_a_text_that_means_no_versions_gets_its_reason(text: str, reason: str) -> None:
    """Rather than a specifier that never matches."""
    specifier, found = read_specifier(text)

    assert specifier is None
    assert reason in found


@pytest.mark.parametrize(
    ("text", "within", "without"),
    [
        ("80 GB", [80 * 10**9, 85_520_809_984], [80 * 10**9 - 1]),
        (">=80GB", [80 * 10**9], [79 * 10**9]),
        ("> 80 GB", [80 * 10**9 + 1], [80 * 10**9]),
        ("<1 GiB", [1024**3 - 1], [1024**3]),
        ("<= 512 mib", [512 * 1024**2], [512 * 1024**2 + 1]),
        (">=40 GB, <90 GB", [40 * 10**9, 90 * 10**9 - 1], [90 * 10**9, 39 * 10**9]),
        ("1.5 TB", [1_500_000_000_000], [1_499_999_999_999]),
        ("100 B", [100], [99]),
    ],
)
def test_sizes_take_what_their_text_says(text: str, within: list[int], without: list[int]) -> None:
    """GB is decimal, GiB binary; a bare size is the least that will do."""
    sizes, reason = read_sizes(text)

    assert sizes is not None, reason
    assert within == [each for each in within if sizes.takes(each)]
    assert [] == [each for each in without if sizes.takes(each)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("80", "is not a size"),
        ("", "is not a size"),
        ("80 PB", "is not a size"),
        (">=80 GB,", "is not a size"),
        ("-1 GB", "is not a size"),
        ("==80 GB", "compares by `==`"),
        ("~=80 GB", "compares by `~=`"),
        (">=80 GB, <80 GB", "admits no size at all"),
    ],
)
def test_a_text_that_means_no_size_gets_its_reason(text: str, reason: str) -> None:
    """An exact comparison among them: no card has exactly 80 GB."""
    sizes, found = read_sizes(text)

    assert sizes is None
    assert reason in found


def test_a_size_alone_has_no_comparison() -> None:
    """Shared memory is so many bytes."""
    assert 10**9 == read_size(" 1 GB ")
    assert 1024 == read_size("1KiB")
    assert read_size(">=1 GB") is None


def test_a_waiver_holds_to_the_end_of_its_last_day() -> None:
    """And for its own check only."""
    waiver = Waiver(check="known-bad", reason="no conv3d here", expires=date(2026, 12, 31), at=AT)
    environment = Environment(name="prod", waivers=(waiver,), at=AT)

    assert waiver == environment.waiver("known-bad", date(2026, 12, 31))
    assert environment.waiver("known-bad", date(2027, 1, 1)) is None
    assert environment.waiver("gpu-count", date(2026, 12, 31)) is None


def test_a_key_has_its_place_and_otherwise_the_environment_s() -> None:
    """So that a problem points at what must be changed."""
    cuda = Location(file="plan.yml", line=5, column=11)
    environment = Environment(name="prod", at=AT, places={"cuda": cuda})

    assert cuda == environment.place("cuda")
    assert AT == environment.place("torch")
