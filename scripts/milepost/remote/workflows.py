"""GitHub's workflows: dispatched, once each, to go on or to do what follows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from milepost.errors import Refused
from milepost.remote.client import Client, segment

NEEDS = "actions: write"
MOST_DISPATCHES = 12


def count_dispatches(client: Client, workflow: str, *, since: str, login: str, ref: str | None = None) -> int:
    """How many runs of the workflow our own login has dispatched since that time, on that branch or tag or on any."""
    parameters = {"event": "workflow_dispatch", "created": f">={since}", "per_page": "100"}
    path = f"/actions/workflows/{segment(workflow)}/runs"
    runs = client.get(path, needs="actions: read", parameters=parameters)["workflow_runs"]
    own = [each for each in runs if (each.get("triggering_actor") or each.get("actor") or {}).get("login") == login]
    return sum(ref in (None, each["head_branch"]) for each in own)


def dispatch(
    client: Client,
    workflow: str,
    *,
    ref: str,
    inputs: dict[str, str],
    since: str,
    login: str,
    before: int,
    counted: str | None = None,
) -> bool:
    """The workflow is queued once more; False when it cannot be dispatched with these inputs.

    `before` is how many runs our login had dispatched since that time: one more tells that a lost answer was a yes.
    Only those on the branch or tag `counted` count, when one is given.
    """

    def look() -> bool | None:
        return count_dispatches(client, workflow, since=since, login=login, ref=counted) > before or None

    path = f"/actions/workflows/{segment(workflow)}/dispatches"
    try:
        client.create(path, {"ref": ref, "inputs": inputs} if inputs else {"ref": ref}, look, needs=NEEDS)
    except Refused as refusal:
        if refusal.status in (403, 404, 422):
            return False
        raise
    return True


def dispatch_once(
    client: Client,
    workflow: str,
    *,
    ref: str,
    inputs: dict[str, str],
    since: str,
    login: str,
    known: int = 0,
    counted: str | None = None,
) -> bool:
    """The workflow was dispatched since that time more often than is known of, by us or another run; False when it cannot be."""
    try:
        before = count_dispatches(client, workflow, since=since, login=login, ref=counted)
        return before > known or dispatch(
            client, workflow, ref=ref, inputs=inputs, since=since, login=login, before=before, counted=counted
        )
    except Refused as refusal:
        if refusal.status not in (403, 404):
            raise
        return False


def go_on(
    client: Client, *, workflow: str, ref: str, now: datetime, login: str, inputs: Mapping[str, str] | None = None
) -> str:
    """The running workflow is dispatched again where it may be; the value says what happens, or what to press."""
    client.deadline = None
    press = "Run the workflow again, or wait for its next run: it goes on where this one stopped."
    if not workflow:
        return press
    since = (now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        count = count_dispatches(client, workflow, since=since, login=login)
        if count >= MOST_DISPATCHES:
            return f"It was dispatched {count} times within a day, which is enough. {press}"
        if dispatch(
            client,
            workflow,
            ref=ref,
            inputs={"mode": "apply", **(inputs or {})},
            since=since,
            login=login,
            before=count,
        ):
            return f"Dispatched again (turn {count + 1} of {MOST_DISPATCHES}): that run goes on."
    except Refused as refusal:
        return f"{press} (It could not be dispatched: {refusal.diagnostic.summary}; {refusal.diagnostic.help})"
    return (
        f"{press} To have it go on by itself, grant `actions: write` and declare"
        " `workflow_dispatch` with an input `mode` that is passed on."
    )
