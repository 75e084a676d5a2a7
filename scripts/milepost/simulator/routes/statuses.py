"""Commit statuses."""

from __future__ import annotations

from milepost.simulator.router import Answer, Refusal, Request, invalid, route
from milepost.simulator.store import Repository, Status

REPO = "/repos/{owner}/{repo}"
MOST_DESCRIPTION = 140


@route(
    "POST",
    f"{REPO}/statuses/{{sha}}",
    scopes="statuses",
    role="write",
    members="state:string target_url:string|null description:string|null context:string",
)
def create_status(request: Request) -> Answer:
    repository, sha, body = request.repository, request.parts["sha"], request.fields
    if sha not in repository.commits:
        raise Refusal(422, f"No commit found for SHA: {sha}")
    if body.get("state") not in ("error", "failure", "pending", "success"):
        raise invalid("Status", "invalid", "state")
    if len(body.get("description") or "") > MOST_DESCRIPTION:
        message = f"description is too long (maximum is {MOST_DESCRIPTION} characters)"
        raise invalid("Status", "custom", "description", message=message)
    status = Status(
        request.store.next_id(),
        body["state"],
        body.get("context") or "default",
        body.get("description"),
        body.get("target_url"),
        request.login,
        request.store.now,
    )
    repository.statuses.setdefault(sha, []).append(status)
    written = request.wire.status(repository, sha, status)
    return Answer(201, written, {"Location": written["url"]})


@route("GET", f"{REPO}/commits/{{ref}}/statuses", scopes="statuses", query="per_page")
def list_statuses(request: Request) -> Answer:
    repository, sha = request.repository, _sha(request)
    page, headers = request.page(list(reversed(repository.statuses.get(sha, []))))
    return Answer(200, [request.wire.status(repository, sha, each) for each in page], headers)


@route("GET", f"{REPO}/commits/{{ref}}/status", scopes="statuses", query="per_page")
def get_combined_status(request: Request) -> Answer:
    repository, sha = request.repository, _sha(request)
    latest = {each.context: each for each in repository.statuses.get(sha, [])}
    return Answer(200, request.wire.combined_status(repository, sha, list(latest.values())))


def _sha(request: Request) -> str:
    repository: Repository = request.repository
    ref = request.parts["ref"]
    sha = repository.refs.get(f"refs/heads/{ref}", ref)
    if sha not in repository.commits:
        raise Refusal(422, f"No commit found for SHA: {ref}")
    return sha
