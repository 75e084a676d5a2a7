"""Generated stories: a random plan, and people who do at random what people do to sprints between two runs.

Everything is drawn from one seeded `Random` and from the model alone, so that a seed is a story. What people do they
do twice: to the model, and with their `Hands` to whatever stands for GitHub.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone
from random import Random
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sprint_model import (
    Answer,
    Cadence,
    Entry,
    Item,
    Milestone,
    Plan,
    Refusal,
    Repository,
    Rule,
    Sprint,
    judge_entries,
    run,
    walk_cadence,
    with_entry,
)

ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Asia/Shanghai", "Australia/Lord_Howe")
LABELS = ("backlog", "Bug", "size/3", "hold")
LOGINS = ("octocat", "hubot")
WORKFLOW = "report.yml"
MOST_PULLS = 40
# Titles whose slug, without the placeholders, is `sprint`: the plan need not give a key.
NAMES_OF_SPRINT = ("Sprint {number}", "Sprint {start}")
# What people do between two runs, and how often.
DEEDS = {
    "create_issue": 10,
    "create_pull": 5,
    "close_item": 6,
    "reopen_item": 4,
    "merge_pull": 2,
    "move_item": 6,
    "label_item": 3,
    "assign_item": 3,
    "rename": 3,
    "close_or_reopen_milestone": 4,
    "close_every_milestone": 1,
    "delete_milestone": 1,
    "change_due": 2,
    "write_around": 2,
    "remove_block": 2,
    "copy_block": 1,
    "take_title": 2,
    "create_other_milestone": 1,
    "change_plan": 1,
}
# A year of daylight saving changes and the leap day are within reach of these.
FIRST_DAYS = (date(2026, 2, 20), date(2026, 10, 10), date(2027, 3, 1), date(2028, 2, 10), date(2027, 12, 15))


class Hands(Protocol):
    """What people do on GitHub; milestones are named by their titles."""

    def wait_until(self, moment: datetime) -> None: ...
    def create_issue(self, **fields: Any) -> None: ...
    def create_pull(self, *, head: str, is_draft: bool, body: str, milestone: str | None) -> None: ...
    def edit_item(self, number: int, **fields: Any) -> None: ...
    def merge_pull(self, number: int) -> None: ...
    def create_milestone(self, **fields: Any) -> None: ...
    def edit_milestone(self, old_title: str, **fields: Any) -> None: ...
    def delete_milestone(self, title: str) -> None: ...
    def remove_block(self, title: str) -> None: ...
    def write_around_block(self, title: str, above: str, below: str) -> None: ...
    def copy_description(self, source: str, target: str) -> None: ...


class NoHands:
    """Nothing outside the model is touched."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


