"""Values as YAML of a plan file: every text in quotes, so that none of them is anything else."""

from __future__ import annotations

import json
from collections.abc import Mapping


def render_entry(name: str, entry: Mapping[str, object]) -> str:
    """An `environments:` section with one entry."""
    lines = ["environments:", f"  {json.dumps(name)}:"]
    return "\n".join([*lines, *(f"    {key}: {_flow(value)}" for key, value in entry.items())]) + "\n"


def _flow(value: object) -> str:
    """The value on one line; JSON's quoting is YAML's too."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(each) for each in value) + "]"
    return json.dumps(value)
