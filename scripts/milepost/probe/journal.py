"""What a program tells while it runs, line by line in a file: a program that dies has told all that came before."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

Event = Dict[str, Any]
Step = Tuple[str, Optional[str]]
MOST_BYTES = 8 * 1024 * 1024


class Journal:
    """The side that writes; each line is written in one piece, and at once."""

    def __init__(self, path: str) -> None:
        self.descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def begin(self, step: Step) -> None:
        """The step is under way: what goes wrong from now on is its fault."""
        self._write({"event": "begin", "step": step})

    def end(self, step: Step, status: str, ms: int, detail: Any, error: str | None = None) -> None:
        """The step is over."""
        self._write({"event": "end", "step": step, "status": status, "ms": ms, "detail": detail, "error": error})

    def plan(self, steps: list[Step]) -> None:
        """These steps will be taken, in this order."""
        self._write({"event": "plan", "steps": steps})

    def tell(self, name: str, value: Any) -> None:
        """A fact was read."""
        self._write({"event": "fact", "name": name, "value": value})

    def _write(self, event: Event) -> None:
        os.write(self.descriptor, json.dumps(event).encode("ascii") + b"\n")


class Reader:
    """The side that reads, as far as the journal has come; lines that are no events count as garbage."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        self.rest = b""
        self.is_garbled = False

    def advance(self) -> list[Event]:
        """The events since the last look; an unfinished line waits for its end."""
        lines = (self.rest + self._read()).split(b"\n")
        self.rest = lines.pop()
        return [event for event in map(self._parse, lines) if event]

    def finish(self) -> list[Event]:
        """The last events; an unfinished line is garbage now."""
        events = self.advance()
        self.is_garbled = self.is_garbled or bool(self.rest)
        return events

    def _read(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                found = file.read(max(0, MOST_BYTES - self.offset))
        except OSError:
            return b""
        self.offset += len(found)
        self.is_garbled = self.is_garbled or self.offset >= MOST_BYTES
        return found

    def _parse(self, line: bytes) -> Event:
        try:
            event = json.loads(line.decode("utf-8"), parse_constant=str, parse_float=_read_float)
        except (ValueError, RecursionError):
            event = None
        if is_event(event):
            return dict(event)
        self.is_garbled = True
        return {}


def is_event(value: Any) -> bool:
    """True when the value is an event that the rest of the launcher can read without looking twice."""
    if not isinstance(value, dict):
        return False
    kind = value.get("event")
    if kind in ("begin", "end"):
        return is_step(value.get("step"))
    if kind == "plan":
        steps = value.get("steps")
        return isinstance(steps, list) and all(map(is_step, steps))
    return kind == "fact" and isinstance(value.get("name"), str)


def is_step(value: Any) -> bool:
    """True for a pair: the probe's name, and the GPU or None."""
    if not isinstance(value, list) or len(value) != 2:
        return False
    return isinstance(value[0], str) and (value[1] is None or isinstance(value[1], str))


def _read_float(text: str) -> Any:
    """The number; its text when it is too large for one, which JSON could not say again."""
    number = float(text)
    return number if math.isfinite(number) else text