class Story:
    """One seed: the plan of the day, the model, and a clock. `play` yields before each run."""

    def __init__(self, seed: int, hands: Hands) -> None:
        self.random = Random(seed)
        self.hands = hands
        self.model = Repository()
        self.plan = draw_plan(self.random)
        self.last_good = self.plan
        first = min(each.start for cadence in self.plan.cadences for each in cadence.entries)
        self.zone = ZoneInfo(self.plan.timezone)
        self.now = self._moment(first + timedelta(days=self.random.choice((-3, 0, 0, 1, 20))))
        self.answer = Answer()
        self.seen: Counter[str] = Counter()
        self.log: list[str] = []
        self.names = 0

    def play(self) -> Iterator[date]:
        """Yields each day on which `sprint` is to run; the caller runs it, then calls `judge`."""
        for _ in range(self.random.randint(4, 7)):
            for _ in range(self.random.choice((0, 1, 2, 4, 6))):
                self._act()
            yield self._choose_today()
            self._pass_days()
        for _ in range(6):
            if not self.answer.refusals:
                return
            self._mend(self.answer.refusals[0])
            yield self.now.astimezone(self.zone).date()

    def judge(self, today: date) -> Answer:
        """What the run of that day must do; the model has done it."""
        self.answer = answer = run(self.model, self.plan, today, self.now)
        self.log.append(f"run {today}: {[each.rule for each in answer.refusals] or ''} moved {answer.moved}")
        self.seen.update(each.rule for each in answer.refusals)
        self.seen.update(answer.warnings)
        for name in ("created", "adopted", "mended", "moved", "closed", "dispatched", "records"):
            self.seen[name] += len(getattr(answer, name))
        if not answer.refusals:
            self.last_good = self.plan
        return answer

    def _moment(self, day: date) -> datetime:
        clock = self.random.choice((time(0, 4), time(9), time(22, 10)))
        return datetime.combine(day, clock, self.zone).astimezone(timezone.utc)

    def _wait(self, minutes: int = 4) -> None:
        self.now += timedelta(minutes=minutes)
        self.hands.wait_until(self.now)

    def _choose_today(self) -> date:
        """Mostly the day it is; sometimes somebody runs it with another one."""
        self._wait()
        day = self.now.astimezone(self.zone).date()
        off = self.random.choice((0,) * 12 + (-1, -9, -30, 8))
        if off:
            self.seen["run of another day"] += 1
        return day + timedelta(days=off)

    def _pass_days(self) -> None:
        """The next run is on the same day, on the next, at a sprint's edge, weeks or two months later."""
        length = self.plan.cadences[0].entries[-1].length
        days = self.random.choice((0, 1, 1, 2, length, length, length + 1, 2 * length, 9, 60))
        if days == 60:
            self.seen["60 idle days"] += 1
        day = self.now.astimezone(self.zone).date()
        later = self._moment(day + timedelta(days=days))
        self.now = (
            later if later > self.now + timedelta(minutes=30) else self._moment(day + timedelta(days=max(days, 1)))
        )

    def _act(self) -> None:
        """Somebody does something, if there is anything to do it with."""
        if self.answer.refusals and self.random.random() < 0.6:
            self._mend(self.answer.refusals[0])
            return
        deed = self.random.choices(list(DEEDS), list(DEEDS.values()))[0]
        self._wait()
        if getattr(self, f"_{deed}")():
            self.seen[deed] += 1

    def _note(self, text: str) -> bool:
        self.log.append(text)
        return True

    # Items

    def _create_issue(self) -> bool:
        milestone = self._some_milestone(or_none=True)
        item = Item(number=len(self.model.items) + 1)
        item.labels = set(self.random.sample(LABELS, self.random.choice((0, 0, 1, 2))))
        item.assignees = set(self.random.sample(LOGINS, self.random.choice((0, 0, 1))))
        item.place(milestone, self.now)
        self.model.items[item.number] = item
        fields = {"labels": sorted(item.labels), "assignees": sorted(item.assignees)}
        self.hands.create_issue(milestone=milestone.title if milestone else None, **fields)
        return self._note(f"issue #{item.number} in {milestone and milestone.title} {fields}")

    def _create_pull(self) -> bool:
        count = sum(each.is_pull for each in self.model.items.values())
        if count >= MOST_PULLS:
            return False
        milestone = self._some_milestone(or_none=True)
        issues = [each.number for each in self.model.items.values() if not each.is_pull]
        closes = tuple(self.random.sample(issues, min(len(issues), self.random.choice((0, 1, 1)))))
        item = Item(number=len(self.model.items) + 1, is_pull=True, closes=closes)
        item.is_draft = self.random.random() < 0.3
        item.place(milestone, self.now)
        self.model.items[item.number] = item
        body = " ".join(f"Closes #{each}." for each in closes)
        title = milestone.title if milestone else None
        self.hands.create_pull(head=f"topic-{count}", is_draft=item.is_draft, body=body, milestone=title)
        return self._note(f"pull request #{item.number} in {title} closes {closes} draft {item.is_draft}")

    def _close_item(self) -> bool:
        item = self._some_item(lambda each: each.is_open)
        if item is None:
            return False
        reason = None if item.is_pull else self.random.choice(("completed", "completed", "not_planned", "duplicate"))
        self._set_closed(item, reason)
        self.hands.edit_item(item.number, state="closed", **({} if reason is None else {"state_reason": reason}))
        return self._note(f"close #{item.number} {reason}")

    def _reopen_item(self) -> bool:
        item = self._some_item(lambda each: not each.is_open and not each.is_merged)
        if item is None:
            return False
        item.is_open, item.reason = True, None
        self.hands.edit_item(item.number, state="open")
        return self._note(f"reopen #{item.number}")

    def _merge_pull(self) -> bool:
        item = self._some_item(lambda each: each.is_pull and each.is_open and not each.is_draft)
        if item is None:
            return False
        item.is_merged = True
        self._set_closed(item, None)
        for number in item.closes:
            if self.model.items[number].is_open:
                self._set_closed(self.model.items[number], "completed")
        self.hands.merge_pull(item.number)
        return self._note(f"merge #{item.number}")

    def _set_closed(self, item: Item, reason: str | None) -> None:
        item.is_open, item.was_closed, item.reason = False, True, reason

    def _move_item(self) -> bool:
        item = self._some_item()
        milestone = self._some_milestone(or_none=True)
        if item is None:
            return False
        item.place(milestone, self.now)
        self.hands.edit_item(item.number, milestone=milestone.title if milestone else None)
        return self._note(f"move #{item.number} to {milestone and milestone.title}")

    def _label_item(self) -> bool:
        item = self._some_item()
        if item is None:
            return False
        item.labels ^= {self.random.choice(LABELS)}
        self.hands.edit_item(item.number, labels=sorted(item.labels))
        return self._note(f"label #{item.number} {sorted(item.labels)}")

    def _assign_item(self) -> bool:
        item = self._some_item()
        if item is None:
            return False
        item.assignees ^= {self.random.choice(LOGINS)}
        self.hands.edit_item(item.number, assignees=sorted(item.assignees))
        return self._note(f"assign #{item.number} {sorted(item.assignees)}")

    # Milestones

    def _rename(self) -> bool:
        milestone = self._some_milestone()
        if milestone is None:
            return False
        taken = {each.title for each in self.model.milestones}
        own = [each.title for each in self._computed() if milestone.line and each.number == milestone.line.number]
        back = [each for each in own if each not in taken]
        title = back[0] if back and self.random.random() < 0.5 else self._new_name()
        self._set_title(milestone, title)
        return True

    def _set_title(self, milestone: Milestone, title: str) -> None:
        self._note(f"rename {milestone.title} to {title}")
        self.hands.edit_milestone(milestone.title, title=title)
        milestone.title = title

    def _close_or_reopen_milestone(self) -> bool:
        milestone = self._some_milestone()
        if milestone is None:
            return False
        milestone.is_open = not milestone.is_open
        self.hands.edit_milestone(milestone.title, state="open" if milestone.is_open else "closed")
        return self._note(f"{'reopen' if milestone.is_open else 'close'} {milestone.title}")

    def _close_every_milestone(self) -> bool:
        """Nothing is left that work could go to, and some of it is in an old sprint."""
        for milestone in [each for each in self.model.milestones if each.is_open]:
            milestone.is_open = False
            self.hands.edit_milestone(milestone.title, state="closed")
        item = self._some_item(lambda each: each.is_open)
        old = [each for each in self.model.milestones if each.line and each.line.due < self.now.date()]
        if item is not None and old:
            item.place(old[-1], self.now)
            self.hands.edit_item(item.number, milestone=old[-1].title)
        return self._note(f"close every milestone, move #{item and item.number} to {old and old[-1].title}")

    def _delete_milestone(self) -> bool:
        milestone = self._some_milestone()
        if milestone is None:
            return False
        self._delete(milestone)
        return True

    def _delete(self, milestone: Milestone) -> None:
        self._note(f"delete {milestone.title}")
        for item in self.model.members(milestone):
            item.place(None, self.now)
        self.model.milestones.remove(milestone)
        self.hands.delete_milestone(milestone.title)

    def _change_due(self) -> bool:
        milestone = self._some_milestone()
        if milestone is None:
            return False
        day = self.now.date() + timedelta(days=self.random.randint(-10, 30))
        self._set_due(milestone, self.random.choice((day, day, None)))
        return True

    def _set_due(self, milestone: Milestone, due: date | None) -> None:
        milestone.due = due
        self.hands.edit_milestone(milestone.title, due_on=None if due is None else f"{due}T12:00:00Z")
        self._note(f"due of {milestone.title}: {due}")

    def _write_around(self) -> bool:
        milestone = self._some_milestone()
        if milestone is None:
            return False
        above = self.random.choice(("Goal: ship it", "Goal\r\n\r\n- one\r\n", ""))
        self.hands.write_around_block(milestone.title, above, self.random.choice(("", "Demo on Friday")))
        return self._note(f"write around the block of {milestone.title}")

    def _remove_block(self) -> bool:
        milestone = self._some_milestone(lambda each: each.line is not None)
        if milestone is None:
            return False
        self._set_no_line(milestone)
        return True

    def _set_no_line(self, milestone: Milestone) -> None:
        milestone.line = None
        self.hands.remove_block(milestone.title)
        self._note(f"remove the block of {milestone.title}")

    def _copy_block(self) -> bool:
        source = self._some_milestone(lambda each: each.line is not None)
        target = self._some_milestone(lambda each: each is not source)
        if source is None or target is None or source.line is None:
            return False
        target.line = replace(source.line)
        self.hands.copy_description(source.title, target.title)
        return self._note(f"copy the description of {source.title} to {target.title}")

    def _take_title(self) -> bool:
        """Somebody makes a milestone by hand that a sprint of this or of next month would be called like."""
        taken = {each.title for each in self.model.milestones}
        edge = self.now.date()
        near = [each for each in self._computed() if abs((each.start - edge).days) < 45 and each.title not in taken]
        if not near:
            return False
        sprint = self.random.choice(near)
        title = self.random.choice((sprint.title, sprint.title, sprint.title.upper()))
        due = self.random.choice((sprint.due, sprint.due, None, sprint.due + timedelta(days=1)))
        if title in taken:
            return False
        self._add_milestone(title, due)
        return True

    def _create_other_milestone(self) -> bool:
        self._add_milestone(self._new_name(), None)
        return True

    def _add_milestone(self, title: str, due: date | None) -> None:
        self.model.milestones.append(Milestone(title, due))
        fields = {} if due is None else {"due_on": f"{due}T12:00:00Z"}
        self.hands.create_milestone(title=title, **fields)
        self._note(f"create {title} due {due}")

    # The plan file

    def _change_plan(self) -> bool:
        """A new entry after the last sprint that exists, as the manual says; or a change that moves what exists."""
        turn = self.random.randrange(len(self.plan.cadences))
        cadence = self.plan.cadences[turn]
        last = cadence.entries[-1]
        if self.random.random() < 0.5:
            entry = replace(last, length=max(_least(cadence), last.length + self.random.choice((-1, 1, 7))))
            self.plan = with_entry(self.plan, turn, (*cadence.entries[:-1], entry))
            return self._note(f"plan: {entry}")
        follower = self._follow(cadence)
        if follower is None:
            return False
        self.plan = with_entry(self.plan, turn, (*cadence.entries, follower))
        assert not judge_entries(self.plan.cadences[turn])
        return self._note(f"plan: and then {follower}")

    def _follow(self, cadence: Cadence) -> Entry | None:
        lines = [each.line for each in self.model.milestones if each.line and each.line.cadence == cadence.key]
        last = max(lines, key=lambda each: each.number, default=None)
        if last is None or last.start <= cadence.entries[-1].start:
            return None
        after = [
            each for each in walk_cadence(cadence.entries, last.due + timedelta(days=200)) if each.start > last.due
        ]
        length = self.random.choice((1, 5, 7, 14))
        return replace(
            cadence.entries[-1], number=last.number + 1, start=after[0].start, length=max(length, _least(cadence))
        )

    # Ways out of a refusal

    def _mend(self, refusal: Refusal) -> None:
        """Somebody reads what the run said, and does something about it."""
        self._wait()
        self.seen["mend"] += 1
        titles = {each.title for each in self.model.milestones}
        found = [self.model.titled(each) for each in refusal.titles if each in titles]
        if refusal.rule == "sprint-title-taken" and found:
            self._mend_title(found[0])
        elif refusal.rule == "sprint-twins" and found:
            twin = self.random.choice(found)
            self.random.choice((self._set_no_line, self._set_no_line, self._delete))(twin)
        elif self.plan is not self.last_good:
            self.plan = self.last_good
            self._note("plan: as it was")
        elif found:
            self._set_no_line(found[0])

    def _mend_title(self, milestone: Milestone) -> None:
        dues = [each.due for each in self._computed() if each.title == milestone.title]
        way = self.random.choice(("rename", "delete", "adopt"))
        if way == "adopt" and dues and milestone.line is None:
            self._set_due(milestone, dues[0])
        elif way == "delete":
            self._delete(milestone)
        else:
            self._set_title(milestone, self._new_name())

    # Draws

    def _new_name(self) -> str:
        self.names += 1
        return f"Release {self.names}"

    def _computed(self) -> list[Sprint]:
        until = self.now.date() + timedelta(days=60)
        return [each for cadence in self.plan.cadences for each in walk_cadence(cadence.entries, until)]

    def _some_milestone(
        self, is_wanted: Callable[[Milestone], bool] = lambda _: True, *, or_none: bool = False
    ) -> Milestone | None:
        """Mostly one of the newest: that is where people are."""
        found = [each for each in self.model.milestones if is_wanted(each)]
        if or_none and self.random.random() < 0.1:
            return None
        return self.random.choice(found[-6:]) if found else None

    def _some_item(self, is_wanted: Callable[[Item], bool] = lambda _: True) -> Item | None:
        found = [each for each in self.model.items.values() if is_wanted(each)]
        return self.random.choice(found[-12:]) if found else None


