"""GitHub's operations, a file per noun as in its REST documentation."""

from __future__ import annotations

from importlib import import_module

NOUNS = (
    "repository",
    "labels",
    "milestones",
    "issues",
    "timeline",
    "sub_issues",
    "dependencies",
    "comments",
    "pulls",
    "trees",
    "refs",
    "releases",
    "statuses",
    "contents",
    "workflows",
    "settings",
    "storage",
    "graphql",
)


def load_routes() -> None:
    """Every route is declared."""
    for noun in NOUNS:
        import_module(f"{__name__}.{noun}")
