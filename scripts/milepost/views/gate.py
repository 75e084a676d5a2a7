"""A judgement on a pull request as text, as Markdown, and as the few words of a commit status."""

from __future__ import annotations

from milepost.core.gate import Judgement, Verdict
from milepost.core.model import State
from milepost.core.pulls import Absence, Link
from milepost.views.diagnostics import render_markdown
from milepost.views.markdown import cell, prose, table
from milepost.views.plain import one_line, shortened

# GitHub refuses a longer description of a status.
MOST_DESCRIPTION = 140
MARKS = {Verdict.SUCCESS: "✅", Verdict.FAILURE: "❌", Verdict.PENDING: "⏳", Verdict.ERROR: "❌"}
ABSENCES = {
    Absence.MISSING: "does not exist",
    Absence.INVISIBLE: "cannot be seen",
    Absence.PULL_REQUEST: "is a pull request",
    Absence.FOREIGN: "does not count",
}
HEAD = ("issue", "linked by", "state", "milestone", "assigned to", "also claimed by")


def render_description(reason: str) -> str:
    """The reason as the description of a commit status."""
    return shortened(reason, MOST_DESCRIPTION)


def render_judgement_text(judgement: Judgement) -> str:
    """The verdict, and a line for each linked issue."""
    pull = judgement.pull
    reason = _reason(judgement)
    lines = [
        f"pull request {pull.address.number}: {judgement.verdict.value}{f', {one_line(reason)}' if reason else ''}"
    ]
    lines += [f"  {one_line(' · '.join(part for part in _parts(each, judgement) if part))}" for each in judgement.links]
    return "\n".join(lines)


def render_judgement_markdown(judgement: Judgement) -> str:
    """The verdict, and a table of the linked issues."""
    pull = judgement.pull
    mark, title = MARKS[judgement.verdict], shortened(pull.title, 120)
    head = f"### {mark} {judgement.verdict.value}: pull request {pull.address.number}, {prose(title)}"
    return "\n\n".join(part for part in (head, prose(_reason(judgement)), _render_links(judgement)) if part)


def render_comment(judgement: Judgement) -> str:
    """What the author of the pull request should read."""
    parts = [
        f"### {MARKS[judgement.verdict]} This pull request cannot be merged yet",
        render_markdown(judgement.diagnostics),
        _render_links(judgement),
        "<sub>It is looked at again when the pull request or its issue changes; this comment goes when all is well.</sub>",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _render_links(judgement: Judgement) -> str:
    rows = [tuple(cell(part) if part else "" for part in _parts(each, judgement)) for each in judgement.links]
    return table(HEAD, rows)


def _reason(judgement: Judgement) -> str:
    """What the findings, which are told anyway, do not say."""
    return "" if judgement.verdict is Verdict.FAILURE else judgement.reason


def _parts(link: Link, judgement: Judgement) -> tuple[str, ...]:
    line = f", line {link.line}" if link.line else ""
    source = f"{link.source.value}{line}"
    issue = link.issue
    if issue is None:
        absence = ABSENCES[link.absence] if link.absence else ""
        return str(link.address), source, absence, "", "", ""
    state = "open" if issue.state is State.OPEN else f"closed{f' ({issue.state_reason})' if issue.state_reason else ''}"
    milestone = issue.milestone or "none"
    milestone += " (closed)" if issue.milestone_state is State.CLOSED else ""
    rivals = [f"#{each.address.number}" for each in issue.claims if each.address.key != judgement.pull.address.key]
    unknown = [] if issue.has_all_claims else ["…"]
    return (
        f"{link.address} {shortened(issue.title)}",
        source,
        state,
        milestone,
        ", ".join(issue.assignees) or "nobody",
        ", ".join([*rivals, *unknown]),
    )
