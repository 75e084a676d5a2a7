"""Open sprints by cadence, carry work over, and keep what happened."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from milepost.core.carry import Item, Target, choose_target
from milepost.core.change import Noun, Plan, Verb
from milepost.core.mode import Mode, choose_mode
from milepost.core.model import DesiredState
from milepost.core.records import FOLDER, Record, path_of, read_record, render_record
from milepost.core.roster import Roster, call_roster
from milepost.core.sprint_needs import Findings, Needs, Terms, has_records, list_needs
from milepost.core.sprints import Decision, decide
from milepost.declare import Action, Output
from milepost.diagnostics import Diagnostic, Rule, Severity, has_errors
from milepost.remote import carry
from milepost.remote.history import BRANCH, read_history
from milepost.remote.sprints import Board, Rebuilt, count_carries, read_board, read_items, read_members
from milepost.report import (
    OUTPUTS,
    Report,
    json_of,
    judge_fork,
    list_outputs,
    render_report_head,
    render_report_markdown,
    render_report_text,
)
from milepost.views.sprints import Board as Table
from milepost.views.sprints import render_endings_markdown, render_sprints_markdown, render_sprints_text
from milepost.world import MOST_OUTPUT_BYTES, Outcome, World
from milepost.writing import WritingInputs, carry_out, load_desired

NO_CADENCE = Rule("no-cadence", Severity.ERROR, "The plan file has no cadence to make sprints by.")
RECORD_NOT_KEPT = Rule("record-not-kept", Severity.NOTICE, "The record of a sprint is in the job summary only.")
RULES = (NO_CADENCE, RECORD_NOT_KEPT)


@dataclass(frozen=True, kw_only=True)
class _Day:
    """What was read and decided for one day."""

    desired: DesiredState
    board: Board
    rosters: tuple[Roster, ...]
    decision: Decision
    today: date


def run(inputs: WritingInputs, world: World) -> Outcome:
    """The sprints are as their cadences ask on this day, or it is told what that would take."""
    desired = load_desired(inputs, world, _judge_cadences)
    day, problems = _read_day(desired, world)
    snapshot = day.board.snapshot
    mode, reason = choose_mode(
        inputs.mode, event=world.context.event, ref=world.context.ref, default_branch=snapshot.default_branch
    )
    problems += judge_fork(snapshot, mode, allow_fork=inputs.allow_fork)
    report = Report(mode=mode, reason=reason, plan=day.decision.plan, problems=problems)
    if mode is Mode.APPLY and not has_errors(problems):
        report = carry_out(report, snapshot, world, steps=carry.STEPS)
    return _outcome(report, day, world)


def _judge_cadences(desired: DesiredState) -> tuple[Diagnostic, ...]:
    way_out = "add `sprints:` with an entry that has `title`, `anchor` and `length`"
    return () if desired.cadences else (NO_CADENCE.found("the plan file has no `sprints:`", help=way_out),)


def _read_day(desired: DesiredState, world: World) -> tuple[_Day, tuple[Diagnostic, ...]]:
    today = world.today(desired.timezone)
    board = read_board(world.github, has_history=desired.has_history)
    rosters, problems = call_roster(desired.cadences, board.snapshot.milestones, today)
    decision = Decision(plan=Plan(), endings=(), problems=())
    if not has_errors(problems):
        decision = _decide(desired, board, rosters, today, world)
    day = _Day(desired=desired, board=board, rosters=rosters, decision=decision, today=today)
    return day, (*problems, *decision.problems, *_judge_history(desired, decision))


def _decide(desired: DesiredState, board: Board, rosters: tuple[Roster, ...], today: date, world: World) -> Decision:
    terms = Terms(
        today=today,
        has_history=desired.has_history,
        size_labels=desired.size_labels,
        record_url=f"{world.context.server_url}/{board.snapshot.repository}/blob/{BRANCH}",
    )
    needs = list_needs(rosters, board.recorded, terms)
    return decide(rosters, _find(desired, board, rosters, needs, world), terms)


def _find(desired: DesiredState, board: Board, rosters: tuple[Roster, ...], needs: Needs, world: World) -> Findings:
    """What the day needs to know beside the milestones; on most days nothing is asked."""
    client = world.github
    items = read_items(client, board.snapshot.milestones, whole=needs.whole, opened=needs.open)
    zone = ZoneInfo(desired.timezone)
    rebuilt = [
        Rebuilt(milestone=each.milestone, titles=each.titles, moment=_morning(each.start + timedelta(days=1), zone))
        for each in needs.rebuilt
    ]
    files: dict[str, str] = {}
    for roster in rosters:
        folder = f"{FOLDER}/{roster.cadence.key}"
        is_carrying = has_records(roster, board.recorded) and bool(_list_moving(roster, items))
        if is_carrying or roster.cadence.key in needs.cadences:
            files |= {f"{folder}/{path}": text for path, text in read_history(client, folder).files.items()}
    return Findings(
        items=items,
        recorded=board.recorded,
        files=files,
        members=read_members(client, rebuilt, items),
        carries=_count_carries(rosters, items, files, zone, world),
    )


def _morning(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which the day begins in the zone."""
    return datetime.combine(day, time.min, zone).astimezone(timezone.utc)


def _count_carries(
    rosters: Iterable[Roster],
    items: Mapping[int, tuple[Item, ...]],
    files: Mapping[str, str],
    zone: ZoneInfo,
    world: World,
) -> dict[int, int]:
    """How often the items that will be carried now were carried so far: by the records, else by GitHub's events."""
    counts: dict[int, int] = {}
    for roster in rosters:
        moving = _list_moving(roster, items)
        records = _read_records(files, f"{FOLDER}/{roster.cadence.key}/")
        if records:
            counts |= _count_recorded(records, roster, items)
        elif moving and any(each.line and each.line.frozen for each in roster.past):
            counts |= count_carries(world.github, moving, _list_ends(roster, zone))
    return counts


