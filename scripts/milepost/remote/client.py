"""One repository of one GitHub: authentication, addresses, pacing, retries.

PyGithub carries the requests. It repeats no PATCH, and repeats a POST that was applied
(docs/decisions/0011-writes-are-ours.md), so every repetition is decided here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from urllib.parse import quote, urlsplit

import requests
from github import Auth, Github, GithubException

from milepost.core.pace import DEFAULT_PACE, Pace, next_write, say_duration
from milepost.errors import Refused, Unusable
from milepost.remote.errors import (
    BAD_ADDRESS,
    RATE_LIMITED,
    OutOfTime,
    already_exists,
    status_of,
    translate,
    unreachable,
)
from milepost.remote.transfer import Transfer, TransferFailed, find_upload_url, transfer

T = TypeVar("T")
Body = Mapping[str, Any]

TIMEOUT_SECONDS = 30
MOST_TRIES = 6
LONGEST_BACKOFF = 60.0
MOST_LIMIT_WAITS = 30
# When a creation was not answered, it is looked for at these many seconds after the last look.
LOOKS = (1.0, 3.0, 6.0)


class Clock(Protocol):
    """Time as the client sees it, in seconds; tests bring their own."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class RealClock:
    """The machine's time."""

    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where GitHub is, which repository, and the token."""

    token: str = field(repr=False)
    repository: str
    api_url: str
    graphql_url: str = ""


@dataclass(frozen=True)
class _Request:
    """What is sent, and the permission that it needs; files travel by a `transfer`, beside PyGithub."""

    verb: str
    url: str
    needs: str
    body: Body | None = None
    parameters: Mapping[str, str] | None = None
    is_read: bool = False
    transfer: Transfer | None = None


class Unanswered(Exception):
    """Nobody knows whether the request took effect."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Limited(Exception):
    """The request was turned away by a rate limit, and took no effect; `wait` is what GitHub asks for."""

    def __init__(self, wait: float | None) -> None:
        super().__init__("rate limit")
        self.wait = wait


def connect(
    access: Access, *, log: Callable[[str], None], clock: Clock | None = None, pace: Pace = DEFAULT_PACE
) -> Client:
    """A client for the repository; nothing is sent yet. Raises Unusable for addresses that do not fit."""
    _check_addresses(access)
    github = Github(
        auth=Auth.Token(access.token),
        base_url=access.api_url,
        timeout=TIMEOUT_SECONDS,
        retry=None,
        per_page=100,
        seconds_between_requests=None,
        seconds_between_writes=None,
        user_agent="milepost",
    )
    return Client(github, access, log=log, clock=clock or RealClock(), pace=pace)


