"""GitHub's labels: create, update, delete."""

from __future__ import annotations

from typing import Any

from milepost.core.change import Change
from milepost.errors import Refused
from milepost.remote.client import Client, segment

NEEDS = "issues: write"


def create_label(client: Client, change: Change) -> None:
    """The label exists with the planned colour and description, whoever created it."""
    body = {"name": change.name, **_body(change)}
    answer = client.create("/labels", body, lambda: _find(client, change.name), needs=NEEDS)
    if any((answer.get(name) or "") != value for name, value in body.items()):
        client.update(_path(change.name), {"new_name": change.name, **_body(change)}, needs=NEEDS)


def update_label(client: Client, change: Change) -> None:
    """The label has the planned name, colour and description; its issues keep it."""
    body = _body(change)
    if change.touches("name"):
        body["new_name"] = str(change.after("name"))
    try:
        client.update(_path(change.name), body, needs=NEEDS)
    except Refused:
        # A rename whose first try took effect finds the old name gone.
        if not change.touches("name") or _find(client, str(change.after("name"))) is None:
            raise


def delete_label(client: Client, change: Change) -> None:
    """The label is gone, from its issues too."""
    client.delete(_path(change.name), needs=NEEDS)


def _find(client: Client, name: str) -> Any | None:
    return client.find(_path(name), needs=NEEDS)


def _body(change: Change) -> dict[str, str]:
    return {name: str(change.after(name)) for name in ("color", "description") if change.touches(name)}


def _path(name: str) -> str:
    return f"/labels/{segment(name)}"
