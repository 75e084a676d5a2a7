"""Release notes as Markdown: whatever titles hold, they say just that, and GitHub takes them."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milepost.core.notes import Notes, arrange
from milepost.core.release import ClosedMilestone, Item
from milepost.core.releasing import NotesSettings
from milepost.views.notes import Heading, describe_notes, fold, measure, render_homeless, render_notes
from milepost.views.plain import one_line

GOLDEN = Path(__file__).parent / "notes.md"
MILESTONE = ClosedMilestone(
    number=7,
    title="v2.9.0",
    description="",
    is_open=False,
    due=date(2027, 2, 26),
    created_at="2027-01-04T09:00:00Z",
    closed_at="2027-02-20T09:00:00Z",
    creator="amy",
)
HEADING = Heading(
    title="v2.9.0",
    tag="v2.9.0",
    version="2.9.0",
    previous_tag="v2.8.1",
    repository="octo/widgets",
    commit="0123456789abcdef0123456789abcdef01234567",
    date=date(2027, 2, 20),
    milestone=MILESTONE,
    environment=(("torch", "2.11.0"), ("CUDA", "12.8"), ("GPU", "NVIDIA H100 80GB HBM3 | a`b")),
)
HOSTILE = [
    "@everyone look",
    "</details><script>alert(1)</script>",
    "[x](javascript:alert(1)) ![y](https://example.com/z.png)",
    "fixes #1, closes octo/widgets#2, GH-3",
    "`code` ``` ~~~ $x$",
    "a | b | c",
    "first\nsecond\r\n# third\n- fourth",
    "\u202eevil\u2066 right to left",
    "     indented",
    "- 1. > # * + ===",
    "<!-- hidden",
    "https://example.com www.example.com a@example.com",
    ":tada: &lt;b&gt; &#64;amy",
    "::error::x ##[add-mask]y",
]


def item(number: int, title: str = "", **more: Any) -> Item:
    """A pull request that was merged."""
    merged = Item(
        number=number,
        title=title or f"Title {number}",
        url="https://example.com/not-ours",
        is_pull=True,
        is_open=False,
        is_merged=True,
        author="octocat",
    )
    return replace(merged, **more)


def arranged(*items: Item, homeless: tuple[Item, ...] = ()) -> Notes:
    return arrange(items, homeless, NotesSettings())


def issue(number: int, title: str = "", **more: Any) -> Item:
    return item(number, title, **{"is_pull": False, "is_merged": False, "reason": "completed", **more})


FULL = arranged(
    item(12, "Drop Python 3.9", labels=("breaking",), author="amy"),
    item(14, "Add a loader for sharded tensors", labels=("feature",), author="bob-x_y"),
    issue(9, "Loader dies on an empty shard", labels=("bug",), author="Zoe"),
    item(15, "Close the shard when it is empty (#9)", labels=("bug",)),
    item(16, "Bump torch from 2.10.0 to 2.11.0", labels=("dependencies",), author="dependabot[bot]", is_bot=True),
    item(17, "Bump numpy", labels=("dependencies",), author="dependabot[bot]", is_bot=True),
    issue(18, "Dropped", reason="not_planned"),
    *(issue(20 + index, title, author=None if index else "eve") for index, title in enumerate(HOSTILE)),
)


def entries(markdown: str) -> list[str]:
    """The lines of items."""
    return re.findall(r"^- .*$", markdown, re.MULTILINE)


def shown(line: str) -> str:
    """The title that a reader of the line sees."""
    title = line.removeprefix("- ").rpartition(" ([#")[0]
    return html.unescape(title.replace("<!-- -->", ""))


def test_the_notes_read_as_told() -> None:
    """Word for word: what people see of a release is reviewed like code."""
    assert GOLDEN.read_text(encoding="utf-8") == render_notes(FULL, HEADING)


@pytest.mark.parametrize("title", HOSTILE)
def test_a_hostile_title_is_shown_and_does_nothing(title: str) -> None:
    """One line, no HTML but the separator, no mention, no reference, no link but ours."""
    (line,) = entries(render_notes(arranged(item(1, title)), HEADING))

    assert one_line(title.strip()) == shown(line)
    bare = line.replace("<!-- -->", "\0")
    assert not re.search(r"[<>`*|]|@[^\0]|(?<!\[)#[^\0\d]|://(?!github\.com/)", re.sub(r"&#\d+;", "", bare))
    assert 2 == len(re.findall(r"\]\(https://github\.com/", line))
    assert "not-ours" not in line


TITLES = st.text(max_size=256) | st.sampled_from(HOSTILE)


@given(st.lists(TITLES, max_size=12), st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_notes_can_be_made_of_any_text(titles: list[str], tag: str, name: str) -> None:
    """One line for each item, and the same bytes each time."""
    heading = replace(HEADING, tag=tag, previous_tag=name, environment=((name, tag),), is_prerelease=True)
    notes = arranged(*(item(number, title) for number, title in enumerate(titles, 1)))

    made = render_notes(notes, heading)

    assert len(titles) == len(entries(made))
    assert made == render_notes(notes, heading)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e]", made)


def test_people_are_linked_and_not_mentioned() -> None:
    """Contributors as links to their pages; bots without one, since it is not there."""
    made = render_notes(FULL, HEADING)

    assert "[octocat](https://github.com/octocat)" in made
    assert "by `dependabot[bot]`" in made
    assert "reported by [Zoe](https://github.com/Zoe)" in made
    assert "@" not in made.replace("@<!-- -->", "")


def test_a_first_release_has_no_comparison() -> None:
    """The changelog is all that led to the tag; another server is linked by its own address."""
    first = replace(HEADING, previous_tag=None, server="https://git.example.com/", environment=(), is_prerelease=True)

    made = render_notes(arranged(), first)

    assert "[`v2.9.0`](https://git.example.com/octo/widgets/commits/v2.9.0)" in made
    assert "| verified" not in made
    assert made.startswith("This is a pre-release")
    assert "no merged pull request and no completed issue" in made
    assert made.endswith("```sh\nmilepost reproduce v2.9.0\n```\n")


def test_a_tag_is_quoted_for_addresses_and_for_the_shell() -> None:
    """Whatever git allows in one."""
    made = render_notes(arranged(), replace(HEADING, tag="a/$(b)'`c`;d#1"))

    assert "compare/v2.8.1...a/%24%28b%29%27%60c%60%3Bd%231)" in made
    assert "milepost reproduce 'a/$(b)'\"'\"'`c`;d#1'\n" in made


def test_homeless_items_are_told_in_the_summary_alone() -> None:
    """A hundred of them, and how many more there are."""
    notes = arranged(homeless=tuple(item(number) for number in range(1, 103)))

    told = render_homeless(notes, HEADING)

    assert told.startswith("### Closed without a milestone since `v2.8.1`\n")
    assert 100 == told.count("- Title")
    assert told.endswith("- and 2 more\n")
    assert "Title" not in render_notes(notes, HEADING)
    assert "milestone\n" in render_homeless(arranged(homeless=(item(1),)), replace(HEADING, previous_tag=None))
    assert "" == render_homeless(FULL, HEADING)


def test_variables_of_a_template_are_escaped() -> None:
    """Every foreign text is Markdown that shows just that text; versions stay as they are, and absent is empty."""
    hostile = "@a <b>"
    notes = arranged(item(1, hostile, labels=("bug", hostile)), issue(2, author=None), issue(3, reason="duplicate"))
    heading = replace(HEADING, version=None, previous_tag=None, milestone=replace(MILESTONE, title=hostile, due=None))

    found = describe_notes(notes, heading)

    escaped = "@<!-- -->a &#60;b&#62;"
    (entry,) = found["sections"][0]["items"]
    assert (escaped, ["bug", escaped], "pull request") == (entry["title"], entry["labels"], entry["kind"])
    assert {"number": 7, "title": escaped, "url": f"{heading.base}/milestone/7?closed=1", "due": ""} == (
        found["milestone"]
    )
    assert ("v2.9.0", "", "", 1) == (found["tag"], found["version"], found["previous_tag"], found["dropped"])
    assert ("", "issue", ["octocat"]) == (
        found["other"][0]["author"],
        found["other"][0]["kind"],
        found["contributors"],
    )
    assert "2027-02-26" == describe_notes(FULL, HEADING)["milestone"]["due"]


def test_notes_that_fit_stay_as_they_are() -> None:
    """And there is no other text."""
    made = render_notes(FULL, HEADING)

    assert (made, None) == fold(made)


def many(breaking: int = 0) -> Notes:
    """A milestone of 1,200 issues and 800 pull requests with the worst of titles, some of them breaking."""
    labels = (("bug",), ("feature",), (), ("dependencies",))
    title = "\u202e<@#`\U000e0001" * 43
    items = []
    for number in range(1, 2001):
        own = ("breaking",) if number <= breaking else labels[number % 4]
        kind = issue if number > 800 else item
        items.append(kind(number, title[:256], labels=own))
    return arranged(*items)


def test_the_largest_milestone_is_folded() -> None:
    """Every heading, breaking change and fact is there, each list says how many more there are, and all is in a file."""
    made = render_notes(many(breaking=20), HEADING)

    body, full = fold(made)

    assert made == full
    assert 2000 == len(entries(made))
    assert 110_000 < measure(body) <= 125_000
    assert set(re.findall(r"^###.*$|^<.*details.*$|^\*\*.*$", made, re.MULTILINE)) <= set(body.splitlines())
    kept = [line for line in entries(body) if "more in" not in line]
    more = [int(each.replace(",", "")) for each in re.findall(r"^- and ([\d,]+) more in `notes.md`$", body, re.M)]
    assert 2000 == len(kept) + sum(more)
    assert 20 == sum(1 for line in kept if int(re.findall(r"\[#(\d+)\]", line)[0]) <= 20)
    assert body.startswith("> GitHub takes no longer notes than these; `notes.md` among the assets has all of them.")


def test_breaking_changes_are_folded_only_when_they_alone_are_too_long() -> None:
    """Then the others are only counted."""
    body, full = fold(render_notes(many(breaking=500), HEADING))

    assert full is not None
    assert measure(body) <= 125_000
    assert {"375"} == set(re.findall(r"^- and (\d+) more", body.partition("### Features")[2], re.MULTILINE))
    assert 10 < len(entries(body.partition("### Features")[0])) < 500


@pytest.mark.parametrize("most", [0, 50, 100, 125_000])
def test_what_is_no_list_is_cut_at_a_line_end(most: int) -> None:
    """A template may make such notes; the sentence that says so comes first, when there is room for it."""
    body, full = fold("<details>\n" + "word\n" * 50_000, "notes.md", most)

    assert full is not None
    assert measure(body) <= most
    assert (most > 90) == body.startswith("> GitHub takes")
    assert body == "" or body.endswith("\n")


def test_lines_below_an_entry_go_with_it() -> None:
    """Lists of templates and of GitHub's own notes are folded alike."""
    made = "## What's Changed\n" + "* title\n  more\n\n" * 100 + "**Full Changelog**: x\n"

    body, _ = fold(made, "notes.md", 400)

    assert body.count("* title") == body.count("  more") > 1
    assert f"- and {100 - body.count('* title')} more in `notes.md`\n\n**Full Changelog**: x\n" in body


LINES = st.lists(
    st.sampled_from(
        ["### A\n", "### Breaking changes\n", "- x\n", "* 🎉 y\n", "  z\n", "\n", "text\n", "<details>\n", "end"]
    ),
    max_size=60,
)


@given(LINES, st.integers(0, 500))
def test_folded_notes_never_exceed_the_limit(lines: list[str], most: int) -> None:
    """Whatever the text and the limit; what fits is not touched, and the whole text is never lost."""
    made = "".join(lines)

    body, full = fold(made, "notes.md", most)

    assert measure(body) <= most
    assert made == (body if full is None else full)
    assert (full is None) == (measure(made) <= most)
    assert (body, full) == fold(made, "notes.md", most)
