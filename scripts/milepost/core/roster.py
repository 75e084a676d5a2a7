"""Which milestone stands for which sprint: by the machine block, checked against the cadence."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from milepost.core.cadence import Cadence, Settings, Sprint, walk
from milepost.core.model import Milestone
from milepost.core.sprint_line import SprintLine, read_sprint_line
from milepost.diagnostics import Diagnostic, Rule, Severity

SPRINT_TWINS = Rule("sprint-twins", Severity.ERROR, "Two milestones say that they are one sprint.")
SPRINT_MOVED = Rule("sprint-moved", Severity.ERROR, "A sprint that exists has other dates than its cadence now makes.")
SPRINT_TITLE_TAKEN = Rule(
    "sprint-title-taken", Severity.ERROR, "A milestone has the title of a sprint to open, and is not that sprint."
)
RULES = (SPRINT_TWINS, SPRINT_MOVED, SPRINT_TITLE_TAKEN)

# A line may claim any day; no cadence is followed further than this.
FARTHEST = timedelta(days=3660)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A sprint and the milestone that stands for it, if any; without a line it is adopted by title and due date."""

    sprint: Sprint
    milestone: Milestone | None = None
    line: SprintLine | None = None

    @property
    def is_adopted(self) -> bool:
        return self.milestone is not None and self.line is None

    @property
    def title(self) -> str:
        """What people call it: the milestone's own title, once there is one."""
        return self.milestone.title if self.milestone else self.sprint.title


@dataclass(frozen=True, kw_only=True)
class Roster:
    """The sprints of one cadence on one day: the past ones that exist, the wanted ones, and later ones that have a line."""

    cadence: Cadence
    settings: Settings
    past: tuple[Standing, ...]
    wanted: tuple[Standing, ...]
    later: tuple[Standing, ...] = ()

    def running(self, today: date) -> Standing | None:
        """The sprint of the day, if it is not one between two sprints."""
        return next((each for each in self.wanted if each.sprint.start <= today), None)


Lines = Mapping[int, list[tuple[Milestone, SprintLine]]]


def call_roster(
    cadences: Iterable[Cadence], milestones: Sequence[Milestone], today: date
) -> tuple[tuple[Roster, ...], tuple[Diagnostic, ...]]:
    """The roster of each cadence, and everything for which nothing may be written."""
    rosters, problems = [], []
    for cadence in cadences:
        lines = _lines_of(cadence, milestones)
        computed = _compute(cadence, lines, today)
        roster = _call(cadence, computed, lines, milestones, today)
        rosters.append(roster)
        problems += [*_judge_twins(lines), *_judge_moved(roster, computed, lines), *_judge_titles(roster, milestones)]
    return tuple(rosters), (*problems, *_judge_common_titles(rosters))


def _lines_of(cadence: Cadence, milestones: Iterable[Milestone]) -> Lines:
    lines: dict[int, list[tuple[Milestone, SprintLine]]] = defaultdict(list)
    for each in sorted(milestones, key=lambda milestone: milestone.number):
        line = read_sprint_line(each.description)
        if line is not None and line.cadence == cadence.key:
            lines[line.number].append((each, line))
    return lines


def _compute(cadence: Cadence, lines: Lines, today: date) -> tuple[Sprint, ...]:
    """Every sprint up to the last wanted one, and up to the last that exists."""
    keep = cadence.entry_on(today).settings.keep
    claimed = max((line.start for found in lines.values() for _, line in found), default=date.min)
    claimed = min(claimed, today + FARTHEST)
    computed, ahead = [], 0
    for each in walk(cadence):
        if ahead > keep and each.start > claimed:
            break
        computed.append(each)
        ahead += not each.is_past(today)
    return tuple(computed)


def _call(
    cadence: Cadence, computed: tuple[Sprint, ...], lines: Lines, milestones: Sequence[Milestone], today: date
) -> Roster:
    settings = cadence.entry_on(today).settings
    known = {each.number for each in computed}
    former = [_former(*lines[number][0]) for number in sorted(lines) if number not in known]
    standings = [*former, *(_stand(each, lines, milestones) for each in computed)]
    ahead = [each for each in standings if not each.sprint.is_past(today)]
    wanted, later = ahead[: settings.keep + 1], ahead[settings.keep + 1 :]
    return Roster(
        cadence=cadence,
        settings=settings,
        past=tuple(each for each in standings if each.milestone and each.sprint.is_past(today)),
        wanted=tuple(wanted),
        later=tuple(each for each in later if each.line),
    )


def _former(milestone: Milestone, line: SprintLine) -> Standing:
    """A sprint of an entry that the plan file no longer has."""
    sprint = Sprint(cadence=line.cadence, number=line.number, start=line.start, due=line.due, title=milestone.title)
    return Standing(sprint=sprint, milestone=milestone, line=line)


