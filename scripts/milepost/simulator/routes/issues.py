"""Issues, and pull requests where they are issues: lists, fields, labels, assignees, locks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from milepost.simulator.router import Answer, Refusal, Request, invalid, route
from milepost.simulator.routes.labels import attach
from milepost.simulator.store import Event, Issue, Repository, read_time

CREATED = (
    "title:string|integer body:string|null milestone:integer|string|null labels:array assignee:string|null"
    " assignees:array type:string|null"
)
UPDATED = f"{CREATED} state:string state_reason:string|null duplicate_issue_id:integer"
FILTERS = "milestone state assignee type creator mentioned labels sort direction since per_page"
ISSUE = "/repos/{owner}/{repo}/issues/{number}"
READERS = "issues|pull-requests"
PLANNED = ("milestone", "labels", "assignee", "assignees", "type")
MOST_ASSIGNEES = 10
LOCK_REASONS = ("off-topic", "too heated", "resolved", "spam")


@route("GET", "/repos/{owner}/{repo}/issues", scopes=READERS, query=FILTERS)
def list_issues(request: Request) -> Answer:
    repository = request.repository
    is_wanted = _filter(request.query, repository)
    found = [each for each in repository.issues.values() if is_wanted(each)]
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
    issue = Issue(
        id=store.next_id(),
        number=repository.last_number + 1,
        title=title,
        body=body.get("body"),
        author=request.login,
        created_at=store.now,
        updated_at=store.now,
        type=kind,
    )
    repository.add(issue)
    move(request, repository, issue, milestone)
    set_labels(request, repository, issue, body.get("labels") or [])
    _assign(request, repository, issue, _assignees(body) or [])
    store.mention(repository, issue, issue.body, request.login)
    written = request.wire.issue(repository, issue)
    return Answer(201, written, {"Location": written["url"]})


@route("GET", ISSUE, scopes=READERS)
def get_issue(request: Request) -> Answer:
    return Answer(200, request.wire.issue(request.repository, find_issue(request)))


@route("PATCH", ISSUE, members=UPDATED)
def update_issue(request: Request) -> Answer:
    repository, issue, body = request.repository, find_issue(request), request.fields
    _need_edit(request, repository, issue)
    if not _may_plan(request, repository, issue):
        body = {name: value for name, value in body.items() if name not in PLANNED}
    title = _title(body["title"]) if "title" in body else issue.title
    milestone = _milestone(repository, body["milestone"]) if "milestone" in body else issue.milestone
    kind = _type(repository, body["type"]) if "type" in body else issue.type
    state, reason = _state(issue, body)
    if title != issue.title:
        note(request, issue, "renamed", rename={"from": issue.title, "to": title})
    issue.title, issue.type = title, kind
    if "body" in body:
        set_body(request, issue, body["body"])
    move(request, repository, issue, milestone)
    if "labels" in body:
        set_labels(request, repository, issue, body["labels"] or [])
    if (assignees := _assignees(body)) is not None:
        _assign(request, repository, issue, assignees)
    set_state(request, issue, state, reason)
    issue.updated_at = request.store.now
    return Answer(200, request.wire.issue(repository, issue))


@route("GET", f"{ISSUE}/labels", scopes=READERS, query="per_page")
def list_issue_labels(request: Request) -> Answer:
    repository, issue = request.repository, find_issue(request)
    page, headers = request.page(issue.labels)
    return Answer(200, [request.wire.label(repository, repository.labels[each]) for each in page], headers)


@route("POST", f"{ISSUE}/labels", scopes="issues|pull-requests", role="triage", members="labels:array")
def add_labels(request: Request) -> Answer:
    repository, issue = request.repository, find_issue(request)
    body = request.body if isinstance(request.body, list) else request.fields.get("labels", [])
    held = [repository.labels[each].name for each in issue.labels]
    set_labels(request, repository, issue, [*held, *body])
    return _labels(request, issue)


@route("PUT", f"{ISSUE}/labels", scopes=READERS, role="triage", members="labels:array")
def replace_labels(request: Request) -> Answer:
    repository, issue = request.repository, find_issue(request)
    body = request.body if isinstance(request.body, list) else request.fields.get("labels", [])
    set_labels(request, repository, issue, body)
    return _labels(request, issue)


@route("DELETE", f"{ISSUE}/labels", scopes=READERS, role="triage")
def remove_all_labels(request: Request) -> Answer:
    set_labels(request, request.repository, find_issue(request), [])
    return Answer(204)


@route("DELETE", f"{ISSUE}/labels/{{name*}}", scopes=READERS, role="triage")
def remove_label(request: Request) -> Answer:
    repository, issue = request.repository, find_issue(request)
    gone = repository.label_named(request.parts["name"])
    if gone is None or gone.id not in issue.labels:
        raise Refusal(404, "Label does not exist")
    set_labels(request, repository, issue, [repository.labels[each].name for each in issue.labels if each != gone.id])
    return _labels(request, issue)


@route("POST", f"{ISSUE}/assignees", scopes="issues|pull-requests", role="write", members="assignees:array")
def add_assignees(request: Request) -> Answer:
    repository, issue = request.repository, find_issue(request)
    wanted = [*issue.assignees, *request.fields.get("assignees", [])]
    _assign(request, repository, issue, wanted)
    return Answer(201, request.wire.issue(repository, issue))


@route("DELETE", f"{ISSUE}/assignees", scopes="issues|pull-requests", role="write", members="assignees:array")
def remove_assignees(request: Request) -> Answer:
    repository, issue = request.repository, find_issue(request)
    gone = {each.casefold() for each in request.fields.get("assignees", [])}
    _assign(request, repository, issue, [each for each in issue.assignees if each.casefold() not in gone])
    return Answer(200, request.wire.issue(repository, issue))


@route("PUT", f"{ISSUE}/lock", scopes=READERS, role="write", members="lock_reason:string|null")
def lock(request: Request) -> Answer:
    issue, reason = find_issue(request), request.fields.get("lock_reason")
    if reason is not None and reason not in LOCK_REASONS:
        raise invalid("Issue", "invalid", "lock_reason")
    if not issue.is_locked:
        note(request, issue, "locked", lock_reason=reason)
    issue.is_locked, issue.lock_reason = True, reason
    return Answer(204)


@route("DELETE", f"{ISSUE}/lock", scopes=READERS, role="write")
def unlock(request: Request) -> Answer:
    issue = find_issue(request)
    if issue.is_locked:
        note(request, issue, "unlocked")
    issue.is_locked, issue.lock_reason = False, None
    return Answer(204)


def find_issue(request: Request) -> Issue:
    """The issue or pull request that the path names."""
    text = request.parts["number"]
    found = request.repository.issues.get(int(text)) if text.isdigit() else None
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def note(request: Request, issue: Issue, kind: str, **details: Any) -> None:
    """The issue's timeline has one more entry."""
    issue.updated_at = request.store.now
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
        is_closed = state == "closed"
        issue.closed_at = request.store.now if is_closed else None
        issue.closed_by = request.login if is_closed else None
    issue.state, issue.state_reason = state, reason


