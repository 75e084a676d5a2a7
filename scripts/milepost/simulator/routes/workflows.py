"""Workflows, their runs and artifacts, and dispatches."""

from __future__ import annotations

import json
import re

from milepost.simulator.router import Answer, Refusal, Request, route
from milepost.simulator.store import (
    Artifact,
    Dispatch,
    Repository,
    Run,
    Workflow,
    commit_of,
    dispatch_inputs,
    write_time,
)

ACTIONS = "/repos/{owner}/{repo}/actions"
MOST_PAYLOAD_MEMBERS = 10
RUN_FILTERS = "actor branch event status per_page created exclude_pull_requests head_sha"


@route("GET", f"{ACTIONS}/workflows", scopes="actions", query="per_page")
def list_workflows(request: Request) -> Answer:
    repository = request.repository
    page, headers = request.page(list(repository.workflows.values()))
    written = [request.wire.workflow(repository, each) for each in page]
    return Answer(200, {"total_count": len(repository.workflows), "workflows": written}, headers)


@route("GET", f"{ACTIONS}/workflows/{{workflow}}", scopes="actions")
def get_workflow(request: Request) -> Answer:
    return Answer(200, request.wire.workflow(request.repository, _find(request)))


@route("GET", f"{ACTIONS}/workflows/{{workflow}}/runs", scopes="actions", query=RUN_FILTERS)
def list_workflow_runs(request: Request) -> Answer:
    path = _find(request).path
    return _runs(request, [each for each in request.repository.runs.values() if each.workflow == path])


@route("GET", f"{ACTIONS}/runs", scopes="actions", query=RUN_FILTERS)
def list_runs(request: Request) -> Answer:
    return _runs(request, list(request.repository.runs.values()))


@route("GET", f"{ACTIONS}/runs/{{run}}", scopes="actions")
def get_run(request: Request) -> Answer:
    return Answer(200, request.wire.run(request.repository, _find_run(request)))


