"""What a day asks of the sprints: which to open, which to freeze, what to carry over, which to close."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from milepost.core.carry import Closing, Item, Target, by_number, choose_target
from milepost.core.change import Change, Field, Noun, Plan, Verb
from milepost.core.records import (
    Carried,
    Planned,
    Record,
    freeze,
    path_of,
    plan_set,
    read_planned,
    read_record,
    render_planned,
    render_record,
    say_points,
)
from milepost.core.roster import Roster, Standing
from milepost.core.sprint_line import LINE, SprintLine, find_line, line_of
from milepost.core.sprint_needs import Findings, Terms, find_begun
from milepost.diagnostics import Diagnostic, Rule, Severity

NO_OPEN_SPRINT = Rule("no-open-sprint", Severity.WARNING, "There is no open sprint to carry an item into.")
SPRINT_BLOCKED = Rule("sprint-blocked", Severity.WARNING, "A past sprint stays open because of items that block it.")
CARRIED_OFTEN = Rule("carried-often", Severity.WARNING, "An item was carried from sprint to sprint several times.")
SPRINT_ENDS_SOON = Rule("sprint-ends-soon", Severity.WARNING, "A sprint is about to end, and holds open items.")
BAD_RECORD = Rule("bad-record", Severity.WARNING, "A record on the data branch cannot be read.")
RULES = (NO_OPEN_SPRINT, SPRINT_BLOCKED, CARRIED_OFTEN, SPRINT_ENDS_SOON, BAD_RECORD)

MOST_NAMED = 10


@dataclass(frozen=True, kw_only=True)
class Ending:
    """A sprint that was frozen on this day, and how it ended."""

    standing: Standing
    record: Record


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The day's plan, the records that it freezes, and what people should look at."""

    plan: Plan
    endings: tuple[Ending, ...]
    problems: tuple[Diagnostic, ...]


def decide(rosters: Iterable[Roster], findings: Findings, terms: Terms) -> Decision:
    """The plan of the day over all cadences, in the order in which it is applied."""
    parts = [_Day(each, findings, terms).decide() for each in rosters]
    texts = {path: text for part in parts for path, text in part.files.items()}
    changes = [change for part in parts for change in (*part.opened, *part.mended)]
    changes += [_record(texts)] if texts else []
    for name in ("frozen", "moved", "closed", "told"):
        changes += [change for part in parts for change in getattr(part, name)]
    return Decision(
        plan=Plan(changes=tuple(changes), unchanged=sum(part.unchanged for part in parts)),
        endings=tuple(each for part in parts for each in part.endings),
        problems=tuple(each for part in parts for each in part.problems),
    )


@dataclass(kw_only=True)
class _Parts:
    """What one cadence adds to the plan, by kind."""

    opened: list[Change] = field(default_factory=list)
    mended: list[Change] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    frozen: list[Change] = field(default_factory=list)
    moved: list[Change] = field(default_factory=list)
    closed: list[Change] = field(default_factory=list)
    told: list[Change] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)
    unchanged: int = 0


@dataclass(frozen=True, kw_only=True)
class _Fate:
    """An open item of a past sprint, and what becomes of it; it moves when it goes to the next sprint or the backlog."""

    item: Item
    target: Target
    milestone: str | None
    carries: int

    @property
    def is_moved(self) -> bool:
        return self.target in (Target.NEXT, Target.BACKLOG)


