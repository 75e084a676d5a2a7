"""Reading an image from a registry: an honest one, a shy one, and one that means harm."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from milepost.core.image import Image
from milepost.errors import Refused, Unusable
from milepost.images.client import read_image
from milepost.images.login import Credentials
from milepost.images.transport import Limits

PASSWORD = "s3cret-password"
Make = Callable[..., Any]


class Pauses:
    """Pauses that nobody waits for."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


def read(registry: Any, name: str = "acme/torch:v1", **more: Any) -> Image:
    return read_image(f"{registry.host}/{name}", sleep=more.pop("sleep", Pauses()), **more)


def refusal(registry: Any, name: str = "acme/torch:v1", **more: Any) -> Refused:
    with pytest.raises(Refused) as found:
        read(registry, name, **more)
    problem = found.value.diagnostic
    assert registry.host in problem.summary
    assert "acme/torch" in problem.summary
    assert problem.help
    assert PASSWORD not in f"{problem}"
    return found.value


def credentials(registry: Any) -> Credentials:
    return Credentials(host=registry.host, username="robot", password=PASSWORD)


def test_an_image_is_read_with_two_requests_when_nothing_stands_in_the_way(registry: Any) -> None:
    """Manifest and configuration; the digest is that of what was asked for."""
    image = read(registry)

    assert {"io.github.milepost.torch": "2.9.1+cu128"} == image.labels
    assert {"A": "1", "B": "x=y"} == image.env
    assert ("linux/amd64", "2026-11-01T00:00:00Z") == (image.platform, image.created)
    assert f"{registry.host}/acme/torch@{image.digest}" == image.ref
    assert image.digest in "".join(registry.stored)
    assert ["/v2/acme/torch/manifests/v1"] == [each.path for each in registry.journal][:1]
    assert 2 == len(registry.journal)


def with_everything(make_registry: Make) -> tuple[Any, Any, str]:
    """Login, an index with an attestation first, and blobs that lie elsewhere."""
    storage = make_registry()
    registry = make_registry(login="bearer", storage=storage)
    attestation = {
        **registry.add_image(platform="unknown/unknown"),
        "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
    }
    arm = registry.add_image(platform="linux/arm64", labels={"which": "arm"})
    amd = registry.add_image(labels={"which": "amd"}, annotations={"of": "manifest"})
    digest = registry.add_index([attestation, arm, amd], names=["v1"])["digest"]
    storage.stored = registry.stored
    return registry, storage, digest


@pytest.mark.parametrize(("form", "most"), [("@{}", 6), (":v1@{}", 7), (":v1", 6)])
def test_the_whole_way_costs_six_requests_and_one_for_a_tag(form: str, most: int, make_registry: Make) -> None:
    """Refused, token, index, manifest, configuration, redirect; and a look at the tag beside a digest."""
    registry, storage, digest = with_everything(make_registry)

    image = read(registry, f"acme/torch{form.format(digest)}")

    assert most == len(registry.journal) + len(storage.journal)
    assert {"which": "amd"} == image.labels
    assert {"of": "manifest"} == image.annotations
    assert digest == image.digest
    assert (digest if most == 7 else None) == image.tag_digest


def test_no_token_leaves_the_registry(make_registry: Make) -> None:
    """Neither with the redirect of a blob, nor with that of a manifest; and it is asked for reading only."""
    registry, storage, digest = with_everything(make_registry)
    elsewhere = f"http://{storage.host}/v2/acme/torch/manifests/{digest}"

    def lead_on(handler: Any) -> None:
        if handler.headers["Authorization"]:
            handler.answer(302, headers={"Location": elsewhere})
        else:
            handler.answer(401, headers=registry._challenge())

    registry.script(f"manifests/{digest}", lead_on)

    read(registry, f"acme/torch@{digest}", credentials=credentials(registry))

    assert 2 == len(storage.journal)
    assert [None, None] == [each.authorization for each in storage.journal]
    (token,) = [each for each in registry.journal if each.path.startswith("/token")]
    assert token.authorization is not None
    assert token.authorization.startswith("Basic ")
    assert "scope=repository%3Aacme%2Ftorch%3Apull" in token.path
    assert "push" not in token.path