def draw_plan(random: Random) -> Plan:
    """A plan file of one team or two."""
    first = random.choice(FIRST_DAYS) + timedelta(days=random.randrange(14))
    teams = ("sprint", "team-b")[: random.choice((1, 1, 2))]
    cadences = tuple(_draw_cadence(random, key, first) for key in teams)
    return Plan(random.choice(ZONES), random.random() < 0.6, cadences)


def _draw_cadence(random: Random, key: str, first: date) -> Cadence:
    names = ("Sprint {number}", "Sprint {number} ({start} to {end})", "Sprint {start}", "Sprint {year}-W{week}")
    is_shortened = random.random() < 0.3
    length = random.choice((1, 2, 3, 5, 7, 7, 10, 14, 14, 14, 21, 28, 42, random.randint(1, 42)))
    has_weeks = length >= 7 and not is_shortened
    title = random.choice(names if has_weeks else names[:3])
    entry = Entry(
        title=title if key == "sprint" else title.replace("Sprint", "Team B"),
        number=random.choice((1, 1, 12)),
        start=first,
        length=length,
        gap=random.choice((0, 0, 0, 1, 2, 5)),
        skip=_draw_skip(random, first),
        is_shortened=is_shortened,
    )
    return Cadence(
        key=key,
        entries=(entry,),
        keep=random.choice((0, 1, 2, 2, 3)),
        default=random.choice(("next", "next", "next", "backlog", "keep", "block")),
        rules=tuple(_draw_rule(random) for _ in range(random.choice((0, 0, 1, 2, 3)))),
        close=random.choice(("due", "due", "due", "finished", "never")),
        labels=random.choice(((), (), ("carried-over",))),
        then=random.choice(((), (), (WORKFLOW,))),
    )


