"""What the parts of a plan say of each other: names that must exist, be unique, or not go round in circles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from milepost.core.model import DesiredState, PlannedIssue, PlannedMilestone
from milepost.diagnostics import Diagnostic, Location, Rule, Severity
from milepost.planfile.validate import nearest, quote

REPEATED_MILESTONE = Rule("repeated-milestone", Severity.ERROR, "Two planned milestones have one title.")
TWIN_TITLES = Rule("twin-titles", Severity.ERROR, "Two planned milestones differ in case only.")
REPEATED_LABEL = Rule("repeated-label", Severity.ERROR, "Two planned labels have one name; case does not count.")
REPEATED_ISSUE = Rule("repeated-issue", Severity.ERROR, "Two planned issues have one key.")
REPEATED_NUMBER = Rule("repeated-number", Severity.ERROR, "Two planned issues have one number.")
UNKNOWN_LABEL = Rule("unknown-label", Severity.ERROR, "An issue has a label that the plan does not define.")
UNKNOWN_ENVIRONMENT = Rule("unknown-environment", Severity.ERROR, "A milestone names an environment that is not there.")
UNKNOWN_MILESTONE = Rule("unknown-milestone", Severity.ERROR, "An issue is planned for a milestone that is not there.")
UNKNOWN_PARENT = Rule("unknown-parent", Severity.ERROR, "An issue names a parent that is not there.")
PARENT_CYCLE = Rule("parent-cycle", Severity.ERROR, "Issues are each other's parents.")
TOO_NESTED = Rule("too-nested", Severity.ERROR, "Sub-issues nest deeper than GitHub's eight levels.")
TOO_MANY_CHILDREN = Rule("too-many-sub-issues", Severity.ERROR, "An issue has more sub-issues than GitHub's 100.")
RULES = (
    REPEATED_MILESTONE,
    TWIN_TITLES,
    REPEATED_LABEL,
    REPEATED_ISSUE,
    REPEATED_NUMBER,
    UNKNOWN_LABEL,
    UNKNOWN_ENVIRONMENT,
    UNKNOWN_MILESTONE,
    UNKNOWN_PARENT,
    PARENT_CYCLE,
    TOO_NESTED,
    TOO_MANY_CHILDREN,
)

# docs.github.com, adding sub-issues.
MOST_LEVELS = 8
MOST_CHILDREN = 100
T = TypeVar("T")
Place = Callable[..., Location]


def judge_relations(desired: DesiredState, place: Place, *, has_labels: bool) -> Iterator[Diagnostic]:
    """Everything that one part of the plan gets wrong about another; `place` finds a part by its object's title."""
    yield from _judge_milestones(desired, place)
    yield from _judge_labels(desired)
    yield from _judge_keys(desired)
    if has_labels:
        yield from _judge_issue_labels(desired, place)
    yield from _judge_places(desired, place)
    yield from _judge_parents(desired, place)


def _judge_milestones(desired: DesiredState, place: Place) -> Iterator[Diagnostic]:
    seen: dict[str, PlannedMilestone] = {}
    for each in desired.milestones:
        first = seen.setdefault(each.title.casefold(), each)
        if first is not each and first.title == each.title:
            summary = f"milestone {quote(each.title)} is already on line {first.at.line}"
            yield REPEATED_MILESTONE.found(summary, at=each.at, help="join the two, or give one another title")
        elif first is not each:
            summary = f"milestone {quote(each.title)} differs from {quote(first.title)} on line {first.at.line} in case"
            why = "GitHub would mix up their issues when it filters by milestone."
            yield TWIN_TITLES.found(summary, at=each.at, why=why, help="give one another title")
        if each.environment is not None and each.environment not in desired.environments:
            summary = f"milestone {quote(each.title)} names the environment {quote(each.environment)}"
            way_out = nearest(each.environment, list(desired.environments), otherwise="define it below `environments:`")
            yield UNKNOWN_ENVIRONMENT.found(summary, at=place(each.at, "environment"), help=way_out)


def _judge_labels(desired: DesiredState) -> Iterator[Diagnostic]:
    for first, each in _repeated(desired.labels, lambda label: label.name.casefold()):
        summary = f"label {quote(each.name)} is already on line {first.at.line}"
        why = "GitHub tells labels apart without case."
        yield REPEATED_LABEL.found(summary, at=each.at, why=why, help="keep one of the two")