class Client:
    """Requests about one repository. Paths are relative to it; every write waits for its turn."""

    def __init__(self, github: Github, access: Access, *, log: Callable[[str], None], clock: Clock, pace: Pace) -> None:
        self.repository = access.repository
        self.clock = clock
        self.pace = pace
        self.deadline: float | None = None
        self.scopes: frozenset[str] | None = None
        self._access = access
        self._requester = github.requester
        self._log = log
        self._written: list[float] = []
        self._slowdown = 1.0

    @property
    def names(self) -> dict[str, str]:
        """The variables `owner` and `name` of a query about the repository."""
        owner, _, name = self.repository.partition("/")
        return {"owner": owner, "name": name}

    def get(self, path: str, *, needs: str, parameters: Mapping[str, str] | None = None) -> Any:
        """The answer to a GET; repeated while nothing answers."""
        return self._persist(_Request("GET", self._url(path), needs, parameters=parameters, is_read=True))

    def find(self, path: str, *, needs: str) -> Any | None:
        """The answer to a GET, or None when GitHub says that there is nothing."""
        try:
            return self.get(path, needs=needs)
        except Refused as refusal:
            if refusal.status in (404, 410):
                return None
            raise

    def query(
        self, text: str, variables: Mapping[str, Any], *, needs: str, optional: Collection[str] = ()
    ) -> dict[str, Any]:
        """The data of a GraphQL query; one that only reads, so that it may be repeated.

        The `optional` parts are null when the token may not see them.
        """
        body = {"query": text, "variables": dict(variables)}
        answer = self._persist(_Request("POST", self._requester.graphql_url, needs, body, is_read=True))
        errors = [each for each in answer.get("errors") or [] if not _is_absent_part(each, optional)]
        if errors:
            raise self._refused_query(errors, "a GraphQL query", needs)
        data: dict[str, Any] = answer["data"]
        return data

    def mutate(self, text: str, variables: Mapping[str, Any], *, needs: str) -> dict[str, Any]:
        """The data of a GraphQL mutation, which is sent once.

        Raises Unanswered when nobody knows whether it took effect, for the caller to look first,
        and a Refused with the status 409 when what it was based on has changed meanwhile.
        """
        body = {"query": text, "variables": dict(variables)}
        answer = self._send_limited(_Request("POST", self._requester.graphql_url, needs, body))
        if answer.get("errors"):
            raise self._refused_query(answer["errors"], "a GraphQL mutation", needs)
        data: dict[str, Any] = answer["data"]
        return data

    def update(self, path: str, body: Body, *, needs: str) -> Any:
        """The answer to a PATCH, which may be repeated: it says what is to be, not what is to happen."""
        return self._persist(_Request("PATCH", self._url(path), needs, body))

    def add(self, path: str, body: Body, *, needs: str) -> Any:
        """The answer to a POST that adds members to a set, so that it may be repeated."""
        return self._persist(_Request("POST", self._url(path), needs, body))

    def delete(self, path: str, *, needs: str) -> None:
        """The object is gone, whoever deleted it."""
        try:
            self._persist(_Request("DELETE", self._url(path), needs))
        except Refused as refusal:
            if refusal.status not in (404, 410):
                raise

    def create(self, path: str, body: Body, look: Callable[[], T | None], *, needs: str) -> T | Any:
        """What was created, once: after an answer that tells nothing, `look` decides whether it was.

        A creation refused because the object is there also gives what `look` finds.
        """
        request = _Request("POST", self._url(path), needs, body)
        for _ in range(MOST_TRIES):
            try:
                return self._send_limited(request)
            except Unanswered as trouble:
                reason = trouble.reason
                self._log(f"  {self._name(request)}: {reason}; looking whether it took effect")
            except _Refusal as refusal:
                if not already_exists(refusal, refusal.data):
                    raise
                reason = "GitHub says that it exists, and does not show it"
            found = self._look(look)
            if found is not None:
                return found
        raise unreachable(self._name(request), reason)

    def download(self, path: str, *, accept: str, most_bytes: int, needs: str) -> bytes | None:
        """The file at that path of the API, wherever GitHub sends us for it; None when it is gone.

        Raises Refused for one that is larger.
        """
        url = f"{self._access.api_url.rstrip('/')}{self._url(path)}"
        wanted = Transfer(verb="GET", url=url, headers={"Accept": accept}, most_bytes=most_bytes)
        try:
            data = self._persist(_Request("GET", self._url(path), needs, is_read=True, transfer=wanted))
        except Refused as refusal:
            if refusal.status in (404, 410):
                return None
            raise
        assert isinstance(data, bytes)
        return data

    def upload(self, template: str, path: str, name: str, data: bytes, *, content_type: str, needs: str) -> Any:
        """The answer to an upload, which is sent once; `template` is the `upload_url` that GitHub gave for the path.

        Raises Unanswered when nobody knows whether it took effect, or one of the name is there, for the caller to look.
        """
        url = find_upload_url(template, api_url=self._access.api_url, path=self._url(path))
        headers = {"Accept": "application/vnd.github+json", "Content-Type": content_type}
        sent = Transfer(verb="POST", url=f"{url}?name={quote(name, safe='')}", headers=headers, data=data)
        try:
            return json.loads(self._send_limited(_Request("POST", self._url(path), needs, transfer=sent)))
        except ValueError:
            raise Unanswered("the answer is not JSON") from None
        except _Refusal as refusal:
            if already_exists(refusal, refusal.data):
                raise Unanswered("GitHub says that it exists") from None
            raise

    def wait(self, seconds: float, reason: str, *, is_told: bool = False) -> None:
        """The time has passed; raises OutOfTime when the run has less."""
        if self.deadline is not None and self.clock.now() + max(0.0, seconds) > self.deadline:
            waits = f"the next step would wait {say_duration(seconds)} {reason}"
            raise OutOfTime(RATE_LIMITED.found(f"the time limit ends the run: {waits}"))
        if is_told:
            self._log(f"  waiting {say_duration(seconds)} {reason}")
        if seconds > 0:
            self.clock.sleep(seconds)

    def _look(self, look: Callable[[], T | None]) -> T | None:
        for wait in LOOKS:
            self.wait(wait, "to look again")
            found = look()
            if found is not None:
                return found
        return None

    def _persist(self, request: _Request) -> Any:
        """The answer, after as many tries as may help."""
        wait, reason = 1.0, ""
        for _ in range(MOST_TRIES):
            try:
                return self._send_limited(request)
            except Unanswered as trouble:
                reason = trouble.reason
                self._log(f"  {self._name(request)}: {reason}; trying again")
                self.wait(wait, "before trying again")
                wait = min(wait * 2, LONGEST_BACKOFF)
        raise unreachable(self._name(request), reason)

    def _send_limited(self, request: _Request) -> Any:
        """The answer, however long GitHub's rate limits keep us waiting."""
        for turn in range(MOST_LIMIT_WAITS):
            if not request.is_read:
                self._wait_for_turn()
            try:
                return self._send(request)
            except _Limited as limited:
                self._slowdown = min(self._slowdown * 2, 8.0)
                wait = limited.wait if limited.wait is not None else min(60.0 * 2**turn, 900.0)
                self.wait(wait, "because of GitHub's rate limit", is_told=True)
        raise Refused(RATE_LIMITED.found(f"GitHub's rate limit for {self._name(request)} does not end"))

    def _send(self, request: _Request) -> Any:
        if request.transfer is not None:
            return self._transfer(request, request.transfer)
        body = None if request.body is None else dict(request.body)
        try:
            headers, data = self._requester.requestJsonAndCheck(
                request.verb, request.url, dict(request.parameters or {}), None, body
            )
        except GithubException as answer:
            raise self._judge(answer, self._name(request), request.needs) from None
        except (requests.exceptions.RequestException, OSError) as trouble:
            raise Unanswered(f"the connection failed ({type(trouble).__name__})") from None
        except ValueError:
            raise Unanswered("the answer is not JSON") from None
        self._keep_scopes(headers)
        if isinstance(data, dict) and isinstance(data.get("data"), str):
            raise Unanswered("the answer is not JSON")  # PyGithub wraps what is not
        if isinstance(data, dict) and self._is_query(request):
            self._judge_query(data, headers)
        return data

    def _keep_scopes(self, headers: Mapping[str, Any]) -> None:
        """The scopes of a classic token are known from any answer; other tokens have none that GitHub tells."""
        told = headers.get("x-oauth-scopes")
        if told is not None:
            self.scopes = frozenset(each.strip() for each in str(told).split(",") if each.strip())

    def _transfer(self, request: _Request, wanted: Transfer) -> bytes:
        try:
            answer = transfer(wanted, token=self._access.token)
        except TransferFailed as trouble:
            raise Unanswered(str(trouble)) from None
        if answer.status < 300:
            return answer.data
        refused = GithubException(answer.status, _read_json(answer.data), dict(answer.headers))
        raise self._judge(refused, self._name(request), request.needs)

    def _judge(self, answer: GithubException, request: str, needs: str) -> Exception:
        headers = answer.headers or {}
        message = str((answer.data or {}).get("message", "")) if isinstance(answer.data, dict) else ""
        if answer.status == 429 or (answer.status == 403 and _is_limit(message, headers)):
            return _Limited(self._wait_of(headers))
        if answer.status >= 500 and answer.status != 501:  # not implemented: asking again changes nothing
            return Unanswered(f"GitHub answered {answer.status}")
        refused = translate(answer.status, request, answer.data, headers, needs=needs)
        return _Refusal(refused, answer.data)

    def _judge_query(self, answer: Mapping[str, Any], headers: Mapping[str, Any]) -> None:
        """GraphQL reports its limits and its own troubles in answers of status 200."""
        errors = answer.get("errors") or []
        if any(each.get("type") == "RATE_LIMITED" for each in errors):
            raise _Limited(self._wait_of(headers))
        if any("Something went wrong" in str(each.get("message")) for each in errors):
            raise Unanswered("GitHub could not finish the query")

    def _wait_of(self, headers: Mapping[str, Any]) -> float | None:
        """Seconds that GitHub asks us to wait; None when it does not say."""
        after, reset = headers.get("retry-after"), headers.get("x-ratelimit-reset")
        if after is not None and str(after).isdigit():
            return float(after)
        if headers.get("x-ratelimit-remaining") == "0" and reset is not None and str(reset).isdigit():
            return max(1.0, float(reset) - self.clock.now())
        return None

    def _wait_for_turn(self) -> None:
        at = next_write(self.pace, self._written, self.clock.now())
        if self._slowdown > 1 and self._written:
            at = max(at, self._written[-1] + self._slowdown)
        self.wait(at - self.clock.now(), "to keep the pace", is_told=at - self.clock.now() > 30)
        self._written.append(self.clock.now())

    def _refused_query(self, errors: list[dict[str, Any]], request: str, needs: str) -> Refused:
        message = "; ".join(str(each.get("message", "")) for each in errors[:3])
        return translate(status_of(errors), request, {"message": message}, {}, needs=needs)

    def _url(self, path: str) -> str:
        return f"/repos/{self.repository}{path}"

    def _is_query(self, request: _Request) -> bool:
        return bool(request.url == self._requester.graphql_url)

    def _name(self, request: _Request) -> str:
        path = request.url.removeprefix(f"/repos/{self.repository}") or "repository"
        return f"{request.verb} {'graphql' if self._is_query(request) else path}"


