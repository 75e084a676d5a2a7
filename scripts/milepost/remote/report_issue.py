"""The issue that holds the report: one, updated in place; and the reminders on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from milepost.core.identity import normal
from milepost.remote.client import Client, Unanswered
from milepost.remote.progress import LABEL, MARKER, ReportIssue, find_report

NEEDS = "issues: write"
REMINDER = "<!-- milepost:reminder"
ADD = """
mutation($subject: ID!, $body: String!) {
  addComment(input: {subjectId: $subject, body: $body}) { commentEdge { node { id } } }
}"""
MINIMIZE = """
mutation($id: ID!) {
  minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) { minimizedComment { isMinimized } }
}"""
COMMENTS = """
query($id: ID!) {
  node(id: $id) { ... on Issue { comments(last: 30) { nodes { id body viewerDidAuthor isMinimized } } } }
}"""


def create_report(client: Client, title: str, body: str, *, login: str) -> ReportIssue:
    """The report issue is there, once."""
    assert body.startswith(MARKER)

    def look() -> dict[str, Any] | None:
        found = find_report(client, login=login)
        return {"number": found.number, "node_id": found.node_id, "body": found.body} if found else None

    made = client.create("/issues", {"title": title, "body": body, "labels": [LABEL]}, look, needs=NEEDS)
    return ReportIssue(number=made["number"], node_id=made["node_id"], body=made["body"] or "")


def update_report(client: Client, report: ReportIssue, body: str) -> ReportIssue:
    """The report issue is open, has its label and the body, and no twin; nothing is sent when that is so."""
    fields = {"body": body} if normal(report.body) != normal(body) else {}
    if not report.is_open:
        fields["state"] = "open"
    if fields:
        client.update(f"/issues/{report.number}", fields, needs=NEEDS)
    if not report.has_label:
        client.add(f"/issues/{report.number}/labels", {"labels": [LABEL]}, needs=NEEDS)
    for number in report.twins:
        client.update(f"/issues/{number}", {"state": "closed", "state_reason": "not_planned"}, needs=NEEDS)
    return replace(report, body=body, is_open=True, has_label=True, twins=())


def read_body(client: Client, report: ReportIssue) -> str:
    """The body as it is this moment."""
    return str(client.get(f"/issues/{report.number}", needs=NEEDS)["body"] or "")


def add_reminder(client: Client, report: ReportIssue, day: date, text: str) -> bool:
    """The day's reminder is there, once, and earlier ones are minimised.

    False when nobody knows whether it was written: it is not sent twice.
    """
    marker = f"{REMINDER} {day} -->"
    earlier = [each for each in _own_comments(client, report) if each["body"].startswith(REMINDER)]
    is_known = True
    if not any(each["body"].startswith(marker) for each in earlier):
        try:
            client.mutate(ADD, {"subject": report.node_id, "body": f"{marker}\n{text}"}, needs=NEEDS)
        except Unanswered:
            is_known = any(each["body"].startswith(marker) for each in _own_comments(client, report))
    for each in earlier:
        if not each["isMinimized"] and not each["body"].startswith(marker):
            _minimize(client, each["id"])
    return is_known


def _own_comments(client: Client, report: ReportIssue) -> list[dict[str, Any]]:
    node = client.query(COMMENTS, {"id": report.node_id}, needs="issues: read")["node"] or {"comments": {"nodes": []}}
    return [each for each in node["comments"]["nodes"] if each["viewerDidAuthor"]]


def _minimize(client: Client, node_id: str) -> None:
    try:
        client.mutate(MINIMIZE, {"id": node_id}, needs=NEEDS)
    except Unanswered:
        pass  # the next reminder minimises it