def set_labels(request: Request, repository: Repository, issue: Issue, labels: Iterable[Any]) -> None:
    """The issue has these labels and no others."""
    names = [_label_name(each) for each in labels]
    wanted = list(dict.fromkeys(attach(request, repository, name) for name in names))
    for kind, changed in (
        ("labeled", [each for each in wanted if each not in issue.labels]),
        ("unlabeled", [each for each in issue.labels if each not in wanted]),
    ):
        for each in changed:
            label = repository.labels[each]
            note(request, issue, kind, label={"name": label.name, "color": label.color})
    issue.labels = wanted


def set_body(request: Request, issue: Issue, body: str | None) -> None:
    """The issue has the text, and when it is another one, that it was edited, and by whom."""
    if body != issue.body:
        issue.editor, issue.edited_at = request.login, request.store.now
    issue.body = body
    request.store.mention(request.repository, issue, body, request.login)


def _labels(request: Request, issue: Issue) -> Answer:
    repository = request.repository
    return Answer(200, [request.wire.label(repository, repository.labels[each]) for each in issue.labels])


def _label_name(label: Any) -> str:
    name = label.get("name") if isinstance(label, dict) else label
    if not isinstance(name, str) or not name.strip():
        raise Refusal(422, f"Invalid request.\n\nFor 'items', {name!r} is not a string.")
    return name


