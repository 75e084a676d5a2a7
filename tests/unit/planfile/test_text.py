"""Places in a plan file are those that editors show, and messages show what is there."""

from __future__ import annotations

import pytest
from milepost.diagnostics import Location
from milepost.planfile.load import load_plan_text
from milepost.planfile.text import LONGEST_EXCERPT, read_text
from milepost.planfile.wording import escape, find_nearest, name_path, nearest, quote


def place_of(content: str, sought: str) -> Location:
    """Where the text stands in a file of that content."""
    text, problems = read_text(content.encode(), file="p.yml")
    assert text is not None, problems
    start = text.content.index(sought)
    return text.place(start, start + len(sought))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_end_of_line_counts_once(end: str) -> None:
    """Of Unix, of Windows, and of old Macs."""
    at = place_of(end.join(["a: 1", "", "b: here # c", ""]), "here")

    assert (3, 4, 8, "b: here # c") == (at.line, at.column, at.end_column, at.text)


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029"])
def test_what_only_yaml_takes_for_an_end_of_line_counts_as_a_character(separator: str) -> None:
    """Editors and annotations do not begin a line there."""
    content = f'version: 1\nlabels: [{{name: "🚀{separator}é", foo: 1}}]\n'

    _, problems = load_plan_text(content.encode(), file="p.yml", workspace=None)

    at = problems[-1].at
    assert at is not None
    assert ("unknown-key", 2, 24, content.split("\n")[1]) == (problems[-1].rule, at.line, at.column, at.text)


def test_a_text_of_several_lines_has_no_end_column() -> None:
    """Its end is not on the line that is shown."""
    assert place_of("a: 1\nb: 2\n", "1\nb").end_column is None


def test_a_place_far_to_the_right_comes_without_its_line() -> None:
    """Nobody reads that far, and a line of a megabyte must not be held for each place in it."""
    content = "a: " + "x" * (LONGEST_EXCERPT - 3) + "yz"

    assert LONGEST_EXCERPT == len(place_of(content, "x").text)
    assert (LONGEST_EXCERPT + 1, "") == (place_of(content, "y").column, place_of(content, "y").text)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_wide_encodings_are_named(encoding: str) -> None:
    """With and without a byte order mark."""
    text, problems = read_text("version: 1\n".encode(encoding), file="p.yml")

    assert text is None
    assert "the plan file is UTF-16 or UTF-32" == problems[0].summary


def test_invisible_characters_are_spelled_out() -> None:
    """Line ends, terminal control, overrides of the reading direction; what holds emoji together stays."""
    assert r'"a\nb\u001b[1m\u202ec👩‍💻é"' == quote("a\nb\x1b[1m\u202ec👩\u200d💻é")
    assert "plain" == escape("plain")


def test_a_quote_is_cut_before_it_is_spelled_out() -> None:
    """60 characters are enough to find the place; values that are no text are written as JSON."""
    assert '"' + "x" * 60 + '…"' == quote("x" * 1_000_000)
    assert '"{"a": [1, null]}"' == quote({"a": [1, None]})


def test_paths_count_from_one() -> None:
    """As people do."""
    assert "`milestones[2].issues[1].title`" == name_path(("milestones", 1, "issues", 0, "title"))
    assert "the plan file" == name_path(())


def test_the_nearest_word_is_offered_only_when_it_is_near() -> None:
    """Long words and long lists of words are not compared in full."""
    many = [f"{'abc'[each % 3]}{each:04}" for each in range(3_000)]

    assert 'did you mean "milestones"?' == nearest("milestoens", ["issues", "milestones"])
    assert "write it" == nearest("zzz", ["issues"], otherwise="write it")
    assert find_nearest("x" * 1_000, ["x" * 1_000]) is None
    assert "b0001" == find_nearest("b00001", many)