class _Day:
    """The decisions for one cadence."""

    def __init__(self, roster: Roster, findings: Findings, terms: Terms) -> None:
        self.roster, self.findings, self.terms = roster, findings, terms
        self.settings, self.today = roster.settings, terms.today
        self.parts = _Parts()
        self.stranded: list[Item] = []
        ahead = (*roster.wanted, *roster.later)
        is_open = (each for each in ahead if each.milestone is None or each.milestone.state.value == "open")
        self.target = next(is_open, None)

    def decide(self) -> _Parts:
        for each in (*self.roster.wanted, *self.roster.later):
            self._open(each)
        fates = {each.sprint.key: self._fates(each) for each in self.roster.past}
        self._begin([fate for found in fates.values() for fate in found])
        for each in self.roster.past:
            self._end(each, fates[each.sprint.key])
        self._warn([fate for found in fates.values() for fate in found])
        return self.parts

    def _open(self, standing: Standing) -> None:
        """A sprint that is not over exists, on its due date, with its line."""
        live, wanted = standing.milestone, _kept_line(standing)
        if live is None:
            fields = (Field("due", None, standing.sprint.due), Field("block", None, wanted.render()))
            self.parts.opened.append(_change(standing, Verb.CREATE, fields))
            return
        due = [] if live.due == standing.sprint.due else [Field("due", live.due, standing.sprint.due)]
        self._update(self.parts.mended, standing, wanted, *due)

    def _fates(self, standing: Standing) -> list[_Fate]:
        assert standing.milestone is not None
        items = by_number(self.findings.items.get(standing.milestone.number, ()))
        return [self._fate(each) for each in items if each.is_open]

    def _fate(self, item: Item) -> _Fate:
        target = choose_target(item, self.settings.carry_over)
        if target is Target.NEXT and self.target is None:
            self.stranded.append(item)
            target = Target.KEEP
        milestone = self.target.title if target is Target.NEXT and self.target else None
        carries = self.findings.carries.get(item.number, 0) + (target in (Target.NEXT, Target.BACKLOG))
        return _Fate(item=item, target=target, milestone=milestone, carries=carries)

    def _begin(self, fates: list[_Fate]) -> None:
        """The planned set of the running sprint is written once: what it holds, and what comes into it now."""
        standing = find_begun(self.roster, self.findings.recorded, self.terms)
        if standing is None:
            return
        arriving = [each.item for each in fates if each.target is Target.NEXT and standing is self.target]
        is_late = standing.sprint.start != self.today
        present = self._items(standing)
        kept = [each for each in present if not is_late or each.number in self._members(standing)]
        planned = plan_set([*kept, *arriving], self.terms.size_labels, is_reconstructed=is_late)
        if is_late:  # some of them are in it no more
            numbers = {*planned.numbers, *self._members(standing)}
            planned = replace(planned, numbers=tuple(sorted(numbers)))
        self.parts.files[path_of(standing.sprint, "planned")] = render_planned(standing.sprint, planned, self.today)

    def _end(self, standing: Standing, fates: list[_Fate]) -> None:
        """A past sprint is frozen, then emptied, then closed; its line tells the counts from then on."""
        line = self._frozen_line(standing, fates)
        moved = [self._move(standing, each) for each in fates if each.is_moved]
        self.parts.moved += moved
        is_closing = self._is_closing(standing, fates)
        assert standing.milestone is not None
        if moved and not self.terms.has_history and not (standing.line and standing.line.frozen):
            self._update(self.parts.frozen, standing, line)
            standing = replace(standing, line=line)
        if is_closing:
            self._close(standing, replace(line, has_then=bool(self.settings.then)))
        elif not self._is_waiting(standing):
            self._update(self.parts.told, standing, line)
        if self._is_waiting(standing):
            self._dispatch(standing, replace(line, has_then=False))

    def _frozen_line(self, standing: Standing, fates: list[_Fate]) -> SprintLine:
        """The line as it is to be from now on."""
        line = _kept_line(standing)
        path = path_of(standing.sprint, "closed")
        if line.frozen:
            return line
        if path in self.findings.recorded:
            record = read_record(self.findings.files.get(path, ""))
            if record is None:
                self._report(BAD_RECORD, f"{path} on the data branch is no record", "look at the branch's history")
                return replace(line, frozen=self.today, record=self._url(path))
        else:
            record = self._freeze(standing, fates)
        return replace(
            line,
            frozen=record.frozen,
            counts=record.counts,
            points=say_points(record),
            record=self._url(path),
        )

    def _freeze(self, standing: Standing, fates: list[_Fate]) -> Record:
        assert standing.milestone is not None
        carried = [
            Carried(
                number=each.item.number,
                is_pull=each.item.is_pull,
                to=each.target,
                milestone=each.milestone,
                carries=each.carries,
            )
            for each in fates
        ]
        planned, items = self._planned(standing), self._items(standing)
        record = freeze(planned, items, carried, today=self.today, size_labels=self.terms.size_labels)
        self.parts.endings.append(Ending(standing=standing, record=record))
        if self.terms.has_history:
            text = render_record(standing.sprint, standing.milestone.number, record)
            self.parts.files[path_of(standing.sprint, "closed")] = text
        return record

    def _planned(self, standing: Standing) -> Planned:
        """As it was written when the sprint began, else rebuilt."""
        path = path_of(standing.sprint, "planned")
        planned = read_planned(self.findings.files[path]) if path in self.findings.files else None
        if planned is not None:
            return planned
        if path in self.findings.recorded:
            self._report(BAD_RECORD, f"{path} on the data branch is no planned set", "look at the branch's history")
        members = self._members(standing)
        kept = [each for each in self._items(standing) if each.number in members]
        rebuilt = plan_set(kept, self.terms.size_labels, is_reconstructed=True)
        return replace(rebuilt, numbers=tuple(sorted(members)))

    def _move(self, standing: Standing, fate: _Fate) -> Change:
        assert standing.milestone is not None
        item, fields = fate.item, [Field("milestone", standing.milestone.title, fate.milestone)]
        present = {each.casefold() for each in item.labels}
        missing = tuple(each for each in self.settings.labels if each.casefold() not in present)
        if missing:
            fields.append(Field("labels", item.labels, (*item.labels, *missing)))
        return Change(
            verb=Verb.MOVE,
            noun=Noun.PULL_REQUEST if item.is_pull else Noun.ISSUE,
            name=item.title,
            number=item.number,
            milestone=standing.milestone.number,
            fields=tuple(fields),
            reason=f"carried {_times(fate.carries)}" if fate.carries > 1 else "",
        )

    def _is_closing(self, standing: Standing, fates: list[_Fate]) -> bool:
        assert standing.milestone is not None
        targets = {each.target for each in fates}
        is_open = standing.milestone.state.value == "open"
        if not is_open or self.settings.close is Closing.NEVER:
            return False
        if Target.BLOCK in targets:
            blocking = [(each.item, "") for each in fates if each.target is Target.BLOCK]
            summary = f"{_quoted(standing)} stays open: {_list(blocking)}"
            self._report(SPRINT_BLOCKED, summary, "close or move them, or change the rules of `carry-over`")
            return False
        return self.settings.close is Closing.DUE or Target.KEEP not in targets

    def _is_waiting(self, standing: Standing) -> bool:
        """Closed by an earlier run that did not come to dispatch what follows."""
        assert standing.milestone is not None
        return standing.milestone.state.value == "closed" and bool(standing.line and standing.line.has_then)

    def _close(self, standing: Standing, line: SprintLine) -> None:
        fields = (Field("state", "open", "closed"), *_block(standing, line))
        self.parts.closed.append(_change(standing, Verb.CLOSE, fields))
        if line.has_then:
            self._dispatch(replace(standing, line=line), replace(line, has_then=False))

    def _dispatch(self, standing: Standing, line: SprintLine) -> None:
        """The workflows run, then the line forgets them."""
        assert standing.line is not None
        fields = (Field("workflows", None, self.settings.then), *_block(standing, line))
        # Before the next sprint is closed: a run of the workflow since a close then never is one for an earlier sprint.
        self.parts.closed.append(replace(_change(standing, Verb.DISPATCH, fields), noun=Noun.WORKFLOW))

    def _update(self, into: list[Change], standing: Standing, line: SprintLine, *more: Field) -> None:
        fields = (*more, *_block(standing, line))
        if not fields:
            self.parts.unchanged += 1
            return
        into.append(
            _change(standing, Verb.UPDATE, fields, "adopted: title and due date" if standing.is_adopted else "")
        )

    def _items(self, standing: Standing) -> tuple[Item, ...]:
        return self.findings.items.get(standing.milestone.number, ()) if standing.milestone else ()

    def _members(self, standing: Standing) -> tuple[int, ...]:
        return self.findings.members.get(standing.milestone.number, ()) if standing.milestone else ()

    def _url(self, path: str) -> str | None:
        return f"{self.terms.record_url}/{path}" if self.terms.has_history and self.terms.record_url else None

    def _warn(self, fates: list[_Fate]) -> None:
        if self.stranded:
            named = _list([(each, "") for each in self.stranded])
            self._report(NO_OPEN_SPRINT, f"no sprint is open to carry into: {named}", "reopen the next sprint")
        most = self.settings.carry_over.alert_after
        often = [each for each in fates if each.is_moved and each.carries >= most]
        if often:
            named = _list([(each.item, f" ({_times(each.carries)})") for each in often])
            self._report(CARRIED_OFTEN, f"carried over again: {named}", "split them, or take them out of the sprint")
        running = self.roster.running(self.today)
        if running is not None and running.milestone is not None and self.settings.buffer is not None:
            days = (running.sprint.due - self.today).days
            if days <= self.settings.buffer and running.milestone.open_items:
                number = running.milestone.open_items
                summary = f"{_quoted(running)} ends {_in_days(days)}; open items: {number}"
                self._report(SPRINT_ENDS_SOON, summary, "finish them, or move out what will not be finished")

    def _report(self, rule: Rule, summary: str, way_out: str) -> None:
        self.parts.problems.append(rule.found(summary, help=way_out))


