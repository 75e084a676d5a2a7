"""What a lock asks of the running interpreter: exact versions, each where its environment marker holds."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import ge, gt, le, lt
from pathlib import Path

LOCKS = Path(__file__).resolve().parent / "locks"
# `--help` and unknown commands look at every declaration, and so need what any of them imports.
DEFAULT = "release"

PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)[ ]*(?:;([^\\\n]*))?", re.MULTILINE)
TOKEN = re.compile(r"\s*(\(|\)|and\b|or\b|not\s+in\b|in\b|[<>=!]=|[<>]|'[^']*'|\"[^\"]*\"|[a-z_]+\b)")
ORDERS: Mapping[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
VERSIONS = ("python_version", "python_full_version")


@dataclass(frozen=True, kw_only=True)
class Lock:
    """One file of locks/: what it pins for this interpreter, by normalised name."""

    path: Path
    pins: Mapping[str, str]
    digest: str


def find_lock(command: str) -> Path:
    """The lock of the command: its own, or the one that all declarations can be read with."""
    own = LOCKS / f"{command}.txt"
    return own if re.fullmatch(r"[a-z][a-z-]*", command) and own.exists() else LOCKS / f"{DEFAULT}.txt"


def read_lock(path: Path) -> Lock:
    """The lock in the file; raises ValueError for a marker that is not understood."""
    text = path.read_text(encoding="utf-8")
    pins = {normal(name): version for name, version, marker in PIN.findall(text) if applies(marker)}
    return Lock(path=path, pins=pins, digest=hashlib.sha256(text.encode("utf-8")).hexdigest())


def normal(name: str) -> str:
    """The one spelling of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def holds(folders: list[str], pins: Mapping[str, str]) -> bool:
    """True when importing along these folders finds each pinned version, and no other of the same name."""
    found: dict[str, set[str]] = {}
    for folder in folders:
        here: dict[str, set[str]] = {}
        for name, version in _list_installed(folder):
            here.setdefault(name, set()).add(version)
        found = {**here, **found}  # the first folder that has a package is the one it is imported from
    return all(found.get(name) == {version} for name, version in pins.items())


def applies(marker: str) -> bool:
    """True when the environment marker, of the form that locks have, holds here."""
    if not marker.strip():
        return True
    tokens = _split(marker)
    try:
        is_true = _either(tokens)
        if not tokens:
            return is_true
    except (KeyError, IndexError):
        pass
    raise ValueError(f"a lock has a marker that is not understood: {marker.strip()}")


def _list_installed(folder: str) -> list[tuple[str, str]]:
    """Name and version of each package in the folder, from the names of their metadata folders."""
    # importlib.metadata would read every package's metadata, which takes longer than the rest of a warm start.
    try:
        names = [each for each in os.listdir(folder) if each.endswith(".dist-info")]
    except OSError:
        return []
    whole = [each for each in names if os.path.exists(os.path.join(folder, each, "METADATA"))]
    parts = [each[: -len(".dist-info")].rpartition("-") for each in whole]
    return [(normal(name), version) for name, _, version in parts]


def _split(marker: str) -> list[str]:
    tokens, rest = [], marker.strip()
    while rest:
        found = TOKEN.match(rest)
        if not found:
            raise ValueError(f"a lock has a marker that is not understood: {marker.strip()}")
        tokens.append(" ".join(found[1].split()) if found[1][0] not in "'\"" else found[1])
        rest = rest[found.end() :]
    return tokens


# The three readers below take what they read away from the front of the tokens.
def _either(tokens: list[str]) -> bool:
    value = _both(tokens)
    while tokens and tokens[0] == "or":
        del tokens[0]
        value = _both(tokens) or value
    return value


def _both(tokens: list[str]) -> bool:
    value = _term(tokens)
    while tokens and tokens[0] == "and":
        del tokens[0]
        value = _term(tokens) and value
    return value


def _term(tokens: list[str]) -> bool:
    if tokens[0] == "(":
        del tokens[0]
        value = _either(tokens)
        if tokens.pop(0) != ")":
            raise KeyError
        return value
    left, operator, right = tokens.pop(0), tokens.pop(0), tokens.pop(0)
    return _compare(left, operator, right)


def _compare(left: str, operator: str, right: str) -> bool:
    first, second = _value(left), _value(right)
    if operator in ("in", "not in"):
        return (first in second) == (operator == "in")
    if operator in ("==", "!="):
        is_version = left in VERSIONS or right in VERSIONS
        is_same = _version(first) == _version(second) if is_version else first == second
        return is_same == (operator == "==")
    return ORDERS[operator](_version(first), _version(second))


def _version(text: str) -> tuple[int, ...]:
    numbers = [int(each) for each in re.findall(r"\d+", text)[:3]]
    return (*numbers, *[0] * (3 - len(numbers)))


def _value(token: str) -> str:
    if token[0] in "'\"":
        return token[1:-1]
    return {
        "implementation_name": sys.implementation.name,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_system": platform.system(),
        "python_full_version": platform.python_version(),
        "python_version": "{}.{}".format(*sys.version_info[:2]),
        "sys_platform": sys.platform,
    }[token]
