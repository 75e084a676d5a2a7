"""Which parts of a Markdown text GitHub renders as plain text: neither code nor comments.

Blocks are told apart as CommonMark does, line by line; the work is linear in the text, however hostile it is.
"""

from __future__ import annotations

import re
from bisect import bisect_right

CODE, COMMENT = "\x01", "\x02"

BACKTICKS = re.compile(r"`+")
INLINE = re.compile(r"\\[!-/:-@\[-`{-~]|`+|<!--|<(?P<tag>pre|code)(?=[\s>])[^<>]*>", re.IGNORECASE)
QUOTE = re.compile(r"(?: {0,3}>[ \t]?)+")
FENCE = re.compile(r"(?P<mark>`{3,})[^`\n]*$|(?P<tilde>~{3,})")
ITEM = re.compile(r"(?:[-+*]|[0-9]{1,9}[.)])(?:[ \t]+|$)")
OWN_BLOCK = re.compile(r"#{1,6}(?:[ \t]|$)|\||(?:[-+*]|[0-9]{1,9}[.)])(?:[ \t]|$)")
RAW_BLOCK = re.compile(r"<(?P<tag>pre|script|style|textarea)(?=[\s>])", re.IGNORECASE)


def mask(text: str) -> str:
    """The text with all that GitHub renders as code, or not at all, replaced character by character."""
    return _Masker(text).mask()


class _Masker:
    """Reads the blocks line by line, and the inline code and comments of each when it ends."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.masks: list[tuple[int, int, str]] = []
        self.fence: tuple[str, int] | None = None
        self.block = 0  # where the block that is being read began
        self.indent = 0  # where the text of the list's item begins
        self.is_apart = True  # whether the line before was blank, or code
        self.unclosed: set[str] = set()

    def mask(self) -> str:
        place, end = 0, len(self.text)
        while place < end:
            line_end = self.text.find("\n", place)
            line_end = end if line_end < 0 else line_end
            place = max(self._line(place, line_end), line_end + 1)
        self._close(end)
        return self._apply()

    def _line(self, place: int, end: int) -> int:
        """The line is read; the value is where to go on when more than the line was."""
        quote = QUOTE.match(self.text, place, end)
        depth = quote[0].count(">") if quote else 0
        start = quote.end() if quote else place
        if self.fence and depth >= self.fence[1]:
            self._in_fence(place, start, end)
            return end
        self.fence = None
        content, indent = self._content(start, end)
        if content == end:
            self._close(place)
            self.block, self.is_apart = end, True
            return end
        return self._text_line(place, content, end, indent, depth)

    def _text_line(self, place: int, content: int, end: int, indent: int, depth: int) -> int:
        is_item = ITEM.match(self.text, content, end)
        if self.is_apart and not is_item and indent < self.indent:
            self.indent = 0
        if self.is_apart and indent >= self.indent + 4:
            self.masks.append((content, end, CODE))
            self.block = end
            return end
        self.is_apart = False
        if OWN_BLOCK.match(self.text, content, end):
            self._close(place)
        while is_item and content < end:
            content, more = self._content(is_item.end(), end)
            indent += is_item.end() - is_item.start() + more
            self.indent = indent
            is_item = ITEM.match(self.text, content, end)
        return self._special_line(place, content, end, depth)

    def _special_line(self, place: int, content: int, end: int, depth: int) -> int:
        """Fences, comments and raw HTML that begin a line."""
        fence = FENCE.match(self.text, content, end)
        if fence:
            self._close(place)
            self.fence = (fence["mark"] or fence["tilde"], depth)
            self.masks.append((content, end, CODE))
            self.block = end
            return end
        raw = RAW_BLOCK.match(self.text, content, end)
        if raw or self.text.startswith("<!--", content):
            self._close(content)
            closing = f"</{raw['tag'].lower()}" if raw else "-->"
            after = self._find(closing, content + 2)
            self.masks.append((content, after, CODE if raw else COMMENT))
            self.block = after
            return after
        return end

    def _content(self, start: int, end: int) -> tuple[int, int]:
        """Where the line's text begins, and how far it is indented."""
        place, indent = start, 0
        while place < end and self.text[place] in " \t":
            indent += 4 - indent % 4 if self.text[place] == "\t" else 1
            place += 1
        return place, indent

    def _in_fence(self, place: int, start: int, end: int) -> None:
        assert self.fence is not None
        mark = self.fence[0]
        self.masks.append((start, end, CODE))
        line = self.text[start:end].strip(" \t")
        if line.startswith(mark) and not line.strip(mark[0]):
            self.fence, self.is_apart = None, True
        self.block = end

    def _find(self, closing: str, start: int) -> int:
        """Where the closing text ends; the end of everything when there is none."""
        if closing == "-->":
            place = self.text.find(closing, start)
            return len(self.text) if place < 0 else place + len(closing)
        found = re.compile(rf"{closing}\s*>", re.IGNORECASE).search(self.text, start)
        return found.end() if found else len(self.text)

    def _close(self, end: int) -> None:
        """The block ends here: its inline parts are read."""
        start, self.block = self.block, end
        if start >= end or not ({"`", "<"} & set(self.text[start:end])):
            return
        runs: dict[int, list[int]] = {}
        for run in BACKTICKS.finditer(self.text, start, end):
            runs.setdefault(len(run[0]), []).append(run.start())
        missing: set[str] = set()
        place = start
        while match := INLINE.search(self.text, place, end):
            place = match.end()
            kind, after = self._inline(match, end, runs, missing)
            if after:
                self.masks.append((match.start(), after, kind))
                place = after

    def _inline(self, match: re.Match[str], end: int, runs: dict[int, list[int]], missing: set[str]) -> tuple[str, int]:
        """The kind of the inline part that begins here, and where it ends; 0 when it is plain text."""
        token = match[0]
        if token[0] == "`":
            places = runs.get(len(token), [])
            index = bisect_right(places, match.start())
            return CODE, places[index] + len(token) if index < len(places) else 0
        if token[0] == "\\":
            return CODE, 0
        closing = "-->" if token == "<!--" else f"</{match['tag'].lower()}"
        if closing in missing:
            return CODE, 0
        if token == "<!--":
            place = self.text.find(closing, match.start() + 2, end)
            after = place + len(closing) if place >= 0 else 0
        else:
            found = re.compile(rf"{closing}\s*>", re.IGNORECASE).search(self.text, match.end(), end)
            after = found.end() if found else 0
        if not after:
            missing.add(closing)
        return (COMMENT if token == "<!--" else CODE), after

    def _apply(self) -> str:
        parts, place = [], 0
        for start, end, kind in sorted(self.masks):
            parts += [self.text[place:start], re.sub(r"[^\n]", kind, self.text[start:end])]
            place = end
        return "".join([*parts, self.text[place:]])