class _Refusal(Refused):
    """A refusal with GitHub's answer, for those who can do something about it."""

    def __init__(self, refusal: Refused, data: Any) -> None:
        super().__init__(refusal.diagnostic, status=refusal.status)
        self.data = data


def _read_json(data: bytes) -> Any:
    """What an answer holds; nothing when it is not JSON."""
    try:
        return json.loads(data)
    except ValueError:
        return None


def segment(text: str) -> str:
    """The text as one segment of a path; a slash in a branch name stays."""
    return quote(text, safe="/")


def _check_addresses(access: Access) -> None:
    """The token must go to one host only: GitHub's own addresses always share theirs."""
    hosts = {urlsplit(url).hostname for url in (access.api_url, access.graphql_url) if url}
    is_http = urlsplit(access.api_url).scheme in ("http", "https")
    if is_http and None not in hosts and len(hosts) == 1:
        return
    summary = f"the API is at {access.api_url!r} and GraphQL at {access.graphql_url!r}"
    raise Unusable([BAD_ADDRESS.found(summary, help="both must be http(s) addresses of one host")])


def _is_absent_part(error: Mapping[str, Any], optional: Collection[str]) -> bool:
    """True for a part of the data that is null because what was asked for by name is not there, or is hidden."""
    path = error.get("path") or ["repository"]
    if error.get("type") == "FORBIDDEN":
        return not set(optional).isdisjoint(path)
    return error.get("type") == "NOT_FOUND" and path != ["repository"]


def _is_limit(message: str, headers: Mapping[str, Any]) -> bool:
    lower = message.lower()
    is_said = "rate limit" in lower or "abuse detection" in lower
    return is_said or "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
