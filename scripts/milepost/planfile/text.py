"""The bytes of a plan file as text, and the places in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from milepost.diagnostics import Diagnostic, Location, Rule, Severity

TOO_LARGE = Rule("too-large", Severity.ERROR, "The plan file is larger than 1 MiB.")
NOT_UTF8 = Rule("not-utf8", Severity.ERROR, "The plan file is not text in UTF-8.")
BAD_CHARACTER = Rule("bad-character", Severity.ERROR, "The plan file holds a character that YAML does not allow.")
RULES = (TOO_LARGE, NOT_UTF8, BAD_CHARACTER)

MOST_BYTES = 1024 * 1024
# A place further to the right comes without its line: nobody reads that far.
LONGEST_EXCERPT = 2_000
# Editors and annotations count these as ends of lines; YAML 1.1 counts more.
LINE_END = re.compile(r"\r\n|\r|\n")
UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
WIDE = re.compile(rb"\xff\xfe|\xfe\xff|[\t-~]\0|\0[\t-~]|\0\0\xfe\xff|\0\0\0[\t-~]")


@dataclass(frozen=True)
class PlanText:
    """A text whose characters have lines and columns, counted from 1."""

    file: str
    content: str
    starts: tuple[int, ...]
    excerpts: tuple[str, ...]

    def place(self, start: int, end: int | None = None) -> Location:
        """Where the character with that index is; `end` counts only when it is on the same line."""
        line = bisect_right(self.starts, start) - 1
        column = start - self.starts[line] + 1
        is_one_line = end is not None and (line + 1 == len(self.starts) or end < self.starts[line + 1])
        return Location(
            file=self.file,
            line=line + 1,
            column=column,
            end_column=end - self.starts[line] + 1 if end is not None and is_one_line else None,
            text=self.excerpts[line] if column <= LONGEST_EXCERPT else "",
        )


def read_text(data: bytes, *, file: str) -> tuple[PlanText | None, tuple[Diagnostic, ...]]:
    """The text that the bytes hold, or why they hold none that YAML can read."""
    if len(data) > MOST_BYTES:
        summary = f"the plan file is larger than {MOST_BYTES:,} bytes"
        way_out = "split long texts off with `body-file`"
        return None, (TOO_LARGE.found(summary, at=Location(file=file, line=1, column=1), help=way_out),)
    if WIDE.match(data):
        summary = "the plan file is UTF-16 or UTF-32"
        return None, (NOT_UTF8.found(summary, at=Location(file=file, line=1, column=1), help="save it as UTF-8"),)
    try:
        text = _divide(data.decode("utf-8-sig"), file)
    except UnicodeDecodeError as trouble:
        return None, (_judge_bytes(data, trouble.start, file),)
    problems = tuple(_judge_characters(text))
    return (None if problems else text), problems


def _divide(content: str, file: str) -> PlanText:
    breaks = [(each.start(), each.end()) for each in LINE_END.finditer(content)]
    starts = (0, *(end for _, end in breaks))
    ends = (*(start for start, _ in breaks), len(content))
    lines = (content[start : min(end, start + LONGEST_EXCERPT)] for start, end in zip(starts, ends, strict=True))
    return PlanText(file, content, starts, tuple(lines))


def _judge_bytes(data: bytes, start: int, file: str) -> Diagnostic:
    # The error counts from after the byte order mark, if there is one.
    content = data.decode("utf-8-sig", "replace")
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    at = _divide(content, file).place(len(data[:start].decode("utf-8", "replace")))
    return NOT_UTF8.found(f"byte 0x{data[start]:02x} is not UTF-8", at=at, help="save the file as UTF-8")


def _judge_characters(text: PlanText) -> Iterator[Diagnostic]:
    for found in UNPRINTABLE.finditer(text.content):
        summary = f"YAML allows no character U+{ord(found[0]):04X}"
        at = text.place(found.start(), found.end())
        yield BAD_CHARACTER.found(summary, at=at, help="remove it")
