"""How a repository is set up around its workflows, as far as the token may see it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from typing import Any, TypeVar

from milepost.core.setup import Automation, Runner, Setup
from milepost.errors import Refused
from milepost.remote.client import Client, segment

T = TypeVar("T")
PAGE = {"per_page": "100"}


def read_setup(client: Client, *, environments: Collection[str], scheduled: Collection[str]) -> tuple[Setup, str]:
    """The settings that callers depend on, and the default branch; raises Refused for the repository itself."""
    repository = client.get("", needs="metadata: read")
    branch = str(repository["default_branch"])
    setup = Setup(
        is_private=bool(repository["private"]),
        pushed=date.fromisoformat(str(repository["pushed_at"] or repository["created_at"])[:10]),
        scopes=client.scopes,
        contexts=_attempt(lambda: _read_contexts(client, branch)),
        environments=_attempt(lambda: _read_environments(client, environments)),
        runners=_attempt(lambda: _read_runners(client)),
        workflows=_attempt(lambda: _read_workflows(client, scheduled)),
    )
    return setup, branch


def _attempt(read: Callable[[], T]) -> T | None:
    """What was read; None where the token may not see it."""
    try:
        return read()
    except Refused as refusal:
        if refusal.status in (403, 404):
            return None
        raise


def _read_contexts(client: Client, branch: str) -> frozenset[str]:
    """The statuses that rulesets and the older protection require before a merge."""
    rules = client.get(f"/rules/branches/{segment(branch)}", needs="metadata: read", parameters=PAGE)
    checks = [
        check
        for each in rules
        if each["type"] == "required_status_checks"
        for check in each["parameters"]["required_status_checks"]
    ]
    protection = client.get(f"/branches/{segment(branch)}", needs="contents: read").get("protection") or {}
    older = (protection.get("required_status_checks") or {}).get("contexts") or []
    return frozenset([*(str(each["context"]) for each in checks), *map(str, older)])


def _read_environments(client: Client, names: Collection[str]) -> dict[str, bool]:
    """By name, of those that exist: whether anything holds a job up."""
    found = {each: client.find(f"/environments/{segment(each)}", needs="actions: read") for each in names}
    return {name: _is_protected(value) for name, value in found.items() if value is not None}


def _is_protected(environment: Any) -> bool:
    return bool(environment.get("protection_rules") or environment.get("deployment_branch_policy"))


def _read_runners(client: Client) -> tuple[Runner, ...]:
    answer = client.get("/actions/runners", needs="administration: read", parameters=PAGE)
    return tuple(
        Runner(
            name=str(each["name"]),
            labels=frozenset(str(label["name"]) for label in each["labels"]),
            version=each.get("version"),
        )
        for each in answer["runners"]
    )


def _read_workflows(client: Client, scheduled: Collection[str]) -> dict[str, Automation]:
    """By path; of those that are scheduled also when they last were."""
    answer = client.get("/actions/workflows", needs="actions: read", parameters=PAGE)
    return {
        each["path"]: Automation(
            state=str(each["state"]), last=_read_last(client, int(each["id"])) if each["path"] in scheduled else None
        )
        for each in answer["workflows"]
    }


def _read_last(client: Client, workflow: int) -> date | None:
    parameters = {"event": "schedule", "per_page": "1"}
    runs = client.get(f"/actions/workflows/{workflow}/runs", needs="actions: read", parameters=parameters)
    found = runs["workflow_runs"]
    return date.fromisoformat(str(found[0]["created_at"])[:10]) if found else None
