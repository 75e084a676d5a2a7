"""What a day of sprints has to know: nothing beside the milestones on most days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from milepost.core.carry import Item
from milepost.core.records import FOLDER, path_of
from milepost.core.roster import Roster, Standing


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What holds for every cadence: the day, and where records live; `record_url` is the address of the branch."""

    today: date
    has_history: bool = False
    size_labels: str | None = None
    record_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Rebuild:
    """A planned set that nobody wrote down in time: that of the milestone, as it was when the day after `start` began."""

    milestone: int
    titles: tuple[str, ...]
    start: date


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What must be read before the day can be decided: the numbers are those of milestones.

    `cadences` have a sprint whose line does not tell yet how it ended; their records may.
    """

    whole: tuple[int, ...] = ()
    open: tuple[int, ...] = ()
    rebuilt: tuple[Rebuild, ...] = ()
    cadences: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What was read; `files` are texts of the data branch, `recorded` the paths of all its files.

    `members` are the rebuilt planned sets, `carries` how often an item was carried so far.
    """

    items: Mapping[int, tuple[Item, ...]] = field(default_factory=dict)
    recorded: frozenset[str] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    carries: Mapping[int, int] = field(default_factory=dict)


def list_needs(rosters: Iterable[Roster], recorded: frozenset[str], terms: Terms) -> Needs:
    """The least that must be read: nothing at all on most days."""
    whole, opened, rebuilt, cadences = [], [], [], []
    for roster in rosters:
        for each in roster.past:
            assert each.milestone is not None
            if not _is_frozen(each, recorded):
                whole.append(each.milestone.number)
                rebuilt += [] if path_of(each.sprint, "planned") in recorded else [_rebuild(each)]
            elif each.milestone.open_items:
                opened.append(each.milestone.number)
        begun = find_begun(roster, recorded, terms)
        if begun is not None and begun.milestone is not None:
            whole.append(begun.milestone.number)
            rebuilt += [] if begun.sprint.start == terms.today else [_rebuild(begun)]
        is_told = all(each.line and each.line.frozen for each in roster.past)
        if not is_told and has_records(roster, recorded):
            cadences.append(roster.cadence.key)
    return Needs(whole=tuple(whole), open=tuple(opened), rebuilt=tuple(rebuilt), cadences=tuple(cadences))


def has_records(roster: Roster, recorded: frozenset[str]) -> bool:
    """The data branch holds something of the cadence."""
    return any(each.startswith(f"{FOLDER}/{roster.cadence.key}/") for each in recorded)


def find_begun(roster: Roster, recorded: frozenset[str], terms: Terms) -> Standing | None:
    """The running sprint, while nobody has written down what it began with; none that a later day has frozen."""
    running = roster.running(terms.today) if terms.has_history else None
    if running is None or path_of(running.sprint, "planned") in recorded or _is_frozen(running, recorded):
        return None
    return running


def _is_frozen(standing: Standing, recorded: frozenset[str]) -> bool:
    return bool(standing.line and standing.line.frozen) or path_of(standing.sprint, "closed") in recorded


def _rebuild(standing: Standing) -> Rebuild:
    assert standing.milestone is not None
    titles = tuple(dict.fromkeys((standing.milestone.title, standing.sprint.title)))
    return Rebuild(milestone=standing.milestone.number, titles=titles, start=standing.sprint.start)
