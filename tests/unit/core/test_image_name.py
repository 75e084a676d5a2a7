"""Names of images, as people write them and as registries know them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milepost.core.image_name import ImageName, read_image_name
from milepost.diagnostics import Diagnostic

DIGEST = f"sha256:{'0a' * 32}"


@pytest.mark.parametrize(
    ("text", "host", "repository", "tag", "digest"),
    [
        ("ghcr.io/acme/torch:v2.9", "ghcr.io", "acme/torch", "v2.9", None),
        (f"ghcr.io/acme/torch:v2.9@{DIGEST}", "ghcr.io", "acme/torch", "v2.9", DIGEST),
        (f"ghcr.io/acme/torch@{DIGEST}", "ghcr.io", "acme/torch", None, DIGEST),
        ("ubuntu", "docker.io", "library/ubuntu", None, None),
        (
            "pytorch/pytorch:2.9.1-cuda12.8-cudnn9-runtime",
            "docker.io",
            "pytorch/pytorch",
            "2.9.1-cuda12.8-cudnn9-runtime",
            None,
        ),
        ("docker.io/ubuntu:24.04", "docker.io", "library/ubuntu", "24.04", None),
        ("index.docker.io/acme/torch", "docker.io", "acme/torch", None, None),
        ("localhost/torch", "localhost", "torch", None, None),
        ("localhost:5000/a/b/c:1", "localhost:5000", "a/b/c", "1", None),
        ("[::1]:5000/torch", "[::1]:5000", "torch", None, None),
        ("nvcr.io/nvidia/pytorch:25.09-py3", "nvcr.io", "nvidia/pytorch", "25.09-py3", None),
    ],
)
def test_a_name_has_a_host_a_repository_a_tag_and_a_digest(
    text: str, host: str, repository: str, tag: str | None, digest: str | None
) -> None:
    """Docker Hub is what is meant when no host is written."""
    assert ImageName(host=host, repository=repository, tag=tag, digest=digest) == read_image_name(text)


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("", "write HOST/NAME:TAG"),
        ("https://ghcr.io/acme/torch", "write it without"),
        ("docker://ghcr.io/acme/torch", "write it without"),
        ("ghcr.io/Acme/Torch:v1", "small letters only: acme/torch"),
        ("ghcr.io/acme/torch!", "write HOST/NAME:TAG"),
        ("ghcr.io/acme/torch:", "a tag has"),
        (f"ghcr.io/acme/torch:{'a' * 129}", "a tag has"),
        ("ghcr.io/acme/torch@", "a digest is"),
        ("ghcr.io/acme/torch@sha256:abc", "a digest is"),
        (f"ghcr.io/acme/torch@{DIGEST.upper()}", "a digest is"),
        (f"ghcr.io/{'a/' * 130}torch", "write HOST/NAME:TAG"),
        ("gh_cr.io:x/acme/torch", "the registry before the first slash"),
        ("ghcr.io/../torch", "write HOST/NAME:TAG"),
        ("ghcr.io/acme/torch:v1\nX: y", "a tag has"),
    ],
)
def test_what_is_no_name_is_told_with_the_right_form(text: str, help: str) -> None:
    """One problem, which names the text."""
    found = read_image_name(text)

    assert isinstance(found, Diagnostic)
    assert "bad-image-name" == found.rule
    assert repr(text) in found.summary
    assert help in found.help


def test_a_name_is_written_as_it_was_read() -> None:
    """And pinned by the digest alone, which every container engine takes."""
    for text in ("ghcr.io/acme/torch:v2.9", f"ghcr.io/acme/torch:v2.9@{DIGEST}", f"ghcr.io/acme/torch@{DIGEST}"):
        name = read_image_name(text)
        assert isinstance(name, ImageName)
        assert text == str(name)
        assert f"ghcr.io/acme/torch@{DIGEST}" == name.pinned(DIGEST)


@pytest.mark.parametrize(
    ("text", "address", "reference", "is_here"),
    [
        ("ubuntu", "registry-1.docker.io", "latest", False),
        ("ghcr.io/a/b:1", "ghcr.io", "1", False),
        (f"localhost:5000/a/b:1@{DIGEST}", "localhost:5000", DIGEST, True),
        ("127.0.0.1:5000/a/b", "127.0.0.1:5000", "latest", True),
        ("[::1]/a/b", "[::1]", "latest", True),
        ("localhost.example.com/a", "localhost.example.com", "latest", False),
    ],
)
def test_a_name_says_where_to_ask_for_what(text: str, address: str, reference: str, is_here: bool) -> None:
    """Docker Hub answers elsewhere; a digest wins over a tag; only loopback is this machine."""
    name = read_image_name(text)

    assert isinstance(name, ImageName)
    assert (address, reference, is_here) == (name.address, name.reference, name.is_on_this_machine)


@given(st.text(max_size=40) | st.from_regex(r"[a-z.:/@]{0,30}", fullmatch=True))
def test_whatever_the_text_it_is_a_name_or_a_problem(text: str) -> None:
    """And a name can stand in an address: nothing in it means anything there."""
    found = read_image_name(text)

    if isinstance(found, ImageName):
        assert not set(" \r\n?#%\\") & set(str(found))
        assert ".." not in found.repository
