"""Which titles release, and by which tag."""

from __future__ import annotations

import pytest
from milepost.core.releasing import Releasing, is_tag_pattern


def test_a_title_is_taken_by_any_of_the_patterns() -> None:
    """Upper and lower case differ, as they do in tags."""
    releasing = Releasing(milestones=("v*", "hotfix/?"))

    assert [True, True, False, False] == [releasing.takes(each) for each in ("v1", "hotfix/1", "V1", "hotfix/12")]


@pytest.mark.parametrize(
    ("pattern", "tag"),
    [("{title}", "hotfix/v1"), ("{name}", "v1"), ("rel-{name}", "rel-v1"), ("{title}{name}", "hotfix/v1v1")],
)
def test_the_pattern_makes_the_tag(pattern: str, tag: str) -> None:
    """What stands in braces is filled in once: a title with braces is text."""
    assert is_tag_pattern(pattern)
    assert tag == Releasing(tag=pattern).name_tag("hotfix/v1")
    assert "{name}" == Releasing().name_tag("{name}")


@pytest.mark.parametrize("pattern", ["latest", "{title}{", "{version}", ""])
def test_a_pattern_for_all_titles_is_none(pattern: str) -> None:
    """One tag for every release would be refused at the second one."""
    assert not is_tag_pattern(pattern)
