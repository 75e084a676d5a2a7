"""A registry that answers as it is told: an honest one at first, and every kind of a hostile one."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

OCI = "application/vnd.oci.image"
INDEX, MANIFEST, CONFIG = f"{OCI}.index.v1+json", f"{OCI}.manifest.v1+json", f"{OCI}.config.v1+json"
PASSWORD = "s3cret-password"
TOKEN = "t0ken-for-one-image"


def digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    authorization: str | None


class Handler(BaseHTTPRequestHandler):
    """One request; `answer` writes a whole one."""

    protocol_version = "HTTP/1.1"
    registry: FakeRegistry

    def do_GET(self) -> None:
        self.registry.handle(self)

    do_HEAD = do_GET  # noqa: N815  http.server looks for it

    def answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


Scripted = Callable[[Handler], None]


class FakeRegistry:
    """What is stored by path, what is answered instead, and every request that came."""

    def __init__(self, *, login: str = "", realm: str | None = None, storage: FakeRegistry | None = None) -> None:
        self.login = login
        self.storage = storage
        self.stored: dict[str, tuple[str, bytes]] = {}
        self.scripted: dict[str, Scripted] = {}
        self.journal: list[Seen] = []
        handler = type("Bound", (Handler,), {"registry": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.host = f"127.0.0.1:{self.port}"
        self.realm = f"http://{self.host}/token" if realm is None else realm
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def handle(self, handler: Handler) -> None:
        self.journal.append(Seen(handler.command, handler.path, handler.headers["Authorization"]))
        for part, script in self.scripted.items():
            if part in handler.path:
                return script(handler)
        if handler.path.startswith("/token"):
            return self._give_token(handler)
        if handler.path.startswith("/v2/") and not self._is_allowed(handler.headers["Authorization"]):
            return handler.answer(401, self.errors("UNAUTHORIZED", "authentication required"), self._challenge())
        if self.storage is not None and "/blobs/" in handler.path:
            return handler.answer(307, headers={"Location": f"http://{self.storage.host}{handler.path}?signature=x"})
        return self.give(handler)

    def give(self, handler: Handler) -> None:
        """What is stored, as an honest registry does."""
        kind, body = self.stored.get(handler.path.partition("?")[0], ("", b""))
        if not kind:
            return handler.answer(404, self.errors("MANIFEST_UNKNOWN", "manifest unknown"))
        return handler.answer(200, body, {"Content-Type": kind, "Docker-Content-Digest": digest_of(body)})

    def script(self, part: str, answer: Scripted | int, **headers: str) -> None:
        """Requests whose path holds the part are answered so: by a function, or with a status."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.scripted[part] = (
            (lambda handler: handler.answer(answer, b"{}", named)) if isinstance(answer, int) else answer
        )

    def add(self, kind: str, body: bytes, *, at: str = "manifests", names: Sequence[str] = ()) -> dict[str, Any]:
        """Stored under its digest and the further names; the value describes it."""
        for each in (digest_of(body), *names):
            self.stored[f"/v2/acme/torch/{at}/{each}"] = (kind, body)
        return {"mediaType": kind, "digest": digest_of(body), "size": len(body)}

    def add_image(
        self,
        *,
        labels: Mapping[str, str] | None = None,
        env: Sequence[str] = (),
        platform: str = "linux/amd64",
        names: Sequence[str] = (),
        annotations: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """One image of one platform."""
        config = {"created": "2026-11-01T00:00:00Z", "config": {"Labels": labels, "Env": list(env)}, **parts(platform)}
        described = self.add(CONFIG, dump(config), at="blobs")
        manifest = {"schemaVersion": 2, "config": described, "layers": [], "annotations": annotations}
        return {**self.add(MANIFEST, dump(manifest), names=names), "platform": parts(platform)}

    def add_index(self, entries: Sequence[Mapping[str, Any]], *, names: Sequence[str] = ()) -> dict[str, Any]:
        """An index of what is described."""
        return self.add(INDEX, dump({"schemaVersion": 2, "manifests": list(entries)}), names=names)

    def errors(self, code: str, message: str) -> bytes:
        return dump({"errors": [{"code": code, "message": message}]})

    def _is_allowed(self, given: str | None) -> bool:
        basic = f"Basic {base64.b64encode(f'robot:{PASSWORD}'.encode()).decode()}"
        return not self.login or given == {"bearer": f"Bearer {TOKEN}", "basic": basic}[self.login]

    def _challenge(self) -> dict[str, str]:
        bearer = f'Bearer realm="{self.realm}",service="fake",scope="repository:acme/torch:pull,push"'
        return {"WWW-Authenticate": bearer if self.login == "bearer" else 'Basic realm="fake"'}

    def _give_token(self, handler: Handler) -> None:
        handler.answer(200, dump({"token": TOKEN, "expires_in": 60}), {"Content-Type": "application/json"})


def dump(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8")


def parts(platform: str) -> dict[str, str]:
    return dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))


@pytest.fixture
def make_registry() -> Iterator[Callable[..., FakeRegistry]]:
    """Starts registries on loopback."""
    started: list[FakeRegistry] = []

    def make(**how: Any) -> FakeRegistry:
        started.append(FakeRegistry(**how))
        return started[-1]

    yield make
    for each in started:
        each.stop()


@pytest.fixture
def registry(make_registry: Callable[..., FakeRegistry]) -> FakeRegistry:
    """A registry that asks for nothing, with one image `acme/torch:v1`."""
    started = make_registry()
    started.add_image(labels={"io.github.milepost.torch": "2.9.1+cu128"}, env=["A=1", "B=x=y"], names=["v1"])
    return started
