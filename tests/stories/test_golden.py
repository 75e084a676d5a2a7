"""Golden stories: a repository as it was, a plan, the plan as text, the repository afterwards. And the laws, for each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

STORIES = sorted(path for path in (Path(__file__).parent / "golden").iterdir() if path.is_dir())


def play(new_bench: Callable[..., Any], story: Path) -> tuple[Any, str, dict[str, Any]]:
    """A bench on the story's repository, its plan, and the inputs that it asks for."""
    before = json.loads((story / "before.json").read_text(encoding="utf-8"))
    inputs = before.pop("inputs", {})
    return new_bench(before), (story / "plan.yml").read_text(encoding="utf-8"), inputs


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.name)
def test_the_plan_reads_as_told(story: Path, new_bench: Callable[..., Any]) -> None:
    """Word for word: what people see of a plan is reviewed like code."""
    bench, plan, inputs = play(new_bench, story)

    outcome = bench.sync(plan, "plan", **inputs)

    found = [f"{each.severity.value}[{each.rule}] {each.summary}" for each in outcome.diagnostics]
    assert (story / "plan.txt").read_text(encoding="utf-8").rstrip("\n") == "\n".join(
        [*outcome.text.splitlines()[1:], *found]
    )
    assert [] == bench.github.journal.writes()


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.name)
def test_the_repository_ends_as_told(story: Path, new_bench: Callable[..., Any]) -> None:
    """After an apply, and no different after a second one, which writes nothing."""
    bench, plan, inputs = play(new_bench, story)
    expected = json.loads((story / "after.json").read_text(encoding="utf-8"))

    bench.sync(plan, **inputs)
    first = summarize(bench.github.state())
    again = bench.writes(lambda: bench.sync(plan, **inputs))

    assert expected == first
    assert 0 == again
    assert expected == summarize(bench.github.state())


@pytest.mark.parametrize("story", [each for each in STORIES if "pruned" not in each.name], ids=lambda path: path.name)
def test_what_people_move_stays_moved(story: Path, new_bench: Callable[..., Any]) -> None:
    """Apply, every marked issue taken out of its milestone by hand, apply: 0 writes, no drift."""
    bench, plan, inputs = play(new_bench, story)
    bench.sync(plan, **inputs)
    for each in bench.github.state()["issues"]:
        if each["milestone"] and "milepost key=" in (each["body"] or ""):
            bench.request("PATCH", f"/issues/{each['number']}", {"milestone": None})

    again = bench.writes(lambda: bench.sync(plan, **inputs))

    assert 0 == again


def summarize(state: dict[str, Any]) -> dict[str, Any]:
    """The parts of a state that a plan speaks of, without what is as GitHub makes it."""
    plain: dict[str, Any] = {None: None}
    dull = (plain[None], [], 0, False, "open", "github-actions[bot]", "")
    issues = [{name: value for name, value in each.items() if value not in dull} for each in state["issues"]]
    milestones = [{name: value for name, value in each.items() if value not in dull} for each in state["milestones"]]
    branches = [name.removeprefix("refs/heads/") for name in state["refs"]]
    return {"labels": state["labels"], "milestones": milestones, "issues": issues, "branches": branches}
