"""Versions in titles, and the title that follows."""

from __future__ import annotations

import pytest
from milepost.core.next_title import is_next_pattern, next_title
from milepost.core.versions import find_previous, read_version


@pytest.mark.parametrize(
    ("title", "text", "numbers", "is_prerelease"),
    [
        ("v2.9.0", "2.9.0", (2, 9, 0), False),
        ("2.9", "2.9", (2, 9, 0), False),
        ("v2.9-rc1", "2.9-rc1", (2, 9, 0), True),
        ("v2.9.0-alpha.1", "2.9.0-alpha.1", (2, 9, 0), True),
        ("1.0.0-x.7.z.92", "1.0.0-x.7.z.92", (1, 0, 0), True),
        ("2.9.0.dev3", "2.9.0.dev3", (2, 9, 0), True),
        ("2.9.0.post1", "2.9.0.post1", (2, 9, 0), False),
        ("v2.9.0+cu128", "2.9.0+cu128", (2, 9, 0), False),
        ("hotfix/v2.9.1", "2.9.1", (2, 9, 1), False),
        ("V3", "3", (3, 0, 0), False),
    ],
)
def test_a_title_spells_a_version(title: str, text: str, numbers: tuple[int, int, int], is_prerelease: bool) -> None:
    """By SemVer where it has three numbers, else by PEP 440."""
    version = read_version(title)

    assert version is not None
    assert (text, numbers, is_prerelease) == (version.text, version.numbers, version.is_prerelease)


@pytest.mark.parametrize("title", ["Backlog", "v", "", "release/", "nightly-build"])
def test_other_titles_spell_none(title: str) -> None:
    """They may be released all the same."""
    assert read_version(title) is None


@pytest.mark.parametrize(
    ("tag", "others", "previous"),
    [
        ("v2.9.0", ["v2.8.3", "v2.8.2"], "v2.8.3"),
        ("v2.8.3", ["v2.9.0", "v2.8.2", "v2.8.1"], "v2.8.2"),
        ("v2.8.3", ["v2.9.0"], None),
        ("v2.10.0", ["v2.9.0", "v2.10.0-rc1"], "v2.10.0-rc1"),
        ("hotfix/v2.8.3", ["v2.9.0", "hotfix/v2.8.2"], "hotfix/v2.8.2"),
        ("hotfix/v2.8.3", ["v2.9.0", "v2.8.2"], "v2.8.2"),
        ("v2.9.0", ["spring", "winter"], "spring"),
        ("spring", ["v2.9.0", "winter"], "v2.9.0"),
        ("spring", [], None),
        ("v1", [], None),
    ],
)
def test_a_fix_of_an_older_line_does_not_follow_a_newer_one(tag: str, others: list[str], previous: str | None) -> None:
    """The highest lower version came before; where versions tell nothing, the newest."""
    assert previous == find_previous(tag, others)


def test_what_only_semver_reads_has_no_order_of_python() -> None:
    """Where the versions that follow are compared, it is passed over."""
    version = read_version("1.0.0-x.7.z.92")

    assert version is not None
    assert version.key is None


@pytest.mark.parametrize(
    ("pattern", "title"),
    [
        ("v{major}.{minor+1}.0", "v2.10.0"),
        ("v{major+1}.0", "v3.0"),
        ("hotfix/{major}.{minor}.{patch+1}", "hotfix/2.9.5"),
    ],
)
def test_the_next_title_raises_a_number(pattern: str, title: str) -> None:
    """The others stay as they are, or are left out."""
    assert is_next_pattern(pattern)
    assert title == next_title(pattern, (2, 9, 4))


@pytest.mark.parametrize("pattern", ["v{major}.{minor}", "next", "{major+0}", "{minor+1}{sha}", "{minor+1}}"])
def test_a_pattern_that_raises_nothing_is_none(pattern: str) -> None:
    """It would make the title that was just released; and braces are not left in titles."""
    assert not is_next_pattern(pattern)
