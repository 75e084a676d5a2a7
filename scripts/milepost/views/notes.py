"""Release notes as GitHub's Markdown, in which foreign text mentions nobody, links nowhere and closes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from shlex import quote as quote_word
from typing import Any
from urllib.parse import quote

from milepost.core.notes import Notes, is_bot
from milepost.core.release import ClosedMilestone, Item
from milepost.views.markdown import cell, code, prose, table
from milepost.views.plain import counted, one_line

# GitHub: "body is too long (maximum is 125000 characters)". It does not say of what kind: see `measure`.
MOST_CHARACTERS = 125_000
MOST_HOMELESS = 100
# A version that needs no escaping, so that it can stand in code and in addresses too.
HARMLESS = re.compile(r"v?[0-9][A-Za-z0-9.+-]{0,99}")
ENTRY = re.compile(r"[-*+] ")
BEGIN = re.compile(r"#{1,6} |<details>")
BLANKS = (" ", "\t", "\n")


@dataclass(frozen=True, kw_only=True)
class Heading:
    """What notes tell beside the items; `environment` holds names and values as they were verified."""

    title: str
    tag: str
    repository: str
    commit: str
    date: date
    milestone: ClosedMilestone
    server: str = "https://github.com"
    version: str | None = None
    previous_tag: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    is_prerelease: bool = False

    @property
    def base(self) -> str:
        """The address of the repository."""
        return f"{self.server.rstrip('/')}/{quote(self.repository)}"

    @property
    def compare_url(self) -> str:
        """What changed since the previous tag; all that led to the tag when there was none."""
        if self.previous_tag is None:
            return f"{self.base}/commits/{quote(self.tag)}"
        return f"{self.base}/compare/{quote(self.previous_tag)}...{quote(self.tag)}"

    @property
    def milestone_url(self) -> str:
        return f"{self.base}/milestone/{self.milestone.number}?closed=1"


def render_notes(notes: Notes, release: Heading) -> str:
    """The whole notes, however long: breaking changes first, then the sections, and the facts in the end."""
    parts = ["This is a pre-release: what it holds may still change."] if release.is_prerelease else []
    parts += _section("Breaking changes", notes.breaking, release)
    for each in notes.sections:
        parts += _section(each.title, each.items, release)
    parts += _section("Other changes", notes.other, release)
    parts += _dependencies(notes.dependencies, release)
    parts += [] if notes.listed else ["This milestone holds no merged pull request and no completed issue."]
    parts += [_contributors(notes, release)] if notes.contributors else []
    parts += [*_links(notes, release), *_reproduction(release)]
    return "\n\n".join(parts) + "\n"


def render_homeless(notes: Notes, release: Heading) -> str:
    """For the job summary: what was done in no milestone; nothing when there is nothing."""
    if not notes.homeless:
        return ""
    since = f" since {code(release.previous_tag)}" if release.previous_tag is not None else ""
    lines = [_line(each, release) for each in notes.homeless[:MOST_HOMELESS]]
    rest = len(notes.homeless) - MOST_HOMELESS
    lines += [f"- and {rest:,} more"] if rest > 0 else []
    advice = "The notes do not tell of these. Put them into the milestone and run again if they belong to the release."
    return "\n".join([f"### Closed without a milestone{since}", "", advice, "", *lines]) + "\n"


def describe_notes(notes: Notes, release: Heading) -> dict[str, Any]:
    """The variables of a template: every foreign text is Markdown that shows just that text; what is absent is empty.

    `title`, `tag`, `version`, `previous_tag`, `date`, `commit`, `compare_url`: texts.
    `is_prerelease`: true or false; `dropped`: a number.
    `milestone`: `number`, `title`, `url`, `due`.
    `breaking`, `other`, `dependencies`: lists of items.
    An item: `number`, `title`, `url`, `author`, `labels`, `kind` (`issue` or `pull request`).
    `sections`: each with `title` and `items`; `contributors`: logins; `environment`: each with `name` and `value`.
    """
    milestone = release.milestone
    return {
        "title": _name(release.title),
        "tag": _name(release.tag),
        "version": _name(release.version or ""),
        "previous_tag": _name(release.previous_tag or ""),
        "date": release.date.isoformat(),
        "commit": prose(release.commit),
        "compare_url": release.compare_url,
        "is_prerelease": release.is_prerelease,
        "milestone": {
            "number": milestone.number,
            "title": _name(milestone.title),
            "url": release.milestone_url,
            "due": milestone.due.isoformat() if milestone.due else "",
        },
        "breaking": _describe_items(notes.breaking, release),
        "sections": [
            {"title": prose(each.title), "items": _describe_items(each.items, release)} for each in notes.sections
        ],
        "other": _describe_items(notes.other, release),
        "dependencies": _describe_items(notes.dependencies, release),
        "dropped": notes.dropped,
        "contributors": [prose(login) for login in notes.contributors],
        "environment": [{"name": prose(name), "value": prose(value)} for name, value in release.environment],
    }


def fold(body: str, full_name: str = "notes.md", most: int = MOST_CHARACTERS) -> tuple[str, str | None]:
    """The notes as GitHub takes them, and the whole text when that is another.

    Every list keeps as many entries as all others, breaking changes keep theirs; headings and facts stay.
    Where that is not enough, breaking changes are shortened too, and in the end whole lines are left out.
    """
    if measure(body) <= most:
        return body, None
    pieces = list(_split(body))
    longest = max((len(each.entries) for each in pieces), default=0)

    def is_fit(breaking: int, others: int) -> bool:
        return measure(_shorten(pieces, full_name, breaking, others)) <= most

    others = _find_most(longest, lambda count: is_fit(longest, count))
    if others is not None:
        return _shorten(pieces, full_name, longest, others), body
    breaking = _find_most(longest, lambda count: is_fit(count, 0))
    if breaking is not None:
        return _shorten(pieces, full_name, breaking, 0), body
    return _cut(body, full_name, most), body


def measure(text: str) -> int:
    """The length in UTF-16 units: never less than in characters, whichever of them GitHub counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass
