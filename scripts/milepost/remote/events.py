"""Reads what happened to the issues of a repository, newest first, as far back as it may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from milepost.core.progress import Item
from milepost.core.rebuild import Event, Kind
from milepost.remote.client import Client
from milepost.remote.progress import NEEDS, PAGE, Terms, item_of

KINDS = {each.value: each for each in Kind}


@dataclass(frozen=True, kw_only=True)
class Past:
    """Events of issues, and the issues that they are about; complete from the day `first` on."""

    events: tuple[Event, ...]
    items: tuple[Item, ...]
    first: date


def read_past(client: Client, terms: Terms, *, since: date, most_reads: int) -> Past:
    """All events since the day, or as many as fit into that many reads of a hundred."""
    events: list[Event] = []
    items: dict[int, Item] = {}
    for page in range(1, most_reads + 1):
        parameters = {"per_page": str(PAGE), "page": str(page)}
        found = client.get("/issues/events", needs=NEEDS, parameters=parameters)
        for each in found:
            if (event := _event(each, terms)) and event.day >= since:
                events.append(event)
                items.setdefault(event.issue, item_of(each["issue"], terms))
        oldest = terms.day(found[-1]["created_at"]) if found else since
        if len(found) < PAGE or oldest < since:
            return Past(events=tuple(events), items=tuple(items.values()), first=since)
    first = min((each.day for each in events), default=terms.today) + timedelta(days=1)
    return Past(events=tuple(events), items=tuple(items.values()), first=min(first, terms.today))


def _event(value: Mapping[str, Any], terms: Terms) -> Event | None:
    """The event, when it is one that moves an issue; pull requests count for nothing."""
    kind, issue = KINDS.get(value["event"]), value.get("issue")
    if kind is None or not issue or "pull_request" in issue:
        return None
    return Event(
        order=value["id"],
        day=terms.day(value["created_at"]),
        kind=kind,
        issue=issue["number"],
        title=(value.get("milestone") or {}).get("title") or "",
    )
