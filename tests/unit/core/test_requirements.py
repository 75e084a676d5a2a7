"""Which environment is meant, and what GitHub's copy of it gets wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from milepost.core.environment import Environment
from milepost.core.milestones import wanted_line
from milepost.core.model import DesiredState, Milestone, PlannedMilestone, State
from milepost.core.requirements import Asked, choose_environment, judge_drift
from milepost.diagnostics import Location

AT = Location(file="plan.yml", line=1, column=1)


def environment(name: str) -> Environment:
    return Environment(name=name, image=f"ghcr.io/acme/{name}:v1", at=AT)


def milestone(title: str, name: str | None = None) -> PlannedMilestone:
    return PlannedMilestone(title=title, environment=name, at=AT)


PLAN = DesiredState(
    milestones=(milestone("v1", "old"), milestone("v2", "prod"), milestone("v3", "next"), milestone("docs")),
    environments={each: environment(each) for each in ("old", "prod", "next")},
)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Asked(environment="old", milestone="v2", current="v3", open=("v1",)), ("old", None)),
        (Asked(milestone="v2", current="v3", open=("v1",)), ("prod", "v2")),
        (Asked(current="v3", open=("v1",)), ("next", "v3")),
        (Asked(current="docs", open=("v1", "docs")), ("old", "v1")),
        (Asked(current="not in the plan", open=("v1",)), ("old", "v1")),
        (Asked(open=("v2", "docs", "not in the plan")), ("prod", "v2")),
    ],
)
def test_the_most_exact_word_decides(asked: Asked, expected: tuple[str, str | None]) -> None:
    """The environment, the milestone, that of the pull request or release, then the only open one that names one."""
    choice, problems = choose_environment(PLAN, asked)

    assert () == problems
    assert choice is not None
    assert expected == (choice.environment.name, choice.milestone and choice.milestone.title)
    assert choice.reason


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (Asked(environment="prud", current="v2"), ['"prud"', '"old", "prod", "next"']),
        (Asked(milestone="v9", current="v2"), ['"v9"', '"v1", "v2", "v3", "docs"']),
        (Asked(milestone="docs", current="v2"), ['"docs" names no environment']),
        (Asked(open=("v1", "v3")), ["2 open milestones", '"v1 (old)", "v3 (next)"']),
        (Asked(open=("docs",)), ["no open milestone", '"old", "prod", "next"']),
        (Asked(), ["no open milestone"]),
    ],
)
def test_what_is_not_clear_is_listed_and_never_guessed(asked: Asked, told: list[str]) -> None:
    """`no-environment` names the choices."""
    choice, (problem,) = choose_environment(PLAN, asked)

    assert choice is None
    assert "no-environment" == problem.rule
    assert [] == [each for each in told if each not in f"{problem.summary} {problem.help}"]


def test_a_plan_without_environments_says_so() -> None:
    """Whatever is asked."""
    plan = DesiredState(milestones=(milestone("v1"),))

    assert "the plan declares no environment" == choose_environment(plan, Asked(open=("v1",)))[1][0].summary
    assert "it has none" == choose_environment(plan, Asked(environment="prod"))[1][0].help


def test_a_long_list_is_cut() -> None:
    """Twelve names help; a hundred do not."""
    plan = DesiredState(environments={f"e{each}": environment(f"e{each}") for each in range(100)})

    help = choose_environment(plan, Asked())[1][0].help

    assert help.endswith('"e11", and 88 more')


def live(line: str | None) -> Milestone:
    block = f"Text\n\n```milepost\nsync {line}\n```" if line is not None else "Text"
    return Milestone(
        number=1,
        node_id="",
        title="v2",
        description=block,
        state=State.OPEN,
        due=None,
        created_at="",
        issues=0,
        items=0,
    )


def test_a_copy_that_agrees_or_is_not_there_is_no_drift() -> None:
    """The key and the start are none of the requirements."""
    planned = PLAN.milestones[1]
    line = wanted_line(planned, PLAN)

    assert () == judge_drift(planned, live(line), PLAN)
    assert () == judge_drift(planned, live(None), PLAN)
    assert () == judge_drift(
        planned, replace(live(None), description="```milepost\nsprint start=2026-01-01\n```"), PLAN
    )
    assert () == judge_drift(planned, live(line.replace("key=v2", "key=v2 start=2026-01-01")), PLAN)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("key=v2 environment=old image=ghcr.io/acme/prod:v1", ['environment "old"', 'environment "prod"']),
        ("key=v2 environment=prod image=ghcr.io/evil/prod:v1", ['"ghcr.io/evil/prod:v1"', '"ghcr.io/acme/prod:v1"']),
        ("key=v2 environment=prod", ["no image", '"ghcr.io/acme/prod:v1"']),
    ],
)
def test_a_copy_that_differs_is_requirements_drift(line: str, told: list[str]) -> None:
    """Both values are told."""
    (problem,) = judge_drift(PLAN.milestones[1], live(line), PLAN)

    assert "requirements-drift" == problem.rule
    assert [] == [each for each in told if each not in problem.summary]
