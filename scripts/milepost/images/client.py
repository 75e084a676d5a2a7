"""Reads what a registry says about an image, without pulling it (docs/decisions/0022-own-registry-client.md)."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

from milepost.core.checksums import digest_of
from milepost.core.image import Image
from milepost.core.image_name import DIGEST, ImageName, read_image_name
from milepost.errors import Unusable
from milepost.images import errors
from milepost.images.login import Credentials, log_in
from milepost.images.manifest import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    Config,
    Descriptor,
    Manifest,
    Unreadable,
    fits,
    load_config,
    load_manifest,
)
from milepost.images.transport import Answer, Limits, Transport, Unacceptable, Unanswered, out_of_time

T = TypeVar("T")

DEFAULT_PLATFORM = "linux/amd64"
DEFAULT_LIMITS = Limits()
# What the thread has to tell its own end.
GRACE = 0.5
ACCEPT = ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))


def read_image(
    reference: str,
    *,
    platform: str = DEFAULT_PLATFORM,
    credentials: Credentials | None = None,
    limits: Limits = DEFAULT_LIMITS,
    sleep: Callable[[float], None] = time.sleep,
) -> Image:
    """The image as its registry describes it; every byte was checked against a digest.

    Raises Unusable for a text that names no image, and Refused for what the registry does not give.
    """
    name = read_image_name(reference)
    if not isinstance(name, ImageName):
        raise Unusable([name])
    if credentials is not None and credentials.host.lower() != name.host.lower():
        credentials = None
    return _within(limits, name, lambda: _Reader(name, platform, credentials, limits, sleep).read())


def _within(limits: Limits, name: ImageName, read: Callable[[], Image]) -> Image:
    """What the call gives, unless it takes too long; looking a host name up knows no deadline of its own."""
    results: SimpleQueue[Image | BaseException] = SimpleQueue()

    def run() -> None:
        try:
            results.put(read())
        except BaseException as trouble:
            results.put(trouble)

    thread = Thread(target=run, daemon=True)
    thread.start()
    # The thread ends by itself at the limit, and tells more than we could.
    thread.join(limits.seconds + GRACE)
    if results.empty():
        raise errors.unreachable(name, "a request", out_of_time(limits).reason)
    result = results.get()
    if isinstance(result, BaseException):
        raise result
    return result


class _Reader:
    """One image being read: what was asked for, and the authorisation that the registry gave."""

    def __init__(
        self,
        name: ImageName,
        platform: str,
        credentials: Credentials | None,
        limits: Limits,
        sleep: Callable[[float], None],
    ) -> None:
        self._name = name
        self._platform = platform
        self._credentials = credentials
        self._limits = limits
        self._sleep = sleep
        self._secret = ""

    def read(self) -> Image:
        """The image of the platform, by its index when it has one."""
        try:
            self._transport = Transport(self._limits, sleep=self._sleep)
        except Unanswered as trouble:
            raise errors.unreachable(self._name, "a request", trouble.reason) from None
        digest, manifest = self._read_root()
        annotations = dict(manifest.annotations)
        for _ in range(self._limits.depth):
            if manifest.config is not None:
                break
            entry = self._choose(manifest)
            manifest = self._read_manifest(entry)
            annotations |= manifest.annotations
        if manifest.config is None:
            raise errors.unusable(self._name, "the index", f"it nests deeper than {self._limits.depth} indexes")
        config = self._read_config(manifest.config)
        return Image(
            name=self._name,
            digest=digest,
            platform=config.platform,
            created=config.created,
            labels=config.labels,
            env=config.env,
            annotations=annotations,
            tag_digest=self._read_tag(),
        )

    def _read_root(self) -> tuple[str, Manifest]:
        """What the name stands for, and its digest."""
        step = "the manifest"
        answer = self._get(f"manifests/{self._name.reference}", step, accept=ACCEPT)
        digest = digest_of(answer.body)
        wanted = self._name.digest or answer.headers.get("Docker-Content-Digest") or digest
        if DIGEST.fullmatch(wanted) and wanted != digest:
            raise errors.digest_mismatch(self._name, step, wanted, digest)
        return digest, self._loaded(step, load_manifest, answer.body)

    def _choose(self, index: Manifest) -> Descriptor:
        """The first image of the platform; else the first further index, which says its platforms itself."""
        images = [each for each in index.entries if not each.is_attachment]
        fitting = [each for each in images if fits(each.platform, self._platform)]
        further = [each for each in images if each.is_index and not each.platform]
        if not fitting and not further:
            offered = tuple(dict.fromkeys(each.platform for each in images if each.platform))
            raise errors.platform_missing(self._name, self._platform, offered)
        return (*fitting, *further)[0]

    def _read_manifest(self, entry: Descriptor) -> Manifest:
        step = "the manifest of the platform"
        body = self._read_checked(f"manifests/{entry.digest}", step, entry, accept=ACCEPT)
        return self._loaded(step, load_manifest, body)

    def _read_config(self, descriptor: Descriptor) -> Config:
        step = "the configuration"
        config = self._loaded(step, load_config, self._read_checked(f"blobs/{descriptor.digest}", step, descriptor))
        if not fits(config.platform, self._platform):
            raise errors.platform_missing(self._name, self._platform, (config.platform,))
        return config

    def _read_checked(self, path: str, step: str, wanted: Descriptor, *, accept: str = "*/*") -> bytes:
        """The bytes that the digest and the size stand for."""
        if not DIGEST.fullmatch(wanted.digest):
            raise errors.unusable(self._name, step, f"{wanted.digest[:80]!r} is not a sha256 digest")
        if wanted.size > self._limits.body_bytes:
            raise errors.unusable(self._name, step, f"it is said to have {wanted.size:,} bytes")
        body = self._get(path, step, accept=accept).body
        found = digest_of(body)
        if found != wanted.digest:
            raise errors.digest_mismatch(self._name, step, wanted.digest, found)
        if len(body) != wanted.size:
            raise errors.unusable(self._name, step, f"it has {len(body):,} bytes instead of {wanted.size:,}")
        return body

    def _loaded(self, step: str, load: Callable[[bytes], T], body: bytes) -> T:
        try:
            return load(body)
        except Unreadable as trouble:
            raise errors.unusable(self._name, step, str(trouble)) from None

    def _read_tag(self) -> str | None:
        """What the tag beside a digest stands for; a look that costs nothing, so that its failure is none of ours."""
        if self._name.tag is None or self._name.digest is None:
            return None
        try:
            answer = self._send(f"manifests/{self._name.tag}", accept=ACCEPT, method="HEAD")
        except Unanswered:
            return None
        if answer.status == 404:
            return ""
        found = answer.headers.get("Docker-Content-Digest", "")
        return found if answer.status == 200 and DIGEST.fullmatch(found) else None

    def _get(self, path: str, step: str, *, accept: str) -> Answer:
        """The answer to a request that the registry grants, after logging in when it asks for that."""
        try:
            answer = self._send(path, accept=accept)
            if answer.status == 401 and not self._secret:
                self._secret = log_in(answer, self._name, self._credentials, self._transport)
                answer = self._send(path, accept=accept) if self._secret else answer
        except Unanswered as trouble:
            tell = errors.unusable if isinstance(trouble, Unacceptable) else errors.unreachable
            raise tell(self._name, step, trouble.reason) from None
        if answer.status != 200:
            user = self._credentials.username if self._credentials else None
            raise errors.refused(self._name, step, answer.status, answer.body, user=user)
        return answer

    def _send(self, path: str, *, accept: str, method: str = "GET") -> Answer:
        scheme = "http" if self._name.is_on_this_machine else "https"
        url = f"{scheme}://{self._name.address}/v2/{self._name.repository}/{path}"
        return self._transport.send(url, headers={"Accept": accept}, secret=self._secret, method=method)
