"""The words of a report in each language; a field is a sentence, or makes one of what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from milepost.core.attention import Concern
from milepost.core.progress import Reason, Verdict

Language = Literal["en", "zh"]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the sentence about a verdict may need; texts are ready to be shown."""

    scope: int
    completed: int
    remaining: int
    weeks: int
    due: str
    p50: str
    p85: str
    chance: str


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the sentence about something to look at may need; `names` are ready to be shown."""

    number: int
    names: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Words:
    """One language."""

    title: Callable[[date], str]
    verdicts: Mapping[Verdict, str]
    tally: Callable[[int, str], str]
    reasons: Mapping[Reason, Callable[[Facts], str]]
    head: tuple[str, ...]
    in_time: str
    none: str
    no_due: str
    left: Callable[[int], str]
    percent: Callable[[int], str]
    per_week: Callable[[str], str]
    growth: Callable[[str, str], tuple[str, str]]
    beyond: str
    points: Callable[[str, str], str]
    open_pulls: Callable[[int], str]
    look_at: str
    nothing_to_look_at: str
    concerns: Mapping[Concern, str]
    looks: Mapping[Concern, Callable[[Look], str]]
    more: Callable[[int], str]
    roadmap: str
    planned: str
    forecast: str
    burn_up: str
    burn_up_note: str
    issues: str
    counted_since: Callable[[str], str]
    rebuilt: Callable[[str], str]
    no_pulls: str
    no_schedules: str
    forecast_note: str
    join: Callable[[Sequence[str]], str]
    report_title: str
    report_note: str
    reminder: str
    reminder_due: Callable[[int], str]
    nobody: str
    no_milestones: str


def words_of(language: Language) -> Words:
    """The words of the language."""
    from milepost.views.words.chinese import CHINESE
    from milepost.views.words.english import ENGLISH

    return {"en": ENGLISH, "zh": CHINESE}[language]
