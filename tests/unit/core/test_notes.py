"""Where the items of a milestone stand in its release notes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milepost.core.notes import Notes, arrange, is_bot
from milepost.core.release import Item
from milepost.core.releasing import NotesSettings, Section

SETTINGS = NotesSettings()


def issue(number: int, *labels: str, **more: Any) -> Item:
    """An issue that was completed."""
    completed = Item(
        number=number, title=f"T{number}", url="", is_pull=False, is_open=False, labels=labels, author="amy"
    )
    return replace(completed, **{"reason": "completed", **more})


def pull(number: int, *labels: str, **more: Any) -> Item:
    """A pull request that was merged."""
    return issue(number, *labels, **{"is_pull": True, "is_merged": True, "reason": None, **more})


def numbers(items: tuple[Item, ...]) -> list[int]:
    return [each.number for each in items]


def arranged(*items: Item, settings: NotesSettings = SETTINGS) -> Notes:
    return arrange(items, (), settings)


def test_an_item_stands_in_the_first_section_that_has_its_label() -> None:
    """Sections in the order of the settings, labels without case, empty sections left out, items by number."""
    notes = arranged(
        issue(9, "BUG"), pull(3, "bug", "Feature"), issue(1, "docs"), pull(2, "fix"), issue(4, "enhancement")
    )

    shown = [(each.title, numbers(each.items)) for each in notes.sections]
    assert [("Features", [3, 4]), ("Fixes", [2, 9]), ("Documentation", [1])] == shown
    assert [3, 4, 2, 9, 1] == numbers(notes.listed)


def test_what_has_no_section_stands_among_the_others() -> None:
    """Issues and pull requests alike; empty sections are not there."""
    notes = arranged(pull(12, "chore"), issue(11))

    assert ((), [11, 12]) == (notes.sections, numbers(notes.other))


def test_breaking_changes_stand_in_no_section() -> None:
    """Whatever other labels they have."""
    notes = arranged(pull(5, "feature", "Breaking"), issue(6, "dependencies", "breaking-change"))

    assert [5, 6] == numbers(notes.breaking)
    assert [5, 6] == numbers(notes.listed)


@pytest.mark.parametrize(
    "item",
    [
        pull(1, "Dependencies"),
        pull(1, author="dependabot[bot]", is_bot=True),
        pull(1, author="Renovate[bot]"),
        pull(1, author="renovate-bot"),
    ],
)
def test_updates_of_dependencies_stand_apart(item: Item) -> None:
    """By label, or by who wrote them."""
    assert [1] == numbers(arranged(item).dependencies)


def test_a_section_takes_what_it_names_though_a_bot_wrote_it() -> None:
    """A label that somebody gave a section says more than its author."""
    settings = replace(SETTINGS, sections=(Section(title="Security", labels=("security",)),))

    notes = arranged(pull(1, "dependencies", "security", author="dependabot[bot]"), settings=settings)

    assert ([1], ()) == (numbers(notes.sections[0].items), notes.dependencies)


def test_what_was_not_done_is_counted_and_not_listed() -> None:
    """Not planned, duplicates, and pull requests that were not merged; a closed issue without reason was completed."""
    notes = arranged(
        issue(1, reason="not_planned"), issue(2, reason="duplicate"), pull(3, is_merged=False), issue(4, reason=None)
    )

    assert (3, [4]) == (notes.dropped, numbers(notes.listed))


def test_open_and_hidden_items_are_in_none() -> None:
    """And are no dropped ones; a hidden label hides a breaking change too."""
    notes = arranged(
        issue(1, is_open=True, reason=None),
        pull(2, is_open=True, is_merged=False),
        issue(3, "Skip-Changelog", "breaking"),
        issue(4, "ignore-for-release", reason="not_planned"),
    )

    assert (0, ()) == (notes.dropped, notes.listed)


def test_contributors_are_people_once_each_by_the_alphabet() -> None:
    """No bots, no twins in case, nobody of a deleted account; those of dropped items are not listed."""
    notes = arranged(
        issue(1, author="Zoe"),
        pull(2, author="amy"),
        pull(3, author="zoe"),
        issue(4, author=None),
        pull(5, author="ci", is_bot=True),
        pull(6, author="octo[bot]"),
        pull(7, author="renovate-bot"),
        issue(8, author="eve", reason="not_planned"),
        issue(9, "breaking", author="Bob"),
    )

    assert ("amy", "Bob", "Zoe") == notes.contributors
    assert [False, True] == [is_bot(issue(1, author=None)), is_bot(pull(6, author="octo[bot]"))]


def test_homeless_items_are_what_a_person_forgot() -> None:
    """Done, not hidden, no update of dependencies; by number."""
    homeless = [
        pull(9),
        issue(2, "bug"),
        issue(3, reason="duplicate"),
        issue(4, "skip-changelog"),
        pull(5, "dependencies"),
        issue(6, is_open=True),
    ]

    notes = arrange([issue(1)], homeless, SETTINGS)

    assert ([2, 9], [1]) == (numbers(notes.homeless), numbers(notes.listed))


LABELS = ("bug", "Feature", "dependencies", "breaking", "skip-changelog", "x")
ITEMS = st.builds(
    Item,
    number=st.integers(1, 10_000),
    title=st.just("T"),
    url=st.just(""),
    is_pull=st.booleans(),
    is_open=st.booleans(),
    is_merged=st.booleans(),
    author=st.sampled_from([None, "amy", "Amy", "dependabot[bot]"]),
    labels=st.lists(st.sampled_from(LABELS), max_size=3).map(tuple),
    reason=st.sampled_from([None, "completed", "not_planned", "duplicate"]),
)


@given(st.lists(ITEMS, max_size=30, unique_by=lambda each: each.number), st.randoms())
def test_every_item_is_listed_once_or_accounted_for(items: list[Item], random: Any) -> None:
    """Listed, dropped, open or hidden; and the order in which they were read changes nothing."""
    shuffled = random.sample(items, len(items))

    notes = arranged(*items)

    out = sum(1 for each in items if each.is_open or "skip-changelog" in each.labels)
    assert len(items) == len(set(numbers(notes.listed))) + notes.dropped + out
    assert notes == arranged(*shuffled)
