"""The wheels that a bundle brings along: where they are, and which of a lock this interpreter misses among them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from lock import normal

# Made by bundle.py, beside scripts/: where it is, nothing is fetched.
WHEELS = Path(__file__).resolve().parent.parent / "wheels"


def find_wheels() -> Path | None:
    """The folder of wheels that came with the suite; None when packages come from an index."""
    return WHEELS if WHEELS.is_dir() else None


def describe_missing(pins: Mapping[str, str], wheels: Path) -> str:
    """What of the pins is not there for this interpreter, and how to get it; empty when all of it is there."""
    fitting = {tuple(each.name.split("-")[:2]) for each in wheels.glob("*.whl") if _fits(each.stem)}
    present = {(normal(name), version) for name, version in fitting}
    missing = [f"{name} {version}" for name, version in pins.items() if (name, version) not in present]
    if not missing:
        return ""
    python, machine = "{}.{}".format(*sys.version_info[:2]), os.uname().machine
    return (
        f"{wheels} has no {', '.join(missing)} for {sys.implementation.name} {python} on {sys.platform} {machine}:"
        f" make the bundle with `scripts/bundle.py --python {python}`, or run it by a Python that it was made for"
    )


def _fits(stem: str) -> bool:
    """True when the tags of a wheel are this interpreter's; which C library it asks for is left to the installers."""
    python, abi, platform = stem.split("-")[-3:]
    major, minor = sys.version_info[:2]
    is_native = f"cp{major}{minor}" in python.split(".") or f"py{major}{minor}" in python.split(".")
    stable = re.match(rf"cp{major}(\d+)$", python)
    is_stable = abi == "abi3" and stable is not None and int(stable[1]) <= minor
    is_here = platform == "any" or platform.endswith((f"_{os.uname().machine}", "_universal2"))
    return is_here and (is_native or is_stable or f"py{major}" in python.split("."))
