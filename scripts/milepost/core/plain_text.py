"""Which parts of a Markdown text GitHub renders as plain text: neither code, nor links, nor what is not shown at all.

Blocks are told apart as CommonMark does, line by line; the work is linear in the text, however hostile it is.
"""

from __future__ import annotations

import re
from bisect import bisect_right

CODE, COMMENT = "\x01", "\x02"

# In these GitHub looks for no references; those after the bar are not shown at all.
QUIET_TAGS = r"pre|code|tt|a|script|style|textarea|title|iframe|noembed|noframes|xmp"
ATTRIBUTES = r"""(?:[^<>"']|"[^"]{0,2000}"|'[^']{0,2000}'){0,500}"""
LABEL = r"(?:[^\[\]\\\n]|\\.){0,500}"
BACKTICKS = re.compile(r"`+")
INLINE = re.compile(
    r"\\[!-/:-@\[-`{-~]"
    r"|`+"
    r"|<!--|<\?|<!\[CDATA\[|<![A-Za-z]"
    rf"|</?(?P<tag>[A-Za-z][A-Za-z0-9-]{{0,40}})(?:[\s/]{ATTRIBUTES})?>"
    rf"|!?\[(?P<label>{LABEL})\](?:\([^()\s]{{0,2000}}(?P<title>[ \t][^()\n]{{0,500}})?\)|\[{LABEL}\])",
    re.IGNORECASE,
)
QUOTE = re.compile(r"(?: {0,3}>[ \t]?)+")
FENCE = re.compile(r"(?P<mark>`{3,})[^`\n]*$|(?P<tilde>~{3,})")
ITEM = re.compile(r"(?:[-+*]|[0-9]{1,9}[.)])(?P<gap>[ \t]+|$)")
HEADING = re.compile(r"#{1,6}(?:[ \t]|$)")
BREAK = re.compile(r"[-_*=](?:[ \t]*[-_*=])*[ \t]*$")
ROW = re.compile(r"\|")
RAW_BLOCK = re.compile(r"<(?P<tag>pre|script|style|textarea)(?=[\s>])", re.IGNORECASE)
# A link's definition is not shown, and so is what stands in its title.
DEFINITION = re.compile(
    rf"\[{LABEL}\]:[ \t]*\n?[ \t]*[^\s]{{1,2000}}"
    r"""(?:[ \t]*\n?[ \t]*(?:"[^"\n]{0,500}"|'[^'\n]{0,500}'|\([^()\n]{0,500}\)))?[ \t]*$""",
    re.MULTILINE,
)
CLOSINGS = {"<!--": "-->", "<?": "?>", "<![CDATA[": "]]>", "<!": ">"}
CODE_INDENT = 4


def mask(text: str) -> str:
    """The text with all that is not plain replaced, character by character, by CODE or COMMENT."""
    return _Masker(text).mask()


