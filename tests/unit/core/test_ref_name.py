"""Names of branches and tags: git's rules, each by name, and ours."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milepost.core.ref_name import judge_ref, judge_tag


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("v1; rm -rf /", "blanks"),
        ("v1 2", "blanks"),
        ("../../x", "`..`"),
        ("refs/heads/main", "`refs/`"),
        ("v1\n", "control characters"),
        ("v1:2", "`:`"),
        ("v1@{0}", "`@{`"),
        ("@", "nor be `@`"),
        ("/v1", "begin or end with `/`"),
        ("a//b", "two in a row"),
        ("a/.b", "begin with `.`"),
        ("v1.", "end with `.`"),
        ("v1.lock", "`.lock`"),
        ("-v1", "begin with `-`"),
        ("", "must not be empty"),
        ("v1🚀", "only ASCII"),
        ("v1;x", "only ASCII"),
        ("$(x)", "only ASCII"),
        ("v" * 300, "more than 250 bytes"),
        ("0123456789abcdef0123456789abcdef01234567", "take it for a commit"),
        ("HEAD", "take it for a commit"),
    ],
)
def test_a_refused_tag_is_told_the_rule(name: str, rule: str) -> None:
    """Each hostile title is refused with the rule of git's ref names, or with ours beside it."""
    reason = judge_tag(name)

    assert rule in reason
    assert "git" in reason


@pytest.mark.parametrize("name", ["v2.9.0", "v2.9-rc1", "hotfix/v2.9.1", "1.0.0+cu128", "a@b", "v2.9.0-alpha.1"])
def test_a_version_is_a_tag(name: str) -> None:
    """As are paths, and builds."""
    assert "" == judge_tag(name)


@given(st.text(alphabet="av1./@{~^:?*[\\ -_\x01\x7f", max_size=8))
def test_git_agrees(name: str) -> None:
    """What we let through git lets through; what git refuses we refuse."""
    ref = f"refs/tags/{name}".encode()
    accepted = b"\x00" not in ref and not subprocess.run(["git", "check-ref-format", ref], check=False).returncode

    assert accepted or judge_ref(name)
    assert not judge_ref(name) or not accepted or name.startswith(("-", "refs/")) or name == "@"
