"""Desired state against snapshot: the whole plan, in the order it will be applied."""

from __future__ import annotations

from milepost.core.change import Change, Noun, Plan, Verb
from milepost.core.issues import diff_issues, match_issues
from milepost.core.labels import diff_labels
from milepost.core.milestones import diff_milestones
from milepost.core.model import DesiredState, Snapshot
from milepost.core.prune import prune_issues, prune_milestones
from milepost.diagnostics import Diagnostic, Rule, Severity

TOO_MANY_DELETES = Rule(
    "too-many-deletes", Severity.ERROR, "The plan takes away more objects than `max-deletes` allows."
)
WRONG_REPOSITORY = Rule(
    "wrong-repository",
    Severity.ERROR,
    "The plan file names another repository than the one it is applied to.",
)
RULES = (TOO_MANY_DELETES, WRONG_REPOSITORY)

# What is put somewhere comes before what is closed, and what is closed before what is deleted.
ORDER = tuple(
    [(noun, verb) for noun in (Noun.LABEL, Noun.BRANCH) for verb in (Verb.CREATE, Verb.UPDATE)]
    + [(Noun.MILESTONE, verb) for verb in (Verb.CREATE, Verb.REOPEN, Verb.UPDATE)]
    + [(Noun.ISSUE, verb) for verb in (Verb.CREATE, Verb.REOPEN, Verb.UPDATE, Verb.MOVE, Verb.CLOSE)]
    + [(Noun.MILESTONE, Verb.CLOSE), (Noun.MILESTONE, Verb.DELETE), (Noun.LABEL, Verb.DELETE)]
)


def diff(desired: DesiredState, snapshot: Snapshot, *, prune: bool = False) -> tuple[Plan, tuple[Diagnostic, ...]]:
    """The plan that makes the snapshot the desired state, and everything that stands in its way."""
    labels = diff_labels(desired, snapshot)
    milestones, milestone_problems = diff_milestones(desired, snapshot)
    matches, match_problems = match_issues(desired, snapshot)
    issues, issue_problems = diff_issues(desired, snapshot, matches)
    pruned = [*prune_issues(snapshot, matches), *prune_milestones(desired, snapshot)] if prune else []
    plan = Plan(
        changes=tuple(sorted([*labels.changes, *milestones.changes, *issues.changes, *pruned], key=_rank)),
        unchanged=labels.unchanged + milestones.unchanged + issues.unchanged,
        notes=tuple(issues.notes),
    )
    return plan, (*milestone_problems, *match_problems, *issue_problems)


def judge_limits(plan: Plan, *, max_deletes: int) -> tuple[Diagnostic, ...]:
    """An error when the plan takes away more than it may."""
    if plan.deletes <= max_deletes:
        return ()
    return (
        TOO_MANY_DELETES.found(
            f"the plan takes away {plan.deletes} objects, and `max-deletes` is {max_deletes}",
            why="Nothing was changed.",
            help=f"look at each `-` of the plan; if all are meant, set `max-deletes: {plan.deletes}`",
        ),
    )


def judge_repository(desired: DesiredState, repository: str) -> tuple[Diagnostic, ...]:
    """An error when the plan file is meant for another repository."""
    if desired.repository is None or desired.repository.casefold() == repository.casefold():
        return ()
    return (
        WRONG_REPOSITORY.found(
            f'the plan file is for "{desired.repository}", and this is "{repository}"',
            why="Nothing was changed.",
            help="correct `repository:` in the plan file, or remove it",
        ),
    )


def _rank(change: Change) -> int:
    return ORDER.index((change.noun, change.verb))
