"""The plainest reading of what `sprint` does: a repository of records, days walked one by one, nothing shared.

The stories judge the product by it. It reads no block, sends no request, and is never clever: where the product
computes, it counts; where the product plans, it simply acts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import count, pairwise
from zoneinfo import ZoneInfo

# Every sprint that the stories can have made by then starts before.
FAR = timedelta(days=320)
Key = tuple[str, int]


@dataclass(frozen=True)
class Sprint:
    """One sprint that a cadence yields: its first and its last day."""

    number: int
    start: date
    due: date
    title: str


@dataclass(frozen=True)
class Entry:
    """One entry of the plan file's `sprints:`; lengths are days, `skip` is every single skipped day."""

    title: str
    number: int
    start: date
    length: int
    gap: int = 0
    skip: frozenset[date] = frozenset()
    is_shortened: bool = False


@dataclass(frozen=True)
class Rule:
    """Where an open item goes when each condition that is given holds."""

    to: str
    label: str | None = None
    assignee: str | None = None
    state: str | None = None


@dataclass(frozen=True)
class Cadence:
    """The sprints of one team, and what becomes of open work."""

    key: str
    entries: tuple[Entry, ...]
    keep: int = 2
    default: str = "next"
    rules: tuple[Rule, ...] = ()
    close: str = "due"
    labels: tuple[str, ...] = ()
    then: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The plan file."""

    timezone: str
    has_branch: bool
    cadences: tuple[Cadence, ...]


@dataclass
class Line:
    """The sprint line of a milestone's machine block; `counts` is there once the sprint is frozen."""

    cadence: str
    number: int
    start: date
    due: date
    counts: dict[str, int] | None = None

    @property
    def key(self) -> Key:
        return self.cadence, self.number


@dataclass
class Milestone:
    """A milestone as GitHub holds it, with its sprint line when it has one."""

    title: str
    due: date | None = None
    is_open: bool = True
    line: Line | None = None


@dataclass
class Item:
    """An issue or a pull request, and where it was when: its milestone, and the title of that, at each move."""

    number: int
    is_pull: bool = False
    is_draft: bool = False
    is_merged: bool = False
    is_open: bool = True
    reason: str | None = None
    was_closed: bool = False
    labels: set[str] = field(default_factory=set)
    assignees: set[str] = field(default_factory=set)
    closes: tuple[int, ...] = ()
    milestone: Milestone | None = None
    places: list[tuple[datetime, Milestone | None, str]] = field(default_factory=list)
    has_left: bool = False

    def place(self, milestone: Milestone | None, now: datetime) -> None:
        """The item is in that milestone from now on."""
        if milestone is not self.milestone:
            self.places.append((now, milestone, milestone.title if milestone else ""))
            self.has_left = self.has_left or self.milestone is not None
        self.milestone = milestone

    def place_before(self, moment: datetime) -> tuple[Milestone | None, str]:
        """The milestone that held it just before the moment, and the title that it went there under."""
        seen = [(milestone, title) for at, milestone, title in self.places if at < moment]
        return seen[-1] if seen else (None, "")


@dataclass(frozen=True)
class Carry:
    """Where an open item goes when its sprint is over: by which word, to which milestone, and how often it was carried.

    Where there is no record yet it is counted from GitHub's events, which the model does not keep: None.
    """

    to: str
    milestone: str | None
    carries: int | None


@dataclass(frozen=True)
class Record:
    """What happened in a sprint, frozen: numbers of issues, and what becomes of each open item."""

    planned: frozenset[int]
    is_reconstructed: bool
    added: frozenset[int]
    removed: frozenset[int]
    completed: frozenset[int]
    dropped: frozenset[int]
    carried: dict[int, Carry]

    @property
    def counts(self) -> dict[str, int]:
        names = ("planned", "added", "removed", "completed", "dropped", "carried")
        return {name: len(getattr(self, name)) for name in names}


@dataclass
class Repository:
    """Everything that people and runs change; `planned` and `closed` are the files of the data branch."""

    milestones: list[Milestone] = field(default_factory=list)
    items: dict[int, Item] = field(default_factory=dict)
    planned: dict[Key, tuple[frozenset[int], bool]] = field(default_factory=dict)
    closed: dict[Key, Record] = field(default_factory=dict)

    def titled(self, title: str) -> Milestone:
        """The milestone with exactly that title."""
        return next(each for each in self.milestones if each.title == title)

    def members(self, milestone: Milestone) -> list[Item]:
        """What the milestone holds, by number."""
        return [each for _, each in sorted(self.items.items()) if each.milestone is milestone]


