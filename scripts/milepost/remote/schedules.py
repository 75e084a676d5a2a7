"""Reads how the repository's schedules run."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from milepost.core.attention import Schedule, is_silent
from milepost.errors import Refused
from milepost.remote.client import Client
from milepost.remote.progress import Terms

NEEDS = "actions: read"
ACTIVE = "active"


def read_schedules(client: Client, terms: Terms) -> tuple[Schedule, ...] | None:
    """Every workflow among the newest hundred runs of schedules; None when the token may not see them.

    Only of a silent one it is asked whether GitHub, or somebody, has switched it off.
    """
    try:
        parameters = {"event": "schedule", "per_page": "100"}
        runs = client.get("/actions/runs", needs=NEEDS, parameters=parameters)["workflow_runs"]
        days: dict[tuple[int, str], list[date]] = {}
        for each in runs:
            key = (each["workflow_id"], str(each["path"]).partition("@")[0])
            days.setdefault(key, []).append(terms.day(each["created_at"]))
        found = [_schedule(client, *key, tuple(each), terms) for key, each in days.items()]
        return tuple(filter(None, found))
    except Refused as refusal:
        if refusal.status in (403, 404):
            return None
        raise


def _schedule(client: Client, number: int, path: str, days: tuple[date, ...], terms: Terms) -> Schedule | None:
    """The schedule; None when there is no such workflow any more."""
    found = Schedule(name=path.rpartition("/")[2], days=days)
    if not is_silent(found, terms.today):
        return found
    workflow = client.find(f"/actions/workflows/{number}", needs=NEEDS)
    return replace(found, is_disabled=workflow["state"] != ACTIVE) if workflow else None
