"""Tell where the milestones stand, whether they will be done in time, and who should look at what."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from milepost.core.attention import Concern, Surroundings, find_attention
from milepost.core.course import DAY, WINDOW, Count, Course
from milepost.core.daily import Lines, add_line, folder_of, join, join_closed, load_lines
from milepost.core.diff import judge_repository
from milepost.core.lanes import Bits
from milepost.core.model import DesiredState
from milepost.core.progress import Item, Progress, Track, judge_progress
from milepost.core.rebuild import Kind, rebuild
from milepost.core.reminders import Reminder, list_reminders
from milepost.core.report_state import ReportState, join_report, read_state
from milepost.declare import GITHUB_TOKEN, Action, Output, given
from milepost.diagnostics import Diagnostic, Rule, Severity, has_errors
from milepost.errors import ExitCode, Refused, Unusable
from milepost.planfile.load import load_plan
from milepost.remote.events import Past, read_past
from milepost.remote.history import append_history, read_history
from milepost.remote.progress import (
    Board,
    ReportIssue,
    Terms,
    find_report,
    read_board,
    read_closed_items,
    read_open_items,
)
from milepost.remote.report_issue import add_reminder, create_report, read_body, update_report
from milepost.remote.schedules import read_schedules
from milepost.views.markdown import cut
from milepost.views.progress import (
    Sheet,
    describe,
    render_notification,
    render_reminder,
    render_report,
    render_summary,
    render_text,
)
from milepost.views.words import words_of
from milepost.world import MOST_OUTPUT_BYTES, Outcome, World

NOT_WRITTEN = Rule("not-written", Severity.ERROR, "A part of the report could not be written with this token.")
REMINDER_LOST = Rule(
    "reminder-lost", Severity.WARNING, "Nobody knows whether a reminder was written; it is not repeated."
)
UNREADABLE_HISTORY = Rule("unreadable-history", Severity.WARNING, "A file of the daily lines cannot be read.")
NO_WRITING_HERE = Rule(
    "no-writing-here", Severity.NOTICE, "The plan asks for a report issue, and this run writes nothing."
)
RULES = (NOT_WRITTEN, REMINDER_LOST, UNREADABLE_HISTORY, NO_WRITING_HERE)

DEFAULT_PLAN = Path(".github/milepost.yml")
MOST_BODY_BYTES = 60_000
# Events of these kinds come from people who may not write, or stand for code that is not merged.
SHOWING_EVENTS = ("pull_request", "pull_request_target", "merge_group")


@dataclass(frozen=True, kw_only=True)
class Inputs:
    token: str = given(
        "Token that reads the repository; what is to be written needs more.", default=GITHUB_TOKEN, secret=True
    )
    plan: Path = given(
        "Path of the plan file, from the workspace; without one the defaults count.", default=DEFAULT_PLAN
    )
    write: bool | None = given(
        "Write the report issue, reminders, notifications and the day's line, as far as the plan file asks for them;"
        " when empty, in workflows, but not for pull requests, other branches, and forks.",
        default=None,
    )
    notify: str = given(
        "Addresses to send the report to, one a line, as apprise writes them: `slack://…`, `feishu://…`, `mailtos://…`.",
        default="",
        secret=True,
    )
    max_reads: int = given("Most reads of issue events, to rebuild what no daily lines tell.", default=200)


@dataclass(frozen=True, kw_only=True)
class _Findings:
    """What was read and judged."""

    board: Board
    items: tuple[Item, ...]
    found: tuple[Progress, ...]
    sheet: Sheet
    files: Mapping[str, str]
    lines: Lines
    problems: tuple[Diagnostic, ...]


def run(inputs: Inputs, world: World) -> Outcome:
    """The report is told, and written where the plan file asks for it."""
    desired = _load(inputs, world)
    today = world.today(desired.timezone)
    findings = _find(desired, inputs, today, world)
    is_writing, problems = _judge_writing(inputs, desired, findings.board, world)
    if is_writing:
        problems += _write(findings, desired, inputs, today, world)
    return _outcome(findings, (*findings.problems, *problems), world)


def _load(inputs: Inputs, world: World) -> DesiredState:
    """The desired state; the defaults when there is no plan file at the usual place."""
    if inputs.plan == DEFAULT_PLAN and not (world.context.workspace / DEFAULT_PLAN).exists():
        return DesiredState()
    desired, problems = load_plan(inputs.plan, workspace=world.context.workspace)
    if desired is not None:
        problems += judge_repository(desired, world.context.repository)
    if desired is None or has_errors(problems):
        raise Unusable(problems)
    return desired


def _find(desired: DesiredState, inputs: Inputs, today: date, world: World) -> _Findings:
    client, reporting = world.github, desired.reporting
    terms = Terms(zone=ZoneInfo(desired.timezone), today=today, size_labels=desired.size_labels)
    board = read_board(client, terms)
    files, lines, problems = _read_lines(desired, today, world)
    is_covered = _is_covered(lines, board.tracks, today)
    board, items = read_open_items(client, board, terms)
    closed, carries = read_closed_items(
        client, board, terms, with_sprints=not is_covered, with_records=desired.has_history
    )
    items += closed
    past = None
    if not is_covered:
        past = read_past(client, terms, since=today - WINDOW, most_reads=inputs.max_reads)
        carries = carries or _count_carries(past, board.tracks)
    courses, lines = _courses(board, items, past, lines, today, has_history=desired.has_history)
    found = judge_progress(board.tracks, courses, today=today, has_forecast=reporting.has_forecast, seeded=_seeded)
    is_asked = Concern.SCHEDULE not in reporting.habits.ignored
    schedules = read_schedules(client, terms) if is_asked else ()
    around = Surroundings(
        homeless=board.homeless,
        more_homeless=board.more_homeless,
        schedules=schedules or (),
        carries=carries,
    )
    sheet = Sheet(
        repository=board.repository,
        today=today,
        found=found,
        attention=find_attention(found, items, around, reporting.habits, today=today),
        exact_from=min(lines.exact_from or today, today) if desired.has_history or past is None else past.first,
        is_counted=desired.has_history,
        has_all_pulls=board.has_all_pulls,
        has_schedules=schedules is not None,
        has_forecast=reporting.has_forecast,
        has_charts=reporting.has_charts,
        words=words_of(desired.language),
    )
    return _Findings(board=board, items=items, found=found, sheet=sheet, files=files, lines=lines, problems=problems)


def _read_lines(
    desired: DesiredState, today: date, world: World
) -> tuple[Mapping[str, str], Lines, tuple[Diagnostic, ...]]:
    """The files of this year's folder, and their lines; those of last year's while this one is empty."""
    if not desired.has_history:
        return {}, Lines(), ()
    history = read_history(world.github, folder_of(today))
    problems = [
        UNREADABLE_HISTORY.found(f"{folder_of(today)}/{each} on the data branch is passed over")
        for each in history.unreadable
    ]
    files = history.files
    if history.head and not files:
        before = read_history(world.github, folder_of(date(today.year - 1, 1, 1)))
        return files, load_lines(before.files), tuple(problems)
    return files, load_lines(files), tuple(problems)


def _is_covered(lines: Lines, tracks: Sequence[Track], today: date) -> bool:
    """Whether the lines reach back as far as anything that is shown."""
    needed = max(today - WINDOW, min((each.created for each in tracks if each.is_open), default=today))
    return any(day <= needed + timedelta(days=1) for day in lines.days)


def _courses(
    board: Board, items: Sequence[Item], past: Past | None, lines: Lines, today: date, *, has_history: bool
) -> tuple[dict[int, Course], Lines]:
    """The courses by the lines, and before those as rebuilt; and the lines, which are rebuilt while there are none.

    Without a past to rebuild by, the issues of closed sprints were not read either.
    """
    events, others = (past.events, past.items) if past else ((), ())
    present = {each.number: each for each in (*others, *items)}
    rebuilt = rebuild(board.tracks, present.values(), events, first=today - WINDOW, today=today)
    if has_history and not lines.days:
        days = sorted({day + DAY for course in rebuilt.values() for day in course.counts if day + DAY < today})
        lines = Lines(days={day: _counts(rebuilt, day - DAY) for day in days}, rebuilt=frozenset(days))
    courses = {
        each.number: join(lines, each.number, rebuilt[each.number], today=today)
        if each.is_open or past
        else join_closed(lines, each)
        for each in board.tracks
    }
    return courses, lines


def _counts(courses: Mapping[int, Course], day: date) -> dict[int, Count]:
    """What the milestones held at the end of the day; those that held nothing are left out."""
    return {number: count for number, course in courses.items() if (count := course.at(day)).scope}


def _count_carries(past: Past, tracks: Sequence[Track]) -> dict[int, int]:
    """How often each issue was taken out of a sprint, as far as the events reach."""
    titles = {each.title for each in tracks if each.cadence}
    carries: dict[int, int] = {}
    for each in past.events:
        if each.kind is Kind.DEMILESTONED and each.title in titles:
            carries[each.issue] = carries.get(each.issue, 0) + 1
    return carries


def _seeded(seed: int) -> Bits:
    return Random(seed).getrandbits


def _judge_writing(
    inputs: Inputs, desired: DesiredState, board: Board, world: World
) -> tuple[bool, tuple[Diagnostic, ...]]:
    """Whether this run writes; where it does not although the plan asks for it, it says so."""
    context = world.context
    is_branch = context.event != "push" or context.ref in ("", f"refs/heads/{board.default_branch}")
    is_usual = bool(context.event) and context.event not in SHOWING_EVENTS and is_branch and not board.is_fork
    if is_usual if inputs.write is None else inputs.write:
        return True, ()
    if not (desired.reporting.has_report or desired.has_history):
        return False, ()
    return False, (NO_WRITING_HERE.found("nothing is written by this run", help="set `write: true` to write"),)


def _write(
    findings: _Findings, desired: DesiredState, inputs: Inputs, today: date, world: World
) -> tuple[Diagnostic, ...]:
    """The day's line, the report issue, the reminder and the notifications, each as far as it is asked for."""
    problems: list[Diagnostic] = []
    if desired.has_history:
        problems += _guarded(lambda: _write_line(findings, today, world))
    if desired.reporting.has_report:
        problems += _guarded(lambda: _write_report(findings, desired, inputs, today, world))
    elif inputs.notify and desired.reporting.has_notifications and world.context.event != "push":
        problems += _notify(findings, inputs, world)
    return tuple(problems)