@dataclass(frozen=True)
class Refusal:
    """Why a run wrote nothing: the rule, and the titles of the milestones that are in the way."""

    rule: str
    titles: tuple[str, ...] = ()


@dataclass
class Answer:
    """What a run said and did beside changing the repository."""

    refusals: list[Refusal] = field(default_factory=list)
    warnings: set[str] = field(default_factory=set)
    maybe: set[str] = field(default_factory=set)
    records: dict[Key, Record] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    adopted: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    moved: list[tuple[int, str]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    dispatched: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Team:
    """One cadence on one day: what it computes, which milestone is which sprint, and where its open items go."""

    cadence: Cadence
    plan: Plan
    day: date
    repository: Repository
    computed: list[Sprint]
    standing: dict[int, Milestone] = field(default_factory=dict)
    adopted: dict[int, Milestone] = field(default_factory=dict)
    moves: dict[int, str | Milestone] = field(default_factory=dict)

    @property
    def wanted(self) -> list[Sprint]:
        return [each for each in self.computed if each.due >= self.day][: self.cadence.keep + 1]

    def lines(self) -> list[tuple[Line, Milestone]]:
        """Every sprint that has its milestone, by start."""
        found = [(each.line, each) for each in self.standing.values() if each.line]
        return sorted(found, key=lambda pair: pair[0].start)

    def past(self) -> list[tuple[Line, Milestone]]:
        """Those whose last day is over."""
        return [(line, each) for line, each in self.lines() if line.due < self.day]


def walk_cadence(entries: tuple[Entry, ...], until: date) -> Iterator[Sprint]:
    """Every sprint that starts on or before the day; an entry ends where the next one starts."""
    ordered = sorted(entries, key=lambda each: each.start)
    for entry, follower in zip(ordered, [*ordered[1:], None], strict=True):
        for each in walk_entry(entry):
            if each.start > until or (follower is not None and each.start >= follower.start):
                break
            yield each


def walk_entry(entry: Entry) -> Iterator[Sprint]:
    """Its sprints, one after the other, for ever."""
    walk = _walk_shortened if entry.is_shortened else _walk_shifted
    for number, (start, due) in enumerate(walk(entry), start=entry.number):
        year, week, _ = start.isocalendar()
        title = entry.title.format(number=number, start=start, end=due, year=year, week=f"{week:02}")
        yield Sprint(number, start, due, title)


def _walk_shifted(entry: Entry) -> Iterator[tuple[date, date]]:
    """Skipped days are not there at all: `length` of the others are a sprint, `gap` of them are between two."""
    days = (day for day in (entry.start + timedelta(days=turn) for turn in count()) if day not in entry.skip)
    while True:
        sprint = [next(days) for _ in range(entry.length)]
        yield sprint[0], sprint[-1]
        for _ in range(entry.gap):
            next(days)


def _walk_shortened(entry: Entry) -> Iterator[tuple[date, date]]:
    """The grid stands; a sprint is what is left of its slot between the first and the last day that is not skipped."""
    for turn in count():
        first = entry.start + timedelta(days=turn * (entry.length + entry.gap))
        slot = [first + timedelta(days=each) for each in range(entry.length)]
        left = [day for day in slot if day not in entry.skip]
        if left:
            yield left[0], left[-1]


def judge_entries(cadence: Cadence) -> list[Refusal]:
    """What is wrong with the cadence before anything is read from GitHub."""
    ordered = sorted(cadence.entries, key=lambda each: each.start)
    found = []
    for entry, follower in pairwise(ordered):
        before = list(walk_cadence((entry, follower), follower.start - timedelta(days=1)))
        if any(each.start < follower.start <= each.due for each in before):
            found.append(Refusal("overlap"))
        if before and follower.number <= max(each.number for each in before):
            found.append(Refusal("number"))
    return found


def run(repository: Repository, plan: Plan, day: date, now: datetime) -> Answer:
    """The repository is as `sprint` leaves it on that day; `now` is the moment of what it does."""
    refusals = [refusal for cadence in plan.cadences for refusal in judge_entries(cadence)]
    if refusals:
        return Answer(refusals)
    teams = []
    for cadence in plan.cadences:
        until = max([day, *(each.start for each in cadence.entries)]) + FAR
        teams.append(Team(cadence, plan, day, repository, list(walk_cadence(cadence.entries, until))))
    answer = Answer([refusal for team in teams for refusal in _recognise(team) + _adopt(team)])
    if answer.refusals:
        return answer
    for step in (_open, _decide, _freeze, _plan):
        for team in teams:
            step(team, answer)
    for team in teams:
        _move(team, now, answer)
    for team in teams:
        _close(team, answer)
    return answer


def _recognise(team: Team) -> list[Refusal]:
    """The team knows which milestone stands for which sprint; or why it may not go on."""
    key, computed = team.cadence.key, {each.number: each for each in team.computed}
    refusals = []
    for milestone in team.repository.milestones:
        line = milestone.line
        if line is None or line.cadence != key:
            continue
        if line.number in team.standing:
            refusals.append(Refusal("sprint-twins", (team.standing[line.number].title, milestone.title)))
        team.standing[line.number] = milestone
        sprint = computed.get(line.number)
        is_right = (line.start, line.due) == (sprint.start, sprint.due) if sprint else line.due < team.computed[0].start
        if not is_right:
            refusals.append(Refusal("sprint-moved", (milestone.title,)))
    return refusals


def _adopt(team: Team) -> list[Refusal]:
    """What has a sprint's title and due date, and no line, is that sprint; what has only a wanted title is in the way."""
    refusals, milestones = [], team.repository.milestones
    for sprint in team.computed:
        if sprint.number in team.standing or sprint.start > team.wanted[-1].start:
            continue
        for each in milestones:
            if each.line is None and (each.title, each.due) == (sprint.title, sprint.due):
                team.adopted[sprint.number] = each
        if sprint in team.wanted and sprint.number not in team.adopted:
            taken = [each.title for each in milestones if each.title.lower() == sprint.title.lower()]
            refusals += [Refusal("sprint-title-taken", (title,)) for title in taken]
    return refusals


def _open(team: Team, answer: Answer) -> None:
    """Wanted sprints exist, adopted ones have their line, and those that are not over their due date."""
    for sprint in team.computed:
        line = Line(team.cadence.key, sprint.number, sprint.start, sprint.due)
        if sprint.number in team.adopted:
            team.standing[sprint.number] = team.adopted[sprint.number]
            team.standing[sprint.number].line = line
            answer.adopted.append(sprint.title)
        if sprint in team.wanted and sprint.number not in team.standing:
            team.standing[sprint.number] = Milestone(sprint.title, sprint.due, line=line)
            team.repository.milestones.append(team.standing[sprint.number])
            answer.created.append(sprint.title)
    for line, milestone in team.lines():
        if line.due >= team.day and milestone.due != line.due:
            milestone.due = line.due
            answer.mended.append(milestone.title)


def _decide(team: Team, answer: Answer) -> None:
    """Where each open item of a past sprint goes: a milestone, or `backlog`, `keep`, `block`."""
    rules = [*team.cadence.rules, Rule(team.cadence.default)]
    target = next((each for line, each in team.lines() if line.due >= team.day and each.is_open), None)
    for _, milestone in team.past():
        for item in (each for each in team.repository.members(milestone) if each.is_open):
            to = next(rule.to for rule in rules if _holds(rule, item, team.repository))
            if to == "block":
                is_certain = milestone.is_open and team.cadence.close != "never"
                (answer.warnings if is_certain else answer.maybe).add("sprint-blocked")
            if to == "next" and target is None:
                answer.warnings.add("no-open-sprint")
            team.moves[item.number] = (target or "keep") if to == "next" else to


def _holds(rule: Rule, item: Item, repository: Repository) -> bool:
    """Every condition that the rule has is true of the item."""
    if rule.label is not None and rule.label.lower() not in {each.lower() for each in item.labels}:
        return False
    logins = {each.lower() for each in item.assignees}
    if rule.assignee is not None:
        who = rule.assignee.lower()
        is_right = {"none": not logins, "any": bool(logins)}.get(who, who in logins)
        if not is_right:
            return False
    return rule.state is None or rule.state in _states(item, repository)


def _states(item: Item, repository: Repository) -> set[str]:
    if item.is_pull:
        return {"draft"} if item.is_draft else {"in-progress"}
    pulls = [each for each in repository.items.values() if each.is_pull and each.is_open]
    found = {"in-progress" if any(item.number in each.closes for each in pulls) else "todo"}
    return found | ({"reopened"} if item.was_closed else set())


def _freeze(team: Team, answer: Answer) -> None:
    """Past sprints have their record, and its counts in their line."""
    closed, has_branch = team.repository.closed, team.plan.has_branch
    for line, milestone in team.past():
        if has_branch and line.key in closed:
            line.counts = closed[line.key].counts
        if line.counts is None:
            answer.records[line.key] = _record(team, line, milestone)
            line.counts = answer.records[line.key].counts
    if has_branch:
        closed.update(answer.records)


def _record(team: Team, line: Line, milestone: Milestone) -> Record:
    """What happened in the sprint, as it ends."""
    planned, is_reconstructed = _rebuild(team, line, milestone), True
    if team.plan.has_branch and line.key in team.repository.planned:
        planned, is_reconstructed = team.repository.planned[line.key]
    members = team.repository.members(milestone)
    issues = {each.number: each for each in members if not each.is_pull}
    return Record(
        planned=planned,
        is_reconstructed=is_reconstructed,
        added=frozenset(issues) - planned,
        removed=planned - frozenset(issues),
        completed=frozenset(number for number, each in issues.items() if each.reason == "completed"),
        dropped=frozenset(number for number, each in issues.items() if each.reason in ("not_planned", "duplicate")),
        carried={each.number: _carry(team, each.number) for each in members if each.is_open},
    )


def _carry(team: Team, number: int) -> Carry:
    """What leaves is carried once more than before, what stays is not."""
    to, before = team.moves[number], _carries(team, number)
    if isinstance(to, Milestone):
        return Carry("next", to.title, None if before is None else before + 1)
    return Carry(to, None, None if before is None else before + (to == "backlog"))


def _carries(team: Team, number: int) -> int | None:
    """How often the records of this cadence say that it was carried; None when only events of GitHub could tell."""
    mine = [record for key, record in team.repository.closed.items() if key[0] == team.cadence.key]
    if not mine and team.repository.items[number].has_left:
        return None
    carries = [each.carried[number].carries for each in mine if number in each.carried]
    return None if None in carries else max((each for each in carries if each is not None), default=0)


def _midnight(team: Team, day: date) -> datetime:
    """The moment at which the day is over in the team's zone."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(team.plan.timezone))


def _rebuild(team: Team, line: Line, milestone: Milestone) -> frozenset[int]:
    """The issues that were in the sprint when its first day ended in the team's zone.

    Of a milestone that is deleted by now GitHub tells the title alone.
    """
    titles = {milestone.title, *(each.title for each in team.computed if each.number == line.number)}
    there = set()
    for each in team.repository.items.values():
        place, title = each.place_before(_midnight(team, line.start))
        is_deleted = all(place is not other for other in team.repository.milestones)
        if place is milestone or (is_deleted and title in titles):
            there.add(each.number)
    return _issues(team.repository, there)


def _plan(team: Team, answer: Answer) -> None:
    """The running sprint has its planned set: with what comes into it by this run, and not once it was frozen."""
    repository = team.repository
    for line, milestone in team.lines():
        is_known = line.counts is not None or line.key in repository.planned or line.key in repository.closed
        if not team.plan.has_branch or is_known or not line.start <= team.day <= line.due:
            continue
        is_late = line.start != team.day
        present = _issues(repository, {each.number for each in repository.members(milestone)})
        coming = _issues(repository, {number for number, to in team.moves.items() if to is milestone})
        there = _rebuild(team, line, milestone) if is_late else present
        repository.planned[line.key] = there | coming, is_late


def _issues(repository: Repository, numbers: set[int]) -> frozenset[int]:
    return frozenset(each for each in numbers if not repository.items[each].is_pull)


def _move(team: Team, now: datetime, answer: Answer) -> None:
    """Open work has left the past sprints, with the labels of what was carried."""
    for number, to in team.moves.items():
        if to in ("keep", "block"):
            continue
        item, target = team.repository.items[number], to if isinstance(to, Milestone) else None
        item.place(target, now)
        item.labels |= set(team.cadence.labels)
        answer.moved.append((number, target.title if target else "backlog"))


def _close(team: Team, answer: Answer) -> None:
    """Past sprints are closed, unless the plan or an item says otherwise."""
    for _, milestone in team.past():
        left = [each.number for each in team.repository.members(milestone) if each.is_open]
        is_blocked = any(team.moves.get(each) == "block" for each in left)
        is_held = is_blocked or (team.cadence.close == "finished" and bool(left)) or team.cadence.close == "never"
        if milestone.is_open and not is_held:
            milestone.is_open = False
            answer.closed.append(milestone.title)
            answer.dispatched += [(workflow, milestone.title) for workflow in team.cadence.then]


def with_entry(plan: Plan, turn: int, entries: tuple[Entry, ...]) -> Plan:
    """The plan in which that cadence has these entries."""
    cadences = list(plan.cadences)
    cadences[turn] = replace(cadences[turn], entries=entries)
    return replace(plan, cadences=tuple(cadences))