def _stand(sprint: Sprint, lines: Lines, milestones: Iterable[Milestone]) -> Standing:
    if lines.get(sprint.number):
        milestone, line = lines[sprint.number][0]
        return Standing(sprint=sprint, milestone=milestone, line=line)
    adopted = (each for each in milestones if each.title == sprint.title and each.due == sprint.due)
    free = (each for each in adopted if read_sprint_line(each.description) is None)
    return Standing(sprint=sprint, milestone=next(free, None))


def _judge_twins(lines: Lines) -> Iterator[Diagnostic]:
    for found in lines.values():
        if len(found) > 1:
            (first, line), (second, _), *_rest = found
            yield SPRINT_TWINS.found(
                f"{_name(first)} and {_name(second)} both say that they are number {line.number}"
                f' of the cadence "{line.cadence}"',
                why="The machine block of one was copied from the other. Nothing was changed.",
                help="delete the line that begins with `sprint` from the description of the one that is no sprint",
            )


def _judge_moved(roster: Roster, computed: tuple[Sprint, ...], lines: Lines) -> Iterator[Diagnostic]:
    sprints = {each.number: each for each in computed}
    first = computed[0].start if computed else date.max
    for number in sorted(lines):
        milestone, line = lines[number][0]
        sprint = sprints.get(number)
        is_former = sprint is None and line.due < first
        if not is_former and (sprint is None or (sprint.start, sprint.due) != (line.start, line.due)):
            yield _moved(milestone, line, sprint, _entry_to_write(roster.cadence, lines))
            return  # the rest of the cadence is displaced by the same change


def _moved(milestone: Milestone, line: SprintLine, sprint: Sprint | None, entry: str) -> Diagnostic:
    now = f"puts number {line.number} on {sprint.start} to {sprint.due}" if sprint else f"has no number {line.number}"
    return SPRINT_MOVED.found(
        f'{_name(milestone)} is from {line.start} to {line.due}, and the cadence "{line.cadence}" now {now}',
        why="Sprints that exist keep their dates and numbers. Nothing was changed.",
        help=f"write the entry as it was, and below it one that takes over: `{entry}`",
    )


def _entry_to_write(cadence: Cadence, lines: Lines) -> str:
    """The entry that goes on after the last sprint that exists."""
    entry = cadence.entries[-1]
    found = [line for each in lines.values() for _, line in each]
    start = max(line.due for line in found) + timedelta(days=1 + entry.gap)
    number = max(line.number for line in found) + 1
    anchor = f"{{number: {number}, start: {start}}}"
    title = json.dumps(entry.title, ensure_ascii=False)
    return f"- {{title: {title}, key: {cadence.key}, anchor: {anchor}, length: {entry.length} days}}"


def _judge_titles(roster: Roster, milestones: Sequence[Milestone]) -> Iterator[Diagnostic]:
    titles = {each.title.casefold(): each for each in milestones}
    for each in roster.wanted:
        holder = titles.get(each.sprint.title.casefold())
        if each.milestone is None and holder is not None:
            yield _taken(holder, each.sprint)


def _taken(holder: Milestone, sprint: Sprint) -> Diagnostic:
    line = read_sprint_line(holder.description)
    if line is None:
        why = "A sprint without its machine block is known by just its title and its due date."
        way_out = f"give it just that title and the due date {sprint.due} if it is that sprint, else another title"
    else:
        why = f'Its machine block says that it is number {line.number} of the cadence "{line.cadence}".'
        way_out = "give it another title"
        if line.cadence != sprint.cadence:
            way_out = f"write `key: {line.cadence}` into the entry if the cadence was called that, else {way_out}"
    return SPRINT_TITLE_TAKEN.found(
        f'{_name(holder)} has the title of the sprint "{sprint.title}" and is not that sprint',
        why=f"{why} Nothing was changed.",
        help=way_out,
    )


def _judge_common_titles(rosters: Iterable[Roster]) -> Iterator[Diagnostic]:
    seen: dict[str, str] = {}
    for roster in rosters:
        for each in roster.wanted:
            title = each.title.casefold()
            other = seen.setdefault(title, each.sprint.cadence)
            if other != each.sprint.cadence:
                yield SPRINT_TITLE_TAKEN.found(
                    f'the cadences "{other}" and "{each.sprint.cadence}" both have a sprint "{each.title}"',
                    why="GitHub would mix up their issues. Nothing was changed.",
                    help="write the name of the team into the titles of both",
                )


def _name(milestone: Milestone) -> str:
    return f'milestone "{milestone.title}" (number {milestone.number})'
