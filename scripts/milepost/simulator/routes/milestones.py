"""Milestones; a due date is floored to midnight in California."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo

from milepost.simulator.router import Answer, Refusal, Request, invalid, route
from milepost.simulator.routes.issues import move
from milepost.simulator.store import Milestone, Repository, read_time

PACIFIC = ZoneInfo("America/Los_Angeles")
MEMBERS = "title:string state:string description:string|null due_on:string|null"
READERS = "issues|pull-requests"


def floor_due(moment: datetime) -> datetime:
    """Midnight in California of the day that the moment falls on there."""
    local = moment.astimezone(PACIFIC)
    return datetime(local.year, local.month, local.day, tzinfo=PACIFIC).astimezone(timezone.utc)


@route("GET", "/repos/{owner}/{repo}/milestones", scopes=READERS, query="state sort direction per_page")
def list_milestones(request: Request) -> Answer:
    repository = request.repository
    state = request.query.get("state", "open")
    if state not in ("open", "closed", "all"):
        raise invalid("Milestone", "invalid", "state")
    found = [each for each in repository.milestones.values() if state in ("all", each.state)]
    far = datetime.max.replace(tzinfo=timezone.utc)
    if request.query.get("sort", "due_on") == "completeness":
        found.sort(key=lambda each: (_completeness(repository, each), each.number))
    else:
        found.sort(key=lambda each: (each.due_on or far, each.number))
    if request.query.get("direction", "asc") == "desc":
        found.reverse()
    page, headers = request.page(found)
    return Answer(200, [request.wire.milestone(repository, each) for each in page], headers)


@route("POST", "/repos/{owner}/{repo}/milestones", scopes="issues", role="write", members=MEMBERS)
def create_milestone(request: Request) -> Answer:
    repository, body, now = request.repository, request.fields, request.store.now
    title = _title(repository, body.get("title"), None)
    state, due_on = _state(body.get("state", "open")), _due(body.get("due_on"))
    repository.last_milestone += 1
    milestone = Milestone(
        id=request.store.next_id(),
        number=repository.last_milestone,
        title=title,
        description=body.get("description"),
        state=state,
        due_on=due_on,
        creator=request.login,
        created_at=now,
        updated_at=now,
        closed_at=now if state == "closed" else None,
    )
    repository.milestones[milestone.number] = milestone
    written = request.wire.milestone(repository, milestone)
    return Answer(201, written, {"Location": written["url"]})


@route("GET", "/repos/{owner}/{repo}/milestones/{number}", scopes=READERS)
def get_milestone(request: Request) -> Answer:
    return Answer(200, request.wire.milestone(request.repository, _find(request)))


@route("PATCH", "/repos/{owner}/{repo}/milestones/{number}", scopes="issues", role="write", members=MEMBERS)
def update_milestone(request: Request) -> Answer:
    repository, milestone, body = request.repository, _find(request), request.fields
    title = _title(repository, body["title"], milestone) if "title" in body else milestone.title
    state = _state(body["state"]) if "state" in body else milestone.state
    due_on = _due(body["due_on"]) if "due_on" in body else milestone.due_on
    if state != milestone.state:
        milestone.closed_at = request.store.now if state == "closed" else None
    milestone.title, milestone.state, milestone.due_on = title, state, due_on
    if "description" in body:
        milestone.description = body["description"]
    milestone.updated_at = request.store.now
    return Answer(200, request.wire.milestone(repository, milestone))


@route("DELETE", "/repos/{owner}/{repo}/milestones/{number}", scopes="issues", role="write")
def delete_milestone(request: Request) -> Answer:
    repository, milestone = request.repository, _find(request)
    for issue in repository.members(milestone.number):
        move(request, repository, issue, None)
    del repository.milestones[milestone.number]
    return Answer(204)


@route("GET", "/repos/{owner}/{repo}/milestones/{number}/labels", scopes=READERS, query="per_page")
def list_milestone_labels(request: Request) -> Answer:
    repository = request.repository
    members = repository.members(_find(request).number)
    held = sorted({each for issue in members for each in issue.labels})
    page, headers = request.page(held)
    return Answer(200, [request.wire.label(repository, repository.labels[each]) for each in page], headers)


def _find(request: Request) -> Milestone:
    text = request.parts["number"]
    found = request.repository.milestones.get(int(text)) if text.isdigit() else None
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def _title(repository: Repository, title: object, own: Milestone | None) -> str:
    """Unique among open and closed ones, and here case does count."""
    if not isinstance(title, str) or not title.strip():
        raise invalid("Milestone", "missing_field", "title")
    if len(title) > 255:
        raise invalid("Milestone", "custom", "title", message="title is too long (maximum is 255 characters)")
    if any(each.title == title and each is not own for each in repository.milestones.values()):
        raise invalid("Milestone", "already_exists", "title")
    return title


def _state(state: object) -> str:
    if state not in ("open", "closed"):
        known = json.dumps(["open", "closed"])
        raise Refusal(
            422, f"Invalid request.\n\nFor 'properties/state', {json.dumps(state)} is not a member of {known}."
        )
    return str(state)


def _due(text: Any) -> datetime | None:
    if text is None:
        return None
    try:
        return floor_due(read_time(text))
    except (ValueError, TypeError, AttributeError):
        raise Refusal(422, f"Invalid request.\n\nFor 'properties/due_on', {text} is not a valid date-time.") from None


def _completeness(repository: Repository, milestone: Milestone) -> float:
    members = repository.members(milestone.number)
    return sum(each.state == "closed" for each in members) / len(members) if members else 0.0
