"""GitHub's repository: its branches."""

from __future__ import annotations

from milepost.core.change import Change
from milepost.remote.client import Client, segment

NEEDS = "contents: write"


def create_branch(client: Client, change: Change) -> None:
    """The branch exists; a new one starts at the default branch as it is this moment."""
    path = f"/git/ref/heads/{segment(change.name)}"
    source = client.get(f"/git/ref/heads/{segment(str(change.after('from')))}", needs="contents: read")
    body = {"ref": f"refs/heads/{change.name}", "sha": source["object"]["sha"]}
    client.create("/git/refs", body, lambda: client.find(path, needs=NEEDS), needs=NEEDS)
