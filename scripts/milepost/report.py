"""What a writing action has come to: its plan, how far it was carried out, and how that is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from milepost.core.change import Plan, Verb, describe
from milepost.core.mode import Mode
from milepost.core.model import Snapshot
from milepost.declare import Output
from milepost.diagnostics import Diagnostic, has_errors
from milepost.errors import ExitCode
from milepost.remote.apply import Applied
from milepost.remote.errors import FORK
from milepost.views.markdown import code
from milepost.views.plain import counted
from milepost.views.plan import render_counts, render_plan_markdown, render_plan_text
from milepost.world import MOST_OUTPUT_BYTES

# What `list_outputs` gives.
OUTPUTS = (
    Output("complete", "`false` when the time limit, or GitHub, ended the run before the last change."),
    Output("plan", "The changes as JSON."),
)


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a run has come to so far, for people and for later steps."""

    mode: Mode
    reason: str
    plan: Plan
    problems: tuple[Diagnostic, ...] = ()
    applied: Applied | None = None
    next_step: str = ""

    @property
    def is_complete(self) -> bool:
        return self.applied is None or (self.applied.stopped is None and not self.applied.refusals)

    @property
    def shown(self) -> Plan:
        """The plan as people should see it: what was done, after an apply."""
        if self.applied is None:
            return self.plan
        notes = (*self.plan.notes, *self.applied.notes)
        return replace(self.plan, changes=tuple(self.applied.done), notes=notes)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The problems, and what GitHub refused; the end of the time limit is no problem."""
        applied = self.applied
        refusals = [*applied.refusals, *([applied.stopped] if applied.stopped else [])] if applied else []
        return self.problems + tuple(
            each.diagnostic for each in refusals if not (applied and applied.is_out_of_time and each is applied.stopped)
        )

    @property
    def exit_code(self) -> ExitCode:
        applied = self.applied
        if applied and (applied.refusals or (applied.stopped and not applied.is_out_of_time)):
            return ExitCode.REFUSED
        if has_errors(self.diagnostics):
            return ExitCode.UNUSABLE
        return ExitCode.NO if self.mode is Mode.DRIFT and self.plan.changes else ExitCode.DONE


def judge_fork(snapshot: Snapshot, mode: Mode, *, allow_fork: bool) -> tuple[Diagnostic, ...]:
    """An error when the run would write in a fork, and was not told to."""
    if mode is not Mode.APPLY or not snapshot.is_fork or allow_fork:
        return ()
    summary = f"{snapshot.repository} is a fork, and nothing is written in forks"
    return (FORK.found(summary, help="run it in the repository that was forked, or set `allow-fork: true`"),)


def render_report_text(report: Report, repository: str) -> str:
    """The report for a terminal."""
    parts = [
        f"{report.mode.value} on {repository}: {report.reason.replace('`', '')}",
        render_plan_text(report.shown, is_done=report.applied is not None),
        render_rest(report),
        report.next_step,
    ]
    return "\n".join(part for part in parts if part)


def render_report_head(report: Report, repository: str) -> str:
    """The first line of a job summary: the mode, and why it is that one."""
    return f"**{report.mode.value}** on {code(repository)}: {report.reason}"


def render_report_markdown(report: Report) -> str:
    """The changes, made or to be made, as Markdown."""
    parts = [
        render_counts(report.shown, is_done=report.applied is not None),
        render_rest(report),
        render_plan_markdown(report.shown),
        report.next_step,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def render_rest(report: Report) -> str:
    """What an apply did not come to, and why; nothing when it came to all."""
    if report.is_complete or report.applied is None:
        return ""
    rest = len(report.plan.changes) - len(report.applied.done)
    why = "the time limit ended the run" if report.applied.is_out_of_time else "GitHub refused"
    return f"Not complete: {why}; {counted(max(rest, 0), 'change')} not made. Running again goes on from here."


def list_outputs(report: Report) -> dict[str, str]:
    """The outputs that every writing action has: `complete`, and the plan as JSON."""
    value = json_of(report)
    plan = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if len(plan.encode()) > MOST_OUTPUT_BYTES:
        plan = json.dumps({**value, "changes": [], "truncated": True}, separators=(",", ":"))
    return {"complete": str(report.is_complete).lower(), "plan": plan}


def count_changes(report: Report) -> Mapping[str, int]:
    """How many objects were changed, or are to be, by kind."""
    shown = report.shown
    return {
        "changes": len(shown.changes),
        "created": shown.count(Verb.CREATE),
        "updated": shown.count(Verb.UPDATE, Verb.MOVE, Verb.REOPEN),
        "closed": shown.count(Verb.CLOSE),
        "deleted": shown.count(Verb.DELETE),
        "unchanged": shown.unchanged,
    }


def json_of(report: Report) -> dict[str, object]:
    """The report as plain values."""
    return {
        "mode": report.mode.value,
        "fingerprint": report.plan.fingerprint,
        "changes": describe(report.shown.changes),
        "notes": [{"address": each.address, "text": each.text} for each in report.shown.notes],
        "unchanged": report.plan.unchanged,
        "truncated": False,
    }
