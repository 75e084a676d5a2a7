"""What is missing of a release: all of it, parts of it, nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from milepost.core.change import Noun, Plan, Verb
from milepost.core.checksums import digest_of
from milepost.core.release import Asset, ClosedMilestone, Item, Release, Tag
from milepost.core.release_checks import render_message
from milepost.core.release_plan import (
    CHECKSUMS,
    MARKER,
    Case,
    Successor,
    is_complete,
    judge_release,
    plan_release,
    plan_reopening,
)
from milepost.core.releasing import OpenIssues, Releasing

CONTENTS = {"milestone.json": b"{}", "milepost.yml": b"version: 1\n", CHECKSUMS: b"sums"}
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
CASE = Case(
    milestone=MILESTONE,
    settings=Releasing(then=("docs.yml", "deploy.yml")),
    tag_name="v2.9.0",
    is_prerelease=False,
    commit="a" * 40,
    tag=None,
    release=None,
    items=(),
    body=f"Notes\n\n{MARKER}milestone=3 -->\n",
    contents=CONTENTS,
)
TAG = Tag(name="v2.9.0", commit="a" * 40, message=render_message("v2.9.0", MILESTONE))
DRAFT = Release(
    id=9,
    tag="v2.9.0",
    name="v2.9.0",
    body=CASE.body,
    url="https://github.com/octo/widgets/releases/9",
    is_draft=True,
    is_prerelease=False,
    is_immutable=False,
    is_own=True,
)
OPEN = Item(number=4, title="Left", url="", is_pull=False, is_open=True)
PULL = Item(number=2, title="Open change", url="", is_pull=True, is_open=True)


def asset(name: str, data: bytes, *, id: int = 1, is_uploaded: bool = True, has_digest: bool = True) -> Asset:
    """The asset as GitHub tells it."""
    return Asset(
        id=id, name=name, size=len(data), digest=digest_of(data) if has_digest else None, is_uploaded=is_uploaded
    )


ASSETS = tuple(asset(name, data) for name, data in CONTENTS.items())


def steps(plan: Plan) -> list[tuple[str, str, str]]:
    """Verb, noun and name of each change."""
    return [(each.verb.value, each.noun.value, each.name) for each in plan.changes]


def test_a_release_is_made_in_the_order_in_which_it_may_break_off() -> None:
    """Tag, draft, assets, published, and what follows; the checksums are the last asset."""
    assert [
        ("create", "tag", "v2.9.0"),
        ("create", "release", "v2.9.0"),
        ("create", "asset", "milestone.json"),
        ("create", "asset", "milepost.yml"),
        ("create", "asset", "SHA256SUMS"),
        ("update", "release", "v2.9.0"),
        ("dispatch", "workflow", "v2.9.0"),
    ] == steps(plan_release(CASE))


def test_what_is_there_is_not_made_again() -> None:
    """A run goes on where another one ended; a whole release with what follows it is nothing to do."""
    begun = plan_release(replace(CASE, tag=TAG, release=replace(DRAFT, assets=ASSETS[:1])))
    published = replace(DRAFT, is_draft=False, assets=ASSETS)
    done = plan_release(replace(CASE, tag=TAG, release=published, dispatched=frozenset({"docs.yml", "deploy.yml"})))

    assert ["asset", "asset", "release", "workflow"] == [each.noun.value for each in begun.changes]
    assert () == done.changes
    assert is_complete(published)
    assert not is_complete(None)
    assert not is_complete(DRAFT)


@pytest.mark.parametrize(
    "broken",
    [
        asset("milestone.json", b"{}", is_uploaded=False),
        asset("milestone.json", b"[]"),
        asset("milestone.json", b"{} "),
    ],
)
def test_in_a_draft_a_wrong_asset_is_replaced(broken: Asset) -> None:
    """One that was not uploaded whole, or holds something else."""
    plan = plan_release(replace(CASE, tag=TAG, release=replace(DRAFT, assets=(broken, *ASSETS[1:]))))

    assert [("delete", "asset", "milestone.json"), ("create", "asset", "milestone.json")] == steps(plan)[:2]
    assert broken.id == plan.changes[0].number


def test_where_github_tells_no_digest_the_size_counts() -> None:
    """Enterprise Servers of before."""
    assets = tuple(asset(name, data, has_digest=False) for name, data in CONTENTS.items())

    assert [Noun.RELEASE, Noun.WORKFLOW] == [
        each.noun for each in plan_release(replace(CASE, tag=TAG, release=replace(DRAFT, assets=assets))).changes
    ]


def test_a_published_release_without_assets_is_completed() -> None:
    """Somebody else made it by hand: nothing is published twice, and what an earlier run left is replaced."""
    left = replace(asset("milestone.json", b"other"), is_own=True)
    by_hand = replace(CASE, tag=TAG, release=replace(DRAFT, is_draft=False, body="By hand", assets=(left,)))
    plan = plan_release(by_hand)

    assert () == judge_release(by_hand)
    assert [
        ("delete", "asset", "milestone.json"),
        ("create", "asset", "milestone.json"),
        ("create", "asset", "milepost.yml"),
        ("create", "asset", "SHA256SUMS"),
    ] == steps(plan)[:4]
    assert Verb.UPDATE not in {each.verb for each in plan.changes}


def test_checksums_alone_make_no_release_whole() -> None:
    """Other tools write such a file, too; and it may have been sent in part."""
    sums = asset(CHECKSUMS, CONTENTS[CHECKSUMS])
    in_part = (ASSETS[0], replace(sums, is_uploaded=False))

    assert not is_complete(replace(DRAFT, is_draft=False, assets=(sums,)))
    assert not is_complete(replace(DRAFT, is_draft=False, assets=in_part))


@pytest.mark.parametrize("body", ["By hand", ""])
@pytest.mark.parametrize("is_draft", [True, False])
def test_a_file_of_somebody_else_is_not_replaced(body: str, is_draft: bool) -> None:
    """It is named, unless it holds the same."""
    theirs = replace(DRAFT, is_draft=is_draft, body=body, assets=(asset(CHECKSUMS, b"of the binaries"),))
    (problem,) = judge_release(replace(CASE, tag=TAG, release=theirs))

    assert ("asset-taken", True) == (problem.rule, CHECKSUMS in problem.summary)
    assert () == judge_release(replace(CASE, tag=TAG, release=replace(theirs, assets=ASSETS[:1])))
    assert () == judge_release(replace(CASE, tag=TAG, release=replace(theirs, body=CASE.body, is_draft=True)))


def test_a_bare_immutable_release_is_an_error() -> None:
    """Nobody can add what it lacks; a draft is no such thing yet, and a whole release lacks nothing."""
    bare = replace(DRAFT, is_draft=False, is_immutable=True)
    (problem,) = judge_release(replace(CASE, tag=TAG, release=bare))

    assert ("release-immutable", True) == (problem.rule, "v2.9.0" in problem.summary)
    assert () == judge_release(CASE)
    assert () == judge_release(replace(CASE, tag=TAG, release=replace(DRAFT, is_immutable=True)))
    assert () == judge_release(replace(CASE, tag=TAG, release=replace(bare, assets=ASSETS)))


def test_a_pre_release_is_published_as_one() -> None:
    """Though somebody drafted it as none."""
    case = replace(CASE, tag=TAG, is_prerelease=True, release=replace(DRAFT, assets=ASSETS))
    known = replace(case, release=replace(DRAFT, assets=ASSETS, is_prerelease=True))

    assert ["true", None] == [plan_release(each).changes[0].after("prerelease") for each in (case, known)]


def test_notes_that_somebody_else_wrote_stay() -> None:
    """Our own draft gets the notes of now; an empty one does, too."""
    ours = plan_release(replace(CASE, tag=TAG, release=replace(DRAFT, body=f"Old {MARKER}x -->", assets=ASSETS)))
    empty = plan_release(replace(CASE, tag=TAG, release=replace(DRAFT, body=" ", assets=ASSETS)))
    theirs = plan_release(replace(CASE, tag=TAG, release=replace(DRAFT, body="Drafted by hand", assets=ASSETS)))
    same = plan_release(replace(CASE, tag=TAG, release=replace(DRAFT, assets=ASSETS)))

    assert [CASE.body, CASE.body, None, None] == [each.changes[0].after("body") for each in (ours, empty, theirs, same)]
    assert ["a draft with notes that somebody else wrote; they stay"] == [each.text for each in theirs.notes]


def test_open_items_move_into_the_milestone_that_follows() -> None:
    """It is opened first, before the tag, and only where the team opens it."""
    moving = replace(
        CASE,
        settings=Releasing(open_issues=OpenIssues.MOVE),
        items=(OPEN, PULL, replace(OPEN, number=1, is_open=False)),
        successor=Successor(title="v2.10.0"),
        opens_successor=True,
    )
    found = replace(moving, successor=Successor(title="v2.10.0", number=5))

    assert [
        ("create", "milestone", "v2.10.0"),
        ("move", "pull request", "Open change"),
        ("move", "issue", "Left"),
        ("create", "tag", "v2.9.0"),
    ] == steps(plan_release(moving))[:4]
    assert ("move", "pull request", "Open change") == steps(plan_release(found))[0]
    assert "after=v2.9.0" == plan_release(moving).changes[0].after("block")
    assert ("create", "tag", "v2.9.0") == steps(plan_release(replace(moving, successor=None)))[0]
    assert ("move", "pull request", "Open change") == steps(plan_release(replace(moving, opens_successor=False)))[0]


def test_what_follows_is_done_after_a_release_that_is_whole() -> None:
    """The milestone that follows is opened even when only that was missing."""
    whole = replace(
        CASE, tag=TAG, release=replace(DRAFT, is_draft=False, assets=ASSETS), dispatched=frozenset({"docs.yml"})
    )
    opening = replace(whole, successor=Successor(title="v3"), opens_successor=True)

    assert ("deploy.yml",) == plan_release(whole).changes[0].after("workflows")
    assert [("create", "milestone", "v3"), ("dispatch", "workflow", "v2.9.0")] == steps(plan_release(opening))


def test_a_milestone_that_is_not_done_is_reopened_once() -> None:
    """Nothing is sent when somebody else did."""
    assert [("reopen", "milestone", "v2.9.0")] == steps(plan_reopening(MILESTONE))
    assert () == plan_reopening(replace(MILESTONE, is_open=True)).changes