def _draw_skip(random: Random, first: date) -> frozenset[date]:
    days: set[date] = set()
    for _ in range(random.choice((0, 0, 1, 2))):
        start = first + timedelta(days=random.randrange(-2, 90))
        days |= {start + timedelta(days=each) for each in range(random.choice((1, 1, 3, 7, 14)))}
    return frozenset(days)


def _draw_rule(random: Random) -> Rule:
    conditions = {
        "label": random.choice(("backlog", "bug", "HOLD")),
        "assignee": random.choice(("none", "any", "Octocat", "hubot")),
        "state": random.choice(("draft", "in-progress", "todo", "reopened")),
    }
    names = random.sample(sorted(conditions), random.choice((1, 1, 2)))
    to = random.choice(("next", "backlog", "keep", "block"))
    return Rule(to, **{name: conditions[name] for name in names})


def _least(cadence: Cadence) -> int:
    """The shortest length that the title allows: an ISO week names one sprint only when it has a week."""
    return 7 if "{week}" in cadence.entries[-1].title else 1


def write_plan(plan: Plan) -> str:
    """The plan as YAML."""
    lines = [
        "version: 1",
        f"timezone: {plan.timezone}",
        f"history: {'branch' if plan.has_branch else 'none'}",
        "sprints:",
    ]
    for cadence in plan.cadences:
        for entry in cadence.entries:
            lines += _write_entry(cadence, entry)
    return "\n".join(lines) + "\n"


