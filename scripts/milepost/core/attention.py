"""What somebody should look at: items and milestones that stand out, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from itertools import pairwise
from statistics import median

from milepost.core.progress import Item, Progress, Status, Verdict

NEAR_DAYS = 7
SILENT_DAYS = 2
SILENT_TURNS = 3


class Concern(str, Enum):
    """Why something is to be looked at, in the order in which it is told."""

    OVERDUE = "overdue"
    STALE = "stale"
    UNASSIGNED = "unassigned"
    CARRIED = "carried"
    BLOCKED = "blocked"
    SHARED = "shared"
    HOMELESS = "no-milestone"
    FINISHED = "finished"
    SCHEDULE = "schedule"
    NAME = "name"
    SIZE = "size"


@dataclass(frozen=True, kw_only=True)
class Attention:
    """One thing to look at: an issue, a milestone or a workflow, and what the sentence about it needs."""

    concern: Concern
    issue: int | None = None
    milestone: int | None = None
    title: str = ""
    number: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Habits:
    """What the team counts as worth a look; sizes are numbers of issues, None asks for nothing."""

    stale_after: int = 14
    in_progress: tuple[str, ...] = ("in progress", "in-progress", "doing", "wip")
    carried_after: int = 2
    most_issues: int | None = None
    fewest_issues: int | None = None
    most_days: int | None = None
    ignored: frozenset[Concern] = frozenset()
    is_named_right: Callable[[str], bool] | None = None


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A workflow that was started by its schedule: the days of its newest runs, and whether it is switched off."""

    name: str
    days: tuple[date, ...]
    is_disabled: bool = False


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What stands beside the milestones: issues without one, schedules, and how often an issue was carried over."""

    homeless: tuple[Item, ...] = ()
    more_homeless: int = 0
    schedules: tuple[Schedule, ...] = ()
    carries: Mapping[int, int] = field(default_factory=dict)


def find_attention(
    found: Sequence[Progress], items: Iterable[Item], around: Surroundings, habits: Habits, *, today: date
) -> tuple[Attention, ...]:
    """Everything to look at, by concern, then by number; what the team ignores is left out."""
    by_milestone = {each.track.number: each for each in found}
    going = [each for each in items if each.status is Status.OPEN and each.milestone in by_milestone]
    all_found = [
        *(one for each in found for one in _of_milestone(each, habits)),
        *(one for each in going for one in _of_item(each, by_milestone[each.milestone or 0], around, habits, today)),
        *_homeless(around),
        *_schedules(around, today),
    ]
    kept = [each for each in all_found if each.concern not in habits.ignored]
    return tuple(sorted(kept, key=_place))


def _place(each: Attention) -> tuple[int, int, bool, int]:
    """Those that are only counted come last."""
    return list(Concern).index(each.concern), each.milestone or 0, not each.title, each.issue or 0


def _of_milestone(found: Progress, habits: Habits) -> Iterator[Attention]:
    track, scope = found.track, found.count.scope
    number, title = track.number, track.title
    if found.is_overdue:
        yield Attention(concern=Concern.OVERDUE, milestone=number, title=title, number=-(found.days_left or 0))
    if found.verdict is Verdict.DONE:
        yield Attention(concern=Concern.FINISHED, milestone=number, title=title, number=found.count.completed)
    if habits.is_named_right and not habits.is_named_right(title):
        yield Attention(concern=Concern.NAME, milestone=number, title=title)
    is_large = habits.most_issues is not None and scope > habits.most_issues
    is_small = habits.fewest_issues is not None and scope < habits.fewest_issues
    if is_large or is_small:
        limit = habits.most_issues if is_large else habits.fewest_issues
        kind = "more" if is_large else "fewer"
        yield Attention(concern=Concern.SIZE, milestone=number, title=title, number=scope, names=(kind, str(limit)))
    days = (track.due - track.start).days if track.due and track.start else 0
    if habits.most_days is not None and days > habits.most_days:
        names = ("longer", str(habits.most_days))
        yield Attention(concern=Concern.SIZE, milestone=number, title=title, number=days, names=names)


def _of_item(item: Item, found: Progress, around: Surroundings, habits: Habits, today: date) -> Iterator[Attention]:
    def one(concern: Concern, number: int = 0, names: tuple[str, ...] = ()) -> Attention:
        return Attention(
            concern=concern, issue=item.number, milestone=item.milestone, title=item.title, number=number, names=names
        )

    quiet = (today - item.updated).days
    is_started = bool(item.assignees) or bool({each.casefold() for each in item.labels} & set(habits.in_progress))
    if is_started and habits.stale_after and quiet >= habits.stale_after:
        yield one(Concern.STALE, quiet, item.assignees)
    if not item.assignees and found.days_left is not None and found.days_left <= NEAR_DAYS:
        yield one(Concern.UNASSIGNED, found.days_left)
    if around.carries.get(item.number, 0) >= habits.carried_after:
        yield one(Concern.CARRIED, around.carries[item.number])
    if item.blockers:
        yield one(Concern.BLOCKED, item.blockers)
    people = item.assignees if len(item.assignees) > 1 else item.claimants
    if len(people) > 1:
        yield one(Concern.SHARED, len(people), people)


def _homeless(around: Surroundings) -> Iterator[Attention]:
    for item in around.homeless:
        yield Attention(concern=Concern.HOMELESS, issue=item.number, title=item.title)
    if around.more_homeless:
        yield Attention(concern=Concern.HOMELESS, number=around.more_homeless)


def _schedules(around: Surroundings, today: date) -> Iterator[Attention]:
    for each in around.schedules:
        if is_silent(each, today):
            kind = "disabled" if each.is_disabled else "silent"
            quiet = (today - max(each.days)).days
            yield Attention(concern=Concern.SCHEDULE, title=each.name, number=quiet, names=(kind,))


def is_silent(schedule: Schedule, today: date) -> bool:
    """True when the schedule has missed several of its turns; GitHub delays some and drops one now and then."""
    return (today - max(schedule.days)).days > max(SILENT_DAYS, SILENT_TURNS * _turn(schedule.days))


def _turn(days: Sequence[date]) -> float:
    """The usual distance between two runs, in days; a week when there was only one."""
    gaps = [(after - before).days for before, after in pairwise(sorted(set(days)))]
    return median(gaps) if gaps else NEAR_DAYS
