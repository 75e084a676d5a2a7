"""A report of progress as text: whatever titles hold, it says just that."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milepost.core.attention import Concern, Habits, Surroundings, find_attention
from milepost.core.course import Count, Course
from milepost.core.progress import Item, Progress, Reason, Track, Verdict, judge_progress
from milepost.core.reminders import Reminder
from milepost.views.charts import render_burn_up, render_roadmap
from milepost.views.plain import full_width
from milepost.views.progress import Sheet, describe, render_notification, render_reminder, render_summary, render_text
from milepost.views.words import Facts, Language, Look, words_of

TODAY = date(2027, 2, 20)
LANGUAGES: tuple[Language, ...] = ("en", "zh")


def make(title: str = "v1", *, scope: int = 30, completed: int = 24, due_in: int | None = 28) -> Progress:
    """A milestone that was worked on evenly for twelve weeks."""
    counts = {
        TODAY - timedelta(days=7 * week + 1): Count(scope=scope, completed=completed * (12 - week) // 12)
        for week in range(13)
    }
    due = None if due_in is None else TODAY + timedelta(days=due_in)
    track = Track(number=1, title=title, due=due, created=TODAY - timedelta(days=90))
    return judge_progress([track], {1: Course(counts)}, today=TODAY, seeded=lambda seed: Random(seed).getrandbits)[0]


def sheet(*found: Progress, language: Language = "en", items: tuple[Item, ...] = ()) -> Sheet:
    """A report of these milestones."""
    attention = find_attention(found, items, Surroundings(), Habits(), today=TODAY)
    return Sheet(
        repository="octo/widgets",
        today=TODAY,
        found=found,
        attention=attention,
        exact_from=TODAY,
        is_counted=False,
        has_all_pulls=False,
        has_schedules=False,
        words=words_of(language),
    )


PLAIN = make()
BASE = "https://github.com/octo/widgets"


def titled(title: str) -> Progress:
    """The same milestone under another title."""
    return replace(PLAIN, track=replace(PLAIN.track, title=title or "x"))


def told(title: str) -> tuple[str, str]:
    """Text and summary of a report whose milestone, and whose blocked issue, have that title."""
    item = Item(number=7, title=title or "x", milestone=1, created=TODAY, updated=TODAY, blockers=1)
    found = sheet(titled(title), items=(item,))
    return render_text(found), render_summary(found, BASE)


@given(st.text(max_size=80))
def test_a_title_is_data_everywhere(title: str) -> None:
    """No markup, mention, workflow command, chart syntax or control character comes out of it."""
    text, summary = told(title)

    plain = re.sub(r"```.*?```|(`+).*?\1", "", summary, flags=re.DOTALL)
    assert not re.search(r"@|<(?!br>|sub>|/sub>)|##\[|\[\[", plain)
    assert "\x00" not in summary + text
    assert all(not line.startswith("::") and "##[" not in line for line in text.splitlines())
    assert [each.count("\n") for each in told("v1")] == [text.count("\n"), summary.count("\n")]


@given(st.text(max_size=80))
def test_no_sign_of_a_title_means_anything_to_mermaid_or_a_messenger(title: str) -> None:
    """Signs become their full-width twins."""
    shown = full_width(title)

    assert not set(shown) & set("!\"#$%&'*:;<=>?@[\\]^`{|}~\n\r")
    (section,) = [
        line for line in render_roadmap([titled(title)], words_of("en"), today=TODAY).split("\n") if "section" in line
    ]
    assert not set(section) & set("#:;%{}<>")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_verdict_and_concern_has_its_words(language: Language) -> None:
    """Nothing is missing in a language, and no sentence holds a hole."""
    words = words_of(language)
    facts = Facts(scope=1, completed=1, remaining=1, weeks=1, due="D", p50="P50", p85="P85", chance="62 %")
    looks = {
        Concern.SIZE: Look(number=9, names=("more", "5")),
        Concern.SCHEDULE: Look(number=9, names=("silent",)),
        Concern.SHARED: Look(number=2, names=("a", "b")),
    }

    sentences = [words.reasons[each](facts) for each in Reason]
    shown = [words.looks[each](looks.get(each, Look(number=3, names=()))) for each in Concern]
    sizes = {words.looks[Concern.SIZE](Look(number=9, names=(kind, "5"))) for kind in ("more", "fewer", "longer")}

    assert set(Verdict) == set(words.verdicts)
    assert set(Concern) == set(words.concerns)
    assert all(each.endswith((".", "。")) for each in sentences)
    assert 1 == shown.count("")
    assert 3 == len(sizes)
    assert "{" not in "".join([*sentences, *shown])


@pytest.mark.parametrize(
    ("days", "english", "chinese"),
    [
        (-1, "1 day overdue", "已逾期 1 天"),
        (0, "due today", "今天到期"),
        (1, "1 day left", "还剩 1 天"),
        (2, "2 days left", "还剩 2 天"),
    ],
)
def test_days_left_are_told_in_words(days: int, english: str, chinese: str) -> None:
    """Today is neither left nor overdue."""
    assert (english, chinese) == tuple(words_of(each).left(days) for each in LANGUAGES)


def test_what_is_nearly_certain_is_not_told_as_certain() -> None:
    """99 % and 1 %, unless it is all or none."""
    certain = render_text(sheet(make(due_in=300)))
    never = render_text(sheet(make(scope=300, due_in=1)))

    assert "All runs finish by the due date." in certain
    assert "None of the runs finish by the due date" in never


def test_without_milestones_the_report_says_so() -> None:
    """And nothing stands out."""
    summary = render_summary(sheet(), BASE)

    assert "There is no open milestone." in summary
    assert "Nothing stands out." in summary
    assert "Not every open pull request" in summary
    assert "`actions: read`" in summary


def test_a_young_milestone_has_its_first_days_as_a_chart() -> None:
    """From the day it began to today; one that began today, or holds nothing, has none."""
    young = Course({TODAY - timedelta(days=3): Count(scope=4), TODAY: Count(scope=4, completed=1)})
    new, empty = Course({TODAY: Count(scope=4)}), Course({})
    track = Track(number=1, title="v1", created=TODAY)
    charts = [
        render_burn_up(
            judge_progress([track], {1: each}, today=TODAY, seeded=lambda seed: Random(seed).getrandbits)[0],
            words_of("en"),
            today=TODAY,
        )
        for each in (young, new, empty)
    ]

    assert 'x-axis ["02-17", "02-20"]' in charts[0]
    assert ["", ""] == charts[1:]
    assert "" == render_roadmap([titled("v1")][:0], words_of("en"), today=TODAY)


def test_long_lists_are_counted() -> None:
    """A hundred milestones in the table, ten of a kind to look at, ten issues of a person."""
    many = tuple(titled(f"M{number}") for number in range(101))
    items = tuple(
        Item(number=each, title="T", milestone=1, created=TODAY, updated=TODAY, blockers=1) for each in range(1, 13)
    )
    reminder = Reminder(milestone=1, title="v1", days_left=-1, issues=(("amy", tuple(range(1, 13))),))

    summary = render_summary(sheet(*many, items=items), BASE)
    comment = render_reminder([reminder], words_of("en"), TODAY)
    _, message = render_notification(sheet(*many), "https://run")

    assert summary.count("and 1 more") == 1
    assert "- and 2 more" in summary
    assert "(and 2 more)" in comment
    assert "and 91 more" in message
    assert message.endswith("https://run")
    assert 101 == len(describe(sheet(*many), "base")["milestones"])
