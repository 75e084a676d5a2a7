"""What a milestone's title says of the version that it stands for: SemVer first, then PEP 440."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.version import InvalidVersion
from packaging.version import Version as PythonVersion
from semver import Version as SemanticVersion


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version; `key` orders versions, a pre-release before what it leads to."""

    text: str
    numbers: tuple[int, int, int]
    is_prerelease: bool
    key: PythonVersion | None = None


def read_version(title: str) -> Version | None:
    """The version that the last part of the title spells, with or without a leading `v`; None when it spells none."""
    name = title.rpartition("/")[2]
    text = name[1:] if name[:1] in ("v", "V") else name
    return _read_semantic(text) or _read_python(text)


def find_previous(tag: str, others: Iterable[str]) -> str | None:
    """The tag that came before, of others with the newest first: the highest lower version, below the same name if any is.

    A fix of an older line does not follow a newer one. Where no version can be compared, the newest came before.
    """
    names, own = list(others), read_version(tag)
    line = [each for each in names if each.rpartition("/")[0] == tag.rpartition("/")[0]]
    versions = {each: found.key for each in line or names if (found := read_version(each)) and found.key}
    if own is None or own.key is None or not versions:
        return names[0] if names else None
    return max((each for each in versions if versions[each] < own.key), key=lambda each: versions[each], default=None)


def _read_semantic(text: str) -> Version | None:
    try:
        found = SemanticVersion.parse(text)
    except ValueError:
        return None
    return Version(
        text=text,
        numbers=(found.major, found.minor, found.patch),
        is_prerelease=found.prerelease is not None,
        key=_key(text),
    )


def _read_python(text: str) -> Version | None:
    found = _key(text)
    if found is None:
        return None
    return Version(
        text=text, numbers=(found.major, found.minor, found.micro), is_prerelease=found.is_prerelease, key=found
    )


def _key(text: str) -> PythonVersion | None:
    try:
        return PythonVersion(text)
    except InvalidVersion:
        return None