def test_a_registry_that_wants_a_password_gets_it_when_it_asks(make_registry: Make) -> None:
    """Not with the first request; and without credentials the refusal says what is missing."""
    registry = make_registry(login="basic")
    registry.add_image(names=["v1"])

    read(registry, credentials=credentials(registry))

    assert registry.journal[0].authorization is None
    assert all(each.authorization for each in registry.journal[1:])
    refused = refusal(registry)
    assert ("registry-refused", 401) == (refused.diagnostic.rule, refused.status)
    assert "give credentials that may pull it" in refused.diagnostic.help
    assert "UNAUTHORIZED: authentication required" in refused.diagnostic.why


def test_credentials_of_one_registry_are_not_given_to_another(make_registry: Make) -> None:
    """The job's token is for ghcr.io; a plan that names another registry does not get it."""
    registry = make_registry(login="basic")
    registry.add_image(names=["v1"])

    refusal(registry, credentials=Credentials(host="ghcr.io", username="robot", password=PASSWORD))

    assert [None] == [each.authorization for each in registry.journal]


def test_credentials_are_not_given_to_whom_the_registry_names(make_registry: Make) -> None:
    """A token service at a foreign host; and nothing is sent there."""
    registry = make_registry(login="bearer", realm="https://tokens.example.com/token")
    registry.add_image(names=["v1"])

    refused = refusal(registry, credentials=credentials(registry))

    assert "registry-refused" == refused.diagnostic.rule
    assert "tokens.example.com" in refused.diagnostic.summary
    assert 1 == len(registry.journal)


@pytest.mark.parametrize(
    "realm", ["http://192.0.2.1/token", "ftp://127.0.0.1/token", "/token", "http://[bad/token", ""]
)
def test_a_token_service_without_tls_is_not_asked(realm: str, make_registry: Make) -> None:
    """Nor one that has no address."""
    registry = make_registry(login="bearer", realm=realm)
    registry.add_image(names=["v1"])

    assert "registry-answer" == refusal(registry).diagnostic.rule


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"{}", "registry-answer"),
        (b"[]", "registry-answer"),
        (b'{"token": "two lines\\r\\nX: y"}', "registry-answer"),
        (b'{"token": 7}', "registry-answer"),
        (b"<html>", "registry-answer"),
        (b"[" * 90_000, "registry-answer"),
        (b'{"access_token": "of another"}', "registry-answer"),
        (b'{"access_token": "of-another"}', "registry-refused"),
    ],
)
def test_only_a_token_is_taken_for_one(body: bytes, rule: str, make_registry: Make) -> None:
    """What the token service says is never sent on unread; a token that does not open is told as a refusal."""
    registry = make_registry(login="bearer")
    registry.add_image(names=["v1"])
    registry.script("/token", lambda handler: handler.answer(200, body))

    assert rule == refusal(registry).diagnostic.rule


def test_bytes_that_are_not_those_asked_for_are_refused(make_registry: Make) -> None:
    """At every step: what the digest stands for, what the header promises, the platform's manifest, the configuration."""
    registry, _, digest = with_everything(make_registry)
    registry.login, registry.storage = "", None
    child = json.loads(registry.stored[f"/v2/acme/torch/manifests/{digest}"][1])["manifests"][2]["digest"]
    config = json.loads(registry.stored[f"/v2/acme/torch/manifests/{child}"][1])["config"]["digest"]
    other = registry.add_image(labels={"evil": "yes"})["digest"]
    evil = registry.stored[f"/v2/acme/torch/manifests/{other}"][1]
    for part, name in [
        (f"manifests/{digest}", f"acme/torch@{digest}"),
        ("manifests/v1", "acme/torch:v1"),
        (f"manifests/{child}", "acme/torch:v1"),
        (f"blobs/{config}", "acme/torch:v1"),
    ]:
        registry.scripted.clear()
        registry.script(part, lambda handler: handler.answer(200, evil, {"Docker-Content-Digest": digest}))

        refused = refusal(registry, name)

        assert "image-digest-mismatch" == refused.diagnostic.rule
        assert other in refused.diagnostic.why


