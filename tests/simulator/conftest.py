"""Raw requests to a simulator."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Callable
from typing import Any

import pytest
from milepost.simulator import Simulator


class Wire:
    """Raw requests to one simulator."""

    def __init__(self, github: Simulator, call: Callable[..., Any]) -> None:
        self.github, self._call = github, call

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The answer of a request that must succeed."""
        status, _, answer = self._call(self.github, method, path, body, **more)
        assert status < 400, answer
        return answer

    def status(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Status and answer of a request that may fail."""
        status, _, answer = self._call(self.github, method, path, body, **more)
        return status, answer

    def headers(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        status, headers, _ = self._call(self.github, method, path, **more)
        return status, headers

    def raw(self, method: str, path: str, data: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """Status and bytes of a request that is sent as it is."""
        host = self.github.url.removeprefix("http://")
        with contextlib.closing(http.client.HTTPConnection(host, timeout=10)) as connection:
            connection.request(method, path, data, {"Authorization": "token admin-token", **headers})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def file(self, path: str, **headers: str) -> bytes:
        """The file that the API sends us elsewhere for, fetched there without a token."""
        _, seen, _ = self._call(self.github, "GET", path, headers=headers)
        host, _, rest = seen["location"].removeprefix("http://").partition("/")
        with contextlib.closing(http.client.HTTPConnection(host, timeout=10)) as connection:
            connection.request("GET", f"/{rest}")
            answer = connection.getresponse()
            assert 200 == answer.status
            return answer.read()

    def query(self, text: str, token: str = "admin-token", **variables: Any) -> Any:
        return self("POST", "/graphql", {"query": text, "variables": variables}, token=token)


@pytest.fixture
def make_wire(make_github: Callable[..., Simulator], call: Callable[..., Any]) -> Callable[..., Wire]:
    """Makes a repository as given, and raw requests to it."""
    return lambda repository=None, **more: Wire(make_github(repository, **more), call)


@pytest.fixture
def wire(make_wire: Callable[..., Wire]) -> Wire:
    """An empty repository."""
    return make_wire()