def _guarded(write: Callable[[], tuple[Diagnostic, ...]]) -> tuple[Diagnostic, ...]:
    """What one part may not write keeps no other part from being written."""
    try:
        return write()
    except Refused as refusal:
        problem = refusal.diagnostic
        return (NOT_WRITTEN.found(problem.summary, why=problem.why, help=problem.help),)


def _write_line(findings: _Findings, today: date, world: World) -> tuple[Diagnostic, ...]:
    counts = {each.track.number: each.count for each in findings.found if each.count.scope}
    if not add_line(findings.files, findings.lines, today, counts):
        return ()
    append_history(
        world.github,
        folder_of(today),
        lambda present: add_line(present, findings.lines, today, counts),
        message=f"Progress on {today}",
    )
    return ()


def _write_report(
    findings: _Findings, desired: DesiredState, inputs: Inputs, today: date, world: World
) -> tuple[Diagnostic, ...]:
    """The intent is in the body before anything is sent, and only the run that finds its own there sends it."""
    client, board, words = world.github, findings.board, findings.sheet.words
    report = board.report or find_report(client, login=board.login)
    state = read_state(report.body) if report else ReportState()
    wanted = _intend(state, findings, desired, inputs, today, world)
    text = cut(render_report(findings.sheet), MOST_BODY_BYTES)
    if report is None:
        report = create_report(client, words.report_title, join_report(wanted, text), login=board.login)
    elif wanted != state:
        report = replace(report, body=read_body(client, report))
        newest = read_state(report.body)
        if newest != state:  # another run was faster
            wanted = state = newest
        report = update_report(client, report, join_report(wanted, text))
    else:
        report = update_report(client, report, join_report(state, text))
    if wanted == state or read_state(read_body(client, report)).run != wanted.run:
        return ()
    problems = _remind(findings, desired, state, report, today, world) if wanted.reminded != state.reminded else ()
    return problems + (_notify(findings, inputs, world) if wanted.notified != state.notified else ())


