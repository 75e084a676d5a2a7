"""A plan as text for a terminal and as Markdown for summaries and comments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from milepost.core.change import Change, Field, Note, Noun, Plan, Value, Verb
from milepost.core.pace import Pace, forecast_seconds, say_duration
from milepost.views.markdown import cell, table
from milepost.views.plain import counted, quoted, shortened

SIGNS = {
    Verb.CREATE: "+",
    Verb.REOPEN: "o",
    Verb.UPDATE: "~",
    Verb.MOVE: ">",
    Verb.CLOSE: "x",
    Verb.DELETE: "-",
    Verb.DISPATCH: "!",
}
LEGEND = "`+` create · `~` update · `>` move · `o` reopen · `x` close · `-` delete"
# Fields that are for Milepost itself, as people are told of them.
INNER_NAMES = {
    "block": "machine block",
    "marker": "hidden marker",
    "duplicate-of": "duplicate of",
    "pruned": "pruned",
}
# Shown with their number, since titles of issues repeat.
NUMBERED = (Noun.ISSUE, Noun.PULL_REQUEST)
MOST_ROWS = 400
WIDEST_VALUE = 80


def render_plan_text(plan: Plan, *, is_done: bool = False) -> str:
    """Every change with its fields, what was left alone, and the counts."""
    lines = [line for change in plan.changes for line in _lines(change)]
    lines += [f"  = {_note(note)}" for note in plan.notes]
    return "\n".join([*lines, render_counts(plan, is_done=is_done)])


def render_counts(plan: Plan, *, is_done: bool = False) -> str:
    """`3 created, 1 updated, …` or what a plan would do; says plainly when there is nothing."""
    if not plan.changes:
        return f"No changes: {counted(plan.unchanged, 'object')} of the plan file as they should be."
    done = ("created", "updated", "moved", "reopened", "closed", "deleted", "dispatched")
    to_do = ("to create", "to update", "to move", "to reopen", "to close", "to delete", "to dispatch")
    verbs = (Verb.CREATE, Verb.UPDATE, Verb.MOVE, Verb.REOPEN, Verb.CLOSE, Verb.DELETE, Verb.DISPATCH)
    words = done if is_done else to_do
    parts = [f"{number:,} {word}" for verb, word in zip(verbs, words, strict=True) if (number := plan.count(verb))]
    return f"{', '.join(parts)}; {plan.unchanged:,} unchanged."


def render_forecast(plan: Plan, pace: Pace) -> str:
    """`312 writes, about 6 minutes`."""
    return f"{counted(plan.writes, 'write')}, about {say_duration(forecast_seconds(pace, plan.writes))}"


def render_plan_markdown(plan: Plan) -> str:
    """A table of the changes, and below it what was left alone."""
    shown = plan.changes[:MOST_ROWS]
    rows = [(f"`{SIGNS[each.verb]}`", _object(each), _details(each)) for each in shown]
    parts = [table(("", "what", "change"), rows)]
    if len(plan.changes) > len(shown):
        parts.append(f"and {counted(len(plan.changes) - len(shown), 'change')} more; the log lists them all\n")
    if rows:
        is_dispatching = bool(plan.count(Verb.DISPATCH))
        parts.append(f"<sub>{LEGEND}{' · `!` dispatch' if is_dispatching else ''}</sub>\n")
    if plan.notes:
        notes = "".join(f"- {cell(note.address)} {cell(note.text)}\n" for note in plan.notes[:MOST_ROWS])
        parts.append(f"<details><summary>Left alone: {len(plan.notes):,}</summary>\n\n{notes}\n</details>\n")
    return "\n".join(part for part in parts if part)


def _lines(change: Change) -> Iterable[str]:
    where = f" (number {change.number})" if change.number and change.noun in NUMBERED else ""
    reason = f"  # {change.reason}" if change.reason else ""
    yield f"  {SIGNS[change.verb]} {change.noun.value} {quoted(change.name)}{where}{reason}"
    for each in _shown(change):
        yield f"      {_name(each)}: {_transition(change, each)}"


def _details(change: Change) -> str:
    parts = []
    for each in _shown(change):
        before = "" if _is_news(change, each) else f"{_cell(each.before)} → "
        parts.append(f"{_name(each)}: {before}{_cell(each.after)}")
    return "<br>".join([*parts, *([change.reason] if change.reason else [])])


def _shown(change: Change) -> list[Field]:
    """The fields that tell people something: our own line is no news on something new."""
    is_new = change.verb in (Verb.CREATE, Verb.DISPATCH)
    hidden = ("block", "marker", "name") if is_new else ()
    return [_told(change, each) for each in change.shown if each.name not in hidden]


def _told(change: Change, each: Field) -> Field:
    """Of a sprint's line only what is new in it."""
    if each.name != "block" or change.line == "sync":
        return each
    before, after = str(each.before or "").split(), str(each.after).split()
    return replace(each, after=" ".join(pair for pair in after if pair not in before) or "as the cadence says")


def _is_news(change: Change, each: Field) -> bool:
    """Nothing was there before that is worth telling."""
    return change.verb in (Verb.CREATE, Verb.DISPATCH) or (change.line != "sync" and each.name == "block")


def _transition(change: Change, each: Field) -> str:
    after = _value(each.after)
    return after if _is_news(change, each) else f"{_value(each.before)} → {after}"


def _object(change: Change) -> str:
    number = f" number {change.number}" if change.number and change.noun in NUMBERED else ""
    return f"{change.noun.value} {cell(shortened(change.name, 120))}{number}"


def _name(each: Field) -> str:
    return INNER_NAMES.get(each.name, each.name)


def _cell(value: Value) -> str:
    return "*none*" if value in (None, "", ()) else cell(_plain(value))


def _value(value: Value) -> str:
    return "none" if value in (None, "", ()) else _plain(value)


def _plain(value: Value) -> str:
    if isinstance(value, tuple):
        return shortened(", ".join(value), WIDEST_VALUE)
    return value.isoformat() if isinstance(value, date) else shortened(str(value), WIDEST_VALUE)


def _note(note: Note) -> str:
    return f"{shortened(note.address, 120)} {shortened(note.text, 200)}"