def _filter(query: Mapping[str, str], repository: Repository) -> Callable[[Issue], bool]:
    """What the parameters ask of an issue; only those that are given cost time."""
    checks: list[Callable[[Issue], bool]] = []
    state = query.get("state", "open")
    if state not in ("open", "closed", "all"):
        raise invalid("Issue", "invalid", "state")
    if state != "all":
        checks.append(lambda issue: issue.state == state)
    if "since" in query:
        since = _since(query["since"])
        checks.append(lambda issue: issue.updated_at >= since)
    if "creator" in query:
        checks.append(lambda issue: issue.author.casefold() == query["creator"].casefold())
    if "mentioned" in query:
        checks.append(lambda issue: f"@{query['mentioned']}".casefold() in (issue.body or "").casefold())
    if "type" in query:
        checks.append(lambda issue: _is_value(query["type"], [issue.type] if issue.type else []))
    if "assignee" in query:
        checks.append(lambda issue: _is_value(query["assignee"], issue.assignees))
    if "milestone" in query:
        checks.append(_milestone_filter(repository, query["milestone"]))
    if query.get("labels"):
        names = {name.strip().casefold() for name in query["labels"].split(",")}
        checks.append(lambda issue: names <= {repository.labels[each].name.casefold() for each in issue.labels})
    return lambda issue: all(check(issue) for check in checks)


def _since(text: str) -> datetime:
    try:
        return read_time(text)
    except ValueError:
        raise invalid("Issue", "invalid", "since", value=text) from None


def _is_value(wanted: str, held: list[str]) -> bool:
    if wanted in ("none", "*"):
        return bool(held) == (wanted == "*")
    return wanted.casefold() in [each.casefold() for each in held]


def _milestone_filter(repository: Repository, milestone: str) -> Callable[[Issue], bool]:
    """GitHub compares titles without case here, so that case twins come together."""
    if milestone in ("none", "*"):
        return lambda issue: (issue.milestone is not None) == (milestone == "*")
    wanted = repository.milestones.get(int(milestone)) if milestone.isdigit() else None
    if wanted is None:
        raise invalid("Issue", "invalid", "milestone", value=milestone)
    title = wanted.title.casefold()
    twins = {each.number for each in repository.milestones.values() if each.title.casefold() == title}
    return lambda issue: issue.milestone in twins


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


def _assignees(body: Mapping[str, Any]) -> list[str] | None:
    """Those asked for, by the list or by the one; None when the body says nothing of them."""
    if "assignees" in body:
        return list(body["assignees"] or [])
    if "assignee" in body:
        return [body["assignee"]] if body["assignee"] else []
    return None


def _assign(request: Request, repository: Repository, issue: Issue, logins: list[str]) -> None:
    """Assigned are those who can be, at most ten; GitHub drops the others silently."""
    known = {each.casefold(): each for each in [repository.owner, *repository.collaborators]}
    kept = [known[str(each).casefold()] for each in logins if str(each).casefold() in known]
    wanted = list(dict.fromkeys(kept))[:MOST_ASSIGNEES]
    for kind, changed in (
        ("assigned", [each for each in wanted if each not in issue.assignees]),
        ("unassigned", [each for each in issue.assignees if each not in wanted]),
    ):
        for each in changed:
            note(request, issue, kind, assignee=each)
    issue.assignees = wanted
