"""One request to a registry: bounded in size and time, and with secrets for one origin only.

urllib's own redirects send `Authorization` on to any host, so they are followed here.
"""

from __future__ import annotations

import http.client
import os
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit
from urllib.request import BaseHandler, HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

LOOPBACK = ("localhost", "127.0.0.1", "::1")
REDIRECTS = (301, 302, 303, 307, 308)
# What may be better a moment later.
PASSING = (429, 500, 502, 503, 504)
PAUSES = (1.0, 3.0)
CHUNK = 65_536
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long everything may take, how long a registry may be silent, how much it may say and be asked."""

    seconds: float = 60.0
    silence: float = 15.0
    body_bytes: int = 4 * 1024 * 1024
    requests: int = 16
    redirects: int = 3
    depth: int = 3


@dataclass(frozen=True)
class Answer:
    """What came back in the end; a header is None when it is not there."""

    status: int
    headers: Message
    body: bytes = field(repr=False)


class Unanswered(Exception):
    """No answer that could be used; `is_final` when asking again would not help."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final


class Unacceptable(Unanswered):
    """An answer came, and it is more than we take."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, is_final=True)


class Transport:
    """Requests over one set of limits, counted; a loopback registry is asked directly and may do without TLS."""

    def __init__(self, limits: Limits, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.limits = limits
        self.count = 0
        self._ends = time.monotonic() + limits.seconds
        self._sleep = sleep
        self._context = _trust()

    def send(self, url: str, *, headers: Mapping[str, str], secret: str = "", method: str = "GET") -> Answer:
        """The answer, from wherever the redirects lead; `secret` goes to the first origin only."""
        for _ in range(self.limits.redirects + 1):
            answer = self._persist(_Request(method, url, headers, secret))
            place = answer.headers.get("Location")
            if answer.status not in REDIRECTS or place is None:
                return answer
            target = _target(url, place)
            secret = secret if _origin(target) == _origin(url) else ""
            url = target
        raise Unacceptable(f"it leads on more than {self.limits.redirects} times")

    def _persist(self, request: _Request) -> Answer:
        """The answer, after as many tries as may help."""
        self.count += 1
        if self.count > self.limits.requests:
            raise Unacceptable(f"it takes more than {self.limits.requests} requests")
        for pause in PAUSES:
            try:
                answer = self._exchange(request)
            except Unanswered as trouble:
                if trouble.is_final or not self._rest(pause):
                    raise
                continue
            if answer.status not in PASSING or not self._rest(_asked_pause(answer, pause)):
                return answer
        return self._exchange(request)

    def _rest(self, seconds: float) -> bool:
        """True after the pause; False at once when it would last longer than the run may."""
        if self._left() <= seconds:
            return False
        self._sleep(seconds)
        return True

    def _exchange(self, request: _Request) -> Answer:
        timeout = min(self.limits.silence, self._left())
        opener = self._opener(_origin(request.url))
        try:
            with opener.open(request.as_sent(), timeout=timeout) as response:
                return Answer(response.status, response.headers, self._read(response))
        except (OSError, http.client.HTTPException, ValueError) as trouble:
            # urllib wraps what the socket says.
            reason = getattr(trouble, "reason", None)
            raise _unanswered(reason if isinstance(reason, Exception) else trouble) from None

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        parts, size = [], 0
        while part := response.read1(CHUNK):
            size += len(part)
            if size > self.limits.body_bytes:
                raise Unacceptable(f"it is larger than {self.limits.body_bytes:,} bytes")
            self._left()
            parts.append(part)
        if response.length:
            raise Unanswered(f"it ends {response.length:,} bytes early")
        return b"".join(parts)

    def _left(self) -> float:
        """The seconds that the run still has."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise out_of_time(self.limits)
        return left

    def _opener(self, origin: _Origin) -> OpenerDirector:
        """Loopback is asked directly, and may do without TLS; all else by https, through the proxy that is set."""
        handlers: list[BaseHandler] = [HTTPSHandler(context=self._context)]
        if origin.host in LOOPBACK:
            handlers.append(HTTPHandler())
        elif origin.scheme == "https":
            handlers.append(ProxyHandler())
        if origin.scheme not in ("http", "https") or len(handlers) < 2:
            raise Unacceptable(f"it leads to {origin.scheme}://{origin.host}, and only https is safe")
        opener = OpenerDirector()
        for each in handlers:
            opener.add_handler(each)
        return opener


class _Origin(NamedTuple):
    """What a secret belongs to."""

    scheme: str
    host: str
    port: int | None


@dataclass(frozen=True)
class _Request:
    """What is sent to one address."""

    method: str
    url: str
    headers: Mapping[str, str]
    secret: str = field(repr=False)

    def as_sent(self) -> Request:
        """The request for urllib, which keeps the address and the method by itself."""
        sent = {"User-Agent": "milepost", "Accept-Encoding": "identity", **self.headers}
        secret = {"Authorization": self.secret} if self.secret else {}
        return Request(self.url, headers={**sent, **secret}, method=self.method)


def out_of_time(limits: Limits) -> Unanswered:
    """What is told when the run has lasted as long as it may."""
    return Unanswered(f"it takes longer than {limits.seconds:g} seconds", is_final=True)


def _trust() -> ssl.SSLContext:
    """The system's certificates or those of SSL_CERT_FILE, and those of REQUESTS_CA_BUNDLE."""
    context = ssl.create_default_context()
    bundle = os.environ.get("REQUESTS_CA_BUNDLE", "")
    if bundle:
        try:
            context.load_verify_locations(bundle)
        except OSError as trouble:
            raise Unanswered(
                f"the certificates of REQUESTS_CA_BUNDLE cannot be read: {trouble}", is_final=True
            ) from None
    return context


def _target(url: str, place: str) -> str:
    try:
        return urljoin(url, place)
    except ValueError as trouble:
        raise Unacceptable(f"it leads to no address: {trouble}") from None


def _origin(url: str) -> _Origin:
    try:
        parts = urlsplit(url)
        return _Origin(parts.scheme, (parts.hostname or "").lower(), parts.port or DEFAULT_PORTS.get(parts.scheme))
    except ValueError as trouble:
        raise Unacceptable(f"it leads to no address: {trouble}") from None


def _asked_pause(answer: Answer, otherwise: float) -> float:
    """The seconds of `Retry-After`, when it has any."""
    asked = answer.headers.get("Retry-After", "")
    return float(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else otherwise


def _unanswered(trouble: Exception) -> Unanswered:
    if isinstance(trouble, ssl.SSLCertVerificationError):
        return Unanswered(f"its certificate is not trusted: {trouble.verify_message}", is_final=True)
    if isinstance(trouble, TimeoutError):
        return Unanswered("it is silent")
    is_ours = isinstance(trouble, ValueError | http.client.InvalidURL)
    return Unanswered(str(trouble) or type(trouble).__name__, is_final=is_ours)
