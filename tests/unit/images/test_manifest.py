"""JSON of a registry: what it says, and that nothing it says can do more than be refused."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milepost.images.manifest import Unreadable, fits, load_config, load_manifest

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    "manifests",
                    "config",
                    "digest",
                    "size",
                    "platform",
                    "os",
                    "annotations",
                    "Labels",
                    "Env",
                    "architecture",
                )
            ),
            inner,
            max_size=5,
        )
    ),
)


@given(VALUES)
def test_whatever_the_json_says_it_is_read_or_refused(value: Any) -> None:
    """No shape of it raises anything else."""
    body = json.dumps(value).encode()
    for load in (load_manifest, load_config):
        with suppress(Unreadable):
            load(body)


@given(st.binary(max_size=40))
def test_whatever_the_bytes_are_they_are_read_or_refused(body: bytes) -> None:
    """Text of any encoding, and none."""
    for load in (load_manifest, load_config):
        with suppress(Unreadable):
            load(body)


def test_labels_that_are_no_text_are_left_out() -> None:
    """As are variables without a value, which are empty."""
    body = {"os": "linux", "architecture": "amd64", "config": {"Labels": {"a": 1, "b": "2"}, "Env": ["A", 7, "B=1"]}}

    config = load_config(json.dumps(body).encode())

    assert {"b": "2"} == config.labels
    assert {"A": "", "B": "1"} == config.env


@pytest.mark.parametrize(
    ("platform", "wanted", "is_fit"),
    [
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/arm", "linux/arm/v7", True),
        ("linux/arm/v6", "linux/arm", False),
        ("linux/amd64/v3", "linux/amd64", True),
        ("linux/amd64", "linux/arm64", False),
        ("", "linux/amd64", False),
        ("linux", "linux/amd64", False),
    ],
)
def test_platforms_fit_by_system_architecture_and_variant(platform: str, wanted: str, is_fit: bool) -> None:
    """With the variant that builders leave out."""
    assert is_fit == fits(platform, wanted)
