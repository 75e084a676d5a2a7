"""Which environment of the plan is meant, and whether GitHub's copy of it agrees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from milepost.core.environment import Environment
from milepost.core.identity import block_values, split_description
from milepost.core.milestones import LINE, wanted_line
from milepost.core.model import DesiredState, Milestone, PlannedMilestone
from milepost.diagnostics import Diagnostic, Rule, Severity

NO_ENVIRONMENT = Rule("no-environment", Severity.ERROR, "It is not clear which environment of the plan is meant.")
REQUIREMENTS_DRIFT = Rule(
    "requirements-drift", Severity.ERROR, "The machine block of a milestone says something else than the plan file."
)
RULES = (NO_ENVIRONMENT, REQUIREMENTS_DRIFT)

# What the machine block copies of an environment.
COPIED = ("environment", "image")
MOST_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is known of the environment that is meant; texts are titles and names, empty when not given.

    `current` is the milestone of the pull request or release, `open` are the milestones that are open on GitHub.
    """

    environment: str = ""
    milestone: str = ""
    current: str = ""
    open: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The environment that is meant, the milestone that names it if one was asked, and why it is this one."""

    environment: Environment
    milestone: PlannedMilestone | None = None
    reason: str


def choose_environment(desired: DesiredState, asked: Asked) -> tuple[Choice | None, tuple[Diagnostic, ...]]:
    """The environment that is meant, or what must be said more clearly."""
    if asked.environment:
        return _by_name(desired, asked.environment)
    if asked.milestone:
        return _by_milestone(desired, asked.milestone)
    current = _find(desired, asked.current)
    if current is not None and current.environment is not None:
        return _chosen(desired, current, f'the milestone "{current.title}" names it'), ()
    naming = [each for each in desired.milestones if each.title in asked.open and each.environment is not None]
    if len(naming) == 1:
        return _chosen(desired, naming[0], f'"{naming[0].title}" is the only open milestone that names one'), ()
    return None, (_unclear(desired, naming),)


def judge_drift(planned: PlannedMilestone, live: Milestone, desired: DesiredState) -> tuple[Diagnostic, ...]:
    """What GitHub's copy of the requirements gets wrong; a milestone without our line has no copy."""
    block = split_description(live.description)[1]
    line = block.get(LINE) if block else None
    if line is None:
        return ()
    found, wanted = block_values(line), block_values(wanted_line(planned, desired))
    return tuple(
        REQUIREMENTS_DRIFT.found(
            f'milestone "{live.title}": its block has {_shown(key, found)}, the plan file {_shown(key, wanted)}',
            at=planned.at,
            why="The plan file at the deployed commit is what counts; the block is a copy of it.",
            help="deploy the commit that is meant, or run `sync` with this plan file",
        )
        for key in COPIED
        if found.get(key) != wanted.get(key)
    )


def _by_name(desired: DesiredState, name: str) -> tuple[Choice | None, tuple[Diagnostic, ...]]:
    environment = desired.environments.get(name)
    if environment is not None:
        return Choice(environment=environment, reason="named by the input environment"), ()
    summary = f'the input `environment` names "{name}", which the plan does not define'
    return None, (NO_ENVIRONMENT.found(summary, help=_listed("its environments are", desired.environments)),)


def _by_milestone(desired: DesiredState, title: str) -> tuple[Choice | None, tuple[Diagnostic, ...]]:
    milestone = _find(desired, title)
    if milestone is None:
        known = [each.title for each in desired.milestones]
        summary = f'the input `milestone` names "{title}", which the plan does not define'
        return None, (NO_ENVIRONMENT.found(summary, help=_listed("its milestones are", known)),)
    if milestone.environment is None:
        summary, way_out = f'milestone "{title}" names no environment', "write `environment:` below it"
        return None, (NO_ENVIRONMENT.found(summary, at=milestone.at, help=way_out),)
    return _chosen(desired, milestone, f'the input `milestone` is "{title}", which names it'), ()


def _find(desired: DesiredState, title: str) -> PlannedMilestone | None:
    return next((each for each in desired.milestones if each.title == title), None)


def _chosen(desired: DesiredState, milestone: PlannedMilestone, reason: str) -> Choice:
    # A plan file whose milestone names an environment that is not there is refused before.
    return Choice(environment=desired.environments[milestone.environment or ""], milestone=milestone, reason=reason)


def _unclear(desired: DesiredState, naming: list[PlannedMilestone]) -> Diagnostic:
    if not desired.environments:
        return NO_ENVIRONMENT.found("the plan declares no environment", help="write one below `environments:`")
    if not naming:
        summary = "no open milestone names an environment"
        way_out = f"give the input `environment`; {_listed('its environments are', desired.environments)}"
        return NO_ENVIRONMENT.found(summary, help=way_out)
    named = [f"{each.title} ({each.environment})" for each in naming]
    summary = f"{len(naming)} open milestones name an environment"
    return NO_ENVIRONMENT.found(summary, help=_listed("give the input `milestone` or `environment`; they are", named))


def _listed(lead: str, names: Iterable[str]) -> str:
    known = [f'"{each}"' for each in names]
    rest = [f"and {len(known) - MOST_SHOWN} more"] if len(known) > MOST_SHOWN else []
    return f"{lead}: {', '.join([*known[:MOST_SHOWN], *rest])}" if known else "it has none"


def _shown(key: str, values: dict[str, str]) -> str:
    return f'{key} "{values[key]}"' if key in values else f"no {key}"
