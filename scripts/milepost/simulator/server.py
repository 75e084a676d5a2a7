"""A GitHub-compatible server on 127.0.0.1: one store, one lock, real sockets."""

from __future__ import annotations

import argparse
import email.utils
import json
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from milepost.simulator.dispatch import dispatch
from milepost.simulator.faults import Do, Fault, Faults
from milepost.simulator.journal import Exchange, Journal
from milepost.simulator.limits import (
    PRIMARY,
    SECONDARY,
    describe_rate,
    give_back_request,
    spend_request,
)
from milepost.simulator.router import Answer, Refusal, Request
from milepost.simulator.routes import load_routes
from milepost.simulator.seed import DEFAULT_SEED, load_seed
from milepost.simulator.state import describe
from milepost.simulator.store import Store, Token
from milepost.simulator.wire import STORAGE, Wire

HOST = "127.0.0.1"
MOST_BODY_BYTES = 32 * 1024 * 1024
Watcher = Callable[[Exchange], None]


class Clock:
    """The simulator's time: it moves only when told to."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def now(self) -> datetime:
        return self._simulator.store.now

    def advance(self, seconds: float) -> None:
        with self._simulator.lock:
            self._simulator.store.advance(seconds)


class Simulator:
    """The embedded GitHub. Listens once it is started, on a port that the system gives."""

    def __init__(self, seed: Mapping[str, Any] | None = None, journal: Path | None = None, *, port: int = 0) -> None:
        load_routes()
        self.store: Store = load_seed(DEFAULT_SEED if seed is None else seed)
        self.journal = Journal(journal)
        self.faults = Faults()
        for each in (seed or {}).get("faults", []):
            self.faults.add(each)
        self.clock = Clock(self)
        self.lock = threading.RLock()
        self.on_request: Watcher | None = None
        self.on_response: Watcher | None = None
        self.stopped = threading.Event()
        self._stale: tuple[Store, int] | None = None
        self._kept: list[Store] = []
        self._port = port
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self._count = 0

    @property
    def url(self) -> str:
        assert self._server is not None, "the simulator is not started"
        return f"http://{HOST}:{self._server.server_address[1]}"

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Simulator:
        """The address is bound, and requests are answered."""
        self._server = _Server((HOST, self._port), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Nothing listens any more."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
        self._server = None
        self.stopped.set()

    def state(self, repo: str = "octo/widgets") -> dict[str, Any]:
        """Everything that the repository holds, as plain values in a fixed order."""
        with self.lock:
            found = self.store.find(repo)
            if found is None:
                raise KeyError(repo)
            return describe(self.store, found)

    def snapshot(self) -> Store:
        """A copy of everything, for `restore`."""
        with self.lock:
            return self.store.copy()

    def restore(self, snapshot: Store) -> None:
        """Everything is as it was; the journal and the faults stay."""
        with self.lock:
            self.store = snapshot.copy()
            self._stale = None

    def serve(self, method: str, target: str, headers: Mapping[str, str], data: bytes) -> tuple[Answer, bool]:
        """The answer, and whether the connection is to be dropped instead of sending it."""
        exchange = self._enter(method, target, headers, data)
        if self.on_request:
            self.on_request(exchange)
        faults = self._take_faults(exchange)
        for each in faults:
            if each.do is Do.SLOW:
                time.sleep(each.seconds)
        self._edit(each for each in faults if not each.after)
        answer, is_dropped = self._serve(exchange, headers, data, faults)
        self._edit(each for each in faults if each.after)
        finished = self._leave(exchange, answer, is_answered=not is_dropped)
        if self.on_response:
            self.on_response(finished)
        return answer, is_dropped

    def _enter(self, method: str, target: str, headers: Mapping[str, str], data: bytes) -> Exchange:
        split = urlsplit(target)
        body = _read_body(data)
        with self.lock:
            self._count += 1
            token = self._token(headers)
            return Exchange(
                number=self._count,
                method=method,
                path=split.path,
                query=split.query,
                body=body,
                login=token.login if token else None,
                is_write=_is_write(method, split.path, body),
            )

    def _take_faults(self, exchange: Exchange) -> list[Fault]:
        with self.lock:
            return self.faults.take(exchange.method, _inner(exchange.path)[1], is_write=exchange.is_write)

    def _serve(
        self, exchange: Exchange, headers: Mapping[str, str], data: bytes, faults: list[Fault]
    ) -> tuple[Answer, bool]:
        """The first fault that fails the request decides what is seen; an invisible write may fail as well."""
        with self.lock:
            failing = next((each for each in faults if each.is_failure), None)
            hidden = next((each for each in faults if each.do is Do.INVISIBLE), None)
            if hidden:
                self._stale = (self.store.copy(), hidden.reads)
            if failing and not failing.after and failing.do is not Do.STARTER:
                return self._failure(failing), failing.do is Do.DROP
            answer = self._answer(exchange, headers, data, is_cut=failing is not None and failing.do is Do.STARTER)
            if failing:
                return self._failure(failing), failing.do is Do.DROP
            return answer, hidden is not None and hidden.after

    def _failure(self, fault: Fault) -> Answer:
        wait = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        if fault.do is Do.SECONDARY:
            status = fault.status if fault.status in (403, 429) else 403
            return Answer(status, {"message": SECONDARY}, wait)
        if fault.do is Do.PRIMARY:
            reset = str(int(self.store.now.timestamp()) + 60)
            return Answer(403, {"message": PRIMARY}, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset})
        if fault.do is Do.MALFORMED:
            return Answer(200, b'{"number": 1, "tit')
        return Answer(fault.status, fault.body or {"message": "Server Error"}, {**fault.headers, **wait})

    def _answer(self, exchange: Exchange, headers: Mapping[str, str], data: bytes, *, is_cut: bool = False) -> Answer:
        prefix, path = _inner(exchange.path)
        token, resource = self._token(headers), "graphql" if path == "/graphql" else "core"
        login, store = token.login if token else "", self._visible(exchange)
        request = Request(
            store=store,
            wire=Wire(store, self.url + prefix, self.url),
            method=exchange.method,
            path=path,
            query=dict(parse_qsl(exchange.query, keep_blank_values=True)),
            body=exchange.body,
            token=token,
            headers=headers,
            data=data,
            is_cut=is_cut,
        )
        try:
            if path.startswith(STORAGE):  # no part of the API: other hosts, and other rules
                return dispatch(request)
            if headers.get("authorization") and token is None:
                raise Refusal(401, "Bad credentials")
            if path != "/rate_limit":
                spend_request(self.store, login, resource)
            answer = dispatch(request)
        except Refusal as refusal:
            answer = refusal.answer
        return self._dressed(answer, login, resource, headers, is_read=exchange.method == "GET")

    def _visible(self, exchange: Exchange) -> Store:
        """The store, or for the reads after an invisible write the one before it."""
        if self._stale is None or exchange.is_write:
            return self.store
        stale, rest = self._stale
        self._stale = (stale, rest - 1) if rest > 1 else None
        stale.now, stale.requests = self.store.now, self.store.requests
        return stale

    def _dressed(
        self, answer: Answer, login: str, resource: str, headers: Mapping[str, str], *, is_read: bool
    ) -> Answer:
        """The answer with GitHub's usual headers; 304 when the caller has it already."""
        tag = f'W/"{sha1(_bytes(answer.body)).hexdigest()}"' if is_read and answer.status == 200 else None
        is_known = tag is not None and headers.get("if-none-match") == tag
        if is_known:
            give_back_request(self.store, login, resource)
        rate, token = describe_rate(self.store, login, resource), self._token(headers)
        usual = {
            "X-GitHub-Request-Id": f"{self._count:04X}:{rate['limit']:X}",
            "X-GitHub-Media-Type": "github.v3; format=json",
            **{f"X-RateLimit-{name.title()}": str(value) for name, value in rate.items()},
            "X-RateLimit-Resource": resource,
            **({"ETag": tag} if tag else {}),
            **({"X-OAuth-Scopes": ", ".join(token.scopes)} if token and token.scopes is not None else {}),
        }
        return Answer(
            304 if is_known else answer.status, None if is_known else answer.body, {**usual, **answer.headers}
        )

    def _leave(self, exchange: Exchange, answer: Answer, *, is_answered: bool) -> Exchange:
        finished = Exchange(
            **{
                **exchange.__dict__,
                "status": answer.status,
                "headers": tuple(sorted(answer.headers.items())),
                "answer": None if isinstance(answer.body, bytes) else answer.body,
                "is_answered": is_answered,
            }
        )
        with self.lock:
            self.journal.add(finished)
        return finished

    def _edit(self, faults: Iterable[Fault]) -> None:
        """Somebody else's requests, in between."""
        for wanted in [each.request for each in faults if each.do is Do.EDIT]:
            headers = {"authorization": f"token {wanted['token']}"} if "token" in wanted else {}
            path, _, query = wanted["path"].partition("?")
            exchange = Exchange(
                number=0,
                method=wanted["method"],
                path=path,
                query=query,
                body=wanted.get("body"),
                login=None,
                is_write=True,
            )
            with self.lock:
                answer = self._answer(exchange, headers, b"")
            if answer.status >= 400:
                raise RuntimeError(f"the edit of a fault was refused: {answer.body}")

    def _token(self, headers: Mapping[str, str]) -> Token | None:
        return self.store.tokens.get(headers.get("authorization", "").partition(" ")[2])

    def control(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
        """What another process may ask of the simulator itself; never in the journal."""
        controls: dict[tuple[str, str], Callable[[], Any]] = {
            ("GET", "state"): lambda: self.state(query.get("repo", "octo/widgets")),
            ("GET", "journal"): lambda: [each.__dict__ for each in self.journal],
            ("DELETE", "journal"): self.journal.clear,
            ("POST", "faults"): lambda: [self.faults.add(each) for each in body] and None,
            ("DELETE", "faults"): self.faults.clear,
            ("POST", "clock"): lambda: self.clock.advance(float(body["advance"])),
            ("GET", "snapshot"): self._keep,
            ("PUT", "snapshot"): lambda: self.restore(self._kept[body["snapshot"]]),
            ("POST", "stop"): lambda: None,
        }
        if (method, path) not in controls:
            known = ", ".join(f"{verb} {name}" for verb, name in controls)
            return Answer(404, {"message": f"there is no control {method} {path}; there are {known}"})
        try:
            answer = controls[method, path]()
        except (KeyError, TypeError, ValueError) as trouble:
            return Answer(400, {"message": f"{method} {path}: {trouble!r}"})
        return Answer(204) if answer is None else Answer(200, answer)

    def _keep(self) -> dict[str, int]:
        """A snapshot is kept here, under a number: what a client could send back would have to be trusted."""
        self._kept.append(self.snapshot())
        return {"snapshot": len(self._kept) - 1}


def main(argv: list[str]) -> int:
    """Serves until it is told to stop; the first line printed is the base address."""
    parser = argparse.ArgumentParser(prog="simulate", description="Serve a GitHub-compatible server on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--seed", type=Path, help="JSON file with the start state; without it, octo/widgets, empty")
    parser.add_argument("--journal", type=Path, help="file that gets a line of JSON for each request")
    given = parser.parse_args(argv)
    try:
        seed = json.loads(given.seed.read_text(encoding="utf-8")) if given.seed else None
        simulator = Simulator(seed, given.journal, port=given.port).start()
    except (OSError, ValueError) as trouble:
        print(f"simulate: {trouble}", file=sys.stderr)
        return 2
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: simulator.stopped.set())
    print(simulator.url, flush=True)
    simulator.stopped.wait()
    simulator.stop()
    return 0


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # More callers at once than the usual five would be made to wait a second each.
    request_queue_size = 128


