"""A plan file written from a repository says just what the repository holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from milepost.core.model import Issue, Label, Milestone, Snapshot, State
from milepost.planfile.export import render_plan_file
from milepost.planfile.load import load_plan_text

HOSTILE = st.sampled_from(
    [
        ": # - x",
        "'",
        '"',
        "yes",
        "1.10",
        "000000",
        "2026-08-01",
        "null",
        "~",
        "é中文🚀",
        "a: b",
        "# c",
        "- d",
        "{e}",
        "[f]",
        "&g",
        "*h",
        "!i",
        "|",
        ">",
        "%",
        "@",
        "`",
    ]
)
TITLES = st.one_of(HOSTILE, st.text(min_size=1, max_size=60).map(str.strip).filter(bool))
TEXTS = st.one_of(HOSTILE, st.text(max_size=200))


@settings(max_examples=200)
@given(title=TITLES, description=TEXTS, label=TITLES)
def test_what_is_exported_reads_back_the_same(title: str, description: str, label: str) -> None:
    """Any title and text, hostile ones too: the same values, or left out with a warning."""
    snapshot = make_snapshot(title, description, label)

    text, problems = render_plan_file(snapshot)
    desired, errors = load_plan_text(text.encode("utf-8", "replace"), file="p.yml", workspace=None)

    assert desired is not None, (text, errors)
    if not problems:
        assert title == desired.milestones[0].title
        assert title == desired.issues[0].title
        assert label == desired.labels[0].name
        assert 7 == desired.issues[0].number


def test_applying_an_export_changes_nothing(new_bench: Callable[..., Any]) -> None:
    """Labels, milestones with and without our block, issues with and without a marker: 0 changes, 0 writes."""
    bench = new_bench(
        {
            "labels": [{"name": "bug", "color": "FF0000", "description": "A: bug"}],
            "milestones": [
                {"title": "1.10", "due_on": "2026-07-01T12:00:00Z", "description": "By hand\n\nmore"},
                {"title": "old", "state": "closed"},
            ],
            "issues": [
                {"title": "yes", "milestone": 1, "labels": ["bug"], "assignees": ["octocat"], "body": "x"},
                {"title": "# loose", "author": "mallory"},
                {"title": "done", "state": "closed", "milestone": 2},
            ],
        }
    )
    bench.sync(
        "version: 1\nenvironments: {prod: {}}\nmilestones: [{title: v2, start: 2026-01-05, environment: prod, issues: [{title: a}]}]"
    )
    for is_closed in (False, True):
        from milepost.remote.snapshot import read_everything

        text, problems = render_plan_file(read_everything(bench.client(), closed=is_closed))

        assert () == problems
        assert "0" == bench.sync(text).outputs["changes"], text
        assert "0" == bench.sync(text, "drift").outputs["changes"]


def test_what_a_plan_file_cannot_hold_is_named() -> None:
    """A title of two lines is left out, with a warning that names it."""
    _, problems = render_plan_file(make_snapshot("two\nlines", "", "x"))

    assert ["not-exported", "not-exported"] == [each.rule for each in problems]


def test_of_names_that_differ_in_case_only_the_first_is_exported() -> None:
    """Labels, milestones and issues: what is left out is named, and nothing refers to it."""
    snapshot = make_snapshot("Straße", "", "Straße")
    twins = replace(
        snapshot,
        labels=(*snapshot.labels, replace(snapshot.labels[0], name="STRASSE")),
        milestones=(*snapshot.milestones, replace(snapshot.milestones[0], number=4, title="STRASSE")),
        issues=(replace(snapshot.issues[0], labels=("STRASSE", "Straße", "gone"), milestone=4),),
    )

    text, problems = render_plan_file(twins)
    desired, errors = load_plan_text(text.encode(), file="p.yml", workspace=None)

    assert ["label", "milestone"] == [each.summary.split()[0] for each in problems]
    assert desired is not None, errors
    assert ["Straße"] == [each.name for each in desired.labels]
    assert ["Straße"] == [each.title for each in desired.milestones]
    assert [(("STRASSE", "Straße"), None)] == [(each.labels, each.milestone) for each in desired.issues]


@pytest.mark.parametrize(
    ("line", "start"),
    [
        ("start=2026-06-01", date(2026, 6, 1)),
        ("start=2026-06-31", None),
        ("start=2026-07-02", None),
        ("start=soon", None),
    ],
)
def test_a_start_that_is_no_day_of_the_milestone_is_not_exported(line: str, start: date | None) -> None:
    """The block on GitHub is a copy that others may have edited."""
    snapshot = make_snapshot("A", f"Text\n\n```milepost\nsync key=a {line}\n```", "x")
    due = (replace(snapshot.milestones[0], due=date(2026, 7, 1)),)

    text, _ = render_plan_file(replace(snapshot, milestones=due))
    desired, errors = load_plan_text(text.encode(), file="p.yml", workspace=None)

    assert desired is not None, errors
    assert start == desired.milestones[0].start
    assert "Text" == desired.milestones[0].description


def test_issues_of_one_title_get_keys_of_their_own() -> None:
    """And so do those whose title has no letter."""
    snapshot = make_snapshot("A", "", "x")
    issues = (
        *snapshot.issues,
        *(replace(snapshot.issues[0], number=each, title=title) for each, title in ((8, "A"), (9, "!"))),
    )

    text, _ = render_plan_file(replace(snapshot, issues=issues))
    desired, errors = load_plan_text(text.encode(), file="p.yml", workspace=None)

    assert desired is not None, errors
    assert [(7, "a/a"), (8, "issue-8"), (9, "issue-9")] == [(each.number, each.key) for each in desired.issues]


def make_snapshot(title: str, description: str, label: str) -> Snapshot:
    """One milestone, one issue and one label of those names."""
    milestone = Milestone(
        number=3,
        node_id="m",
        title=title,
        description=description,
        state=State.OPEN,
        due=None,
        created_at="",
        issues=1,
        items=1,
    )
    issue = Issue(
        number=7,
        title=title,
        body=description,
        state=State.OPEN,
        state_reason=None,
        author="octocat",
        is_own=False,
        is_trusted=True,
        labels=(),
        assignees=(),
        milestone=3,
    )
    return Snapshot(
        repository="octo/widgets",
        default_branch="main",
        is_fork=False,
        login="octocat",
        labels=(Label(name=label, color="000000", description=description[:100]),),
        milestones=(milestone,),
        issues=(issue,),
    )
