"""Against the distribution registry itself, as Debian packages it."""

from __future__ import annotations

import hashlib
import http.client
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from milepost.errors import Refused
from milepost.images.client import read_image
from milepost.images.login import Credentials

PASSWORD = "s3cret-password"
# `htpasswd -nbB robot s3cret-password`
HTPASSWD = "robot:$2y$05$h3AyKk2bPcHkekwOzE51AOpmjM8Moly4n5NAIPn4pRi3.WaZQ/iHm\n"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


class RealRegistry:
    """A running docker-registry on loopback, and what pushes to it without any tool."""

    def __init__(self, host: str, headers: dict[str, str]) -> None:
        self.host = host
        self.headers = headers

    def push_image(self, *, labels: dict[str, str], platform: str = "linux/amd64", tag: str = "") -> dict[str, Any]:
        """An image without layers; the value describes its manifest."""
        system, architecture = platform.split("/")
        config = {
            "os": system,
            "architecture": architecture,
            "config": {"Labels": labels},
            "rootfs": {"type": "layers"},
        }
        body = json.dumps(config).encode()
        self._push_blob(body)
        described = {"mediaType": "application/vnd.oci.image.config.v1+json", **describe(body)}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": []}
        pushed = self._push_manifest(MANIFEST, manifest, tag)
        return {**pushed, "platform": {"os": system, "architecture": architecture}}

    def push_index(self, entries: Sequence[dict[str, Any]], tag: str) -> dict[str, Any]:
        return self._push_manifest(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}, tag)

    def _push_blob(self, body: bytes) -> None:
        status, headers = self._send("POST", "/v2/acme/torch/blobs/uploads/")
        assert status == 202
        parts = urlsplit(headers["Location"])
        path = f"{parts.path}?{parts.query}&digest={describe(body)['digest']}"
        assert 201 == self._send("PUT", path, body, "application/octet-stream")[0]

    def _push_manifest(self, kind: str, manifest: dict[str, Any], tag: str) -> dict[str, Any]:
        body = json.dumps(manifest).encode()
        name = tag or describe(body)["digest"]
        assert 201 == self._send("PUT", f"/v2/acme/torch/manifests/{name}", body, kind)[0]
        return {"mediaType": kind, **describe(body)}

    def _send(self, method: str, path: str, body: bytes = b"", kind: str = "") -> tuple[int, Any]:
        with closing(http.client.HTTPConnection(self.host, timeout=10)) as connection:
            connection.request(method, path, body, {**self.headers, **({"Content-Type": kind} if kind else {})})
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers


def describe(body: bytes) -> dict[str, Any]:
    return {"digest": f"sha256:{hashlib.sha256(body).hexdigest()}", "size": len(body)}


@pytest.fixture
def make_real_registry(tmp_path: Path) -> Iterator[Callable[..., RealRegistry]]:
    """Starts docker-registry with its own configuration; each is ended by its own process id."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry is not installed here: apt-get install docker-registry")
    started: list[subprocess.Popen[bytes]] = []

    def make(*, has_password: bool = False) -> RealRegistry:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            host = f"127.0.0.1:{free.getsockname()[1]}"
        config: dict[str, Any] = {
            "version": 0.1,
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(tmp_path / host)}},
            "http": {"addr": host, "secret": "of no use"},
        }
        if has_password:
            (tmp_path / "htpasswd").write_text(HTPASSWD, encoding="utf-8")
            config["auth"] = {"htpasswd": {"realm": "test", "path": str(tmp_path / "htpasswd")}}
        (tmp_path / "registry.yml").write_text(json.dumps(config), encoding="utf-8")
        command = [program, "serve", str(tmp_path / "registry.yml")]
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        wait_for(host)
        login = Credentials(host=host, username="robot", password=PASSWORD).basic
        return RealRegistry(host, {"Authorization": login} if has_password else {})

    yield make
    for each in started:
        each.terminate()
        each.wait(10)


def wait_for(host: str) -> None:
    """Something listens there."""
    name, _, port = host.partition(":")
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex((name, int(port))) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on {host}")


def test_an_image_of_a_real_registry_is_read(make_real_registry: Callable[..., RealRegistry]) -> None:
    """By tag, by digest, by both, and by the digest of one platform."""
    registry = make_real_registry()
    amd = registry.push_image(labels={"io.github.milepost.cuda": "12.8"})
    arm = registry.push_image(labels={"io.github.milepost.cuda": "13.0"}, platform="linux/arm64")
    index = registry.push_index([arm, amd], "v2.9")["digest"]
    name = f"{registry.host}/acme/torch"

    for written, digest, tag_digest in [
        (f"{name}:v2.9", index, None),
        (f"{name}@{index}", index, None),
        (f"{name}:v2.9@{index}", index, index),
        (f"{name}@{amd['digest']}", amd["digest"], None),
    ]:
        image = read_image(written)

        assert {"io.github.milepost.cuda": "12.8"} == image.labels
        assert (digest, tag_digest, f"{name}@{digest}") == (image.digest, image.tag_digest, image.ref)
    assert {"io.github.milepost.cuda": "13.0"} == read_image(f"{name}:v2.9", platform="linux/arm64").labels
    registry.push_image(labels={}, tag="v2.9")
    assert index != read_image(f"{name}:v2.9@{index}").tag_digest
    assert "" == read_image(f"{name}:v2.8@{index}").tag_digest


def test_a_real_registry_says_no_in_words(make_real_registry: Callable[..., RealRegistry]) -> None:
    """No such tag, no password, a wrong one; and the right one opens."""
    registry = make_real_registry(has_password=True)
    registry.push_image(labels={"opened": "yes"}, tag="v1")
    right = Credentials(host=registry.host, username="robot", password=PASSWORD)
    wrong = Credentials(host=registry.host, username="robot", password="wrong")

    assert {"opened": "yes"} == read_image(f"{registry.host}/acme/torch:v1", credentials=right).labels
    for tag, credentials, status, told in [
        ("v2", right, 404, "MANIFEST_UNKNOWN: manifest unknown"),
        ("v1", None, 401, "UNAUTHORIZED: authentication required"),
        ("v1", wrong, 401, "UNAUTHORIZED: authentication required"),
    ]:
        with pytest.raises(Refused) as found:
            read_image(f"{registry.host}/acme/torch:{tag}", credentials=credentials)
        assert ("registry-refused", status) == (found.value.diagnostic.rule, found.value.status)
        assert told in found.value.diagnostic.why
