"""Planned labels against those on GitHub. GitHub tells labels apart without case."""

from __future__ import annotations

from milepost.core.change import Change, Field, Findings, Noun, Verb
from milepost.core.model import UNMANAGED, DesiredState, Label, PlannedLabel, Snapshot


def diff_labels(desired: DesiredState, snapshot: Snapshot) -> Findings:
    """The changes that make the planned labels true; others are never mentioned."""
    findings = Findings()
    live = {each.name.casefold(): each for each in snapshot.labels}
    for planned in desired.labels:
        change = _diff(planned, _find(planned, live))
        if change:
            findings.changes.append(change)
    return Findings(changes=findings.changes, unchanged=len(desired.labels) - len(findings.changes))


def _find(planned: PlannedLabel, live: dict[str, Label]) -> Label | None:
    found = live.get(planned.name.casefold())
    return found or (live.get(planned.was.casefold()) if planned.was else None)


def _diff(planned: PlannedLabel, live: Label | None) -> Change | None:
    if planned.is_absent:
        return _change(planned, live, Verb.DELETE, ()) if live else None
    fields = tuple(_fields(planned, live))
    if live is None:
        return _change(planned, live, Verb.CREATE, fields)
    return _change(planned, live, Verb.UPDATE, fields) if fields else None


def _fields(planned: PlannedLabel, live: Label | None) -> list[Field]:
    wanted: list[tuple[str, str | None, object]] = [
        ("name", live.name if live else planned.name, planned.name),
        ("color", live.color.lower() if live else None, planned.color),
        ("description", live.description if live else None, planned.description),
    ]
    return [
        Field(name, before, after)
        for name, before, after in wanted
        if after is not UNMANAGED and isinstance(after, str) and before != after
    ]


def _change(planned: PlannedLabel, live: Label | None, verb: Verb, fields: tuple[Field, ...]) -> Change:
    # The name on GitHub is the address of a label; a planned rename is one of the fields.
    name = live.name if live else planned.name
    return Change(verb=verb, noun=Noun.LABEL, name=name, fields=fields, at=planned.at)
