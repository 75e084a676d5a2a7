"""One plan that does everything at once, on a repository that an earlier plan has shaped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def shaped(new_bench: Callable[..., Any], before: str) -> Callable[[], Any]:
    """Makes a repository that the earlier plan has been applied to, with the journal empty."""

    def make() -> Any:
        bench = new_bench({"issue_types": ["Bug", "Task"]})
        bench.sync(before)
        bench.github.clock.advance(7200)
        bench.github.journal.clear()
        return bench

    return make


@pytest.fixture
def before(plan_that_does_everything: tuple[str, str]) -> str:
    """The plan that shaped the repository."""
    return plan_that_does_everything[0]


@pytest.fixture
def after(plan_that_does_everything: tuple[str, str]) -> str:
    """The plan that changes everything about it."""
    return plan_that_does_everything[1]


def comparable(state: dict[str, Any]) -> dict[str, Any]:
    """The state without healed twins, and without what depends on the order of numbers."""
    kept = [each for each in state["issues"] if "duplicate of=" not in (each["body"] or "")]
    titles = {each["number"]: each["title"] for each in state["issues"]}
    issues = sorted(
        ({**each, "number": None, "parent": titles.get(each["parent"])} for each in kept),
        key=lambda each: (each["title"], each["state"]),
    )
    return {**state, "issues": issues, "comments": []}


@pytest.fixture
def compare() -> Callable[[dict[str, Any]], dict[str, Any]]:
    """See `comparable`."""
    return comparable
