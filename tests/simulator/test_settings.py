"""What the settings of a repository say: rules, protection, environments, runners, scopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

REPO = "/repos/octo/widgets"


def test_the_rules_of_a_branch_are_seen_by_everybody_who_reads(make_wire: Callable[..., Any]) -> None:
    """The required statuses stand in a ruleset's rule; another branch has none."""
    wire = make_wire({"required": ["milepost/gate", "ci"]})

    (rule,) = wire("GET", f"{REPO}/rules/branches/main?per_page=100", token="read-token")

    checks = rule["parameters"]["required_status_checks"]
    assert ("required_status_checks", ["milepost/gate", "ci"]) == (rule["type"], [each["context"] for each in checks])
    assert [] == wire("GET", f"{REPO}/rules/branches/feature/x", token="mallory-token")


def test_a_branch_tells_what_the_older_protection_requires(make_wire: Callable[..., Any]) -> None:
    """Its contexts by name; an unprotected one has none."""
    protected = make_wire({"protected": ["milepost/gate"]})("GET", f"{REPO}/branches/main", token="read-token")
    plain = make_wire()("GET", f"{REPO}/branches/main")

    assert ["milepost/gate"] == protected["protection"]["required_status_checks"]["contexts"]
    assert [True, False] == [each["protected"] for each in (protected, plain)]
    assert [] == plain["protection"]["required_status_checks"]["contexts"]


def test_an_environment_tells_who_must_agree(make_wire: Callable[..., Any]) -> None:
    """Reviewers make a rule; one without them has none; an unknown one is 404."""
    wire = make_wire({"environments": [{"name": "release", "reviewers": ["octocat"]}, {"name": "test"}]})

    (rule,) = wire("GET", f"{REPO}/environments/release")["protection_rules"]

    assert ("required_reviewers", "octocat") == (rule["type"], rule["reviewers"][0]["reviewer"]["login"])
    assert [] == wire("GET", f"{REPO}/environments/test")["protection_rules"]
    assert 404 == wire.status("GET", f"{REPO}/environments/other")[0]


def test_runners_are_seen_by_admins_only(make_wire: Callable[..., Any]) -> None:
    """With labels, and the version of one that has connected; others are refused."""
    runners = [{"name": "a", "labels": ["self-hosted", "gpu"], "version": "2.336.0"}, {"name": "b"}]
    wire = make_wire({"runners": runners})

    first, second = wire("GET", f"{REPO}/actions/runners?per_page=100")["runners"]

    assert (["self-hosted", "gpu"], "2.336.0") == ([each["name"] for each in first["labels"]], first["version"])
    assert "version" not in second
    assert [403, 403] == [
        wire.status("GET", f"{REPO}/actions/runners", token=f"{each}-token")[0] for each in ("workflow", "mallory")
    ]


def test_a_classic_token_is_told_its_scopes(make_wire: Callable[..., Any]) -> None:
    """In a header of every answer; a token without scopes of that kind has no such header."""
    tokens = {"classic": {"login": "octocat", "scopes": ["repo", "gist"]}, "plain": {"login": "octocat"}}
    wire = make_wire(tokens=tokens)

    assert "repo, gist" == wire.headers("GET", REPO, token="classic")[1]["x-oauth-scopes"]
    assert "x-oauth-scopes" not in wire.headers("GET", REPO, token="plain")[1]


def test_inputs_of_a_dispatch_may_stand_in_braces(make_wire: Callable[..., Any]) -> None:
    """As people write them on one line, with quotes and braces inside; what is not declared is refused."""
    line = '  workflow_dispatch: {inputs: {mode: {description: "a: {b}, c: d", type: choice}, pull-request: {}}}\n'
    files = {
        ".github/workflows/a.yml": f"on:\n  push:\n{line}jobs: {{}}\n",
        ".github/workflows/b.yml": "on: {workflow_dispatch: {inputs: {mode: {default: plan}}}}\n",
        ".github/workflows/c.yml": "on: [push, workflow_dispatch]\n",
    }
    wire = make_wire({"files": files})

    def status(name: str, **inputs: str) -> int:
        body = {"ref": "main", "inputs": inputs}
        return int(wire.status("POST", f"{REPO}/actions/workflows/{name}.yml/dispatches", body)[0])

    assert [204, 204, 204] == [status("a", mode="x"), status("a", **{"pull-request": "1"}), status("b", mode="x")]
    assert [422, 422, 422, 422] == [
        status("a", c="x"),
        status("a", b="x"),
        status("b", default="x"),
        status("c", mode="x"),
    ]
