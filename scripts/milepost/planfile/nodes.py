"""A plan file as a tree: lists, mappings and texts with their places."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Union

from milepost.diagnostics import Location

# A text counts as one value for each so many characters begun.
CHARACTERS_OF_A_VALUE = 40


@dataclass(frozen=True)
class Scalar:
    """A scalar as it is written; only a plain one may be read as anything but text."""

    text: str
    is_plain: bool
    at: Location

    @property
    def size(self) -> int:
        return 1 + len(self.text) // CHARACTERS_OF_A_VALUE

    @property
    def depth(self) -> int:
        return 0


@dataclass(frozen=True)
class Sequence:
    items: tuple[Node, ...]
    at: Location

    @cached_property
    def size(self) -> int:
        return 1 + sum(each.size for each in self.items)

    @cached_property
    def depth(self) -> int:
        return 1 + max((each.depth for each in self.items), default=0)


@dataclass(frozen=True)
class Mapping:
    """A mapping without what cannot be a key; it is partial when something was left out."""

    entries: tuple[tuple[Scalar, Node], ...]
    at: Location
    is_partial: bool = False

    @cached_property
    def by_key(self) -> dict[str, tuple[Scalar, Node]]:
        return {key.text: (key, value) for key, value in self.entries}

    @cached_property
    def size(self) -> int:
        return 1 + sum(key.size + value.size for key, value in self.entries)

    @cached_property
    def depth(self) -> int:
        return 1 + max((value.depth for _, value in self.entries), default=0)


Node = Union[Scalar, Sequence, Mapping]
