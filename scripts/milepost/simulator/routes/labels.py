"""Labels; GitHub tells them apart without case."""

from __future__ import annotations

import re

from milepost.simulator.router import Answer, Refusal, Request, invalid, route
from milepost.simulator.store import Label, Repository

READERS = "issues|pull-requests"


@route("GET", "/repos/{owner}/{repo}/labels", scopes=READERS, query="per_page")
def list_labels(request: Request) -> Answer:
    repository = request.repository
    labels, headers = request.page(sorted(repository.labels.values(), key=lambda label: label.name.casefold()))
    return Answer(200, [request.wire.label(repository, each) for each in labels], headers)


@route(
    "POST", "/repos/{owner}/{repo}/labels", scopes="issues", role="write", members="name color description:string|null"
)
def create_label(request: Request) -> Answer:
    repository, body = request.repository, request.fields
    name = _check(request, repository, body.get("name"), None)
    label = Label(request.store.next_id(), name, _color(body.get("color", "ededed")), _description(body))
    repository.labels[label.id] = label
    written = request.wire.label(repository, label)
    return Answer(201, written, {"Location": written["url"]})


@route("GET", "/repos/{owner}/{repo}/labels/{name*}", scopes=READERS)
def get_label(request: Request) -> Answer:
    return Answer(200, request.wire.label(request.repository, _find(request)))


@route(
    "PATCH",
    "/repos/{owner}/{repo}/labels/{name*}",
    scopes="issues",
    role="write",
    members="new_name color description:string|null",
)
def update_label(request: Request) -> Answer:
    repository, label, body = request.repository, _find(request), request.fields
    if "new_name" in body:
        label.name = _check(request, repository, body["new_name"], label)
    if "color" in body:
        label.color = _color(body["color"])
    if "description" in body:
        label.description = _description(body)
    return Answer(200, request.wire.label(repository, label))


@route("DELETE", "/repos/{owner}/{repo}/labels/{name*}", scopes="issues", role="write")
def delete_label(request: Request) -> Answer:
    repository, label = request.repository, _find(request)
    del repository.labels[label.id]
    for issue in repository.issues.values():
        if label.id in issue.labels:
            issue.labels.remove(label.id)
    return Answer(204)


def attach(request: Request, repository: Repository, name: str) -> int:
    """The label's id; GitHub creates a label that an issue names and that is not there."""
    found = repository.label_named(name)
    if found is None:
        found = Label(request.store.next_id(), name, "ededed")
        repository.labels[found.id] = found
    return found.id


def _find(request: Request) -> Label:
    found = request.repository.label_named(request.parts["name"])
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def _check(request: Request, repository: Repository, name: object, own: Label | None) -> str:
    if not isinstance(name, str) or not name.strip():
        raise invalid("Label", "missing_field", "name")
    if len(name) > 50:
        raise invalid("Label", "custom", "name", message="name is too long (maximum is 50 characters)")
    found = repository.label_named(name)
    if found is not None and found is not own:
        raise invalid("Label", "already_exists", "name")
    return name


def _color(color: object) -> str:
    if not isinstance(color, str) or not re.fullmatch(r"[0-9A-Fa-f]{6}", color):
        raise invalid("Label", "invalid", "color")
    return color.lower()


def _description(body: dict[str, object]) -> str | None:
    text = body.get("description")
    if text is not None and (not isinstance(text, str) or len(text) > 100):
        message = "description is too long (maximum is 100 characters)"
        raise invalid("Label", "custom", "description", message=message)
    return text or None