def _write_entry(cadence: Cadence, entry: Entry) -> Iterator[str]:
    yield f'  - title: "{entry.title}"'
    if cadence.key != "sprint" or entry.title not in NAMES_OF_SPRINT:
        yield f"    key: {cadence.key}"
    yield f"    anchor: {{number: {entry.number}, start: {entry.start}}}"
    yield f"    length: {_write_days(entry.length)}"
    yield f"    gap: {_write_days(entry.gap)}"
    yield f"    keep: {cadence.keep}"
    if entry.skip:
        yield f"    skip: [{', '.join(str(each) for each in sorted(entry.skip))}]"
        yield f"    skip-mode: {'shorten' if entry.is_shortened else 'shift'}"
    yield "    carry-over:"
    yield f"      default: {cadence.default}"
    if cadence.rules:
        yield "      rules:"
        yield from (f"        - {_write_rule(each)}" for each in cadence.rules)
    yield f"    close: {cadence.close}"
    if cadence.labels:
        yield f"    labels: [{', '.join(cadence.labels)}]"
    if cadence.then:
        yield f"    then: [{', '.join(cadence.then)}]"


def _write_days(days: int) -> str:
    """Whole weeks as weeks, so that both units are read."""
    count, unit = (days // 7, "week") if days and days % 7 == 0 else (days, "day")
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _write_rule(rule: Rule) -> str:
    conditions = {"label": rule.label, "assignee": rule.assignee, "state": rule.state, "to": rule.to}
    return "{" + ", ".join(f"{name}: {value}" for name, value in conditions.items() if value is not None) + "}"