def _intend(
    state: ReportState, findings: _Findings, desired: DesiredState, inputs: Inputs, today: date, world: World
) -> ReportState:
    """The state that says what this run is about to send; the same state when there is nothing to send."""
    wanted = state
    if _reminders(findings, desired, state, today):
        wanted = replace(wanted, reminded=today)
    if inputs.notify and desired.reporting.has_notifications and (state.notified or date.min) < today:
        wanted = replace(wanted, notified=today)
    if wanted == state:
        return state
    return replace(wanted, run=f"{world.context.run_id or 'local'}-{world.now:%Y%m%dT%H%M%S.%f}")


def _reminders(findings: _Findings, desired: DesiredState, state: ReportState, today: date) -> tuple[Reminder, ...]:
    marks = desired.reporting.marks
    return list_reminders(findings.found, findings.items, marks, last=state.reminded, today=today)


def _remind(
    findings: _Findings,
    desired: DesiredState,
    state: ReportState,
    report: ReportIssue,
    today: date,
    world: World,
) -> tuple[Diagnostic, ...]:
    reminders = _reminders(findings, desired, state, today)
    text = cut(render_reminder(reminders, findings.sheet.words, today), MOST_BODY_BYTES)
    if add_reminder(world.github, report, today, text):
        return ()
    return (REMINDER_LOST.found(f"the reminder of {today} may not have been written, and is not repeated"),)


