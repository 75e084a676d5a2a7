"""Where files lie: another host than the API's, with signed addresses that soon expire, and no use for tokens."""

from __future__ import annotations

from milepost.simulator.router import Answer, Request, route
from milepost.simulator.wire import storage_signature

OCTETS = {"Content-Type": "application/octet-stream"}


@route("GET", "/_storage/{kind}/{id}", query="se sig")
def get_file(request: Request) -> Answer:
    """The file, for who comes with the address alone: a token beside it is refused as the storage does."""
    kind, id, ends = request.parts["kind"], int(request.parts["id"]), request.query.get("se", "")
    if "authorization" in request.headers:
        return _refuse(
            400, "InvalidAuthenticationInfo", "Authentication information is not given in the correct format."
        )
    is_signed = request.query.get("sig") == storage_signature(kind, id, ends)
    if not is_signed or int(ends) < request.store.now.timestamp():
        return _refuse(403, "AuthenticationFailed", "Server failed to authenticate the request.")
    content = next((each for each in _contents(request, kind) if each[0] == id), None)
    return Answer(200, content[1], OCTETS) if content else _refuse(404, "BlobNotFound", "There is no such file.")


def _contents(request: Request, kind: str) -> list[tuple[int, bytes]]:
    repositories = request.store.repositories.values()
    if kind == "artifacts":
        return [(each.id, each.content) for one in repositories for each in one.artifacts.values()]
    releases = [each for one in repositories for each in one.releases.values()]
    return [(each.id, each.content) for release in releases for each in release.assets]


def _refuse(status: int, code: str, message: str) -> Answer:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Answer(status, body.encode(), {"Content-Type": "application/xml"})
