"""Files to and from GitHub. The token goes to GitHub's own addresses, and is never sent along a redirect.

PyGithub keeps the token when it is redirected to the same host name, refuses other ports and hosts of GitHub Enterprise
by an assertion, gives such a connection no timeout, and reads answers of any size into memory; so files travel by `requests` itself.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import requests

from milepost.errors import Refused
from milepost.remote.errors import BAD_ADDRESS, TOO_LARGE

# To connect, and between two pieces of an answer.
TIMEOUT_SECONDS = (10, 30)
# From the first byte to the last.
MOST_SECONDS = 180.0
MOST_ANSWER_BYTES = 1024 * 1024
CHUNK_BYTES = 64 * 1024
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """A file to send or to get; `most_bytes` is how large an answer may be."""

    verb: str
    url: str
    headers: Mapping[str, str]
    data: bytes | None = field(default=None, repr=False)
    most_bytes: int = MOST_ANSWER_BYTES


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    data: bytes = field(repr=False)


class TransferFailed(Exception):
    """Nothing usable came back; whether a file arrived is unknown."""


def transfer(wanted: Transfer, *, token: str) -> Answer:
    """The answer; one redirect of a download is followed, without the token. Raises Refused for one that is too large."""
    headers = {**wanted.headers, "Authorization": f"token {token}", "User-Agent": "milepost"}
    try:
        with _session() as session:
            answer, location = _exchange(session, wanted, wanted.url, headers)
            if location is None or wanted.verb != "GET":
                return answer
            return _follow(session, wanted, urljoin(wanted.url, location))
    except (requests.exceptions.RequestException, OSError, ValueError) as trouble:
        # What is no address is a ValueError of its own; the address may be signed and is not repeated.
        raise TransferFailed(f"the connection failed ({type(trouble).__name__})") from None


def find_upload_url(template: str, *, api_url: str, path: str) -> str:
    """Where to send files to: `upload_url` without its variables. Raises Refused unless it is an address of that GitHub.

    github.com uploads to `uploads.github.com`, a GHE.com enterprise to `uploads.NAME.ghe.com`, and a GitHub Enterprise
    Server to its own host.
    """
    url = template.partition("{")[0]
    api, given = urlsplit(api_url), urlsplit(url)
    hosts = {api.netloc}
    if api.netloc.startswith("api."):
        hosts.add(f"uploads.{api.netloc.removeprefix('api.')}")
    is_known = given.scheme == api.scheme and given.netloc in hosts and not given.query and not given.fragment
    if is_known and given.path.casefold().endswith(path.casefold()):
        return url
    summary = f"GitHub names {template[:200]!r} as the address for files, which is none of the API at {api_url!r}"
    raise Refused(BAD_ADDRESS.found(summary, help="the token is sent to no other host; look at `GITHUB_API_URL`"))


def _session() -> requests.Session:
    session = requests.Session()
    # Without it a .netrc file of the machine would replace the token, or add one where none may be.
    session.auth = _as_it_is
    return session


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _follow(session: requests.Session, wanted: Transfer, location: str) -> Answer:
    """What lies where GitHub sends us: a signed address that needs no token and soon expires, so that a no is no answer."""
    if urlsplit(location).scheme not in ("https", urlsplit(wanted.url).scheme):
        raise TransferFailed("GitHub redirects to an address that is not HTTPS")
    answer, further = _exchange(session, wanted, location, {"User-Agent": "milepost"})
    if further is not None or answer.status != 200:
        raise TransferFailed(f"the storage that GitHub redirects to answered {answer.status}")
    return answer


def _exchange(
    session: requests.Session, wanted: Transfer, url: str, headers: Mapping[str, str]
) -> tuple[Answer, str | None]:
    """The answer, and where it redirects to."""
    with session.request(
        wanted.verb,
        url,
        headers=dict(headers),
        data=wanted.data,
        timeout=TIMEOUT_SECONDS,
        allow_redirects=False,
        stream=True,
    ) as answer:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        location = headers.get("location") if answer.status_code in REDIRECTS else None
        most = wanted.most_bytes if answer.status_code == 200 else MOST_ANSWER_BYTES
        return Answer(status=answer.status_code, headers=headers, data=_read(answer, most)), location


def _read(answer: requests.Response, most_bytes: int) -> bytes:
    """The body, held against its size and the clock piece by piece."""
    ends, pieces, size = time.monotonic() + MOST_SECONDS, [], 0
    for piece in answer.iter_content(CHUNK_BYTES):
        size += len(piece)
        if size > most_bytes:
            raise Refused(TOO_LARGE.found(f"GitHub sends more than {most_bytes:,} bytes for one file"))
        if time.monotonic() > ends:
            raise TransferFailed(f"the answer took longer than {MOST_SECONDS:.0f} seconds")
        pieces.append(piece)
    return b"".join(pieces)
