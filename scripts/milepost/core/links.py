"""What a pull request's text refers to, by GitHub's grammar; and what GitHub does not count, with the reason.

A keyword counts in plain text only, next to one reference, on one line. The grammar is that of GitHub's
"Linking a pull request to an issue" and "Autolinked references and URLs", and of what its pages render.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice

from milepost.core.plain_text import CODE, COMMENT, mask

CLOSING = ("close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved")
# The largest number that GitHub's GraphQL can be asked about.
LARGEST = 2**31 - 1
MOST_BARE = 3

# What stands before a word that begins here is no letter, digit, or part of a name_like_this.
WORD_START = r"(?<![^\W_])(?<!\w_)"
NUMBER = r"(?P<{}>[1-9][0-9]{{0,11}})(?![^\W_]|_\w)"
NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}/[A-Za-z0-9_.-]{1,100}"
BETWEEN_MEMBERS = r"[ \t]*(?:,|&|\+|/|、|，|\band\b|\bor\b)(?:[ \t]*\band\b)?[ \t]*"
CLAUSE = re.compile(r"[.;:,!?()。；：，！？（）]")
NEGATION = re.compile(
    r"(?:\b(?:not|never|cannot|without|neither|nor)\b(?![ \t]+(?:only|just)\b)|\b\w+n['’]t\b|\bno[ \t]+longer\b)"
    r"(?:\W+\w+){0,4}\W*$",
    re.IGNORECASE,
)
NEGATION_WINDOW = 80


class Reason(str, Enum):
    """Why a text does not count, or counts against what it says."""

    CODE = "code"
    COMMENT = "comment"
    EMPHASIS = "emphasis"
    NEXT_LINE = "next-line"
    MEMBER = "member"
    TITLE = "title"
    NO_KEYWORD = "no-keyword"
    NEGATED = "negated"


@dataclass(frozen=True, order=True)
class Address:
    """An issue or pull request, wherever it is; compared without case, as GitHub does."""

    repository: str
    number: int

    def __str__(self) -> str:
        return f"{self.repository}#{self.number}"

    @property
    def key(self) -> tuple[str, int]:
        return self.repository.casefold(), self.number


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One that counts, with the line where it stands."""

    address: Address
    keyword: str
    line: int

    @property
    def is_closing(self) -> bool:
        return self.keyword in CLOSING


@dataclass(frozen=True, kw_only=True)
class Hint:
    """A text that does not do what its author may think; `line` is 0 for the title."""

    reason: Reason
    address: Address
    text: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Links:
    """Everything that a text says about issues."""

    references: tuple[Reference, ...] = ()
    hints: tuple[Hint, ...] = ()


class Grammar:
    """The grammar for one repository on one host, with further keywords that a team accepts."""

    def __init__(self, repository: str, host: str, keywords: Sequence[str] = ()) -> None:
        self.repository = repository
        words = sorted({*CLOSING, *(" ".join(each.split()).lower() for each in keywords)}, key=len, reverse=True)
        keyword = "|".join(r"[ \t]+".join(map(re.escape, each.split())) for each in words)
        place = rf"https?://(?:www\.)?{re.escape(host)}/(?P<linked>{NAME})/(?:issues|pull)/{NUMBER.format('link')}"
        reference = (
            rf"(?:(?:\#|GH-){NUMBER.format('short')}"
            rf"|(?P<named>{NAME})\#{NUMBER.format('long')}"
            rf"|(?:\[[^\[\]\n]{{0,300}}\]\()?<?{place})"
        )
        start = rf"{WORD_START}(?P<keyword>{keyword})"
        self._counting = re.compile(rf"{start}:?[ \t\xa0]+{reference}", re.IGNORECASE)
        self._member = re.compile(rf"{BETWEEN_MEMBERS}{reference}", re.IGNORECASE)
        marks = r"(?::?[*_]{1,3}:?[ \t]*|:?[ \t]+[*_]{1,3})"
        self._emphasis = re.compile(rf"{start}{marks}{reference}", re.IGNORECASE)
        lines = r":?[ \t:*_]{0,20}\n(?:[ \t]{0,20}\n){0,2}[ \t]{0,20}(?:[-+*][ \t]{1,5})?"
        self._next_line = re.compile(rf"{start}{lines}{reference}", re.IGNORECASE)
        self._bare = re.compile(rf"(?<![\w/]){reference}", re.IGNORECASE)

    def read(self, body: str, title: str = "") -> Links:
        """What the texts refer to. Never raises, in time linear in their length."""
        text = _plain(body)
        masked = mask(text)
        lines = _Lines(text)
        references: list[Reference] = []
        hints: list[Hint] = []
        for match in self._counting.finditer(masked):
            keyword = " ".join(match["keyword"].lower().split())
            line = lines.number(match.start())
            references.append(Reference(address=self._address(match), keyword=keyword, line=line))
            if keyword in CLOSING and _is_negated(masked, match.start()):
                hints.append(self._hint(Reason.NEGATED, match, line))
            hints += self._members(masked, match.end(), lines)
        hints += self._masked(text, masked, lines)
        for reason, pattern in ((Reason.EMPHASIS, self._emphasis), (Reason.NEXT_LINE, self._next_line)):
            hints += [self._hint(reason, each, lines.number(each.start())) for each in pattern.finditer(masked)]
        hints += [self._hint(Reason.TITLE, each, 0) for each in self._counting.finditer(_plain(title))]
        if not references and not hints:
            bare = islice(self._bare.finditer(masked), MOST_BARE)
            hints += [self._hint(Reason.NO_KEYWORD, each, lines.number(each.start())) for each in bare]
        return Links(references=tuple(dict.fromkeys(references)), hints=tuple(dict.fromkeys(hints)))

    def _masked(self, text: str, masked: str, lines: _Lines) -> Iterator[Hint]:
        if CODE not in masked and COMMENT not in masked:
            return
        for match in self._counting.finditer(text):
            kind = masked[match.start()]
            if kind in (CODE, COMMENT):
                reason = Reason.CODE if kind == CODE else Reason.COMMENT
                yield self._hint(reason, match, lines.number(match.start()))

    def _members(self, masked: str, place: int, lines: _Lines) -> Iterator[Hint]:
        """The references that follow one in a list, and have no keyword of their own."""
        while match := self._member.match(masked, place):
            yield self._hint(Reason.MEMBER, match, lines.number(match.start()))
            place = match.end()

    def _hint(self, reason: Reason, match: re.Match[str], line: int) -> Hint:
        shown = match[0] if reason is not Reason.MEMBER else re.sub(rf"^{BETWEEN_MEMBERS}", "", match[0])
        return Hint(reason=reason, address=self._address(match), text=" ".join(shown.split())[:120], line=line)

    def _address(self, match: re.Match[str]) -> Address:
        repository = match["named"] or match["linked"] or self.repository
        return Address(repository, min(int(match["short"] or match["long"] or match["link"]), LARGEST))


class _Lines:
    """Finds the line of a place."""

    def __init__(self, text: str) -> None:
        self._ends = [match.start() for match in re.finditer("\n", text)]

    def number(self, place: int) -> int:
        return bisect_right(self._ends, place - 1) + 1


def _plain(text: str) -> str:
    """The text of the same length, with line ends and blanks only of the plain kinds."""
    text = text.replace("\r\n", " \n").replace("\r", "\n")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x85\u2028\u2029]", " ", text)


def _is_negated(masked: str, place: int) -> bool:
    before = masked[max(0, place - NEGATION_WINDOW) : place].rpartition("\n")[2]
    return bool(NEGATION.search(CLAUSE.split(before)[-1]))
