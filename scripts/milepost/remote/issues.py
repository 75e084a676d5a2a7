"""GitHub's issues: create, update, move, close, nest. What GitHub drops silently is noticed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from milepost.core.change import Change
from milepost.core.identity import Marker, join_body, split_body
from milepost.diagnostics import Diagnostic, Rule, Severity
from milepost.errors import Refused
from milepost.remote.client import Client

DROPPED_FIELD = Rule("dropped-field", Severity.WARNING, "GitHub silently left out part of what was written.")
RULES = (DROPPED_FIELD,)

NEEDS = "issues: write"


def create_issue(
    client: Client, change: Change, *, milestone: int | None, login: str
) -> tuple[dict[str, Any], list[Diagnostic]]:
    """The issue exists once, with its marker; the value is GitHub's answer and what it left out."""
    marker = Marker(key=change.key or "", milestone=milestone)
    body: dict[str, Any] = {"title": change.name, "body": join_body(str(change.after("body") or ""), marker)}
    if milestone is not None:
        body["milestone"] = milestone
    for name in ("labels", "assignees"):
        if change.touches(name):
            body[name] = list(_texts(change, name))
    if change.touches("type"):
        body["type"] = change.after("type")
    answer = client.create("/issues", body, lambda: _find_newest(client, change.key, login), needs=NEEDS)
    if change.after("state") == "closed":
        client.update(f"/issues/{answer['number']}", {"state": "closed"}, needs=NEEDS)
    return answer, _judge_dropped(change, body, answer)


def update_issue(client: Client, change: Change, *, milestone: int | None) -> tuple[bool, list[Diagnostic]]:
    """The issue has the planned fields; False when somebody moved it since it was read, and it was left alone.

    Labels and assignees are added by requests of their own, so that none that people add meanwhile is lost.
    """
    path, problems = f"/issues/{change.number}", []
    live = client.get(path, needs=NEEDS)
    if change.touches("milestone") and (live.get("milestone") or {}).get("number") != change.milestone:
        return False, []
    body = _patch(change, live, milestone)
    if body:
        problems += _judge_dropped(change, body, client.update(path, body, needs=NEEDS))
    for name in ("labels", "assignees"):
        if change.touches(name):
            added = [each for each in _texts(change, name) if each not in (_before(change, name) or ())]
            problems += _add(client, change, name, added)
    return True, problems


def move_item(client: Client, change: Change, *, milestone: int | None) -> tuple[bool, list[Diagnostic]]:
    """The issue or pull request is in that milestone, or in none; False when somebody moved, closed or deleted it meanwhile.

    Labels come first: an item that has moved is not looked at again.
    """
    path, problems = f"/issues/{change.number}", []
    live = client.find(path, needs=NEEDS)
    if live is None or live["state"] != "open" or (live.get("milestone") or {}).get("number") != change.milestone:
        return False, []
    if change.touches("labels"):
        added = [each for each in _texts(change, "labels") if each not in (_before(change, "labels") or ())]
        problems += _add(client, change, "labels", added)
    body = {"milestone": milestone}
    problems += _judge_dropped(change, body, client.update(path, body, needs=NEEDS))
    return True, problems


def close_twin(client: Client, change: Change) -> None:
    """The twin is closed as a duplicate, holds no milestone, and stands for no planned issue any more."""
    path = f"/issues/{change.number}"
    text, marker = split_body(client.get(path, needs=NEEDS)["body"] or "")
    kept = change.after("duplicate-of")
    assert isinstance(kept, int)
    body = {
        "state": "closed",
        "state_reason": "duplicate",
        "milestone": None,
        "body": join_body(text, Marker(key=marker.key if marker else change.key or "", duplicate_of=kept)),
    }
    try:
        client.update(path, body, needs=NEEDS)
    except Refused as refusal:
        if refusal.status != 422:
            raise
        # Enterprise Server before this reason existed.
        client.update(path, {**body, "state_reason": "not_planned"}, needs=NEEDS)


def close_issue(client: Client, change: Change) -> None:
    """The issue is closed as not planned."""
    client.update(f"/issues/{change.number}", {"state": "closed", "state_reason": "not_planned"}, needs=NEEDS)


