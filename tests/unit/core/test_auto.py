"""Which action an event is for."""

from __future__ import annotations

import pytest
from milepost.core.auto import CANDIDATES, Choice, choose_action
from milepost.diagnostics import Diagnostic


@pytest.mark.parametrize(
    ("event", "activity", "has_section", "expected"),
    [
        ("push", "", False, "sync"),
        ("workflow_dispatch", "", True, "sync"),
        ("schedule", "", True, "sprint"),
        ("schedule", "", False, "progress"),
        ("milestone", "closed", True, "release"),
        ("milestone", "closed", False, "sync"),
        ("milestone", "opened", False, "sync"),
        ("milestone", "deleted", False, "sync"),
    ],
)
def test_an_event_has_its_action(event: str, activity: str, has_section: bool, expected: str) -> None:
    """With a reason that names the event."""
    choice = choose_action(event, activity, has_sprints=has_section, has_releases=has_section)

    assert isinstance(choice, Choice)
    assert expected == choice.action
    assert event.partition("_")[0] in choice.reason
    assert expected in CANDIDATES


@pytest.mark.parametrize(
    ("event", "way_out"),
    [
        ("pull_request_target", "write `action: gate`"),
        ("pull_request", "`action: sync` to show"),
        ("merge_group", "write `action: gate`"),
        ("issues", "write `action: gate`"),
        ("release", "write `action: verify-gpu`"),
        ("workflow_run", "or run on push, schedule, milestone or workflow_dispatch"),
        ("", "name the command"),
    ],
)
def test_every_other_event_is_refused_with_what_to_write(event: str, way_out: str) -> None:
    """The rule is no-choice."""
    problem = choose_action(event, "opened", has_sprints=True, has_releases=True)

    assert isinstance(problem, Diagnostic)
    assert "no-choice" == problem.rule
    assert event in problem.summary
    assert way_out in problem.help
