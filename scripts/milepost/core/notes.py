"""The items of a milestone as its release notes arrange them: what is listed where, and what is left out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Union

from milepost.core.release import Item
from milepost.core.releasing import NotesSettings, Section

DROPPED = ("not_planned", "duplicate")
BOT = "[bot]"
DEPENDENCY_BOTS = frozenset({"dependabot", "dependabot-preview", "renovate", "renovate-bot"})


class Place(str, Enum):
    """Where an item stands that is in no section."""

    BREAKING = "breaking"
    DEPENDENCIES = "dependencies"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A section that holds items."""

    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True, kw_only=True)
class Notes:
    """Merged pull requests and completed issues, each in one place, and in each place by number.

    `dropped` counts what was closed without being done. Open items and those with a hidden label are in none.
    `contributors` are the logins of who wrote what is listed, bots apart, by the alphabet.
    `homeless` was done in no milestone; bots' updates of dependencies are not looked for there.
    """

    breaking: tuple[Item, ...]
    sections: tuple[Listing, ...]
    other: tuple[Item, ...]
    dependencies: tuple[Item, ...]
    dropped: int
    contributors: tuple[str, ...]
    homeless: tuple[Item, ...]

    @property
    def listed(self) -> tuple[Item, ...]:
        """Every item, in the order of the notes."""
        in_sections = (item for each in self.sections for item in each.items)
        return (*self.breaking, *in_sections, *self.other, *self.dependencies)


def arrange(items: Iterable[Item], homeless: Iterable[Item], settings: NotesSettings) -> Notes:
    """Every item that was done stands in the first place that fits: breaking, the sections in turn, dependencies."""
    shown = _choose_shown(items, settings)
    done = [each for each in shown if _is_done(each)]
    places: dict[Union[Place, Section], list[Item]] = {}
    for each in done:
        places.setdefault(_find_place(each, settings), []).append(each)
    found = {place: tuple(each) for place, each in places.items()}
    sections = dict.fromkeys(settings.sections)
    strays = [each for each in _choose_shown(homeless, settings) if _is_done(each)]
    return Notes(
        breaking=found.get(Place.BREAKING, ()),
        sections=tuple(Listing(title=each.title, items=found[each]) for each in sections if each in found),
        other=found.get(Place.OTHER, ()),
        dependencies=found.get(Place.DEPENDENCIES, ()),
        dropped=len(shown) - len(done),
        contributors=_list_contributors(done),
        homeless=tuple(each for each in strays if not _is_dependency(each, settings)),
    )


def is_bot(item: Item) -> bool:
    """True when no person wrote the item."""
    return item.is_bot or (item.author or "").endswith(BOT) or _is_dependency_bot(item)


def _choose_shown(items: Iterable[Item], settings: NotesSettings) -> list[Item]:
    """What is closed and not hidden, by number."""
    shown = (each for each in items if not each.is_open and not _has_label(each, settings.hidden))
    return sorted(shown, key=lambda each: each.number)


def _is_done(item: Item) -> bool:
    """Issues that were closed before GitHub kept reasons count as completed."""
    return item.is_merged if item.is_pull else item.reason not in DROPPED


def _find_place(item: Item, settings: NotesSettings) -> Union[Place, Section]:
    # A label that somebody gave a section of its own says more than that a bot wrote the item.
    if _has_label(item, settings.breaking):
        return Place.BREAKING
    for each in settings.sections:
        if _has_label(item, each.labels):
            return each
    return Place.DEPENDENCIES if _is_dependency(item, settings) else Place.OTHER


def _is_dependency(item: Item, settings: NotesSettings) -> bool:
    return _has_label(item, settings.dependencies) or _is_dependency_bot(item)


def _is_dependency_bot(item: Item) -> bool:
    return (item.author or "").casefold().removesuffix(BOT) in DEPENDENCY_BOTS


def _has_label(item: Item, labels: Iterable[str]) -> bool:
    return not {each.casefold() for each in labels}.isdisjoint(each.casefold() for each in item.labels)


def _list_contributors(items: Iterable[Item]) -> tuple[str, ...]:
    """Each login once, as its item with the lowest number spells it."""
    names: dict[str, str] = {}
    for each in items:
        if each.author and not is_bot(each):
            names.setdefault(each.author.casefold(), each.author)
    return tuple(names[each] for each in sorted(names))