def _judge_keys(desired: DesiredState) -> Iterator[Diagnostic]:
    for first, each in _repeated(desired.issues, lambda issue: issue.key):
        summary = f"issue {quote(each.title)} has the key {quote(each.key)} of the issue on line {first.at.line}"
        yield REPEATED_ISSUE.found(summary, at=each.at, help="give one another title, or a `key:` of its own")
    for first, each in _repeated([one for one in desired.issues if one.number], lambda issue: issue.number):
        summary = f"issue {quote(each.title)} has the number {each.number} of the issue on line {first.at.line}"
        yield REPEATED_NUMBER.found(summary, at=each.at, help="correct one of the numbers")


def _judge_issue_labels(desired: DesiredState, place: Place) -> Iterator[Diagnostic]:
    known = {each.name.casefold(): each.name for each in desired.labels if not each.is_absent}
    for issue in desired.issues:
        for index, label in enumerate(issue.labels):
            if label.casefold() not in known:
                summary = f"issue {quote(issue.title)} has the label {quote(label)}, which the plan does not define"
                way_out = nearest(label, list(known.values()), otherwise="add it under `labels:`")
                yield UNKNOWN_LABEL.found(summary, at=place(issue.at, "labels", index), help=way_out)


def _judge_places(desired: DesiredState, place: Place) -> Iterator[Diagnostic]:
    known = [each.title for each in desired.milestones]
    for issue in desired.issues:
        if issue.milestone is not None and issue.milestone not in known:
            title = quote(issue.milestone)
            summary = f"issue {quote(issue.title)} is planned for {title}, which the plan does not define"
            way_out = nearest(issue.milestone, known, otherwise="correct the title, or add it under `milestones:`")
            yield UNKNOWN_MILESTONE.found(summary, at=place(issue.at, "milestone"), help=way_out)


def _judge_parents(desired: DesiredState, place: Place) -> Iterator[Diagnostic]:
    issues = {each.key: each for each in desired.issues}
    children: dict[str | int, list[PlannedIssue]] = defaultdict(list)
    for each in desired.issues:
        if each.parent is not None:
            children[each.parent].append(each)
        if isinstance(each.parent, str) and each.parent not in issues:
            summary = f"issue {quote(each.title)} has the parent {quote(each.parent)}, which is no key of this plan"
            way_out = nearest(each.parent, list(issues), otherwise="write the key of a planned issue, or a number")
            yield UNKNOWN_PARENT.found(summary, at=place(each.at, "parent"), help=way_out)
        yield from _judge_line(each, issues, place)
    for parent, members in children.items():
        if len(members) > MOST_CHILDREN:
            summary = f"{quote(str(parent))} has {len(members)} sub-issues"
            yield TOO_MANY_CHILDREN.found(summary, at=members[MOST_CHILDREN].at, help="split the parent")


def _judge_line(issue: PlannedIssue, issues: dict[str, PlannedIssue], place: Place) -> Iterator[Diagnostic]:
    """The line of parents above the issue ends, and soon enough."""
    above = [issue.key]
    parent = issue.parent
    while isinstance(parent, str) and parent in issues:
        if parent in above:
            if parent == issue.key:
                circle = " → ".join(quote(issues[key].title) for key in [*above, parent])
                yield PARENT_CYCLE.found(
                    f"parents go round: {circle}", at=place(issue.at, "parent"), help="remove one `parent:`"
                )
            return
        above.append(parent)
        parent = issues[parent].parent
    if len(above) > MOST_LEVELS:
        summary = f"issue {quote(issue.title)} is {len(above)} levels deep"
        yield TOO_NESTED.found(summary, at=issue.at, help=f"GitHub nests {MOST_LEVELS} levels")


def _repeated(members: Iterable[T], key: Callable[[T], object]) -> Iterator[tuple[T, T]]:
    """Each member whose key an earlier one has, with that one."""
    seen: dict[object, T] = {}
    for each in members:
        first = seen.setdefault(key(each), each)
        if first is not each:
            yield first, each
