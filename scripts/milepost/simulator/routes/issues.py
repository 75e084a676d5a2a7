"""Issues, and pull requests where they are issues: lists, fields, labels, assignees, timeline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from milepost.simulator.router import Answer, Refusal, Request, invalid, route
from milepost.simulator.routes.labels import attach
from milepost.simulator.store import Event, Issue, Repository, read_time

CREATED = "title body milestone labels assignee assignees type issue_field_values"
UPDATED = f"{CREATED} state state_reason duplicate_issue_id"
FILTERS = "milestone state assignee type creator mentioned labels sort direction since per_page"
ISSUE = "/repos/{owner}/{repo}/issues/{number}"


@route("GET", "/repos/{owner}/{repo}/issues", query=FILTERS)
def list_issues(request: Request) -> Answer:
    repository = request.repository
    found = [each for each in repository.issues.values() if _matches(request, repository, each)]
    name = request.query.get("sort", "created")
    keys = {
        "created": lambda each: (each.created_at, each.number),
        "updated": lambda each: (each.updated_at, each.number),
        "comments": lambda each: (len(each.comments), each.number),
    }
    if name not in keys:
        raise invalid("Issue", "invalid", "sort")
    found.sort(key=keys[name], reverse=request.query.get("direction", "desc") == "desc")
    page, headers = request.page(found)
    return Answer(200, [request.wire.issue(repository, each) for each in page], headers)


@route("POST", "/repos/{owner}/{repo}/issues", members=CREATED)
def create_issue(request: Request) -> Answer:
    repository, body, store = request.repository, request.fields, request.store
    if request.token is None:
        raise Refusal(401, "Requires authentication")
    if request.token.permissions is not None:
        request.need(repository, "issues", "write", "read")
    title = _title(body.get("title"))
    body = body if _may_plan(request, repository) else {"body": body.get("body")}
    milestone = _milestone(repository, body.get("milestone"))
    kind = _type(repository, body.get("type"))
    repository.last_number += 1
    issue = Issue(
        id=store.next_id(),
        number=repository.last_number,
        title=title,
        body=body.get("body"),
        author=request.login,
        created_at=store.now,
        updated_at=store.now,
        type=kind,
    )
    repository.issues[issue.number] = issue
    repository.place(issue, milestone)
    if milestone is not None:
        note(request, issue, "milestoned", milestone={"title": repository.milestones[milestone].title})
    set_labels(request, repository, issue, body.get("labels") or [])
    issue.assignees = _assignable(request, repository, body.get("assignees") or [])
    written = request.wire.issue(repository, issue)
    return Answer(201, written, {"Location": written["url"]})


@route("GET", ISSUE)
def get_issue(request: Request) -> Answer:
    return Answer(200, request.wire.issue(request.repository, find_issue(request)))


@route("PATCH", ISSUE, members=UPDATED)
def update_issue(request: Request) -> Answer:
    repository, issue, body = request.repository, find_issue(request), request.fields
    _need_edit(request, repository, issue)
    if not _may_plan(request, repository, issue):
        planned = ("milestone", "labels", "assignees", "assignee", "type")
        body = {name: value for name, value in body.items() if name not in planned}
    title = _title(body["title"]) if "title" in body else issue.title
    milestone = _milestone(repository, body["milestone"]) if "milestone" in body else issue.milestone
    kind = _type(repository, body["type"]) if "type" in body else issue.type
    state, reason = _state(issue, body)
    if title != issue.title:
        note(request, issue, "renamed", rename={"from": issue.title, "to": title})
    issue.title, issue.type = title, kind
    if "body" in body:
        issue.body = body["body"]
    move(request, repository, issue, milestone)
    if "labels" in body:
        set_labels(request, repository, issue, body["labels"] or [])
    if "assignees" in body:
        issue.assignees = _assignable(request, repository, body["assignees"] or [])
    set_state(request, issue, state, reason)
    issue.updated_at = request.store.now
    return Answer(200, request.wire.issue(repository, issue))


@route("GET", f"{ISSUE}/labels", query="per_page")
def list_issue_labels(request: Request) -> Answer:
    repository, issue = request.repository, find_issue(request)
    page, headers = request.page(issue.labels)
    return Answer(200, [request.wire.label(repository, repository.labels[each]) for each in page], headers)


@route("POST", f"{ISSUE}/labels", scopes="issues|pull-requests", role="triage", members="labels")
def add_labels(request: Request) -> Answer:
    repository, issue = request.repository, find_issue(request)
    body = request.body if isinstance(request.body, list) else request.fields.get("labels", [])
    for each in body:
        label = attach(request, repository, each if isinstance(each, str) else each["name"])
        if label not in issue.labels:
            issue.labels.append(label)
    issue.updated_at = request.store.now
    return Answer(200, [request.wire.label(repository, repository.labels[each]) for each in issue.labels])


@route("POST", f"{ISSUE}/assignees", scopes="issues|pull-requests", role="write", members="assignees")
def add_assignees(request: Request) -> Answer:
    repository, issue = request.repository, find_issue(request)
    wanted = [*issue.assignees, *request.fields.get("assignees", [])]
    issue.assignees = _assignable(request, repository, wanted)
    issue.updated_at = request.store.now
    return Answer(201, request.wire.issue(repository, issue))


@route("DELETE", f"{ISSUE}/assignees", scopes="issues|pull-requests", role="write", members="assignees")
def remove_assignees(request: Request) -> Answer:
    repository, issue = request.repository, find_issue(request)
    gone = {each.casefold() for each in request.fields.get("assignees", [])}
    issue.assignees = [each for each in issue.assignees if each.casefold() not in gone]
    return Answer(200, request.wire.issue(repository, issue))


@route("GET", f"{ISSUE}/timeline", query="per_page")
def list_timeline(request: Request) -> Answer:
    repository, issue = request.repository, find_issue(request)
    page, headers = request.page(issue.timeline)
    return Answer(200, [request.wire.event(repository, issue, each) for each in page], headers)


def find_issue(request: Request) -> Issue:
    """The issue or pull request that the path names."""
    text = request.parts["number"]
    found = request.repository.issues.get(int(text)) if text.isdigit() else None
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def note(request: Request, issue: Issue, kind: str, **details: Any) -> None:
    """The issue's timeline has one more entry."""
    issue.timeline.append(Event(request.store.next_id(), kind, request.login, request.store.now, details))


