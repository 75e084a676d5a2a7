"""What a registry's JSON says, as values: indexes, manifests and the configuration of an image."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
# A signature or a bill of materials stands in the index like an image.
REFERENCE_TYPE = "vnd.docker.reference.type"
# What builders leave out when it is the only one.
DEFAULT_VARIANTS = {"arm64": "v8", "arm": "v7"}


class Unreadable(Exception):
    """The JSON is not of the protocol."""


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """A blob or manifest that another one names: its digest, its size, and its platform when it is told."""

    digest: str
    size: int
    platform: str = ""
    is_index: bool = False
    is_attachment: bool = False


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Either an index of `entries`, or one image with its `config`."""

    entries: tuple[Descriptor, ...] = ()
    config: Descriptor | None = None
    annotations: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Config:
    """The configuration of one image."""

    platform: str
    created: str
    labels: Mapping[str, str]
    env: Mapping[str, str]


def load_manifest(body: bytes) -> Manifest:
    """The index or manifest; which of both it is its members say, because registries mislabel it."""
    data = _load(body)
    annotations = _texts(data.get("annotations"))
    if isinstance(data.get("manifests"), list):
        return Manifest(entries=tuple(_descriptor(each) for each in data["manifests"]), annotations=annotations)
    if "config" in data:
        return Manifest(config=_descriptor(data["config"]), annotations=annotations)
    if data.get("schemaVersion") == 1:
        raise Unreadable("it is of the retired schema 1; push the image again with a present-day tool")
    raise Unreadable("it is neither an index nor a manifest")


def load_config(body: bytes) -> Config:
    """The image's configuration."""
    data = _load(body)
    inner = {} if data.get("config") is None else data["config"]
    if not isinstance(inner, dict) or not isinstance(data.get("os"), str):
        raise Unreadable("it is not the configuration of an image")
    pairs = [each.partition("=") for each in inner.get("Env") or () if isinstance(each, str)]
    return Config(
        platform=_platform(data),
        created=str(data.get("created") or ""),
        labels=_texts(inner.get("Labels")),
        env={name: value for name, _, value in pairs},
    )


def fits(platform: str, wanted: str) -> bool:
    """True when a machine of the wanted platform runs images of this one."""
    found, asked = _full(platform), _full(wanted)
    return found[:2] == asked[:2] and (found[2] == asked[2] or not asked[2] or not found[2])


def _load(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("it is not JSON") from None
    if not isinstance(data, dict):
        raise Unreadable("it is not a JSON object")
    return data


def _descriptor(data: Any) -> Descriptor:
    if not isinstance(data, dict):
        raise Unreadable("it names something that is not described")
    digest, size, platform = data.get("digest"), data.get("size"), data.get("platform")
    if not isinstance(digest, str) or not isinstance(size, int) or size < 0:
        raise Unreadable("it names something without a digest or a size")
    return Descriptor(
        digest=digest,
        size=size,
        platform=_platform(platform) if isinstance(platform, dict) else "",
        is_index=data.get("mediaType") in INDEX_TYPES,
        is_attachment=REFERENCE_TYPE in _texts(data.get("annotations")),
    )


def _platform(data: Mapping[str, Any]) -> str:
    return "/".join(str(data[each]) for each in ("os", "architecture", "variant") if data.get(each))


def _full(platform: str) -> tuple[str, str, str]:
    system, architecture, variant = (*platform.split("/"), "", "", "")[:3]
    return system, architecture, variant or DEFAULT_VARIANTS.get(architecture, "")


def _texts(data: Any) -> Mapping[str, str]:
    """The members that are texts; a builder writes null for none."""
    pairs = data.items() if isinstance(data, dict) else ()
    return {name: value for name, value in pairs if isinstance(value, str)}
