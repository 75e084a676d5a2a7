"""What GitHub's refusals mean, and what to do about each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from milepost.diagnostics import Rule, Severity
from milepost.errors import Refused

BAD_TOKEN = Rule("bad-token", Severity.ERROR, "GitHub does not know the token, or it has expired.")
NO_PERMISSION = Rule("no-permission", Severity.ERROR, "The token may not do what was asked.")
NOT_FOUND = Rule("not-found", Severity.ERROR, "The repository or object does not exist, or the token cannot see it.")
REJECTED = Rule("rejected", Severity.ERROR, "GitHub understood the request and rejected its content.")
RATE_LIMITED = Rule("rate-limited", Severity.ERROR, "GitHub's rate limit did not end within the time the run has.")
UNREACHABLE = Rule("unreachable", Severity.ERROR, "GitHub gave no usable answer, however often it was asked.")
FORK = Rule("fork", Severity.ERROR, "A writing action runs in a fork.")
BAD_ADDRESS = Rule("bad-address", Severity.ERROR, "The addresses of the API are not those of one GitHub.")
TOO_LARGE = Rule("file-too-large", Severity.ERROR, "A file on GitHub is larger than what is read of it.")
# GitHub has two wordings for a branch that moved: the second is that of two writers in the same moment.
MOVED = re.compile(r"expected branch to point to|\bis at [0-9a-f]{40} but expected", re.IGNORECASE)
STATUSES = {"NOT_FOUND": 404, "FORBIDDEN": 403, "STALE_DATA": 409}
RULES = (BAD_TOKEN, NO_PERMISSION, NOT_FOUND, REJECTED, RATE_LIMITED, UNREACHABLE, FORK, BAD_ADDRESS, TOO_LARGE)


class OutOfTime(Refused):
    """The next step would end after the time limit; what was written stays."""


def translate(status: int, request: str, data: Any, headers: Mapping[str, Any], *, needs: str) -> Refused:
    """The refusal as one diagnostic that names the request, the permission it wants and the way out."""
    message = _message(data)
    rule, way_out = _judge(status, message, headers, needs)
    problem = rule.found(f"GitHub refused {request}: {status} {message}", why=_details(data), help=way_out)
    return Refused(problem, status=status)


def unreachable(request: str, reason: str) -> Refused:
    """The refusal that stands for no answer at all."""
    problem = UNREACHABLE.found(
        f"{request} got no usable answer: {reason}",
        help="look at the network, the proxy settings and githubstatus.com; running again goes on where this ended",
    )
    return Refused(problem)


def status_of(errors: Sequence[Mapping[str, Any]]) -> int:
    """The status with which REST refuses for what GraphQL names: 404, 403, 409 for what has changed, 422."""
    for kind, status in STATUSES.items():
        if any(each.get("type") == kind for each in errors):
            return status
    return 409 if any(MOVED.search(str(each.get("message"))) for each in errors) else 422


def already_exists(refusal: Refused, data: Any) -> bool:
    """True when GitHub rejected a creation because the object is there."""
    if refusal.status != 422 or not isinstance(data, dict):
        return False
    codes = [each.get("code") for each in data.get("errors") or [] if isinstance(each, dict)]
    return "already_exists" in codes or "already exists" in str(data.get("message", ""))


def _judge(status: int, message: str, headers: Mapping[str, Any], needs: str) -> tuple[Rule, str]:
    if status == 401:
        return (
            BAD_TOKEN,
            "give a valid token; in a workflow, leave the input `token` out to use the job's own",
        )
    if status == 403:
        return NO_PERMISSION, _permission_help(message, headers, needs)
    if status in (404, 410):
        return NOT_FOUND, (
            "look at the repository's name and at the token's access;"
            f" GitHub hides what a token may not see (wanted: {needs})"
        )
    return (REJECTED, "") if status < 500 else (UNREACHABLE, "run again; it goes on where this ended")


def _permission_help(message: str, headers: Mapping[str, Any], needs: str) -> str:
    accepted = str(headers.get("x-accepted-github-permissions") or "")
    # GitHub writes `pull_requests=write` there, and knows only `pull-requests: write` in a workflow.
    wanted = re.sub(r",\s*", ", ", accepted).replace("=", ": ").replace("_", "-") or needs
    if "integration" in message:
        return (
            f"add `{wanted}` below `permissions:` of the job;"
            " a pull request from a fork or from Dependabot has a read-only token whatever the job asks"
        )
    return f"give the token the permission `{wanted}`"


def _message(data: Any) -> str:
    message = data.get("message") if isinstance(data, dict) else None
    return str(message or "no message")[:300]


def _details(data: Any) -> str:
    errors = data.get("errors") if isinstance(data, dict) else None
    return json.dumps(errors, ensure_ascii=False)[:500] if errors else ""
