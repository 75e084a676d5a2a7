"""GitHub's commit statuses."""

from __future__ import annotations

from milepost.remote.client import Client

NEEDS = "statuses: write"


def create_status(client: Client, sha: str, *, context: str, state: str, description: str, url: str) -> None:
    """The newest status of the context at the commit is this one."""
    body = {"state": state, "context": context, "description": description, **({"target_url": url} if url else {})}
    # Twice the same is as good as once: the newest counts.
    client.add(f"/statuses/{sha}", body, needs=NEEDS)
