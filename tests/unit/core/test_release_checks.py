"""What stops a release, and what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from milepost.core.release import ClosedMilestone, Item, Status, Tag
from milepost.core.release_checks import (
    RULES,
    is_of_this_closing,
    judge_creator,
    judge_name,
    judge_open,
    judge_place,
    judge_sender,
    judge_statuses,
    render_message,
)
from milepost.core.releasing import OpenIssues, Releasing

COMMIT, OTHER = "a" * 40, "b" * 40
MILESTONE = ClosedMilestone(
    number=3,
    title="v2.9.0",
    description="",
    is_open=False,
    due=None,
    created_at="2027-01-01T00:00:00Z",
    closed_at="2027-02-01T00:00:00Z",
    creator="mona",
)
OPEN = Item(number=4, title="Left", url="", is_pull=False, is_open=True)
ALLOWING = Releasing(allow=("Release-Bot[bot]",))


@pytest.mark.parametrize("permission", ["admin", "maintain", "write"])
def test_a_writer_may_release(permission: str) -> None:
    """By closing the milestone, and by having made it."""
    assert () == judge_sender("mona", permission, Releasing())
    assert () == judge_creator(MILESTONE, permission, Releasing())


@pytest.mark.parametrize("permission", ["triage", "read", "none", "", "custom"])
def test_nobody_else_may_unless_listed(permission: str) -> None:
    """Logins have no case; a deleted account is nobody."""
    (closed,) = judge_sender("mona", permission, Releasing())
    (made,) = judge_creator(replace(MILESTONE, creator=None), permission, Releasing())

    assert ("not-allowed", "not-allowed") == (closed.rule, made.rule)
    assert '"mona" caused this run' in closed.summary
    assert 'made by "ghost"' in made.summary
    assert () == judge_sender("release-bot[bot]", permission, ALLOWING)
    assert () == judge_creator(replace(MILESTONE, creator="release-bot[bot]"), permission, ALLOWING)


def test_a_title_that_makes_no_tag_is_refused_with_the_rule() -> None:
    """Git's own where it is one of git's."""
    (problem,) = judge_name("v1 2", "v1 2")

    assert ("bad-tag", True) == (problem.rule, "blanks" in problem.why)
    assert () == judge_name("v1", "v1")


def test_open_items_block_and_are_named() -> None:
    """As many as anybody reads; only where the team blocks."""
    many = tuple(replace(OPEN, number=each) for each in range(1, 26))
    (one,) = judge_open(MILESTONE, (OPEN, replace(OPEN, number=5, is_open=False)), Releasing())
    (more,) = judge_open(MILESTONE, many, Releasing())

    assert 'milestone "v2.9.0" still has 1 open: #4' == one.summary
    assert more.summary.endswith("#20 and 5 more")
    assert () == judge_open(MILESTONE, (OPEN,), Releasing(open_issues=OpenIssues.MOVE))
    assert () == judge_open(MILESTONE, (OPEN,), Releasing(open_issues=OpenIssues.IGNORE))
    assert () == judge_open(MILESTONE, (), Releasing())


def test_each_required_status_is_successful_or_told() -> None:
    """Neutral and skipped count as GitHub counts them; of several with the name all must be."""
    found = (
        Status(name="ci", state="success"),
        Status(name="gpu", state="skipped"),
        Status(name="docs", state="pending"),
        Status(name="docs", state="success", source="github-actions/Docs"),
    )

    problems = judge_statuses(("ci", "gpu", "docs", "lint"), found, COMMIT)

    assert ['"docs" is `pending` on aaaaaaaaaaaa', '"lint" is not on aaaaaaaaaaaa'] == [
        each.summary for each in problems
    ]
    assert {"status-missing"} == {each.rule for each in problems}


def test_a_tag_elsewhere_names_both_commits() -> None:
    """On the same commit it is success, whoever made it."""
    (problem,) = judge_place(Tag(name="v2.9.0", commit=OTHER, message=None), COMMIT, MILESTONE)

    assert (True, True) == (COMMIT in problem.summary, OTHER in problem.summary)
    assert "tag-elsewhere" == problem.rule
    assert () == judge_place(None, COMMIT, MILESTONE)
    assert () == judge_place(Tag(name="v2.9.0", commit=COMMIT, message="mine"), COMMIT, MILESTONE)


def test_a_tag_of_this_closing_is_ours_wherever_the_branch_is_by_now() -> None:
    """A tag of an earlier closing of the same milestone is not, nor is one that only mentions the trailers."""
    ours = Tag(name="v2.9.0", commit=OTHER, message=render_message("v2.9.0", MILESTONE))
    again = replace(MILESTONE, closed_at="2027-03-01T00:00:00Z")

    assert is_of_this_closing(ours, MILESTONE)
    assert () == judge_place(ours, COMMIT, MILESTONE)
    assert not is_of_this_closing(ours, again)
    assert not is_of_this_closing(replace(ours, message=f"{ours.message}\nSigned-off-by: x"), MILESTONE)
    assert not is_of_this_closing(ours, replace(MILESTONE, closed_at=None))
    assert not is_of_this_closing(replace(ours, message=None), MILESTONE)


def test_every_rule_is_broken_here() -> None:
    """Each by the tests above."""
    assert {"not-allowed", "bad-tag", "still-open", "status-missing", "tag-elsewhere"} == {each.name for each in RULES}
