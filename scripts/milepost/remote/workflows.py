"""GitHub's workflows: dispatched again to go on."""

from __future__ import annotations

from milepost.errors import Refused
from milepost.remote.client import Client, segment

NEEDS = "actions: write"


def count_dispatches(client: Client, workflow: str, *, since: str, login: str) -> int:
    """How many runs of the workflow our own login has dispatched since that time."""
    parameters = {"event": "workflow_dispatch", "created": f">={since}", "per_page": "100"}
    path = f"/actions/workflows/{segment(workflow)}/runs"
    runs = client.get(path, needs="actions: read", parameters=parameters)["workflow_runs"]
    return sum((each.get("triggering_actor") or each.get("actor") or {}).get("login") == login for each in runs)


def dispatch(client: Client, workflow: str, *, ref: str, inputs: dict[str, str]) -> bool:
    """The workflow is queued again; False when it cannot be dispatched with these inputs."""
    path = f"/actions/workflows/{segment(workflow)}/dispatches"
    try:
        client.add(path, {"ref": ref, "inputs": inputs} if inputs else {"ref": ref}, needs=NEEDS)
    except Refused as refusal:
        if refusal.status in (403, 404, 422):
            return False
        raise
    return True
