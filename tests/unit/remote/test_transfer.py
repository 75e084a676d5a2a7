"""Files to and from GitHub: where the token goes, where it never goes, and how much is taken."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from milepost.errors import Refused
from milepost.remote import transfer as module
from milepost.remote.transfer import Transfer, TransferFailed, find_upload_url, transfer

TOKEN = "secret-token"


class Host:
    """A server on a port of its own that records what it is sent, and answers as told."""

    def __init__(self, *, status: int = 200, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        seen: list[tuple[str, dict[str, str], bytes]] = []

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                """Nothing is printed."""

            def do_GET(self) -> None:
                data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                seen.append((self.path, {name.lower(): each for name, each in self.headers.items()}, data))
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

        self.seen = seen
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def host() -> Iterator[Callable[..., Host]]:
    """Starts servers, and stops them."""
    started: list[Host] = []

    def start(**answer: Any) -> Host:
        started.append(Host(**answer))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_token_is_not_sent_along_a_redirect(status: int, name: str, host: Callable[..., Host]) -> None:
    """Not to another host, nor to another port of the same one; nor is what else we sent to GitHub."""
    storage = host(body=b"data")
    location = f"{storage.url.replace('127.0.0.1', name)}/file?sig=1"
    api = host(status=status, headers={"Location": location})

    answer = _get(api)

    assert b"data" == answer.data
    assert [f"token {TOKEN}"] == [headers["authorization"] for _, headers, _ in api.seen]
    (path, headers, _), *more = storage.seen
    assert ("/file?sig=1", []) == (path, more)
    assert TOKEN not in str(headers)
    assert {"authorization", "cookie"}.isdisjoint(headers)


def test_a_netrc_of_the_machine_counts_for_nothing(
    host: Callable[..., Host], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in place of the token, nor where no token may be."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password other\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    storage = host(body=b"data")
    api = host(status=302, headers={"Location": f"{storage.url}/file"})

    _get(api)

    assert [f"token {TOKEN}"] == [headers["authorization"] for _, headers, _ in api.seen]
    assert ["authorization" in headers for _, headers, _ in storage.seen] == [False]


def test_an_upload_is_not_redirected(host: Callable[..., Host]) -> None:
    """The bytes go to the address that was judged, or nowhere."""
    elsewhere = host()
    api = host(status=307, headers={"Location": f"{elsewhere.url}/"})

    answer = transfer(Transfer(verb="POST", url=f"{api.url}/", headers={}, data=b"data"), token=TOKEN)

    assert (307, [], b"data") == (answer.status, elsewhere.seen, api.seen[0][2])


def test_a_second_redirect_is_not_followed(host: Callable[..., Host]) -> None:
    """Storage does not send us on."""
    end = host(body=b"data")
    storage = host(status=302, headers={"Location": end.url})
    api = host(status=302, headers={"Location": storage.url})

    with pytest.raises(TransferFailed, match="302"):
        _get(api)

    assert [] == end.seen


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/file", "file:///etc/passwd", "http://["])
def test_an_address_that_is_none_of_the_web_is_not_followed(location: str, host: Callable[..., Host]) -> None:
    """Neither another protocol, nor no address at all."""
    with pytest.raises(TransferFailed):
        _get(host(status=302, headers={"Location": location}))


def test_a_storage_that_says_no_is_no_answer(host: Callable[..., Host]) -> None:
    """The address may have expired: GitHub gives another, so that 403 is none of ours."""
    storage = host(status=403, body=b"<Error/>")

    with pytest.raises(TransferFailed, match="403"):
        _get(host(status=302, headers={"Location": storage.url}))


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_file_that_is_too_large_is_refused(is_packed: bool, host: Callable[..., Host]) -> None:
    """By what arrives, unpacked, not by what the headers say."""
    data = b"\0" * 1001
    api = host(
        body=gzip.compress(data) if is_packed else data, headers={"Content-Encoding": "gzip"} if is_packed else {}
    )

    with pytest.raises(Refused) as found:
        _get(api, most_bytes=1000)

    assert "file-too-large" == found.value.diagnostic.rule
    assert data == _get(api, most_bytes=1001).data


def test_a_file_that_takes_too_long_is_no_answer(host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch) -> None:
    """However steadily it trickles."""
    monkeypatch.setattr(module, "MOST_SECONDS", -1.0)

    with pytest.raises(TransferFailed, match="longer"):
        _get(host(body=b"data"))


def test_a_host_that_does_not_answer_is_told_without_its_address(host: Callable[..., Host]) -> None:
    """Which may be signed."""
    api = host()
    api.stop()

    with pytest.raises(TransferFailed) as found:
        _get(api)

    assert "the connection failed (ConnectionError)" == str(found.value)


@pytest.mark.parametrize(
    ("api_url", "template"),
    [
        ("https://api.github.com", "https://uploads.github.com/repos/o/r/releases/1/assets{?name,label}"),
        ("https://api.octo.ghe.com", "https://uploads.octo.ghe.com/repos/o/r/releases/1/assets{?name,label}"),
        ("https://git.example.org/api/v3", "https://git.example.org/api/uploads/repos/o/r/releases/1/assets{?name}"),
        ("http://127.0.0.1:80", "http://127.0.0.1:80/repos/O/R/releases/1/assets"),
    ],
)
def test_files_go_to_an_address_of_the_same_github(api_url: str, template: str) -> None:
    """github.com, GHE.com and an Enterprise Server each have their own."""
    assert template.partition("{")[0] == find_upload_url(template, api_url=api_url, path="/repos/o/r/releases/1/assets")


@pytest.mark.parametrize(
    "template",
    [
        "https://uploads.evil.org/repos/o/r/releases/1/assets{?name,label}",
        "http://uploads.github.com/repos/o/r/releases/1/assets",
        "https://uploads.github.com@evil.org/repos/o/r/releases/1/assets",
        "https://uploads.github.com:444/repos/o/r/releases/1/assets",
        "https://uploads.github.com/repos/o/other/releases/1/assets",
        "https://uploads.github.com/?/repos/o/r/releases/1/assets",
        "https://uploads.github.com/#/repos/o/r/releases/1/assets",
        "/repos/o/r/releases/1/assets",
        "",
    ],
)
def test_files_go_nowhere_else(template: str) -> None:
    """Whatever an answer says."""
    with pytest.raises(Refused) as found:
        find_upload_url(template, api_url="https://api.github.com", path="/repos/o/r/releases/1/assets")

    assert "bad-address" == found.value.diagnostic.rule


def _get(api: Host, most_bytes: int = 1000) -> Any:
    wanted = Transfer(verb="GET", url=f"{api.url}/zip", headers={"Accept": "*/*"}, most_bytes=most_bytes)
    return transfer(wanted, token=TOKEN)
