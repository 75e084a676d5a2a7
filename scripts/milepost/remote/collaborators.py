"""What a user may do in the repository."""

from __future__ import annotations

from milepost.remote.client import Client, segment

NEEDS = "metadata: read"
ROLES = ("admin", "maintain", "write", "triage", "read", "none")


def read_permission(client: Client, login: str) -> str:
    """One of `admin`, `maintain`, `write`, `triage`, `read` and `none`; a user that GitHub does not know may nothing.

    `permission` says `write` of who maintains and `read` of who triages, so that the role's name goes first; a custom
    role has a name of its own, and there `permission` says what it is based on (REST: Get repository permissions for a user).
    """
    found = client.find(f"/collaborators/{segment(login)}/permission", needs=NEEDS) or {}
    named = [str(found.get(each) or "") for each in ("role_name", "permission")]
    return next((each for each in named if each in ROLES), "none")