def move(request: Request, repository: Repository, issue: Issue, milestone: int | None) -> None:
    """The issue is in the milestone, closed or not, and its timeline tells."""
    if milestone == issue.milestone:
        return
    if issue.milestone is not None:
        note(request, issue, "demilestoned", milestone={"title": repository.milestones[issue.milestone].title})
    if milestone is not None:
        note(request, issue, "milestoned", milestone={"title": repository.milestones[milestone].title})
    repository.place(issue, milestone)


def set_state(request: Request, issue: Issue, state: str, reason: str | None) -> None:
    """The issue is open or closed, for the reason."""
    if state != issue.state:
        note(request, issue, "closed" if state == "closed" else "reopened", state_reason=reason)
        issue.closed_at = request.store.now if state == "closed" else None
    issue.state, issue.state_reason = state, reason


def set_labels(request: Request, repository: Repository, issue: Issue, labels: Iterable[Any]) -> None:
    """The issue has these labels and no others."""
    names = [each if isinstance(each, str) else each["name"] for each in labels]
    issue.labels = list(dict.fromkeys(attach(request, repository, name) for name in names))


def _matches(request: Request, repository: Repository, issue: Issue) -> bool:
    query = request.query
    checks = (
        query.get("state", "open") in ("all", issue.state),
        "since" not in query or issue.updated_at >= read_time(query["since"]),
        "creator" not in query or issue.author == query["creator"],
        "type" not in query or issue.type == query["type"],
        "assignee" not in query or _is_assigned(issue, query["assignee"]),
        "milestone" not in query or _is_in(repository, issue, query["milestone"]),
        "labels" not in query or _has_labels(repository, issue, query["labels"].split(",")),
    )
    return all(checks)


def _is_assigned(issue: Issue, login: str) -> bool:
    if login in ("none", "*"):
        return bool(issue.assignees) == (login == "*")
    return login in issue.assignees


def _is_in(repository: Repository, issue: Issue, milestone: str) -> bool:
    """GitHub compares titles without case here, so that case twins come together."""
    if milestone in ("none", "*"):
        return (issue.milestone is not None) == (milestone == "*")
    wanted = repository.milestones.get(int(milestone)) if milestone.isdigit() else None
    if wanted is None:
        raise invalid("Issue", "invalid", "milestone", value=milestone)
    held = repository.milestones.get(issue.milestone or 0)
    return held is not None and held.title.casefold() == wanted.title.casefold()


def _has_labels(repository: Repository, issue: Issue, names: list[str]) -> bool:
    held = {repository.labels[each].name.casefold() for each in issue.labels}
    return all(name.casefold() in held for name in names)


def _may_plan(request: Request, repository: Repository, issue: Issue | None = None) -> bool:
    """Milestone, labels, assignees and type take push access; GitHub drops them silently without it."""
    scopes = ["issues", "pull-requests"] if issue is not None and issue.pull else ["issues"]
    return any(request.may(repository, scope, "write", "triage") for scope in scopes)


def _need_edit(request: Request, repository: Repository, issue: Issue) -> None:
    is_author = request.token is not None and request.token.permissions is None and request.login == issue.author
    if not is_author:
        request.need(repository, "pull-requests|issues" if issue.pull else "issues", "write", "triage")


def _title(title: object) -> str:
    if not isinstance(title, str | int) or not str(title).strip():
        raise invalid("Issue", "missing_field", "title")
    if len(str(title)) > 256:
        raise invalid("Issue", "custom", "title", message="title is too long (maximum is 256 characters)")
    return str(title)


def _milestone(repository: Repository, milestone: object) -> int | None:
    if milestone in (None, ""):
        return None
    number = int(milestone) if isinstance(milestone, int) or str(milestone).isdigit() else 0  # type: ignore[call-overload]
    if number not in repository.milestones:
        raise invalid("Issue", "invalid", "milestone", value=milestone)
    return int(number)


def _type(repository: Repository, name: object) -> str | None:
    if name is None:
        return None
    found = next((each for each in repository.issue_types if each.casefold() == str(name).casefold()), None)
    if found is None:
        raise invalid("Issue", "invalid", "type", value=name)
    return found


def _state(issue: Issue, body: dict[str, Any]) -> tuple[str, str | None]:
    state, reason = body.get("state", issue.state), body.get("state_reason")
    if state not in ("open", "closed"):
        raise invalid("Issue", "invalid", "state")
    if reason not in (None, "completed", "not_planned", "duplicate", "reopened"):
        raise invalid("Issue", "invalid", "state_reason")
    if state == issue.state and reason is None:
        return state, issue.state_reason
    return state, reason or ("completed" if state == "closed" else "reopened")


def _assignable(request: Request, repository: Repository, logins: list[str]) -> list[str]:
    """Those who can be assigned, at most ten; GitHub drops the others silently."""
    known = {each.casefold(): each for each in [repository.owner, *repository.collaborators]}
    kept = [known[each.casefold()] for each in logins if each.casefold() in known]
    return list(dict.fromkeys(kept))[:10]