@pytest.mark.parametrize("size", [1, -1, 10**9, "12", None, True])
def test_a_size_that_is_not_true_is_refused(size: Any, registry: Any) -> None:
    """Too large is refused before it is asked for."""
    described = registry.add_image()
    registry.add_index([{**described, "size": size}], names=["v1"])

    assert "registry-answer" == refusal(registry).diagnostic.rule
    assert 1 + (size in (1, True)) == len(registry.journal)


def endless(handler: Any) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"x" * 10_000)
    except OSError:
        handler.close_connection = True


def slow(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"x")
            time.sleep(0.05)
    except OSError:
        handler.close_connection = True


def slow_head(handler: Any) -> None:
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            handler.wfile.write(b"X")
            time.sleep(0.05)
    except OSError:
        handler.close_connection = True


def silent(handler: Any) -> None:
    time.sleep(0.3)
    handler.close_connection = True


@pytest.mark.parametrize(
    ("script", "seconds", "rule", "told"),
    [
        (endless, 5, "registry-answer", "larger than 100,000 bytes"),
        (slow, 0.5, "registry-unreachable", "longer than 0.5 seconds"),
        (slow_head, 0.5, "registry-unreachable", "longer than 0.5 seconds"),
        (silent, 5, "registry-unreachable", "it is silent"),
    ],
)
def test_nothing_outlives_its_limits(script: Any, seconds: float, rule: str, told: str, registry: Any) -> None:
    """A body without end, a body or a head that drips, and a registry that says nothing."""
    registry.script("manifests", script)
    start = time.monotonic()

    refused = refusal(registry, limits=Limits(seconds=seconds, silence=0.1, body_bytes=100_000))

    assert rule == refused.diagnostic.rule
    assert told in refused.diagnostic.summary
    assert time.monotonic() - start < seconds + 2


def test_redirects_end(registry: Any) -> None:
    """A circle is left after three turns."""
    registry.script("manifests", lambda handler: handler.answer(302, headers={"Location": handler.path}))

    assert "leads on more than 3 times" in refusal(registry).diagnostic.summary
    assert 4 == len(registry.journal)


@pytest.mark.parametrize("place", ["http://192.0.2.1/x", "file:///etc/passwd", "gopher://127.0.0.1/", "http://[::"])
def test_a_redirect_leads_to_https_or_nowhere(place: str, registry: Any) -> None:
    """Neither to another machine without TLS, nor to a file."""
    registry.script("manifests", lambda handler: handler.answer(302, headers={"Location": place}))

    assert "registry-answer" == refusal(registry).diagnostic.rule


def test_a_tag_that_moved_and_one_that_is_gone_are_told_apart(make_registry: Make) -> None:
    """The digest decides what is read; nothing is known of a tag that the registry does not tell about."""
    registry = make_registry()
    digest = registry.add_image(labels={"which": "old"}, names=["v1"])["digest"]
    new = registry.add_image(labels={"which": "new"}, names=["v1"])["digest"]
    name = f"acme/torch:v1@{digest}"

    assert ({"which": "old"}, new) == (read(registry, name).labels, read(registry, name).tag_digest)
    del registry.stored["/v2/acme/torch/manifests/v1"]
    assert "" == read(registry, name).tag_digest
    for status in (403, 200):
        registry.script("manifests/v1", status)
        assert read(registry, name).tag_digest is None
    registry.script("manifests/v1", lambda handler: handler.answer(302, headers={"Location": "http://192.0.2.1/"}))
    assert read(registry, name).tag_digest is None


@pytest.mark.parametrize(("levels", "is_read"), [(1, True), (3, True), (4, False)])
def test_indexes_nest_a_little(levels: int, is_read: bool, registry: Any) -> None:
    """As deep as anybody builds them; a hostile chain of them ends."""
    described = registry.add_image(labels={"deep": "yes"})
    for _ in range(levels):
        described = registry.add_index([described], names=["v1"])

    if is_read:
        assert {"deep": "yes"} == read(registry).labels
    else:
        assert "nests deeper than 3 indexes" in refusal(registry).diagnostic.summary


