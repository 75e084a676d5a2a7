"""Regular expressions whose matching takes a bounded number of steps: no plan file can keep us busy for ever.

`re` may need exponential time, for instance for `(a+)+b`.
Here a matcher takes the set of places where it may begin, and gives the set of places where it may end.
A set of places is an int: bit 3 says that the first three characters are behind us.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"\[\^?\]?(?:\\.|[^\]\\])*\]"  # a set of characters
    r"|\\[dDwWsS]|\\[^A-Za-z0-9]"  # a class, or a character taken literally
    r"|\((?:\?:)?|[)|^$]"
    r"|[?*+]\??|\{[0-9]+(?:,[0-9]*)?\}\??"  # how often; a lazy match ends where the whole ends, too
    r"|[^\\\[{}?*+]",
    re.DOTALL,
)
REPEATS = {"?": (0, 1), "*": (0, None), "+": (1, None)}
MOST_STEPS = 3_000_000


class TooCostly(Exception):
    """The steps are used up."""


@dataclass
class Budget:
    """The steps that are left for all lines together."""

    steps: int = MOST_STEPS

    def spend(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise TooCostly


@dataclass(frozen=True)
class Line:
    """A text while it is matched."""

    text: str
    budget: Budget
    fitting: dict[str, int] = field(default_factory=dict)

    def places_of(self, token: str, accepts: re.Pattern[str]) -> int:
        """The places before the characters that the token stands for."""
        if token not in self.fitting:
            self.fitting[token] = sum(1 << place for place, each in enumerate(self.text) if accepts.fullmatch(each))
        return self.fitting[token]


Matcher = Callable[[Line, int], int]


@dataclass(frozen=True)
class Pattern:
    source: str
    matcher: Matcher

    def covers(self, text: str, budget: Budget) -> bool:
        """True when the whole text matches; raises TooCostly when the budget does not suffice."""
        return bool(self.matcher(Line(text, budget), 1) >> len(text))


def read_pattern(source: str) -> tuple[Pattern | None, str]:
    """The pattern, or the reason why it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)
            re.compile(source)
        return Pattern(source, _Reader(source).read()), ""
    except (re.error, RecursionError, OverflowError, FutureWarning, _Unsupported) as trouble:
        return None, str(trouble)


class _Unsupported(Exception):
    """The token is none of those that can be matched in bounded time."""


class _Reader:
    """Turns tokens into matchers; `re` has said already that they are well-formed."""

    def __init__(self, source: str) -> None:
        self.source, self.place = source, 0

    def read(self) -> Matcher:
        return self._alternatives()

    def _peek(self) -> str:
        found = TOKEN.match(self.source, self.place)
        if found is None and self.place < len(self.source):
            raise _Unsupported(f"what begins at character {self.place + 1} is not supported")
        return found[0] if found else ""

    def _take(self) -> str:
        token = self._peek()
        self.place += len(token)
        return token

    def _alternatives(self) -> Matcher:
        options = [self._sequence()]
        while self._peek() == "|":
            self._take()
            options.append(self._sequence())
        return options[0] if len(options) == 1 else _either(options)

    def _sequence(self) -> Matcher:
        parts = []
        while self._peek() not in ("", ")", "|"):
            part = self._atom()
            if self._peek()[0:1] in ("?", "*", "+", "{"):
                part = _repeated(part, *_read_repeat(self._take()))
            parts.append(part)
        return _in_turn(parts)

    def _atom(self) -> Matcher:
        token = self._take()
        if token in ("(", "(?:"):
            inside = self._alternatives()
            self._take()
            return inside
        if token == "^":
            return _at_start
        if token == "$":
            return _at_end
        if token[0] in "?*+{":
            raise _Unsupported(f"`{token}` at character {self.place - len(token) + 1} is not supported")
        return _character(token)


def _read_repeat(token: str) -> tuple[int, int | None]:
    if token[0] in REPEATS:
        return REPEATS[token[0]]
    least, comma, most = token.strip("{}?").partition(",")
    return int(least), int(most) if most else None if comma else int(least)


def _character(token: str) -> Matcher:
    accepts = re.compile(token)

    def match(line: Line, starts: int) -> int:
        line.budget.spend()
        return (starts & line.places_of(token, accepts)) << 1

    return match


def _in_turn(parts: list[Matcher]) -> Matcher:
    def match(line: Line, starts: int) -> int:
        for part in parts:
            if not starts:
                break
            starts = part(line, starts)
        return starts

    return match


def _either(options: list[Matcher]) -> Matcher:
    def match(line: Line, starts: int) -> int:
        ends = 0
        for option in options:
            ends |= option(line, starts)
        return ends

    return match


def _repeated(part: Matcher, least: int, most: int | None) -> Matcher:
    def match(line: Line, starts: int) -> int:
        for _ in range(least):
            line.budget.spend()
            before, starts = starts, part(line, starts)
            if starts in (0, before):
                break
        ends, rounds = starts, 0
        while starts and (most is None or rounds < most - least):
            line.budget.spend()
            # Only what is new can lead anywhere new.
            starts, rounds = part(line, starts) & ~ends, rounds + 1
            ends |= starts
        return ends

    return match


def _at_start(line: Line, starts: int) -> int:
    return starts & 1


def _at_end(line: Line, starts: int) -> int:
    return starts & 1 << len(line.text)
