"""Which code runs on which device, and what the data answers."""

from __future__ import annotations

import pytest
from milepost.core.published import next_minor, serves
from milepost.data.load import load_data


@pytest.mark.parametrize(
    ("codes", "capability", "cuda", "expected"),
    [
        (["sm_86"], "8.9", None, True),
        (["sm_80"], "8.6", None, True),
        (["sm_86"], "8.0", None, False),
        (["sm_90"], "10.0", None, False),
        (["sm_120"], "12.1", None, True),
        (["sm_100"], "10.3", None, True),
        (["sm_100"], "10.1", None, False),
        (["sm_101"], "10.1", None, True),
        (["sm_86"], "8.7", None, False),
        (["sm_86"], "8.7", "13.0", False),
        (["sm_86"], "8.7", "13.2", True),
        (["sm_70"], "7.2", "13.2", True),
        (["sm_50"], "5.3", "13.2", False),
        (["sm_87"], "8.7", None, True),
        (["sm_87"], "8.9", None, False),
        (["sm_90a"], "9.0", None, True),
        (["sm_100a"], "10.3", None, False),
        (["sm_100f"], "10.3", None, True),
        (["compute_90"], "12.0", None, True),
        (["compute_90a"], "12.0", None, False),
        (["compute_120"], "9.0", None, False),
        (["sm_50", "sm_90"], "9.0", None, True),
        (["nonsense", "sm_"], "9.0", None, False),
        ([], "9.0", None, False),
    ],
)
def test_code_runs_where_torch_says_it_does(
    codes: list[str], capability: str, cuda: str | None, expected: bool
) -> None:
    """The same major version from its own minor on, with torch's exceptions; PTX runs on everything newer."""
    assert expected == serves(codes, capability, cuda=cuda)


def test_an_unknown_cuda_has_the_floor_of_its_family() -> None:
    """Minor-version compatibility is a promise about the family."""
    data = load_data()

    assert "525.60.13" == data.floor("12.8")
    assert "580.65.06" == data.floor("13.9")
    assert data.floor("10.2") is None
    assert "570.26" == data.shipped("12.8")
    assert data.shipped("13.9") is None


def test_the_pins_of_a_release_are_those_of_its_wheel() -> None:
    """With or without a local label."""
    data = load_data()

    wheel = data.wheel("2.9.1+cu128")

    assert wheel is not None
    assert ("12.8", "9.10.2.21", "2.27.5", "==3.5.1") == (wheel.cuda, wheel.cudnn, wheel.nccl, wheel.triton)
    assert data.wheel("2.9.7") is None


def test_the_next_minor_version_follows() -> None:
    """By number, not by text."""
    assert "3.10" == next_minor("3.9")
    assert "13.1" == next_minor("13")
