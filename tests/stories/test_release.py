"""A milestone is closed: tag, draft, assets, published; once, and only when it may be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from milepost.core.gpu.requirements import fingerprint
from milepost.errors import ExitCode, Unusable
from milepost.planfile.load import load_plan_text

PLAN = """\
version: 1
milestones:
  - {title: v2.9.0, due: 2027-03-01}
release: {milestones: [v*, hotfix/*]}
"""
ENVIRONMENT = """\
environments: {prod: {torch: "==2.9.0", cuda: "12.8", image: "ghcr.io/acme/t:1@sha256:%s"}}
""" % ("0" * 64)
PROVEN = PLAN.replace("release: {", "release: {require: {environment: prod, statuses: [ci]}, ") + ENVIRONMENT
VERIFY = {"path": ".github/workflows/verify-gpu.yml"}
DONE = [
    {"title": "Mixed precision", "labels": ["feature"], "milestone": 1, "state": "closed", "author": "mona"},
    {"title": "Leak @everyone", "labels": ["bug"], "milestone": 1, "state": "closed"},
]
MERGED = [{"title": "Add amp", "head": "amp", "merged": True, "milestone": 1, "author": "mona"}]
LEFT = [{"title": "Unfinished", "milestone": 1}]
CLOSED = {"title": "v2.9.0", "state": "closed", "closed_at": "2027-02-01T00:00:00Z"}


@pytest.fixture
def team(new_bench: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a repository whose milestone 1 is closed, with the plan at its only commit."""

    def make(plan: str = PLAN, issues: list[Any] | None = None, **more: Any) -> Any:
        milestones = more.pop("milestones", [CLOSED])
        repository = {
            "files": {".github/milepost.yml": plan},
            "milestones": milestones,
            "issues": DONE if issues is None else issues,
            "pulls": MERGED,
            **more,
        }
        return new_bench(repository, clock="2027-02-01T00:00:00Z")

    return make


def closed(number: int = 1, title: str = "v2.9.0", sender: str = "octocat", action: str = "closed") -> dict[str, Any]:
    """The context of the event."""
    payload = {"action": action, "milestone": {"number": number, "title": title}, "sender": {"login": sender}}
    return {"event": "milestone", "payload": payload, "actor": sender}


def releases(bench: Any) -> list[Any]:
    """What GitHub holds, drafts among them."""
    return list(bench.request("GET", "/releases"))


def assets(bench: Any) -> dict[str, bytes]:
    """The files of the only release."""
    (release,) = releases(bench)
    (stored,) = bench.github.state()["releases"]
    return {each["name"]: each for each in release["assets"]} and {
        each["name"]: each["content"].encode() for each in stored["assets"]
    }


def tags(bench: Any) -> list[str]:
    """The names of the tags."""
    return [each["name"] for each in bench.request("GET", "/tags")]


def test_closing_a_milestone_makes_one_release(team: Callable[..., Any]) -> None:
    """A tag with our trailers, a published release with its assets; a second run finds nothing to do."""
    bench = team()

    outcome = bench.release(PLAN, "", context=closed())
    again = bench.writes(lambda: bench.release(PLAN, "", context=closed()))

    (release,) = releases(bench)
    assert (ExitCode.DONE, 0) == (outcome.exit_code, again)
    assert ("true", "v2.9.0", "2.9.0", "false") == tuple(
        outcome.outputs[each] for each in ("released", "tag", "version", "prerelease")
    )
    assert ["v2.9.0"] == tags(bench)
    assert (False, False, "v2.9.0") == (release["draft"], release["prerelease"], release["tag_name"])
    assert {"milestone.json", "milepost.yml", "SHA256SUMS"} == {each["name"] for each in release["assets"]}
    assert "Mixed precision" in release["body"]
    assert "@everyone" not in release["body"].replace("@<!-- -->everyone", "")
    ref = bench.request("GET", "/git/ref/tags/v2.9.0")["object"]
    assert "tag" == ref["type"]
    assert "Milepost-Milestone: 1" in bench.request("GET", f"/git/tags/{ref['sha']}")["message"]