@route(
    "POST",
    f"{ACTIONS}/workflows/{{workflow}}/dispatches",
    scopes="actions",
    role="write",
    members="ref:string inputs:object",
)
def dispatch(request: Request) -> Answer:
    repository, workflow, body, store = request.repository, _find(request), request.fields, request.store
    asked = str(body.get("ref", ""))
    names = (asked, f"refs/heads/{asked}", f"refs/tags/{asked}")
    ref = next((each for each in names if each in repository.refs), None)
    if ref is None:
        raise Refusal(422, f"No ref found for: {asked}")
    if workflow.state != "active":
        raise Refusal(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
    declared = dispatch_inputs(repository, workflow, ref)
    if declared is None:
        raise Refusal(422, "Workflow does not have 'workflow_dispatch' trigger")
    unexpected = sorted(set(body.get("inputs") or {}) - set(declared))
    if unexpected:
        raise Refusal(422, f"Unexpected inputs provided: {json.dumps(unexpected)}")
    run = Run(
        id=store.next_id(),
        workflow=workflow.path,
        event="workflow_dispatch",
        branch=ref.split("/", 2)[2],
        head_sha=commit_of(repository, ref),
        actor=request.login,
        created_at=store.now,
        status="queued",
        conclusion=None,
        inputs=dict(body.get("inputs") or {}),
    )
    repository.runs[run.id] = run
    return Answer(204)


@route(
    "POST",
    "/repos/{owner}/{repo}/dispatches",
    scopes="contents",
    role="write",
    members="event_type:string client_payload:object",
)
def dispatch_repository(request: Request) -> Answer:
    kind, payload = request.fields.get("event_type"), request.fields.get("client_payload") or {}
    if not kind or len(kind) > 100:
        raise Refusal(422, 'Invalid request.\n\n"event_type" wasn\'t supplied.')
    if len(payload) > MOST_PAYLOAD_MEMBERS:
        raise Refusal(422, f"No more than {MOST_PAYLOAD_MEMBERS} properties are allowed; {len(payload)} were supplied.")
    request.repository.dispatches.append(Dispatch(kind, payload, request.login, request.store.now))
    return Answer(204)


@route("GET", f"{ACTIONS}/artifacts", scopes="actions", query="name per_page")
def list_artifacts(request: Request) -> Answer:
    wanted = request.query.get("name")
    found = [each for each in request.repository.artifacts.values() if wanted in (None, each.name)]
    return _artifacts(request, found)


@route("GET", f"{ACTIONS}/runs/{{run}}/artifacts", scopes="actions", query="name per_page direction")
def list_run_artifacts(request: Request) -> Answer:
    run, wanted = _find_run(request).id, request.query.get("name")
    found = [each for each in request.repository.artifacts.values() if each.run == run and wanted in (None, each.name)]
    return _artifacts(request, found)


@route("GET", f"{ACTIONS}/artifacts/{{artifact}}", scopes="actions")
def get_artifact(request: Request) -> Answer:
    return Answer(200, request.wire.artifact(request.repository, _find_artifact(request)))


@route("GET", f"{ACTIONS}/artifacts/{{artifact}}/zip", scopes="actions")
def download_artifact(request: Request) -> Answer:
    """Where the archive lies for a minute. Even what is public is not given to nobody."""
    found = _find_artifact(request)
    if request.token is None:
        raise Refusal(401, "Requires authentication")
    if found.is_expired:
        raise Refusal(410, "Artifact has expired")
    return Answer(302, None, {"Location": request.wire.storage("artifacts", found.id)})


def _find_artifact(request: Request) -> Artifact:
    text = request.parts["artifact"]
    found = request.repository.artifacts.get(int(text)) if text.isdigit() else None
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def _artifacts(request: Request, found: list[Artifact]) -> Answer:
    page, headers = request.page(list(reversed(found)))
    written = [request.wire.artifact(request.repository, each) for each in page]
    return Answer(200, {"total_count": len(found), "artifacts": written}, headers)


def _runs(request: Request, runs: list[Run]) -> Answer:
    query = request.query
    checks = (("event", "event"), ("actor", "actor"), ("branch", "branch"), ("head_sha", "head_sha"))
    for name, member in checks:
        runs = [each for each in runs if query.get(name, getattr(each, member)) == getattr(each, member)]
    if "status" in query:
        runs = [each for each in runs if query["status"] in (each.status, each.conclusion)]
    if "created" in query:
        first, last = _read_range(query["created"])
        runs = [each for each in runs if first <= (write_time(each.created_at) or "") <= last]
    runs.sort(key=lambda each: (write_time(each.created_at) or "", each.id), reverse=True)
    page, headers = request.page(runs)
    written = [request.wire.run(request.repository, each) for each in page]
    return Answer(200, {"total_count": len(runs), "workflow_runs": written}, headers)


def _read_range(text: str) -> tuple[str, str]:
    """The first and last moment of GitHub's search syntax for dates: `>=D`, `<=D`, `A..B`, or a day."""
    if ".." in text:
        first, _, last = text.partition("..")
        return ("" if first == "*" else first), ("~" if last == "*" else f"{last}~")
    found = re.fullmatch(r"(>=|<=|>|<|)(.+)", text)
    sign, day = found.groups() if found else ("", text)
    return {">=": (day, "~"), ">": (f"{day}~", "~"), "<=": ("", f"{day}~"), "<": ("", day), "": (day, f"{day}~")}[sign]


def _find(request: Request) -> Workflow:
    """The workflow by id or by the name of its file."""
    repository: Repository = request.repository
    text = request.parts["workflow"]
    for each in repository.workflows.values():
        if text in (str(each.id), each.path.rpartition("/")[2]):
            return each
    raise Refusal(404, "Not Found")


def _find_run(request: Request) -> Run:
    text = request.parts["run"]
    found = request.repository.runs.get(int(text)) if text.isdigit() else None
    if found is None:
        raise Refusal(404, "Not Found")
    return found