def test_an_index_that_names_itself_is_left(registry: Any) -> None:
    """Its digest cannot be its own: the second look is the last."""
    entry = {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": f"sha256:{'0' * 64}", "size": 9}
    registry.add_index([entry], names=["v1"])
    loop = registry.stored["/v2/acme/torch/manifests/v1"][1]
    registry.script("manifests", lambda handler: handler.answer(200, loop))

    assert "image-digest-mismatch" == refusal(registry).diagnostic.rule
    assert 2 == len(registry.journal)


@pytest.mark.parametrize(
    "body",
    [
        b'{"schemaVersion": 2, "manifests": [',
        b"",
        b"null",
        b"[" * 50_000,
        b'{"schemaVersion": 1, "fsLayers": []}',
        b'{"schemaVersion": 2}',
        b'{"manifests": [7]}',
        b'{"config": null}',
        b'{"config": {"digest": "md5:1", "size": 1}}',
        b'{"config": {"digest": "sha256:../../token", "size": 1}}',
    ],
)
def test_what_is_no_manifest_is_refused(body: bytes, registry: Any) -> None:
    """Cut off, of another kind, of the retired form, or with a digest that would be a path."""
    registry.script("manifests", lambda handler: handler.answer(200, body))

    assert "registry-answer" == refusal(registry).diagnostic.rule
    assert 1 == len(registry.journal)


@pytest.mark.parametrize("config", [{}, {"os": "linux", "config": []}, {"os": 7}])
def test_what_is_no_image_is_refused(config: Any, registry: Any) -> None:
    """A chart or a signature has a manifest, too."""
    body = json.dumps(config).encode()
    described = registry.add("application/json", body, at="blobs")
    registry.add("application/json", json.dumps({"config": described}).encode(), names=["v1"])

    assert "registry-answer" == refusal(registry).diagnostic.rule


def test_an_answer_that_is_cut_off_is_asked_for_again(registry: Any) -> None:
    """Three times in all; it is no wrong digest."""
    registry.script("manifests", lambda handler: handler.answer(200, b"{", {"Content-Length": "500"}) or cut(handler))
    pauses = Pauses()

    refused = refusal(registry, sleep=pauses)

    assert "registry-unreachable" == refused.diagnostic.rule
    assert "ends 499 bytes early" in refused.diagnostic.summary
    assert [1.0, 3.0] == pauses.slept
    assert 3 == len(registry.journal)


def cut(handler: Any) -> None:
    handler.close_connection = True


@pytest.mark.parametrize(
    ("status", "rule", "tries", "help"),
    [
        (401, "registry-refused", 1, "give credentials"),
        (403, "registry-refused", 1, "give credentials"),
        (404, "registry-refused", 1, "look at the name"),
        (418, "registry-refused", 1, "run again later"),
        (429, "registry-rate-limited", 3, "run again later"),
        (503, "registry-refused", 3, "run again later"),
    ],
)
def test_a_registry_that_says_no_is_told_with_the_way_out(
    status: int, rule: str, tries: int, help: str, registry: Any
) -> None:
    """What may pass is asked for again."""
    registry.script("manifests", status)

    refused = refusal(registry)

    assert (rule, status) == (refused.diagnostic.rule, refused.status)
    assert help in refused.diagnostic.help
    assert tries == len(registry.journal)


def test_a_registry_that_names_a_pause_gets_it(registry: Any) -> None:
    """Unless the run would last too long: then the refusal comes at once."""
    waits = ["7", "600"]

    def answer(handler: Any) -> None:
        if waits:
            return handler.answer(429, headers={"Retry-After": waits.pop(0)})
        return registry.give(handler)

    registry.script("manifests", answer)
    pauses = Pauses()

    assert "registry-rate-limited" == refusal(registry, sleep=pauses).diagnostic.rule
    assert [7.0] == pauses.slept
    read(registry)


def test_a_refused_token_names_the_user(make_registry: Make) -> None:
    """And not the password."""
    registry = make_registry(login="bearer")
    registry.script("/token", 403)

    refused = refusal(registry, credentials=credentials(registry))

    assert "refuses a token for reading" in refused.diagnostic.summary
    assert "give robot the right to pull it" in refused.diagnostic.help
    assert PASSWORD not in repr(credentials(registry))


@pytest.mark.parametrize(
    ("wanted", "which"),
    [
        ("linux/amd64", "amd"),
        ("linux/arm64", "arm"),
        ("linux/arm64/v8", "arm"),
        ("linux/arm/v6", None),
        ("windows/amd64", None),
    ],
)
def test_the_image_of_the_platform_is_chosen(wanted: str, which: str | None, make_registry: Make) -> None:
    """The first that fits; what is missing is told with what is there, attestations apart."""
    registry, _, _ = with_everything(make_registry)

    if which:
        assert {"which": which} == read(registry, platform=wanted).labels
    else:
        refused = refusal(registry, platform=wanted)
        assert "image-platform-missing" == refused.diagnostic.rule
        assert "it exists for linux/arm64, linux/amd64" == refused.diagnostic.why


def test_a_single_image_must_be_of_the_platform(registry: Any) -> None:
    """Its configuration says what it is for, whatever an index said."""
    assert "image-platform-missing" == refusal(registry, platform="linux/arm64").diagnostic.rule
    liar = {**registry.add_image(), "platform": {"os": "linux", "architecture": "arm64"}}
    registry.add_index([liar], names=["v1"])
    assert "image-platform-missing" == refusal(registry, platform="linux/arm64").diagnostic.rule


def test_a_text_that_names_no_image_is_unusable() -> None:
    """Nothing is asked."""
    with pytest.raises(Unusable) as found:
        read_image("https://ghcr.io/acme/torch")
    assert "bad-image-name" == found.value.diagnostics[0].rule


def test_a_host_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it has no address, or nobody listens there."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Refused) as found:
            read_image(f"127.0.0.1:{taken.getsockname()[1]}/acme/torch:v1", sleep=Pauses())
        assert "Connection refused" in found.value.diagnostic.summary
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Refused) as found:
        read_image("registry.invalid/acme/torch:v1", sleep=Pauses())
    assert "Name or service not known" in found.value.diagnostic.summary


