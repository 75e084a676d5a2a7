"""The `sprints:` section of a plan file as cadences, each with its entries in the order of their anchors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from milepost.core.cadence import PLACEHOLDERS, Cadence, Entry, Settings, Sprint, walk_entry
from milepost.core.carry import CarryOver, CarryRule, Closing, Progress, Target
from milepost.core.identity import milestone_key
from milepost.diagnostics import Rule, Severity
from milepost.planfile.dates import read_length
from milepost.planfile.milestones import read_written_day
from milepost.planfile.reading import Reading
from milepost.planfile.validate import Steps
from milepost.planfile.wording import nearest, quote

BAD_LENGTH = Rule("bad-length", Severity.ERROR, "The length of a sprint, or of what lies between two, is none.")
BAD_SPRINT_TITLE = Rule("bad-sprint-title", Severity.ERROR, "The title of a cadence does not make titles that differ.")
ENTRIES_OVERLAP = Rule(
    "entries-overlap", Severity.ERROR, "An entry of a cadence begins inside a sprint, or a number, of the one before."
)
TWIN_CADENCES = Rule("twin-cadences", Severity.ERROR, "Two cadences make sprints of the same titles.")
UNKNOWN_NAME = Rule(
    "unknown-cadence-name", Severity.ERROR, "A cadence names a label or environment that the plan does not define."
)
RULES = (BAD_LENGTH, BAD_SPRINT_TITLE, ENTRIES_OVERLAP, TWIN_CADENCES, UNKNOWN_NAME)

SECTION = "sprints"
LONGEST = 366
# More days are no holiday, and each is looked at for every sprint.
MOST_SKIPPED = 3660


def load_cadences(reading: Reading) -> tuple[Cadence, ...]:
    """The cadences in the order in which the file first names them; none when an entry cannot be read."""
    entries: dict[str, list[tuple[Steps, Entry]]] = {}
    for path, each in reading.members(SECTION):
        before = len(reading.problems)
        entry = _read_entry(reading, each, path)
        if entry is not None and len(reading.problems) == before:
            entries.setdefault(_key(each, entry.title), []).append((path, entry))
    cadences = [_join(reading, key, members) for key, members in entries.items()]
    _judge_titles(reading, entries)
    return tuple(cadences)


def _read_entry(reading: Reading, each: dict[str, Any], path: Steps) -> Entry | None:
    anchor = each.get("anchor") or {}
    if reading.is_broken(*path) or not {"title", "length"} <= set(each) or not {"number", "start"} <= set(anchor):
        return None
    title = reading.name(each, "title", path)
    reading.judge_line(title, *path, "title")
    start = read_written_day(reading, anchor["start"], *path, "anchor", "start")
    length = _read_days(reading, each["length"], (*path, "length"), fewest=1)
    is_shortened = each.get("skip-mode") == "shorten"
    _judge_title(reading, title, has_weeks=length >= 7 and not is_shortened, path=path)
    _judge_names(reading, each, path)
    return Entry(
        title=title,
        number=int(anchor["number"]),
        start=start if isinstance(start, date) else date.min,
        length=length,
        gap=_read_days(reading, each.get("gap") or "0 days", (*path, "gap"), fewest=0),
        skip=frozenset(_read_skip(reading, each, path)),
        is_shortened=is_shortened,
        settings=_read_settings(reading, each, path),
        at=reading.at(*path, "title"),
    )


def _read_settings(reading: Reading, each: dict[str, Any], path: Steps) -> Settings:
    default = Settings()
    buffer = each.get("buffer")
    return Settings(
        keep=each["keep"] if each.get("keep") is not None else default.keep,
        buffer=None if buffer is None else _read_days(reading, buffer, (*path, "buffer"), fewest=0),
        carry_over=_read_carry_over(reading, each.get("carry-over") or {}, (*path, "carry-over")),
        close=Closing(each.get("close") or default.close),
        environment=each.get("environment"),
        labels=reading.texts(each, "labels", path),
        then=reading.texts(each, "then", path),
    )


def _read_carry_over(reading: Reading, each: dict[str, Any], path: Steps) -> CarryOver:
    default = CarryOver()
    rules = [
        CarryRule(
            to=Target(rule.get("to") or Target.KEEP),
            label=rule.get("label"),
            assignee=rule.get("assignee"),
            state=Progress(rule["state"]) if rule.get("state") else None,
        )
        for rule in each.get("rules") or ()
        if rule is not None
    ]
    return CarryOver(
        default=Target(each.get("default") or default.default),
        rules=tuple(rules),
        alert_after=each.get("alert-after") or default.alert_after,
    )


def _read_days(reading: Reading, text: str, path: Steps, *, fewest: int) -> int:
    days = read_length(text)
    if days is not None and fewest <= days <= LONGEST:
        return days
    way_out = f"write it like `2 weeks` or `10 days`, from {fewest} to {LONGEST} days"
    reading.report(BAD_LENGTH, f"{quote(text)} is no number of days that can stand here", *path, help=way_out)
    return 1


def _read_skip(reading: Reading, each: dict[str, Any], path: Steps) -> Iterator[date]:
    count = 0
    for index, text in enumerate(each.get("skip") or ()):
        first, _, last = str(text or "").partition("/")
        days = [read_written_day(reading, part.strip(), *path, "skip", index) for part in (first, last or first)]
        if not all(isinstance(day, date) for day in days):
            continue
        begin, end = (day for day in days if isinstance(day, date))
        count += max(0, (end - begin).days + 1)
        if end < begin or count > MOST_SKIPPED:
            what = "ends before it begins" if end < begin else f"skips more than {MOST_SKIPPED} days in all"
            way_out = "write the first day, a slash, and the last day"
            reading.report(BAD_LENGTH, f"{quote(text)} {what}", *path, "skip", index, help=way_out)
            continue
        yield from (begin + timedelta(days=number) for number in range((end - begin).days + 1))


def _judge_title(reading: Reading, title: str, *, has_weeks: bool, path: Steps) -> None:
    """With `has_weeks` no two sprints start in one week."""
    named = re.findall(r"\{([^{}]*)\}", title)
    unknown = [each for each in named if each not in PLACEHOLDERS]
    rest = re.sub(r"\{[^{}]*\}", "", title)
    known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
    if unknown or "{" in rest or "}" in rest:
        word = unknown[0] if unknown else rest
        way_out = nearest(word, PLACEHOLDERS, otherwise=f"the placeholders are: {known}")
        reading.report(BAD_SPRINT_TITLE, f"{quote(title)} has no such placeholder", *path, "title", help=way_out)
    elif not {"number", "start", "end"} & set(named) and not ({"year", "week"} <= set(named) and has_weeks):
        summary = f"{quote(title)} gives two sprints the same title"
        way_out = "put {number}, {start} or {end} into it; {year} and {week} together do for sprints of whole weeks"
        reading.report(BAD_SPRINT_TITLE, summary, *path, "title", help=way_out)


def _judge_names(reading: Reading, each: dict[str, Any], path: Steps) -> None:
    environments = reading.value.get("environments") or {}
    name = each.get("environment")
    if name is not None and name not in environments and not reading.hides("environments"):
        way_out = nearest(name, environments, otherwise="define it below `environments:`")
        summary = f"the environment {quote(name)} is not one that the plan defines"
        reading.report(UNKNOWN_NAME, summary, *path, "environment", help=way_out)
    if "labels" not in reading.value or reading.hides("labels", "name"):
        return
    known = {one["name"].casefold() for one in reading.value["labels"] if one and "name" in one}
    for index, label in enumerate(each.get("labels") or ()):
        if label is not None and label.casefold() not in known:
            way_out = nearest(label, known, otherwise="add it under `labels:`")
            summary = f"the label {quote(label)} is not one that the plan defines"
            reading.report(UNKNOWN_NAME, summary, *path, "labels", index, help=way_out)


def _key(each: dict[str, Any], title: str) -> str:
    written = each.get("key")
    return str(written) if written is not None else milestone_key(re.sub(r"\{[^{}]*\}", " ", title)) or "sprint"


def _join(reading: Reading, key: str, members: list[tuple[Steps, Entry]]) -> Cadence:
    """The cadence of the entries; each begins after the last sprint of the one before, with a number of its own."""
    ordered = sorted(members, key=lambda member: member[1].start)
    for (_, entry), (path, follower) in pairwise(ordered):
        last = _last_before(key, entry, follower)
        if last is not None and (last.due >= follower.start or last.number >= follower.number):
            _report_overlap(reading, last, follower, path)
    return Cadence(key=key, entries=tuple(entry for _, entry in ordered))


def _last_before(key: str, entry: Entry, follower: Entry) -> Sprint | None:
    """The last sprint of the entry before the follower begins; its first one, when there is none."""
    last = None
    for each in walk_entry(key, entry):
        if last is not None and each.start >= follower.start:
            break
        last = each
    return last


def _report_overlap(reading: Reading, last: Sprint, follower: Entry, path: Steps) -> None:
    summary = f"the entry begins on {follower.start} with number {follower.number}"
    start, number = max(follower.start, last.due + timedelta(days=1)), max(follower.number, last.number + 1)
    reading.report(
        ENTRIES_OVERLAP,
        summary,
        *path,
        "anchor",
        why=f"Before it, {quote(last.title)} is number {last.number} and ends on {last.due}.",
        help=f"write `anchor: {{number: {number}, start: {start}}}`",
    )


def _judge_titles(reading: Reading, entries: dict[str, list[tuple[Steps, Entry]]]) -> None:
    seen: dict[str, str] = {}
    for key, members in entries.items():
        for path, entry in members:
            other = seen.setdefault(entry.title.casefold(), key)
            if other != key:
                summary = f"{quote(entry.title)} is the title of the cadence {quote(other)}, too"
                way_out = "give one of them another title, or both one `key:` when they are one cadence"
                reading.report(TWIN_CADENCES, summary, *path, "title", help=way_out)
