"""What the simulator was asked and what it answered, in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request with its answer; `is_answered` is False when the connection was dropped instead."""

    number: int
    method: str
    path: str
    query: str
    body: Any
    login: str | None
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    answer: Any = None
    is_write: bool = False
    is_answered: bool = True


class Journal:
    """The exchanges so far; with a file, also a line of JSON each."""

    def __init__(self, path: Path | None = None) -> None:
        self.exchanges: list[Exchange] = []
        self._path = path
        if path is not None:
            path.write_text("", encoding="utf-8")

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self.exchanges)

    def __getitem__(self, index: int) -> Exchange:
        return self.exchanges[index]

    def __len__(self) -> int:
        return len(self.exchanges)

    def add(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(exchange), sort_keys=True) + "\n")

    def reads(self) -> list[Exchange]:
        """The reads of the API, which is not where files lie."""
        return [each for each in self.exchanges if not each.is_write and not each.path.startswith("/_storage/")]

    def writes(self) -> list[Exchange]:
        return [each for each in self.exchanges if each.is_write]

    def unknown(self) -> list[Exchange]:
        """The requests that the simulator does not imitate: a test that leaves one has failed."""
        return [each for each in self.exchanges if each.status == 501]

    def clear(self) -> None:
        self.exchanges.clear()