def _handler(simulator: Simulator) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "GitHub.com"
        sys_version = ""
        # Headers and body go out in one segment: no waiting for acknowledgements between them.
        wbufsize = -1
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None:
            """The journal tells all; nothing is printed."""

        def handle_one_request(self) -> None:
            with suppress(ConnectionError, TimeoutError):
                super().handle_one_request()
                return
            self.close_connection = True

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > MOST_BODY_BYTES or "chunked" in self.headers.get("Transfer-Encoding", ""):
                self.close_connection = True
                self._send(Answer(411, {"message": f"send Content-Length, at most {MOST_BODY_BYTES}"}))
                return
            data = self.rfile.read(length)
            headers = {name.lower(): value for name, value in self.headers.items()}
            split = urlsplit(self.path)
            if split.path.startswith("/_simulator/"):
                query = dict(parse_qsl(split.query))
                path = split.path.removeprefix("/_simulator/")
                self._send(simulator.control(self.command, path, query, _read_body(data)))
                if (self.command, path) == ("POST", "stop"):
                    # Only now: a process that ends must have answered first.
                    threading.Thread(target=simulator.stop).start()
                return
            answer, is_dropped = simulator.serve(self.command, self.path, headers, data)
            if is_dropped:
                self.close_connection = True
                return
            self._send(answer)

        def date_time_string(self, timestamp: float | None = None) -> str:
            """The simulator's time, so that the same requests give the same bytes."""
            return email.utils.format_datetime(simulator.clock.now(), usegmt=True)

        def _send(self, answer: Answer) -> None:
            data = _bytes(answer.body) if answer.body is not None else b""
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if data and "Content-Type" not in answer.headers:
                self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)
            self.wfile.flush()

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = _serve

    return Handler


def _inner(path: str) -> tuple[str, str]:
    """The prefix of Enterprise Server, and the path below it."""
    if path == "/api/graphql":
        return "/api/v3", "/graphql"
    return ("/api/v3", path.removeprefix("/api/v3") or "/") if path.startswith("/api/v3") else ("", path)


def _is_write(method: str, path: str, body: Any) -> bool:
    if path.endswith("/graphql"):
        return isinstance(body, dict) and re.search(r"(?m)^\s*mutation\b", str(body.get("query", ""))) is not None
    return method not in ("GET", "HEAD", "OPTIONS")


def _read_body(data: bytes) -> Any:
    """The body as JSON; what is not JSON, an upload, as text in Latin-1, which loses nothing."""
    if not data:
        return None
    try:
        return json.loads(data)
    except ValueError:
        return data.decode("latin-1")


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
