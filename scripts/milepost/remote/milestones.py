"""GitHub's milestones: create, update, close, delete. Only this file knows how a due date travels."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo

from milepost.core.change import Change
from milepost.core.identity import Block, join_description, normal, split_description
from milepost.core.model import Milestone, State
from milepost.diagnostics import Diagnostic, Rule, Severity
from milepost.errors import Refused
from milepost.remote.client import Client

DUE_DATE_MOVED = Rule("due-date-moved", Severity.WARNING, "GitHub shows another due date than the one sent.")
DESCRIPTION_LOST = Rule(
    "description-lost", Severity.WARNING, "Somebody else wrote a milestone's description each time we did."
)
BLOCK_FULL = Rule("block-full", Severity.ERROR, "The machine block of a milestone has no room for our line.")
RULES = (DUE_DATE_MOVED, DESCRIPTION_LOST, BLOCK_FULL)

NEEDS = "issues: write"
READS = "issues: read"
PAGE = 100
MOST_REWRITES = 3
# GitHub keeps the day only, as midnight in California (microsoft/PowerShellForGitHub#133).
GITHUB_ZONE = ZoneInfo("America/Los_Angeles")


def due_to_wire(due: date | None) -> str | None:
    """The time that GitHub floors to that day, in summer and in winter."""
    return f"{due.isoformat()}T12:00:00Z" if due else None


def due_from_wire(text: str | None) -> date | None:
    """The day that GitHub shows for the time."""
    if not text:
        return None
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    return moment.astimezone(GITHUB_ZONE).date()


def milestone_of(node: Mapping[str, Any]) -> Milestone:
    """The milestone that a GraphQL node tells of; its open items only when they were asked for."""
    issues = node["issues"]["totalCount"]
    opened = sum(node[part]["totalCount"] for part in ("openIssues", "openPulls") if part in node)
    return Milestone(
        number=node["number"],
        node_id=node["id"],
        title=node["title"],
        description=node["description"] or "",
        state=State(node["state"].lower()),
        due=due_from_wire(node["dueOn"]),
        created_at=node["createdAt"],
        issues=issues,
        items=issues + node["pullRequests"]["totalCount"],
        open_items=opened,
    )


def list_milestones(client: Client) -> tuple[Milestone, ...]:
    """All milestones, by REST: it tells them to a token that may not read pull requests; a read for each hundred."""
    found: list[Any] = []
    while len(found) % PAGE == 0:
        parameters = {"state": "all", "per_page": str(PAGE), "page": str(len(found) // PAGE + 1)}
        page = client.get("/milestones", needs=READS, parameters=parameters)
        if not page:
            break
        found += page
    return tuple(_listed(each) for each in found)


def create_milestone(client: Client, change: Change) -> tuple[int, list[Diagnostic]]:
    """The milestone exists as planned, whoever created it; the value is its number."""
    block = Block().with_line(change.line, str(change.after("block")))
    description = join_description(str(change.after("description") or ""), block)
    body: dict[str, Any] = {"title": change.name, "description": description}
    if change.after("due"):
        body["due_on"] = _due(change)
    if change.touches("state"):
        body["state"] = change.after("state")
    answer = client.create("/milestones", body, lambda: _find(client, change.name), needs=NEEDS)
    if normal(answer.get("description") or "") == description and answer["state"] == body.get("state", "open"):
        return int(answer["number"]), _judge_due(change, answer)
    return int(answer["number"]), update_milestone(client, change, int(answer["number"]))


def update_milestone(client: Client, change: Change, number: int) -> list[Diagnostic]:
    """The milestone has the planned fields; lines of other actions and edits by people stay."""
    for _ in range(MOST_REWRITES):
        live = client.get(f"/milestones/{number}", needs=NEEDS)
        body = _differences(change, live)
        if not body:
            return []
        answer = client.update(f"/milestones/{number}", body, needs=NEEDS)
        if "description" not in body:
            return _judge_due(change, answer)
        if not _differences(change, client.get(f"/milestones/{number}", needs=NEEDS)):
            return _judge_due(change, answer)
    return [DESCRIPTION_LOST.found(f'milestone "{change.name}": its description keeps changing', at=change.at)]


def find_milestone(client: Client, number: int) -> Any | None:
    """The milestone as it is this moment; None when it is gone."""
    return client.find(f"/milestones/{number}", needs=NEEDS)


def delete_milestone(client: Client, number: int) -> bool:
    """The milestone is gone if it still held nothing; False when somebody put something into it."""
    live = find_milestone(client, number)
    if live and (live["open_issues"] or live["closed_issues"]):
        return False
    client.delete(f"/milestones/{number}", needs=NEEDS)
    return True


def _listed(value: Any) -> Milestone:
    """REST counts issues and pull requests together."""
    items = int(value["open_issues"]) + int(value["closed_issues"])
    return Milestone(
        number=value["number"],
        node_id=value["node_id"],
        title=value["title"],
        description=value["description"] or "",
        state=State(value["state"]),
        due=due_from_wire(value["due_on"]),
        created_at=value["created_at"],
        issues=items,
        items=items,
        open_items=value["open_issues"],
    )


def _find(client: Client, title: str) -> Any | None:
    """The milestone with exactly that title among the newest: it is looked for just after its creation."""
    text = """
    query($owner: String!, $name: String!) {
      repository(owner: $owner, name: $name) {
        milestones(first: 100, orderBy: {field: CREATED_AT, direction: DESC}) { nodes { number title } }
      }
    }"""
    data = client.query(text, client.names, needs=NEEDS)
    numbers = [each["number"] for each in data["repository"]["milestones"]["nodes"] if each["title"] == title]
    return find_milestone(client, numbers[0]) if numbers else None


def _differences(change: Change, live: Any) -> dict[str, Any]:
    """The PATCH that is still needed, made from the milestone as it is this moment."""
    body: dict[str, Any] = {}
    if change.touches("title") and live["title"] != change.after("title"):
        body["title"] = change.after("title")
    if change.touches("due") and due_from_wire(live["due_on"]) != change.after("due"):
        body["due_on"] = _due(change)
    if change.touches("state") and live["state"] != change.after("state"):
        body["state"] = change.after("state")
    description = _description(change, live["description"] or "")
    if normal(live["description"] or "") != description:
        body["description"] = description
    return body


def _description(change: Change, live: str) -> str:
    if not (change.touches("description") or change.touches("block")):
        return normal(live)
    text, block = split_description(live)
    text = str(change.after("description") or "") if change.touches("description") else text
    if change.touches("block"):
        block = (block or Block()).with_line(change.line, str(change.after("block")))
    try:
        return join_description(text, block)
    except ValueError as trouble:
        # No status: what follows may rest on this line.
        raise Refused(_full(change, str(trouble))) from None


def _full(change: Change, reason: str) -> Diagnostic:
    way_out = f"delete from its description the lines of the block that somebody added beside ours, `{change.line} …`"
    return BLOCK_FULL.found(f'milestone "{change.name}": {reason}', help=way_out)


def _due(change: Change) -> str | None:
    due = change.after("due")
    assert due is None or isinstance(due, date)
    return due_to_wire(due)


def _judge_due(change: Change, answer: Any) -> list[Diagnostic]:
    shown = due_from_wire(answer.get("due_on"))
    if not change.touches("due") or shown == change.after("due"):
        return []
    asked = change.after("due")
    return [
        DUE_DATE_MOVED.found(f'milestone "{change.name}": due {asked} was sent, GitHub shows {shown}', at=change.at)
    ]
