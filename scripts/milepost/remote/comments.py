"""GitHub's comments: one per purpose, updated in place."""

from __future__ import annotations

from typing import Any

from milepost.remote.client import Client

NEEDS = "pull-requests: write"
PER_PAGE = 100


def upsert_comment(client: Client, number: int, marker: str, text: str, *, login: str, is_needed: bool) -> None:
    """Our own comment with the marker says the text; when it is not needed, none is created for it."""
    body = f"{marker}\n{text}"
    present = _find(client, number, marker, login)
    if present is None and is_needed:
        look = lambda: _find(client, number, marker, login)  # noqa: E731
        client.create(f"/issues/{number}/comments", {"body": body}, look, needs=NEEDS)
    elif present is not None and (present["body"] or "").replace("\r\n", "\n").strip() != body.strip():
        client.update(f"/issues/comments/{present['id']}", {"body": body}, needs=NEEDS)


def _find(client: Client, number: int, marker: str, login: str) -> Any | None:
    """Our first comment that starts with the marker; anybody else's counts for nothing."""
    page = 1
    while True:
        parameters = {"per_page": str(PER_PAGE), "page": str(page)}
        comments = client.get(f"/issues/{number}/comments", needs=NEEDS, parameters=parameters)
        for each in comments:
            if (each.get("user") or {}).get("login") == login and (each["body"] or "").startswith(marker):
                return each
        if len(comments) < PER_PAGE:
            return None
        page += 1