def test_looking_up_a_host_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's look-up knows none."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1.5))
    start = time.monotonic()

    with pytest.raises(Refused) as found:
        read_image("registry.invalid/acme/torch:v1", limits=Limits(seconds=0.2))

    assert "longer than 0.2 seconds" in found.value.diagnostic.summary
    assert time.monotonic() - start < 1.2


HUB = {"auths": {"https://index.docker.io/v1/": {"auth": "dXNlcjpzZWNyZXQ="}, "r.example:5000": {"auth": "YTpiOmM="}}}


@pytest.mark.parametrize(
    ("config", "host", "found"),
    [
        (HUB, "docker.io", ("user", "secret")),
        (HUB, "r.example:5000", ("a", "b:c")),
        ({"auths": {"https://r.example": {"auth": "dXNlcjpzZWNyZXQ="}}}, "r.example", ("user", "secret")),
        (HUB, "ghcr.io", None),
        ({"auths": {"ghcr.io": {}}}, "ghcr.io", None),
        ({"auths": {"ghcr.io": {"auth": "no base64"}}}, "ghcr.io", None),
        ({"auths": {"ghcr.io": {"auth": "dXNlcg=="}}}, "ghcr.io", None),
        ({"auths": {"ghcr.io": "x"}}, "ghcr.io", None),
        ({"auths": []}, "ghcr.io", None),
        ({"credsStore": "desktop"}, "ghcr.io", None),
        (None, "ghcr.io", None),
    ],
)
def test_a_login_of_docker_is_found_by_its_registry(config: object, host: str, found: tuple[str, str] | None) -> None:
    """And given to no other; a file that is something else holds none."""
    from milepost.images.login import find_credentials

    credentials = find_credentials(config, host)

    assert found == ((credentials.username, credentials.password) if credentials else None)
    assert credentials is None or credentials.host == host
