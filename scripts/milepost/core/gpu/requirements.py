"""A fingerprint of what is declared, so that a verdict is only used again for the same declaration."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from enum import Enum

from milepost.core.checksums import digest_of
from milepost.core.environment import Environment

# Where something stands in a file says nothing of what is asked.
PLACES = ("at", "places")


def fingerprint(environment: Environment) -> str:
    """The same for two declarations that ask for the same, wherever they stand in a file."""
    text = json.dumps(_plain(environment), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return digest_of(text.encode())


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value) if each.name not in PLACES}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    return value if value is None or isinstance(value, bool | int | str) else str(value)
