"""A broken referee must show: planted faults are found, and a sound exchange is let through."""

from __future__ import annotations

from typing import Any

import pytest
from milepost.simulator import Simulator

MILESTONES = "/repos/octo/widgets/milestones"


def test_a_sound_exchange_is_let_through(github: Simulator, contract: Any) -> None:
    """What the simulator answers to a creation as GitHub documents it violates nothing."""
    assert [] == _check(contract, _created(github))


PLANTED = {
    "unknown operation": ({"path": "/repos/octo/widgets/mile-stones"}, "no such operation"),
    "unknown parameter": ({"query": "stat=open"}, "no such parameter"),
    "unknown member": ({"request_body": {"title": "M", "due": "2026-01-01"}}, "no such member"),
    "missing member of the request": ({"request_body": {"state": "open"}}, "'title' is a required property"),
    "wrong type in the request": ({"request_body": {"title": "M", "state": 1}}, "is not one of"),
    "body missing": ({"request_body": None}, "the body is missing"),
    "undocumented status": ({"status": 418}, "418 is not documented"),
    "missing Location": ({"headers": {}}, "documented, and missing"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(name: str, github: Simulator, contract: Any) -> None:
    """Each kind of violation is reported, in words that name it."""
    changes, reason = PLANTED[name]

    found = _check(contract, {**_created(github), **changes})

    assert any(reason in each.reason for each in found), found


@pytest.mark.parametrize(
    ("member", "value", "reason"),
    [
        ("number", None, "is not of type 'integer'"),
        ("title", 5, "is not of type 'string'"),
        ("state", "ajar", "is not one of"),
    ],
)
def test_a_planted_fault_in_the_answer_is_found(
    member: str, value: object, reason: str, github: Simulator, contract: Any
) -> None:
    """A member of the wrong type in the answer is reported with its path."""
    exchange = _created(github)
    exchange["response_body"] = {**exchange["response_body"], member: value}

    found = _check(contract, exchange)

    assert any(f"$.{member}" in each.reason and reason in each.reason for each in found), found


def test_a_member_missing_from_the_answer_is_found(github: Simulator, contract: Any) -> None:
    """An answer without a required member is reported."""
    exchange = _created(github)
    del exchange["response_body"]["open_issues"]

    assert any("'open_issues' is a required property" in each.reason for each in _check(contract, exchange))


def test_a_query_parameter_of_the_wrong_kind_is_found(contract: Any) -> None:
    """`state=ajar` is not one of the states of a list."""
    found = contract.check_exchange("GET", MILESTONES, "state=ajar", None, 200, {}, [])

    assert ["query state"] == [each.where for each in found]


def _created(github: Simulator) -> dict[str, Any]:
    import json
    import urllib.request

    address = f"{github.url}{MILESTONES}"
    data = json.dumps({"title": f"M{len(github.journal)}"}).encode()
    request = urllib.request.Request(address, data, {"Authorization": "token admin-token"}, method="POST")
    with urllib.request.urlopen(request) as answer:
        return {
            "method": "POST",
            "path": MILESTONES,
            "query": "",
            "request_body": json.loads(data),
            "status": answer.status,
            "headers": dict(answer.headers),
            "response_body": json.loads(answer.read()),
        }


def _check(contract: Any, exchange: dict[str, Any]) -> Any:
    order = ("method", "path", "query", "request_body", "status", "headers", "response_body")
    return contract.check_exchange(*(exchange[name] for name in order))
