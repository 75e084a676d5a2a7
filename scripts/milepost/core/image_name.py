"""The name of an image: which registry, which repository there, which tag or digest."""

from __future__ import annotations

import re
from dataclasses import dataclass

from milepost.diagnostics import Diagnostic, Location, Rule, Severity

BAD_IMAGE_NAME = Rule("bad-image-name", Severity.ERROR, "The name of an image is not one that a registry knows.")
RULES = (BAD_IMAGE_NAME,)

# The grammar of the distribution specification; the host as in an address.
HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?", re.IGNORECASE)
PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
REPOSITORY = re.compile(rf"{PART}(?:/{PART})*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
MOST_CHARACTERS = 255
DOCKER_HUB = "docker.io"
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, kw_only=True)
class ImageName:
    """An image as a registry knows it; without a digest the tag says which one, `latest` when none is written."""

    host: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def address(self) -> str:
        """The host that answers; Docker Hub's is not the one in its names."""
        return "registry-1.docker.io" if self.host == DOCKER_HUB else self.host

    @property
    def is_on_this_machine(self) -> bool:
        """True for a loopback address, the only one that may be asked without TLS."""
        return re.sub(r":[0-9]+$", "", self.host).lower() in LOOPBACK

    @property
    def reference(self) -> str:
        """What is asked for: the digest when there is one."""
        return self.digest or self.tag or "latest"

    def pinned(self, digest: str) -> str:
        """The name by which exactly that image is pulled."""
        return f"{self.host}/{self.repository}@{digest}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.host}/{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


def read_image_name(text: str, *, at: Location | None = None) -> ImageName | Diagnostic:
    """The image that the text names, or what is wrong with the text."""
    name, has_digest, digest = text.partition("@")
    host, path = _split_host(name)
    repository, tag = _split_tag(path)
    problem = _judge(host, repository, tag, digest if has_digest else None)
    if "://" in text:
        problem = "write it without `https://` or `docker://`"
    if problem:
        return BAD_IMAGE_NAME.found(f"{text!r} does not name an image", at=at, help=problem)
    if host == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return ImageName(host=host, repository=repository, tag=tag, digest=digest or None)


def _split_host(name: str) -> tuple[str, str]:
    """The first part is a host when it looks like one, as for `docker pull`."""
    first, slash, rest = name.partition("/")
    if not slash or not (set(".:") & set(first) or first.lower() == "localhost"):
        return DOCKER_HUB, name
    return (DOCKER_HUB if first == "index.docker.io" else first), rest


def _split_tag(path: str) -> tuple[str, str | None]:
    repository, colon, tag = path.partition(":")
    return repository, tag if colon else None


def _judge(host: str, repository: str, tag: str | None, digest: str | None) -> str:
    """What to change, or nothing."""
    if not HOST.fullmatch(host):
        return "the registry before the first slash must be HOST or HOST:PORT"
    if not REPOSITORY.fullmatch(repository) or len(host) + 1 + len(repository) > MOST_CHARACTERS:
        lower = repository.lower()
        is_case = lower != repository and REPOSITORY.fullmatch(lower)
        return f"names have small letters only: {lower}" if is_case else "write HOST/NAME:TAG or HOST/NAME@sha256:…"
    if tag is not None and not TAG.fullmatch(tag):
        return "a tag has at most 128 letters, digits, `.`, `_` and `-`"
    if digest is not None and not DIGEST.fullmatch(digest):
        return "a digest is `sha256:` and 64 digits 0-9, a-f"
    return ""