def _list_ends(roster: Roster, zone: ZoneInfo) -> dict[str, datetime]:
    """By title: when each past sprint was over; what leaves it later is carried, what left it before was replanned."""
    ends = [(each, _morning(each.sprint.due + timedelta(days=1), zone)) for each in roster.past]
    return {title: moment for each, moment in ends for title in (each.title, each.sprint.title)}


def _list_moving(roster: Roster, items: Mapping[int, tuple[Item, ...]]) -> list[int]:
    """The numbers of the items that the rules take out of past sprints."""
    present = [item for each in roster.past if each.milestone for item in items.get(each.milestone.number, ())]
    return [
        each.number
        for each in present
        if each.is_open and choose_target(each, roster.settings.carry_over) in (Target.NEXT, Target.BACKLOG)
    ]


def _read_records(files: Mapping[str, str], folder: str) -> dict[str, Record]:
    """By path: how the sprints of the cadence ended."""
    found = {
        path: read_record(text)
        for path, text in files.items()
        if path.startswith(folder) and path.endswith("/closed.json")
    }
    return {path: record for path, record in found.items() if record}


def _count_recorded(
    records: Mapping[str, Record], roster: Roster, items: Mapping[int, tuple[Item, ...]]
) -> dict[int, int]:
    """By item: the most carries in any record but that of the sprint that it is in, which counts this one already."""
    counts: dict[int, int] = {}
    for standing in roster.past:
        assert standing.milestone is not None
        members = {each.number for each in items.get(standing.milestone.number, ())}
        others = [record for path, record in records.items() if path != path_of(standing.sprint, "closed")]
        for each in (each for record in others for each in record.carried if each.number in members):
            counts[each.number] = max(counts.get(each.number, 0), each.carries)
    return counts


def _judge_history(desired: DesiredState, decision: Decision) -> tuple[Diagnostic, ...]:
    if desired.has_history or not decision.endings:
        return ()
    titles = ", ".join(f'"{each.standing.title}"' for each in decision.endings)
    way_out = "write `history: branch` into the plan file and grant `contents: write` to keep records"
    return (
        RECORD_NOT_KEPT.found(
            f"the record of {titles} is in this summary and in the output `records` only", help=way_out
        ),
    )


def _outcome(report: Report, day: _Day, world: World) -> Outcome:
    repository, shown = world.context.repository, report.shown
    table = Table(
        rosters=day.rosters,
        endings=day.decision.endings,
        today=day.today,
        opened=frozenset(_titles(shown, Verb.CREATE)),
        closed=frozenset(_titles(shown, Verb.CLOSE)),
        is_done=report.applied is not None,
    )
    text = [render_sprints_text(table), render_report_text(report, repository)]
    summary = [
        render_report_head(report, repository),
        render_sprints_markdown(table),
        render_report_markdown(report),
        render_endings_markdown(day.decision.endings),
    ]
    return Outcome(
        exit_code=report.exit_code,
        outputs=_outputs(report, day),
        text="\n".join(part for part in text if part),
        summary="\n\n".join(part.strip("\n") for part in summary if part) + "\n",
        data={
            "mode": report.mode.value,
            "plan": json_of(report),
            "records": _records(day),
            "text": text[0],
        },
        diagnostics=report.diagnostics,
    )


def _titles(plan: Plan, verb: Verb) -> list[str]:
    return [each.name for each in plan.changes if each.noun is Noun.MILESTONE and each.verb is verb]


def _outputs(report: Report, day: _Day) -> dict[str, str]:
    shown = report.shown
    closed = [each for each in shown.changes if each.noun is Noun.MILESTONE and each.verb is Verb.CLOSE]
    running = [each.title for roster in day.rosters if (each := roster.running(day.today))]
    records = json.dumps(_records(day), ensure_ascii=False)
    return {
        "running": json.dumps(running, ensure_ascii=False),
        "opened": json.dumps(_titles(shown, Verb.CREATE), ensure_ascii=False),
        "closed": json.dumps([{"number": each.number, "title": each.name} for each in closed], ensure_ascii=False),
        "carried": str(shown.count(Verb.MOVE)),
        "records": records if len(records.encode()) <= MOST_OUTPUT_BYTES else "[]",
        "changes": str(len(shown.changes)),
        **list_outputs(report),
    }


def _records(day: _Day) -> list[object]:
    """The records that were frozen on this day, as they are on the data branch."""
    found: list[object] = []
    for each in day.decision.endings:
        assert each.standing.milestone is not None
        text = render_record(each.standing.sprint, each.standing.milestone.number, each.record)
        found.append({"title": each.standing.title, **json.loads(text)})
    return found


SPRINT = Action(
    name="sprint",
    summary="Open sprints by cadence, carry open work over, and keep a frozen record of each sprint.",
    inputs=WritingInputs,
    run=run,
    outputs=(
        Output("running", "Titles of the running sprints, as a JSON list: one for each cadence that has one."),
        Output("opened", "Titles of the sprints opened, or to open, as a JSON list."),
        Output("closed", "The sprints closed, or to close, as a JSON list of `number` and `title`."),
        Output("carried", "Issues and pull requests carried over, or to be."),
        Output("records", "The records frozen on this day, as a JSON list; `[]` when they are larger than 200 kB."),
        Output("changes", "Changes found, or made."),
        *OUTPUTS,
    ),
    permissions={"issues": "write", "pull-requests": "write", "contents": "write", "actions": "write"},
    packages=("PyGithub", "PyYAML", "jsonschema", "packaging", "actions-toolkit", "tzdata"),
    icon="repeat",
)