def _notify(findings: _Findings, inputs: Inputs, world: World) -> tuple[Diagnostic, ...]:
    from milepost.notify import send  # its package is large, and most runs send nothing

    url = world.context.run_url
    return send(inputs.notify, *render_notification(findings.sheet, url))


def _outcome(findings: _Findings, problems: tuple[Diagnostic, ...], world: World) -> Outcome:
    sheet = findings.sheet
    base = f"{world.context.server_url}/{sheet.repository}"
    report = describe(sheet, base)
    text = json.dumps(report, ensure_ascii=False, separators=(",", ":"))
    verdicts = [each.verdict.value for each in findings.found]
    return Outcome(
        exit_code=ExitCode.REFUSED if has_errors(problems) else ExitCode.DONE,
        outputs={
            "milestones": str(len(findings.found)),
            "at-risk": str(verdicts.count("at risk")),
            "late": str(verdicts.count("late")),
            "attention": str(len(sheet.attention)),
            "report": text if len(text.encode()) <= MOST_OUTPUT_BYTES else "{}",
        },
        text=render_text(sheet),
        summary=render_summary(sheet, base),
        data={"progress": report},
        diagnostics=problems,
    )


PROGRESS = Action(
    name="progress",
    summary="Tell where every milestone stands, whether it will be done in time, and what to look at.",
    inputs=Inputs,
    run=run,
    outputs=(
        Output("milestones", "Open milestones."),
        Output("at-risk", "Milestones that are at risk."),
        Output("late", "Milestones that are late, or likely will be."),
        Output("attention", "Things to look at."),
        Output("report", "The report as JSON, as `scripts/milepost/views/progress.schema.json` describes it."),
    ),
    permissions={"contents": "read", "issues": "read", "pull-requests": "read", "actions": "read"},
    packages=("PyGithub", "PyYAML", "jsonschema", "packaging", "actions-toolkit", "apprise", "tzdata"),
    icon="trending-up",
)