class _Piece:
    """Lines, and the entries of the list below them."""

    is_breaking: bool
    text: str = ""
    entries: list[str] = field(default_factory=list)


def _section(title: str, items: tuple[Item, ...], release: Heading) -> list[str]:
    return [f"### {prose(title.strip())}", _list(items, release)] if items else []


def _dependencies(items: tuple[Item, ...], release: Heading) -> list[str]:
    if not items:
        return []
    summary = f"<details><summary>Dependencies: {counted(len(items), 'update')}</summary>"
    return [summary, _list(items, release), "</details>"]


def _list(items: Iterable[Item], release: Heading) -> str:
    return "\n".join(_line(each, release) for each in items)


def _line(item: Item, release: Heading) -> str:
    """A blank first would make code of the title."""
    said = "by" if item.is_pull else "reported by"
    author = f" {said} {_person(item.author, release, is_bot=is_bot(item))}" if item.author else ""
    return f"- {prose(item.title.strip())} ([#{item.number}]({_address(item, release)})){author}"


def _address(item: Item, release: Heading) -> str:
    return f"{release.base}/{'pull' if item.is_pull else 'issues'}/{item.number}"


def _person(login: str, release: Heading, *, is_bot: bool = False) -> str:
    """A link, which notifies nobody as a mention could; the page of a bot is not found by its login."""
    return code(login) if is_bot else f"[{prose(login)}]({release.server.rstrip('/')}/{quote(login, safe='')})"


def _contributors(notes: Notes, release: Heading) -> str:
    people = ", ".join(_person(login, release) for login in notes.contributors)
    return f"**Contributors:** {people}"


def _links(notes: Notes, release: Heading) -> Iterator[str]:
    """Paragraphs of their own: GitHub shows a line end as such here, other readers of Markdown do not."""
    since = f"{release.previous_tag}...{release.tag}" if release.previous_tag is not None else release.tag
    dropped = f", {counted(notes.dropped, 'item')} of it closed without being done" if notes.dropped else ""
    yield f"**Full changelog:** [{code(since)}]({release.compare_url})"
    yield f"**Milestone:** [{code(release.milestone.title)}]({release.milestone_url}){dropped}"
    yield f"**Commit:** [{code(release.commit)}]({release.base}/commit/{quote(release.commit)})"


def _reproduction(release: Heading) -> Iterator[str]:
    yield "### Reproduce"
    if release.environment:
        rows = [(prose(name), cell(value)) for name, value in release.environment]
        yield table(("verified", "value"), rows).rstrip()
    yield f"```sh\nmilepost reproduce {one_line(quote_word(release.tag))}\n```"


def _name(text: str) -> str:
    return text if HARMLESS.fullmatch(text) else prose(text.strip())


def _describe_items(items: Iterable[Item], release: Heading) -> list[dict[str, Any]]:
    return [
        {
            "number": each.number,
            "title": prose(each.title.strip()),
            "url": _address(each, release),
            "author": prose(each.author or ""),
            "labels": [prose(label) for label in each.labels],
            "kind": "pull request" if each.is_pull else "issue",
        }
        for each in items
    ]


def _split(body: str) -> Iterator[_Piece]:
    """The body in pieces, each with at most one list; what is indented, or blank, belongs to the entry above."""
    piece = _Piece(is_breaking=False)
    for line in re.findall(r"[^\n]*\n|[^\n]+", body):
        if ENTRY.match(line):
            piece.entries.append(line)
        elif piece.entries and line.startswith(BLANKS):
            piece.entries[-1] += line
        else:
            is_heading = BEGIN.match(line)
            if piece.entries or is_heading:
                yield piece
                is_breaking = "breaking" in line.casefold() if is_heading else piece.is_breaking
                piece = _Piece(is_breaking=is_breaking)
            piece.text += line
    yield piece


def _shorten(pieces: Iterable[_Piece], full_name: str, breaking: int, others: int) -> str:
    """The pieces with so many entries at most."""
    shown = [_say_shortened(full_name)]
    for each in pieces:
        most = breaking if each.is_breaking else others
        rest = len(each.entries) - most
        shown += [each.text, *each.entries[:most]]
        shown += [f"- and {rest:,} more in {code(full_name)}\n\n"] if rest > 0 else []
    return "".join(shown)


def _say_shortened(full_name: str) -> str:
    return f"> GitHub takes no longer notes than these; {code(full_name)} among the assets has all of them.\n\n"


def _find_most(highest: int, is_fit: Callable[[int], bool]) -> int | None:
    """The largest count that was seen to fit; None when not even 0 does."""
    if not is_fit(0):
        return None
    low, high = 0, highest
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if is_fit(middle) else (low, middle - 1)
    return low


def _cut(body: str, full_name: str, most: int) -> str:
    """As many whole lines as fit, below the sentence that says so, since a line may have opened what swallows it."""
    kept, room = "", most
    for line in [_say_shortened(full_name), *body.splitlines(keepends=True)]:
        room -= measure(line)
        if room < 0:
            break
        kept += line
    return kept