def _kept_line(standing: Standing) -> SprintLine:
    """The line as it stands; the environment is the plan file's while the sprint is not frozen."""
    if standing.line is None:
        return line_of(standing.sprint)
    if standing.line.frozen:
        return standing.line
    return replace(standing.line, environment=standing.sprint.environment or standing.line.environment)


def _block(standing: Standing, line: SprintLine) -> tuple[Field, ...]:
    present = standing.line.render() if standing.line else None
    if standing.milestone is not None and standing.line is None:
        present = find_line(standing.milestone.description)
    return () if present == line.render() else (Field("block", present, line.render()),)


def _change(standing: Standing, verb: Verb, fields: tuple[Field, ...], reason: str = "") -> Change:
    number = standing.milestone.number if standing.milestone else None
    return Change(
        verb=verb,
        noun=Noun.MILESTONE,
        name=standing.title,
        number=number,
        line=LINE,
        fields=fields,
        reason=reason,
    )


def _record(texts: Mapping[str, str]) -> Change:
    """All files of the day in one commit, before anything moves."""
    fields = tuple(Field(path, None, text) for path, text in sorted(texts.items()))
    return Change(verb=Verb.CREATE, noun=Noun.RECORD, name=", ".join(sorted(texts)), fields=fields)


def _call(item: Item) -> str:
    return f"{'pull request' if item.is_pull else 'issue'} {item.number}"


def _list(items: list[tuple[Item, str]]) -> str:
    named = [f'{_call(each)} "{each.title}"{more}' for each, more in items[:MOST_NAMED]]
    rest = len(items) - len(named)
    return ", ".join([*named, *([f"and {rest} more"] if rest else [])])


def _quoted(standing: Standing) -> str:
    return f'"{standing.title}"'


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _in_days(days: int) -> str:
    return "today" if days == 0 else "tomorrow" if days == 1 else f"in {days} days"