def set_parent(client: Client, *, number: int, issue_id: int | None, parent: int) -> None:
    """The issue is a sub-issue of the parent, and of no other."""
    if issue_id is None:
        issue_id = int(client.get(f"/issues/{number}", needs=NEEDS)["id"])
    is_there = _is_child(client, number, parent)
    if is_there():
        return
    body = {"sub_issue_id": issue_id, "replace_parent": True}
    client.create(f"/issues/{parent}/sub_issues", body, is_there, needs=NEEDS)


def _is_child(client: Client, number: int, parent: int) -> Callable[[], bool | None]:
    def look() -> bool | None:
        found = client.find(f"/issues/{number}/parent", needs=NEEDS)
        return True if found and found["number"] == parent else None

    return look


def _find_newest(client: Client, key: str | None, login: str) -> Any | None:
    """The newest issue with the key that our own login wrote."""
    newest = {"state": "all", "sort": "created", "direction": "desc", "per_page": "100"}
    for each in client.get("/issues", needs=NEEDS, parameters=newest):
        marker = split_body(each.get("body") or "")[1]
        is_own = (each.get("user") or {}).get("login") == login
        if marker and marker.key == key and marker.duplicate_of is None and is_own:
            return each
    return None


def _patch(change: Change, live: Any, milestone: int | None) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name in ("title", "type", "state"):
        if change.touches(name):
            body[name] = change.after(name)
    if change.touches("milestone"):
        body["milestone"] = milestone
    text, marker = split_body(live["body"] or "")
    if change.touches("body"):
        text = str(change.after("body") or "")
    wanted = _marker(change, marker, live, milestone)
    if wanted is not None and (change.touches("body") or wanted != marker):
        body["body"] = join_body(text, wanted)
    elif change.touches("body"):
        body["body"] = text
    return body


def _marker(change: Change, present: Marker | None, live: Any, milestone: int | None) -> Marker | None:
    """The marker that the issue carries afterwards: the milestone it was put into, or is in."""
    if change.touches("milestone"):
        return Marker(key=change.key or "", milestone=milestone)
    if change.touches("marker"):
        return Marker(key=change.key or "", milestone=(live.get("milestone") or {}).get("number"))
    return present


def _add(client: Client, change: Change, name: str, added: list[str]) -> list[Diagnostic]:
    answer = client.add(f"/issues/{change.number}/{name}", {name: added}, needs=NEEDS)
    issue = {name: answer} if name == "labels" else answer
    return _judge_dropped(change, {name: added}, issue)


def _judge_dropped(change: Change, body: dict[str, Any], answer: Any) -> list[Diagnostic]:
    """One diagnostic per part of the request that the answer lacks."""
    problems = []
    if body.get("milestone") is not None and (answer.get("milestone") or {}).get("number") != body["milestone"]:
        problems.append(_dropped(change, "the milestone", "issues: write"))
    for name, member in (("labels", "name"), ("assignees", "login")):
        present = {str(each[member]).casefold() for each in answer.get(name) or []}
        missing = [each for each in body.get(name, ()) if each.casefold() not in present]
        if missing:
            wanted = "issues: write" if name == "labels" else "access to the repository for them, and issues: write"
            problems.append(_dropped(change, f"{name} {', '.join(missing)}", wanted))
    if body.get("type") and str((answer.get("type") or {}).get("name")).casefold() != body["type"].casefold():
        problems.append(_dropped(change, f"type {body['type']}", "an issue type of that name in the organization"))
    return problems


def _dropped(change: Change, part: str, wanted: str) -> Diagnostic:
    return DROPPED_FIELD.found(
        f'{change.noun.value} "{change.name}": GitHub left out {part}', at=change.at, help=f"it takes {wanted}"
    )


def _texts(change: Change, name: str) -> tuple[str, ...]:
    value = change.after(name)
    assert isinstance(value, tuple)
    return value


def _before(change: Change, name: str) -> Any:
    return next((each.before for each in change.fields if each.name == name), None)
