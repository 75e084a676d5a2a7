"""GitHub's own published webhook payloads: each leads to a verdict, or to a problem in words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from milepost.errors import Unusable

EVENTS = ("pull_request", "issues", "milestone", "merge_group")


def list_examples(folder: str | None) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name, event and payload of every example, those of Enterprise Server among them."""
    for path in sorted(Path(folder).glob("*/index.json")) if folder else ():
        for each in json.loads(path.read_text(encoding="utf-8")):
            for number, payload in enumerate(each["examples"] if each["name"] in EVENTS else ()):
                action = payload.get("action", "")
                yield f"{path.parent.name}-{each['name']}-{action}-{number}", each["name"], payload


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each example; with no folder given, one that says so."""
    found = list(list_examples(metafunc.config.getoption("--webhooks")))
    metafunc.parametrize(("event", "payload"), [each[1:] for each in found], ids=[each[0] for each in found])


def test_every_example_ends_in_words(event: str, payload: dict[str, Any], new_bench: Callable[..., Any]) -> None:
    """The repository holds the pull request, issue and milestone of the payload, so that there is something to judge."""
    pull = payload.get("pull_request") or {"number": 900, "title": "P", "body": "Closes #1"}
    issue = (payload.get("issue") or {}).get("number", 901)
    held: dict[str, Any] = {
        "milestones": [{"title": "M", "number": (payload.get("milestone") or {}).get("number", 1)}],
        "issues": [{"title": "I", "number": issue}],
        "pulls": [
            {"title": pull["title"], "number": pull["number"], "head": "topic", "body": pull["body"]},
            {"title": "Claims it", "number": 902, "head": "other", "body": f"Closes #{issue}"},
        ],
    }
    if issue == pull["number"]:
        held["issues"] = []
    group = payload.get("merge_group")
    if group:
        number = re.search(r"/pr-([0-9]+)-", group["head_ref"])
        held["pulls"][0]["number"] = int(number[1]) if number else 900
        held["branches"] = {"queue": group["head_sha"]}
    bench = new_bench(held)

    words, verdict = tell(bench, event, payload)

    assert words
    assert verdict in ("", "success", "failure", "pending")


def tell(bench: Any, event: str, payload: dict[str, Any]) -> tuple[str, str]:
    """What people read, and the verdict."""
    try:
        outcome = bench.gate(event, payload)
    except Unusable as problem:
        return str(problem), ""
    return outcome.text, outcome.outputs["verdict"]
