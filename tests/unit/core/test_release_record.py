"""The frozen record of a release: written, read back, and nothing that means harm is taken for one."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from milepost.core.release import ClosedMilestone, Item
from milepost.core.release_record import PlanFile, ReleaseRecord, read_object, read_record
from milepost.views import release_record
from milepost.views.release_record import render_record

SCHEMA = Path(release_record.__file__).with_name("release_record.schema.json")
MILESTONE = ClosedMilestone(
    number=7,
    title="v2.9.0",
    description="The one with graphs.",
    is_open=False,
    due=date(2026, 11, 20),
    created_at="2026-09-01T08:00:00Z",
    closed_at="2026-11-24T09:00:00Z",
    creator="octocat",
    url="https://github.com/octo/widgets/milestone/7",
)
ITEMS = (
    Item(number=3, title="Not now", url="u3", is_pull=False, is_open=False, reason="not_planned", author="ann"),
    Item(number=1, title="Graphs", url="u1", is_pull=False, is_open=False, reason="completed", labels=("feature", "b")),
    Item(
        number=2, title="Add graphs", url="u2", is_pull=True, is_open=False, is_merged=True, is_bot=True, author="bot"
    ),
    Item(number=5, title="Given up", url="u5", is_pull=True, is_open=False, closed_at="2026-10-01T08:00:00Z"),
    Item(number=4, title="Still there", url="u4", is_pull=False, is_open=True),
)
FULL = ReleaseRecord(
    repository="octo/widgets",
    server="https://github.com",
    tag="v2.9.0",
    version="2.9.0",
    is_prerelease=False,
    commit="a" * 40,
    branch="main",
    released_by="milepost 0.1.0",
    plan_file=PlanFile(path=".github/milepost.yml", sha256="b" * 64),
    environment="prod",
    milestone=MILESTONE,
    items=ITEMS,
)


def test_the_record_is_of_the_published_shape() -> None:
    """Every key of it, and the items by number."""
    value = json.loads(render_record(FULL))

    jsonschema.validate(value, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert [1, 2, 3, 4, 5] == [each["number"] for each in value["items"]]
    assert ["closed", "merged", "closed", "open", "closed"] == [each["state"] for each in value["items"]]
    assert {"path": ".github/milepost.yml", "sha256": "b" * 64} == value["plan_file"]
    assert "2026-11-20" == value["milestone"]["due"]


def test_every_item_is_completed_or_dropped_or_open() -> None:
    """A merged pull request is completed, one closed without a merge dropped; what is open counts as neither."""
    assert {"issues": 3, "pull_requests": 2, "completed": 2, "dropped": 2} == FULL.counts


def test_the_same_release_is_the_same_bytes_in_whatever_order_it_was_read() -> None:
    """GitHub's order of items is not ours."""
    from dataclasses import replace

    assert render_record(FULL) == render_record(replace(FULL, items=tuple(reversed(ITEMS))))


def test_what_is_kept_is_read_back() -> None:
    """Who made the milestone, and which authors are bots, is not kept."""
    found = read_record(render_record(FULL))

    assert found is not None
    assert render_record(FULL) == render_record(found)
    assert (None, False) == (found.milestone.creator, found.items[1].is_bot)
    assert found == read_record(render_record(FULL).encode())


def test_keys_of_later_versions_are_passed_over() -> None:
    """Wherever they stand."""
    value = json.loads(render_record(FULL))
    later = {**value, "new": 1, "milestone": {**value["milestone"], "new": []}}

    assert read_record(render_record(FULL)) == read_record(json.dumps(later))


ABSENT = object()


@pytest.mark.parametrize("changed", [None, 1, True, [], {}, ABSENT, -1, 1.5])
@pytest.mark.parametrize(
    "place",
    ["tag", "commit", "repository", "released_by", "is_prerelease", "plan_file", "milestone", "items", "version"],
)
def test_a_record_with_a_member_of_another_kind_is_none(place: str, changed: Any) -> None:
    """Or without it; only what may be null, or an empty list, is read with that."""
    value = json.loads(render_record(FULL))
    value[place] = changed
    if changed is ABSENT:
        del value[place]
    is_fitting = (place, repr(changed)) in [("version", "None"), ("items", "[]"), ("is_prerelease", "True")]

    assert is_fitting == (read_record(json.dumps(value)) is not None)


@pytest.mark.parametrize(
    ("place", "changed"),
    [
        ("number", "7"),
        ("number", True),
        ("number", -1),
        ("due", "2026-13-01"),
        ("due", "20261120"),
        ("title", None),
        ("closed_at", 7),
    ],
)
def test_a_milestone_that_cannot_be_is_none(place: str, changed: Any) -> None:
    """A number, a day and a title have their forms."""
    value = json.loads(render_record(FULL))
    value["milestone"][place] = changed

    assert read_record(json.dumps(value)) is None


@pytest.mark.parametrize(
    ("place", "changed"), [("kind", "epic"), ("state", "lost"), ("labels", "bug"), ("labels", [1]), ("author", 1)]
)
def test_an_item_that_cannot_be_makes_the_record_none(place: str, changed: Any) -> None:
    """Half a record would be taken for a whole one."""
    value = json.loads(render_record(FULL))
    value["items"][0][place] = changed

    assert read_record(json.dumps(value)) is None


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"schema": "milepost.release/2"}', b"\xff\xfe\x00", "[" * 100_000, "9" * 5000],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_no_record_is_none(text: str | bytes) -> None:
    """Broken, of another kind, of another version, too deep, with a number that Python does not read."""
    assert read_record(text) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
)
PLACES = sorted(json.loads(render_record(FULL)))


@given(st.dictionaries(st.sampled_from(PLACES), JSON), st.binary(max_size=200))
def test_reading_never_raises(changes: dict[str, Any], data: bytes) -> None:
    """Whatever others have written there."""
    value = {**json.loads(render_record(FULL)), **changes, "schema": "milepost.release/1"}
    found = read_record(json.dumps(value))

    assert found is None or render_record(found)
    assert read_object(data) is None or isinstance(read_object(data), dict)


@given(st.text(), st.lists(st.text(), max_size=3), st.integers(min_value=0))
def test_any_text_of_a_title_or_label_survives(title: str, labels: list[str], number: int) -> None:
    """What people write in titles is kept as it is."""
    from dataclasses import replace

    items = (replace(ITEMS[0], number=number, title=title, labels=tuple(labels)),)
    record = replace(FULL, milestone=replace(MILESTONE, title=title, creator=None), items=items)

    assert record == read_record(render_record(record))
