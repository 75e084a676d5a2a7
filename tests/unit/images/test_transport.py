"""TLS, private certificates and proxies, as a company's network has them."""

from __future__ import annotations

import select
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from milepost.core.image import Image
from milepost.errors import Refused
from milepost.images.client import read_image
from milepost.images.login import Credentials

NAME = "registry.example.com/acme/torch:v1"


class Proxy(BaseHTTPRequestHandler):
    """Connects every CONNECT to one port of this machine, whatever host is asked for."""

    port = 0
    asked: list[tuple[str, str | None, str | None]]

    def do_CONNECT(self) -> None:
        headers = self.headers
        self.asked.append((self.path, headers["Proxy-Authorization"], headers["Authorization"]))
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(("127.0.0.1", self.port)) as behind:
            ends = {self.connection: behind, behind: self.connection}
            while ready := select.select(list(ends), [], [], 5)[0]:
                data = ready[0].recv(65_536)
                if not data:
                    break
                ends[ready[0]].sendall(data)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A private authority's certificate for registry.example.com, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the program openssl is not installed here")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=registry.example.com", "-addext", "subjectAltName=DNS:registry.example.com"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


@pytest.fixture
def proxy(make_registry: Callable[..., Any], certificate: tuple[Path, Path]) -> Iterator[Any]:
    """A proxy before a registry that speaks TLS; the value has the registry, the journal and the address."""
    registry = make_registry(login="bearer", realm="https://registry.example.com/token")
    registry.add_image(labels={"behind": "the proxy"}, names=["v1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, certificate))
    registry._server.socket = context.wrap_socket(registry._server.socket, server_side=True)
    registry._server.handle_error = lambda *_: None
    bound = type("Bound", (Proxy,), {"port": registry.port, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), bound)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield type("Found", (), {"registry": registry, "asked": bound.asked, "port": server.server_address[1]})
    server.shutdown()
    server.server_close()
    thread.join()


def read(**more: Any) -> Image:
    return read_image(NAME, sleep=lambda _: None, **more)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_registry_behind_a_proxy_with_a_private_certificate_is_read(
    variable: str, proxy: Any, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy's password goes to the proxy, the registry's to the registry."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:word@127.0.0.1:{proxy.port}")
    monkeypatch.setenv(variable, str(certificate[0]))

    image = read(credentials=Credentials(host="registry.example.com", username="robot", password="s3cret"))

    assert {"behind": "the proxy"} == image.labels
    assert {("registry.example.com:443", "Basic dXNlcjp3b3Jk", None)} == set(proxy.asked)
    assert 4 == len(proxy.registry.journal)


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(proxy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the way out is told."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")

    with pytest.raises(Refused) as found:
        read()

    problem = found.value.diagnostic
    assert "registry-unreachable" == problem.rule
    assert "certificate is not trusted" in problem.summary
    assert "SSL_CERT_FILE" in problem.help
    assert 1 == len(proxy.asked)


def test_certificates_that_cannot_be_read_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before anything is asked."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))

    with pytest.raises(Refused) as found:
        read()

    assert "REQUESTS_CA_BUNDLE" in found.value.diagnostic.summary


def test_a_registry_of_this_machine_is_asked_without_the_proxy(registry: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever NO_PROXY says."""
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    assert "linux/amd64" == read_image(f"{registry.host}/acme/torch:v1").platform
