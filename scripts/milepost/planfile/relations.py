"""What the parts of a plan say of each other: names that must exist, be unique, or not go round in circles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

from milepost.core.model import DesiredState, PlannedIssue
from milepost.diagnostics import Diagnostic, Location, Rule, Severity
from milepost.planfile.wording import nearest, quote

REPEATED_MILESTONE = Rule("repeated-milestone", Severity.ERROR, "Two planned milestones have one title.")
TWIN_TITLES = Rule("twin-titles", Severity.ERROR, "Two planned milestones differ in case only.")
REPEATED_LABEL = Rule("repeated-label", Severity.ERROR, "Two planned labels have one name; case does not count.")
DISPUTED_WAS = Rule("disputed-was", Severity.ERROR, "An earlier name is one that something else in the plan has, too.")
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
    DISPUTED_WAS,
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
MOST_SHOWN = 6
T = TypeVar("T")
Fold = Callable[[str], str]
Place = Callable[[int, str], Location]


class Places(Protocol):
    """Where the parts of planned objects stand, and of what the file may have lost something."""

    def of_label(self, index: int, part: str) -> Location: ...
    def of_milestone(self, index: int, part: str) -> Location: ...
    def of_issue(self, index: int, part: str, text: str | None = None) -> Location: ...
    def hides(self, section: str, *names: str) -> bool: ...


def judge_relations(desired: DesiredState, places: Places, *, has_labels: bool) -> Iterator[Diagnostic]:
    """Everything that one part of the plan gets wrong about another."""
    yield from _judge_milestones(desired)
    yield from _judge_labels(desired)
    yield from _judge_former([(each.title, each.was) for each in desired.milestones], str, places.of_milestone)
    yield from _judge_former([(each.name, each.was) for each in desired.labels], str.casefold, places.of_label)
    yield from _judge_keys(desired, places)
    if has_labels and not places.hides("labels", "name"):
        yield from _judge_issue_labels(desired, places)
    if not places.hides("environments"):
        yield from _judge_environments(desired, places)
    if not places.hides("milestones", "title"):
        yield from _judge_issue_milestones(desired, places)
    yield from _judge_parents(desired, places)


def _judge_milestones(desired: DesiredState) -> Iterator[Diagnostic]:
    for first, each in _repeated(desired.milestones, lambda milestone: milestone.title.casefold()):
        if first.title == each.title:
            summary = f"milestone {quote(each.title)} is already on line {first.at.line}"
            yield REPEATED_MILESTONE.found(summary, at=each.at, help="join the two, or give one another title")
        else:
            summary = f"milestone {quote(each.title)} differs from {quote(first.title)} on line {first.at.line} in case"
            why = "GitHub would mix up their issues when it filters by milestone."
            yield TWIN_TITLES.found(summary, at=each.at, why=why, help="give one another title")


def _judge_labels(desired: DesiredState) -> Iterator[Diagnostic]:
    for first, each in _repeated(desired.labels, lambda label: label.name.casefold()):
        summary = f"label {quote(each.name)} is already on line {first.at.line}"
        why = "GitHub tells labels apart without case."
        yield REPEATED_LABEL.found(summary, at=each.at, why=why, help="keep one of the two")


def _judge_former(names: list[tuple[str, str | None]], fold: Fold, place: Place) -> Iterator[Diagnostic]:
    """An earlier name stands for one object on GitHub; two planned ones must not both become that."""
    holders = {fold(name): index for index, (name, _) in enumerate(names)}
    for index, (name, was) in enumerate(names):
        if was is not None and fold(was) != fold(name) and holders.setdefault(fold(was), index) != index:
            line = place(holders[fold(was)], "was").line
            summary = f"`was: {quote(was)}` names what the plan has on line {line}, too"
            why = "One object on GitHub cannot become two."
            yield DISPUTED_WAS.found(summary, at=place(index, "was"), why=why, help="correct or remove this `was:`")


def _judge_keys(desired: DesiredState, places: Places) -> Iterator[Diagnostic]:
    for first, each in _repeated(desired.issues, lambda issue: issue.key):
        summary = f"issue {quote(each.title)} has the key {quote(each.key)} of the issue on line {first.at.line}"
        yield REPEATED_ISSUE.found(summary, at=each.at, help="give one another title, or a `key:` of its own")
    numbered = [(index, each) for index, each in enumerate(desired.issues) if each.number]
    for (_, first), (index, each) in _repeated(numbered, lambda member: member[1].number):
        summary = f"issue {quote(each.title)} has the number {each.number} of the issue on line {first.at.line}"
        yield REPEATED_NUMBER.found(summary, at=places.of_issue(index, "number"), help="correct one of the numbers")


def _judge_issue_labels(desired: DesiredState, places: Places) -> Iterator[Diagnostic]:
    known = {each.name.casefold(): each.name for each in desired.labels if not each.is_absent}
    for index, issue in enumerate(desired.issues):
        for label in issue.labels:
            if label.casefold() not in known:
                summary = f"issue {quote(issue.title)} has the label {quote(label)}, which the plan does not define"
                way_out = nearest(label, known.values(), otherwise="add it under `labels:`")
                yield UNKNOWN_LABEL.found(summary, at=places.of_issue(index, "labels", label), help=way_out)


def _judge_environments(desired: DesiredState, places: Places) -> Iterator[Diagnostic]:
    for index, each in enumerate(desired.milestones):
        if each.environment is not None and each.environment not in desired.environments:
            name = quote(each.environment)
            summary = f"milestone {quote(each.title)} names the environment {name}, which the plan does not define"
            way_out = nearest(each.environment, desired.environments, otherwise="define it below `environments:`")
            yield UNKNOWN_ENVIRONMENT.found(summary, at=places.of_milestone(index, "environment"), help=way_out)


def _judge_issue_milestones(desired: DesiredState, places: Places) -> Iterator[Diagnostic]:
    known = {each.title for each in desired.milestones}
    for index, issue in enumerate(desired.issues):
        if issue.milestone is not None and issue.milestone not in known:
            title = quote(issue.milestone)
            summary = f"issue {quote(issue.title)} is planned for {title}, which the plan does not define"
            way_out = nearest(
                issue.milestone,
                (each.title for each in desired.milestones),
                otherwise="correct the title, or add it under `milestones:`",
            )
            yield UNKNOWN_MILESTONE.found(summary, at=places.of_issue(index, "milestone"), help=way_out)


def _judge_parents(desired: DesiredState, places: Places) -> Iterator[Diagnostic]:
    keys = {each.key: index for index, each in enumerate(desired.issues)}
    numbers = {each.number: each.key for each in desired.issues if each.number}
    # A planned issue may be named by its number, too.
    parents = {
        each.key: numbers.get(each.parent, each.parent) if isinstance(each.parent, int) else each.parent
        for each in desired.issues
        if each.parent is not None
    }
    is_judged = not (places.hides("issues", "title", "key") or places.hides("milestones", "title", "key", "issues"))
    for index, each in enumerate(desired.issues):
        if is_judged and isinstance(each.parent, str) and each.parent not in keys:
            summary = f"issue {quote(each.title)} has the parent {quote(each.parent)}, which is no key of this plan"
            way_out = nearest(each.parent, keys, otherwise="write the key of a planned issue, or a number")
            yield UNKNOWN_PARENT.found(summary, at=places.of_issue(index, "parent"), help=way_out)
    yield from _judge_children(desired, parents)
    yield from _judge_levels(desired, keys, parents, places)


def _judge_children(desired: DesiredState, parents: Mapping[str, str | int]) -> Iterator[Diagnostic]:
    children: dict[str | int, list[PlannedIssue]] = defaultdict(list)
    for each in desired.issues:
        if each.key in parents:
            children[parents[each.key]].append(each)
    for parent, members in children.items():
        if len(members) > MOST_CHILDREN:
            summary = f"{quote(str(parent))} has {len(members)} sub-issues"
            yield TOO_MANY_CHILDREN.found(summary, at=members[MOST_CHILDREN].at, help="split the parent")


def _judge_levels(
    desired: DesiredState, keys: dict[str, int], parents: Mapping[str, str | int], places: Places
) -> Iterator[Diagnostic]:
    """Every line of parents ends, and soon enough; each issue is looked at once."""
    levels: dict[str | int, int] = {}
    for issue in desired.issues:
        line: dict[str, None] = {}
        key: str | int = issue.key
        while isinstance(key, str) and key in parents and key not in levels and key not in line:
            line[key] = None
            key = parents[key]
        circle = list(line)[list(line).index(str(key)) :] if key in line else []
        yield from _tell_circle([keys[each] for each in circle], desired, places)
        # Who stands in a circle, or below one, has no level that could be judged.
        level = -len(desired.issues) if circle else levels.get(key, 1)
        for each in reversed(line):
            level += 1
            levels[each] = level
            if level > MOST_LEVELS:
                deep = desired.issues[keys[each]]
                summary = f"issue {quote(deep.title)} is {level} levels deep"
                yield TOO_NESTED.found(summary, at=deep.at, help=f"GitHub nests {MOST_LEVELS} levels")


def _tell_circle(members: list[int], desired: DesiredState, places: Places) -> Iterator[Diagnostic]:
    for place, index in enumerate(members):
        around = [members[(place + step) % len(members)] for step in range(min(len(members), MOST_SHOWN))]
        titles = [quote(desired.issues[each].title) for each in around]
        rest = ["…"] if len(members) > MOST_SHOWN else []
        summary = f"parents go round: {' → '.join([*titles, *rest, titles[0]])}"
        yield PARENT_CYCLE.found(summary, at=places.of_issue(index, "parent"), help="remove one `parent:`")


def _repeated(members: Iterable[T], key: Callable[[T], object]) -> Iterator[tuple[T, T]]:
    """Each member whose key an earlier one has, with that one."""
    seen: dict[object, T] = {}
    for each in members:
        first = seen.setdefault(key(each), each)
        if first is not each:
            yield first, each
