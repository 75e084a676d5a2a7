"""One plan that does everything at once, on a repository that an earlier plan has shaped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

BEFORE = """
version: 1
labels:
  - {name: training, color: "1d76db"}
  - {name: stale, color: "cccccc"}
milestones:
  - title: Alpha
    due: 2026-02-01
    description: First
    issues:
      - {title: Stays, labels: [training]}
      - {title: Moves, key: alpha/moves}
      - {title: Closes, key: closes}
      - {title: Old title, key: retitled}
  - title: Beta
    due: 2026-03-01
  - title: Gone soon
"""

# Creates, renames, moves, nests, retypes, closes: every kind of write there is.
AFTER = """
version: 1
labels:
  - {name: training, color: "0000ff", description: Training loop}
  - {name: data, color: "0e8a16"}
  - {name: stale, state: absent}
milestones:
  - title: Alpha one
    was: Alpha
    start: 2026-01-12
    due: +3w
    description: First, and better
    issues:
      - {title: Stays, labels: [training, data], assignees: [octocat]}
      - {title: Closes, key: closes, state: closed}
      - {title: New title, key: retitled, type: Bug, body: A text}
      - {title: Brand new, key: new, body: Another text}
      - {title: Child, parent: new}
  - title: Beta
    due:
    branch: release/beta
    issues:
      - {title: Moves, key: alpha/moves}
  - title: Gamma
    state: closed
    due: 2026-07-01
  - title: Gone soon
    state: closed
"""


@pytest.fixture
def shaped(new_bench: Callable[..., Any]) -> Callable[[], Any]:
    """Makes a repository that the plan BEFORE has been applied to, with the journal empty."""

    def make() -> Any:
        bench = new_bench({"issue_types": ["Bug", "Task"]})
        bench.sync(BEFORE)
        bench.github.clock.advance(7200)
        bench.github.journal.clear()
        return bench

    return make


@pytest.fixture
def before() -> str:
    return BEFORE


@pytest.fixture
def after() -> str:
    return AFTER


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
