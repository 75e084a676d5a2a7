"""GitHub's comments: one per purpose, updated in place."""

from __future__ import annotations

from dataclasses import dataclass

from milepost.remote.client import Client

NEEDS = "pull-requests: write"
PER_PAGE = 100


@dataclass(frozen=True, kw_only=True)
class Comment:
    """A comment of our own."""

    id: int
    body: str


def upsert_comment(client: Client, number: int, marker: str, text: str, *, login: str, is_needed: bool) -> None:
    """Our own comment with the marker says the text; when it is not needed, none is created for it."""
    present = find_comment(client, number, marker, login=login)
    if present is not None or is_needed:
        write_comment(client, number, marker, text, login=login, present=present)


def write_comment(client: Client, number: int, marker: str, text: str, *, login: str, present: Comment | None) -> None:
    """The comment says the text; it is created when there is none, and left alone when it says that already."""
    body = f"{marker}\n{text}"
    if present is None:
        look = lambda: find_comment(client, number, marker, login=login)  # noqa: E731
        client.create(f"/issues/{number}/comments", {"body": body}, look, needs=NEEDS)
    elif present.body.replace("\r\n", "\n").strip() != body.strip():
        client.update(f"/issues/comments/{present.id}", {"body": body}, needs=NEEDS)


def delete_comment(client: Client, comment: Comment) -> None:
    """The comment is gone."""
    client.delete(f"/issues/comments/{comment.id}", needs=NEEDS)


def find_comment(client: Client, number: int, marker: str, *, login: str, page: int = 1) -> Comment | None:
    """Our first comment, from that page on, that starts with the marker; anybody else's counts for nothing."""
    while True:
        parameters = {"per_page": str(PER_PAGE), "page": str(page)}
        comments = client.get(f"/issues/{number}/comments", needs=NEEDS, parameters=parameters)
        for each in comments:
            body = each["body"] or ""
            if (each.get("user") or {}).get("login") == login and body.startswith(marker):
                return Comment(id=each["id"], body=body)
        if len(comments) < PER_PAGE:
            return None
        page += 1