class _Masker:
    """Reads the blocks line by line, and the inline parts of each when it ends."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.masks: list[tuple[int, int, str]] = []
        self.fence: tuple[str, int, int] | None = None  # its mark, the depth of quotes, the indent of its item
        self.block = 0  # where the block that is being read began
        self.indent = 0  # where the text of the list's item begins
        self.is_apart = True  # whether no paragraph goes on here
        self.quiet_until = 0  # where the last quiet tag was closed

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
        content, indent = self._content(start, end)
        if self.fence and depth >= self.fence[1] and (content == end or indent >= self.fence[2]):
            self._in_fence(start, content, end, indent)
            return end
        self.fence = None
        if content == end:
            self._close(place)
            self.block, self.is_apart = end, True
            return end
        return self._text_line(place, content, end, indent, depth)

    def _text_line(self, place: int, content: int, end: int, indent: int, depth: int) -> int:
        item = ITEM.match(self.text, content, end)
        if self.is_apart and not item and indent < self.indent:
            self.indent = 0
        if self.is_apart and indent >= self.indent + CODE_INDENT:
            return self._code(content, end)
        if item or ROW.match(self.text, content, end):
            self._close(place)
        while item and content < end:
            gap = len(item["gap"].expandtabs())
            if gap > CODE_INDENT:
                self.indent = indent + len(item[0]) - len(item["gap"]) + 1
                return self._code(item.end(), end)
            content, more = self._content(item.end(), end)
            indent += len(item[0]) - len(item["gap"]) + gap + more
            self.indent, self.is_apart = indent, True
            item = ITEM.match(self.text, content, end)
        return self._special_line(place, content, end, indent, depth)

    def _special_line(self, place: int, content: int, end: int, indent: int, depth: int) -> int:
        """Fences, headings, definitions, comments and raw HTML that begin a line."""
        fence = FENCE.match(self.text, content, end)
        if fence:
            self._close(place)
            self.fence = (fence["mark"] or fence["tilde"], depth, min(self.indent, indent))
            return self._code(content, end)
        definition = DEFINITION.match(self.text, content) if self.is_apart else None
        if definition:
            return self._hide(content, definition.end(), COMMENT)
        raw = RAW_BLOCK.match(self.text, content, end)
        opening = next((each for each in CLOSINGS if self.text.startswith(each, content)), "")
        if raw or (opening and (opening != "<!" or self.text[content + 2 : content + 3].isalpha())):
            after = self._find_tag(raw["tag"], content) if raw else self._find(CLOSINGS[opening], content + 2)
            return self._hide(content, after, CODE if raw else COMMENT)
        is_alone = HEADING.match(self.text, content, end) or BREAK.match(self.text, content, end)
        if is_alone:
            self._close(place)
            self._close(end)
        self.is_apart = bool(is_alone)
        return end

    def _code(self, start: int, end: int) -> int:
        self.masks.append((start, end, CODE))
        self.block = end
        return end

    def _hide(self, start: int, after: int, kind: str) -> int:
        self._close(start)
        self.masks.append((start, after, kind))
        self.block = after
        return after

    def _content(self, start: int, end: int) -> tuple[int, int]:
        """Where the line's text begins, and how far it is indented."""
        place, indent = start, 0
        while place < end and self.text[place] in " \t":
            indent += 4 - indent % 4 if self.text[place] == "\t" else 1
            place += 1
        return place, indent

    def _in_fence(self, start: int, content: int, end: int, indent: int) -> None:
        assert self.fence is not None
        mark, _, base = self.fence
        self._code(start, end)
        line = self.text[content:end].rstrip(" \t")
        if line.startswith(mark) and not line.strip(mark[0]) and indent - base < CODE_INDENT:
            self.fence, self.is_apart = None, True

    def _find(self, closing: str, start: int) -> int:
        """Where the closing text ends; the end of everything when there is none."""
        place = self.text.find(closing, start)
        return len(self.text) if place < 0 else place + len(closing)

    def _find_tag(self, tag: str, start: int) -> int:
        found = re.compile(rf"</{tag}\s*>", re.IGNORECASE).search(self.text, start)
        return found.end() if found else len(self.text)

    def _close(self, end: int) -> None:
        """The block ends here: its inline parts are read."""
        start, self.block = max(self.block, self.quiet_until), end
        if start >= end or not ({"`", "<", "["} & set(self.text[start:end])):
            return
        runs: dict[int, list[int]] = {}
        for run in BACKTICKS.finditer(self.text, start, end):
            runs.setdefault(len(run[0]), []).append(run.start())
        missing: set[str] = set()
        place = start
        while match := INLINE.search(self.text, place, end):
            place = max(match.end(), self._inline(match, end, runs, missing))

    def _inline(self, match: re.Match[str], end: int, runs: dict[int, list[int]], missing: set[str]) -> int:
        """What begins here is masked if it is not plain; the value is where that ends."""
        token = match[0]
        if token[0] == "`":
            return self._inline_code(match, runs)
        if match["label"] is not None:
            self.masks.append((match.start("label"), match.end("label"), COMMENT))
            if match["title"]:
                self.masks.append((match.start("title"), match.end("title"), COMMENT))
        elif match["tag"] is not None:
            return self._inline_tag(match)
        elif token[0] == "<":
            return self._inline_comment(match, end, missing)
        return match.end()

    def _inline_code(self, match: re.Match[str], runs: dict[int, list[int]]) -> int:
        places = runs.get(len(match[0]), [])
        index = bisect_right(places, match.start())
        if index == len(places):
            return match.end()
        after = places[index] + len(match[0])
        self.masks.append((match.start(), after, CODE))
        return after

    def _inline_tag(self, match: re.Match[str]) -> int:
        """A tag is not shown; what stands in a quiet one is no plain text up to its end, in whichever block."""
        is_quiet = match[0][1] != "/" and re.fullmatch(QUIET_TAGS, match["tag"], re.IGNORECASE)
        after = self._find_tag(match["tag"], match.end()) if is_quiet else match.end()
        self.masks.append((match.start(), after, CODE if is_quiet else COMMENT))
        self.quiet_until = max(self.quiet_until, after)
        return after

    def _inline_comment(self, match: re.Match[str], end: int, missing: set[str]) -> int:
        opening = match[0] if match[0] in CLOSINGS else match[0].upper() if match[0][2:3] == "[" else "<!"
        closing = CLOSINGS[opening]
        place = -1 if closing in missing else self.text.find(closing, match.start() + 2, end)
        if place < 0:
            missing.add(closing)
            return match.end()
        self.masks.append((match.start(), place + len(closing), COMMENT))
        return place + len(closing)

    def _apply(self) -> str:
        parts, place = [], 0
        for start, after, kind in sorted(self.masks):
            start, after = max(start, place), max(after, place)
            parts += [self.text[place:start], re.sub(r"[^\n]", kind, self.text[start:after])]
            place = after
        return "".join([*parts, self.text[place:]])
