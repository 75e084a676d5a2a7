"""A report of progress: for a terminal, a job summary, the report issue, reminders, notifications, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from milepost.core.attention import Attention, Concern
from milepost.core.progress import Progress, Verdict
from milepost.core.reminders import Reminder
from milepost.views.charts import MOST_CHARTS, render_burn_up, render_roadmap
from milepost.views.markdown import cell, code, prose, table
from milepost.views.plain import full_width, one_line, shortened
from milepost.views.words import Facts, Look, Words

SCHEMA = "milepost.progress/1"
MARKS = {
    Verdict.ON_TRACK: "🟢",
    Verdict.AT_RISK: "🟡",
    Verdict.LATE: "🔴",
    Verdict.DONE: "✅",
    Verdict.NO_DATA: "⚪",
}
MOST_ROWS = 100
MOST_EACH = 10
# GitHub's issue with the report lies beside the others, and a path tells no issue that it was mentioned.
BESIDE = ".."


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """All that a report tells; `is_counted` says that days were written down since `exact_from`."""

    repository: str
    today: date
    found: tuple[Progress, ...]
    attention: tuple[Attention, ...]
    exact_from: date
    is_counted: bool
    has_all_pulls: bool = True
    has_schedules: bool = True
    has_forecast: bool = True
    has_charts: bool = True
    words: Words


def render_text(sheet: Sheet) -> str:
    """The report for a terminal."""
    words = sheet.words
    lines = [f"{sheet.repository}: {words.title(sheet.today)}", _headline(sheet)]
    for each in sheet.found:
        facts = [shown for shown in _parts(each, words) if shown]
        lines += [f"  {_verdict(each, words)}  {one_line(each.track.title)}", f"      {' · '.join(facts)}"]
        lines += [f"      {_reason(each, words)}"]
    lines += [f"{words.look_at}:" if sheet.attention else words.nothing_to_look_at]
    for concern, group in _groups(sheet.attention):
        lines.append(f"  {words.concerns[concern]}")
        lines += [f"    {' '.join(part for part in _plain_look(each, words) if part)}" for each in group[:MOST_EACH]]
        lines += [f"    {words.more(len(group) - MOST_EACH)}"] if len(group) > MOST_EACH else []
    return "\n".join([*lines, *_notes(sheet)])


def render_summary(sheet: Sheet, base: str) -> str:
    """The report as a job summary: the table first, then charts and what to look at; links begin with the base."""
    words = sheet.words
    parts = [f"## {words.title(sheet.today)}", f"**{_headline(sheet)}**", _table(sheet, base)]
    if sheet.attention:
        parts += [f"### {words.look_at}", *_looks(sheet, base)]
    else:
        parts.append(words.nothing_to_look_at)
    parts += _charts(sheet) if sheet.has_charts else []
    parts.append("".join(f"<sub>{note}</sub><br>\n" for note in _notes(sheet)))
    return "\n\n".join(part for part in parts if part)


def render_report(sheet: Sheet) -> str:
    """The body of the report issue."""
    return f"{render_summary(sheet, BESIDE)}\n<sub>{sheet.words.report_note}</sub>\n"


def render_reminder(reminders: Sequence[Reminder], words: Words, today: date) -> str:
    """One comment that mentions everybody with open issues in the milestones."""
    lines = [f"### {words.reminder}: {today}"]
    for each in reminders:
        lines.append(f"\n**{code(each.title)}** {words.reminder_due(each.days_left)}\n")
        for login, issues in each.issues:
            numbers = words.join([_link(f"#{number}", f"{BESIDE}/issues/{number}") for number in issues[:MOST_EACH]])
            rest = f" ({words.more(len(issues) - MOST_EACH)})" if len(issues) > MOST_EACH else ""
            lines.append(f"- {f'@{login}' if login else words.nobody}: {numbers}{rest}")
    return "\n".join(lines) + "\n"


def render_notification(sheet: Sheet, url: str) -> tuple[str, str]:
    """Title and text of a message in plain words."""
    words = sheet.words
    lines = [_headline(sheet)]
    for each in sheet.found[:MOST_EACH]:
        reason = words.reasons[each.reason](_facts(each, words))
        title = full_width(shortened(each.track.title))
        lines.append(f"{MARKS[each.verdict]} {title}: {words.verdicts[each.verdict]}. {reason}")
    lines += [words.more(len(sheet.found) - MOST_EACH)] if len(sheet.found) > MOST_EACH else []
    lines += [f"{words.look_at}: {len(sheet.attention):,}"] if sheet.attention else []
    return f"{sheet.repository}: {words.title(sheet.today)}", "\n".join([*lines, *([url] if url else [])])


def describe(sheet: Sheet, base: str) -> dict[str, Any]:
    """The report as plain values, as `progress.schema.json` says."""
    return {
        "schema": SCHEMA,
        "repository": sheet.repository,
        "today": sheet.today.isoformat(),
        "exact-from": sheet.exact_from.isoformat(),
        "counted-daily": sheet.is_counted,
        "milestones": [_describe_one(each, sheet.words, base) for each in sheet.found],
        "attention": [_describe_look(each, sheet.words) for each in sheet.attention],
    }


def _headline(sheet: Sheet) -> str:
    """How many milestones have each verdict."""
    words, verdicts = sheet.words, [each.verdict for each in sheet.found]
    shown = [
        f"{MARKS[each]} {words.tally(verdicts.count(each), words.verdicts[each])}" for each in MARKS if each in verdicts
    ]
    return " · ".join(shown) or words.no_milestones


def _table(sheet: Sheet, base: str) -> str:
    words = sheet.words
    has_forecast = sheet.has_forecast
    rows = [_row(each, words, base) for each in sheet.found[:MOST_ROWS]]
    shown = table(words.head if has_forecast else words.head[:-1], rows if has_forecast else [row[:-1] for row in rows])
    rest = len(sheet.found) - MOST_ROWS
    return f"{shown}\n{words.more(rest)}\n" if rest > 0 else shown


def _row(each: Progress, words: Words, base: str) -> tuple[str, ...]:
    track = each.track
    title = f"[{cell(shortened(track.title, 80))}]({base}/milestone/{track.number})"
    verdict = f"{MARKS[each.verdict]} **{words.verdicts[each.verdict]}**<br>{_reason(each, words)}"
    due = (str(track.due or words.no_due), _left(each, words))
    columns = (due, _done(each, words), (_throughput(each, words),), _forecast(each, words))
    return (title, verdict, *(_unbroken(column) for column in columns))


def _unbroken(lines: Iterable[str]) -> str:
    """Lines of a cell that no browser breaks where it is narrow: days and numbers stay whole."""
    shown = "<br>".join(line for line in lines if line)
    return shown.replace(" ", "\u00a0").replace("-", "\u2011")


def _done(each: Progress, words: Words) -> Iterator[str]:
    count, track = each.count, each.track
    percent = f" ({words.percent(count.completed * 100 // count.scope)})" if count.scope else ""
    yield f"{count.completed:,} / {count.scope:,}{percent}"
    yield words.points(_number(count.completed_points), _number(count.points)) if count.points else ""
    if each.pace.growth:
        yield from words.growth(f"{each.pace.growth:+,}", str(each.pace.since))
    yield words.open_pulls(track.pulls) if track.pulls else ""


def _forecast(each: Progress, words: Words) -> Iterator[str]:
    """Nothing where there is no forecast."""
    if each.p50 is None and each.chance is None:
        yield words.none
        return
    yield f"{words.percent(50)}: {each.p50 or words.beyond}"
    yield f"{words.percent(85)}: {each.p85 or words.beyond}"
    yield f"{words.in_time}: {_percent(each.chance, words)}" if each.chance is not None else ""


def _parts(each: Progress, words: Words) -> Iterator[str]:
    """The same for a terminal."""
    left = _left(each, words)
    yield f"{each.track.due or words.no_due}{f' ({left})' if left else ''}"
    yield from _done(each, words)
    if each.pace.throughput:
        yield _throughput(each, words)
    if each.p50 is not None or each.chance is not None:
        yield from _forecast(each, words)


def _left(each: Progress, words: Words) -> str:
    """Days until it is due; nothing when it is done and the day has passed."""
    if each.days_left is None or (each.days_left < 0 and not each.count.remaining):
        return ""
    return words.left(each.days_left)


def _verdict(each: Progress, words: Words) -> str:
    return f"{MARKS[each.verdict]} {words.verdicts[each.verdict]}"


def _reason(each: Progress, words: Words) -> str:
    return words.reasons[each.reason](_facts(each, words))


def _facts(each: Progress, words: Words) -> Facts:
    return Facts(
        scope=each.count.scope,
        completed=each.pace.completed,
        remaining=each.count.remaining,
        weeks=len(each.pace.weeks),
        due=str(each.track.due or ""),
        p50=str(each.p50 or words.beyond),
        p85=str(each.p85 or words.beyond),
        chance=_percent(each.chance, words),
    )


def _percent(chance: float | None, words: Words) -> str:
    """Whole percents; what is neither certain nor impossible is not told as if it were."""
    if chance is None:
        return ""
    percent = round(chance * 100)
    if 0 < chance < 1:
        percent = min(99, max(1, percent))
    return words.percent(percent)


def _throughput(each: Progress, words: Words) -> str:
    found = each.pace.throughput
    return words.none if not found else words.per_week(f"{found:.1f}")


def _looks(sheet: Sheet, base: str) -> Iterator[str]:
    for concern, group in _groups(sheet.attention):
        shown = [f"- {_look(each, sheet.words, base)}" for each in group[:MOST_EACH]]
        rest = len(group) - MOST_EACH
        shown += [f"- {sheet.words.more(rest)}"] if rest > 0 else []
        yield "\n".join([f"**{sheet.words.concerns[concern]}**", "", *shown])


def _groups(attention: Iterable[Attention]) -> Iterator[tuple[Concern, list[Attention]]]:
    for concern, group in groupby(attention, key=lambda each: each.concern):
        yield concern, list(group)


def _look(each: Attention, words: Words, base: str) -> str:
    if not each.title:
        return words.more(each.number)
    look = words.looks[each.concern](Look(number=each.number, names=[prose(name) for name in each.names]))
    title = code(shortened(each.title, 80))
    if each.issue is not None:
        title = f"{_link(f'#{each.issue}', f'{base}/issues/{each.issue}')} {title}"
    elif each.milestone is not None:
        title = f"[{title}]({base}/milestone/{each.milestone})"
    return f"{title} {look}".strip()


def _plain_look(each: Attention, words: Words) -> tuple[str, str, str]:
    if not each.title:
        return "", "", words.more(each.number)
    look = words.looks[each.concern](Look(number=each.number, names=[one_line(name) for name in each.names]))
    return f"#{each.issue}" if each.issue is not None else "", one_line(each.title), look


def _link(text: str, target: str) -> str:
    """A link whose text GitHub does not read as a mention of the issue."""
    return f"[{code(text)}]({target})"


def _charts(sheet: Sheet) -> Iterator[str]:
    words = sheet.words
    roadmap = render_roadmap(sheet.found, words, today=sheet.today)
    if roadmap:
        yield f"### {words.roadmap}"
        yield roadmap
    going = [each for each in sheet.found if each.count.remaining and each.count.completed]
    charts = [(each, render_burn_up(each, words, today=sheet.today)) for each in going]
    shown = [(each, chart) for each, chart in charts if chart][:MOST_CHARTS]
    if shown:
        yield f"### {words.burn_up}"
        yield words.burn_up_note
    for each, chart in shown:
        yield f"**{code(shortened(each.track.title, 80))}**"
        yield chart


def _notes(sheet: Sheet) -> list[str]:
    words, day = sheet.words, str(sheet.exact_from)
    return [
        words.counted_since(day) if sheet.is_counted else words.rebuilt(day),
        *([words.forecast_note] if sheet.has_forecast else []),
        *([] if sheet.has_all_pulls else [words.no_pulls]),
        *([] if sheet.has_schedules else [words.no_schedules]),
    ]


def _describe_one(each: Progress, words: Words, base: str) -> dict[str, Any]:
    track, count, pace = each.track, each.count, each.pace
    return {
        "number": track.number,
        "title": track.title,
        "url": f"{base}/milestone/{track.number}",
        "start": _iso(track.start),
        "due": _iso(track.due),
        "days-left": each.days_left,
        "scope": count.scope,
        "completed": count.completed,
        "remaining": count.remaining,
        "points": _number(count.points) if count.points else None,
        "completed-points": _number(count.completed_points) if count.points else None,
        "open-pull-requests": track.pulls,
        "scope-change": pace.growth,
        "scope-change-since": _iso(pace.since),
        "throughput": None if pace.throughput is None else round(pace.throughput, 2),
        "weeks": [{"completed": week.completed, "growth": week.growth} for week in pace.weeks],
        "p50": _iso(each.p50),
        "p85": _iso(each.p85),
        "chance": None if each.chance is None else round(each.chance, 4),
        "verdict": each.verdict.value,
        "reason": each.reason.value,
        "sentence": _reason(each, words),
    }


def _describe_look(each: Attention, words: Words) -> dict[str, Any]:
    _, _, sentence = _plain_look(each, words)
    return {
        "concern": each.concern.value,
        "issue": each.issue,
        "milestone": each.milestone,
        "title": each.title,
        "number": each.number,
        "names": list(each.names),
        "sentence": sentence,
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _number(points: Decimal) -> str:
    return f"{points.normalize():f}"
