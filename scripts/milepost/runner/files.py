"""The files that a job leaves behind, and those that it finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# The facts of a machine with many GPUs are a hundredth of it.
MOST_BYTES = 16 * 1024 * 1024


def read_json(path: Path) -> Any:
    """The JSON value that the file holds; None when there is no file, or none that can be read."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def write_json(path: Path, value: Any) -> None:
    """The file holds the value, whole or not at all; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, ensure_ascii=False, indent=1) + "\n"
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def create_file(path: Path, text: str) -> bool:
    """The file is new and holds the text; False when something is there already, which stays as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # A link in the file's place counts as something, wherever it leads.
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def is_inside(path: Path, folder: Path) -> bool:
    """True when what is written there stays below the folder, whatever links are on the way."""
    return path.parent.resolve().is_relative_to(folder.resolve())


def list_json(folder: Path) -> list[Path]:
    """Every JSON file below the folder, by its name."""
    return sorted(each for each in folder.rglob("*.json") if each.is_file())
