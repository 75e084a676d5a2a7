"""The text of a plan file as a tree of nodes with places. Scalars stay text: YAML's guesses lose data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Union

import yaml

from milepost.diagnostics import Diagnostic, Location, Rule, Severity

TOO_LARGE = Rule("too-large", Severity.ERROR, "The plan file is larger than 1 MiB.")
NOT_UTF8 = Rule("not-utf8", Severity.ERROR, "The plan file is not text in UTF-8.")
EMPTY_PLAN = Rule("empty-plan", Severity.ERROR, "The plan file holds nothing.")
SYNTAX = Rule("syntax", Severity.ERROR, "The plan file is not YAML.")
SEVERAL_DOCUMENTS = Rule("several-documents", Severity.ERROR, "The plan file holds more than one YAML document.")
DUPLICATE_KEY_NAME = Rule("repeated-key", Severity.ERROR, "A mapping has the same key twice.")
BAD_KEY = Rule("bad-key", Severity.ERROR, "A key of a mapping is not a plain word.")
TAGGED = Rule("yaml-tag", Severity.ERROR, "A value carries a YAML tag.")
MERGE_KEY = Rule("merge-key", Severity.ERROR, "A mapping uses the merge key `<<`.")
UNKNOWN_ALIAS = Rule("bad-alias", Severity.ERROR, "An alias names no anchor above it, or an anchor that holds it.")
TOO_DEEP = Rule("too-deep", Severity.ERROR, "The plan file nests deeper than any plan needs.")
TOO_MANY_VALUES = Rule("too-many-values", Severity.ERROR, "Aliases blow the plan file up beyond any use.")
RULES = (
    TOO_LARGE,
    NOT_UTF8,
    EMPTY_PLAN,
    SYNTAX,
    SEVERAL_DOCUMENTS,
    DUPLICATE_KEY_NAME,
    BAD_KEY,
    TAGGED,
    MERGE_KEY,
    UNKNOWN_ALIAS,
    TOO_DEEP,
    TOO_MANY_VALUES,
)

MOST_BYTES = 1024 * 1024
MOST_DEPTH = 24
MOST_VALUES = 200_000
LONGEST_EXCERPT = 400
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Scalar:
    """A scalar as it is written; only a plain one may be read as anything but text."""

    text: str
    is_plain: bool
    at: Location


@dataclass(frozen=True)
class Sequence:
    items: tuple[Node, ...]
    at: Location


@dataclass(frozen=True)
class Mapping:
    entries: tuple[tuple[Scalar, Node], ...]
    at: Location


Node = Union[Scalar, Sequence, Mapping]


@dataclass
class _Frame:
    """A collection while it is read; `key` waits for its value."""

    is_mapping: bool
    at: Location
    anchor: str | None
    items: list[Node] = field(default_factory=list)
    entries: list[tuple[Scalar, Node]] = field(default_factory=list)
    keys: dict[str, Scalar] = field(default_factory=dict)
    key: Scalar | None = None
    is_key_next: bool = True


def parse_plan(data: bytes, *, file: str) -> tuple[Node | None, tuple[Diagnostic, ...]]:
    """The file as nodes, or every problem that keeps it from being read."""
    if len(data) > MOST_BYTES:
        size = f"{len(data):,} bytes"
        return None, (TOO_LARGE.found(f"{file} is {size} large", help="split long texts off with `body-file`"),)
    text, problems = _decode(data, file)
    if text is None:
        return None, problems
    return _Parser(text, file).parse()


def _decode(data: bytes, file: str) -> tuple[str | None, tuple[Diagnostic, ...]]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None, (NOT_UTF8.found(f"{file} is UTF-16", at=_at_start(file), help="save it as UTF-8"),)
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError as trouble:
        before = data[: trouble.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        at = Location(file=file, line=line, column=column)
        return None, (NOT_UTF8.found(f"byte 0x{data[trouble.start]:02x} is not UTF-8", at=at, help="save it as UTF-8"),)


class _Parser:
    """Builds nodes from YAML's events with a stack of its own: no depth of nesting can exhaust Python's."""

    def __init__(self, text: str, file: str) -> None:
        self.text, self.file = text, file
        self.lines = text.splitlines()
        self.problems: list[Diagnostic] = []
        self.anchors: dict[str, Node] = {}
        self.sizes: dict[int, int] = {}
        self.depths: dict[int, int] = {}
        self.stack: list[_Frame] = []
        self.root: Node | None = None
        self.values = 0

    def parse(self) -> tuple[Node | None, tuple[Diagnostic, ...]]:
        try:
            for event in self._events():
                self._take(event)
        except _Stop:
            return None, tuple(self.problems)
        except yaml.YAMLError as trouble:
            self.problems.append(self._syntax(trouble))
            return None, tuple(self.problems)
        if self.root is None:
            self.problems.append(
                EMPTY_PLAN.found(f"{self.file} holds nothing", at=_at_start(self.file), help="begin with `version: 1`")
            )
        return self.root, tuple(self.problems)

    def _events(self) -> Iterator[Any]:
        """YAML's events; a second document ends them."""
        documents = 0
        for event in yaml.parse(self.text, Loader=LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(SEVERAL_DOCUMENTS, event, "a second document begins", "keep one; remove the `---`")
            yield event

    def _take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._judge_tag(event)
            is_plain = not event.style  # None from the Python parser, empty from libyaml
            self._put(Scalar(event.value, is_plain, self._place(event)), event.anchor)
        elif isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            self._open(event)
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            self._close()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)

    def _open(self, event: Any) -> None:
        self._judge_tag(event)
        if len(self.stack) >= MOST_DEPTH:
            self._stop(TOO_DEEP, event, f"this is the {MOST_DEPTH + 1}th level of nesting", "a plan needs six")
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        self.stack.append(_Frame(is_mapping=is_mapping, at=self._place(event), anchor=event.anchor))

    def _close(self) -> None:
        frame = self.stack.pop()
        entries, items = tuple(frame.entries), tuple(frame.items)
        node: Node = Mapping(entries, frame.at) if frame.is_mapping else Sequence(items, frame.at)
        children = [value for _, value in entries] if frame.is_mapping else items
        self.sizes[id(node)] = 1 + sum(self.sizes.get(id(child), 1) for child in children)
        self.depths[id(node)] = 1 + max((self.depths.get(id(child), 0) for child in children), default=0)
        self._put(node, frame.anchor)

    def _alias(self, event: Any) -> None:
        node = self.anchors.get(event.anchor)
        if node is None:
            is_open = any(frame.anchor == event.anchor for frame in self.stack)
            summary = f"`*{event.anchor}` " + ("stands inside its own anchor" if is_open else "names no anchor above")
            self._stop(UNKNOWN_ALIAS, event, summary, f"write `&{event.anchor}` before the value that is meant")
        assert node is not None
        self.values += self.sizes.get(id(node), 1)
        if self.values > MOST_VALUES:
            self._stop(TOO_MANY_VALUES, event, f"with aliases these are more than {MOST_VALUES:,} values", "")
        if len(self.stack) + self.depths.get(id(node), 0) > MOST_DEPTH:
            self._stop(TOO_DEEP, event, f"with this alias the nesting is deeper than {MOST_DEPTH} levels", "")
        self._put(node, None)

    def _put(self, node: Node, anchor: str | None) -> None:
        """The node stands where the innermost open collection expects one."""
        if anchor:
            self.anchors[anchor] = node
        if not self.stack:
            self.root = None if isinstance(node, Scalar) and node.is_plain and not node.text else node
            return
        frame = self.stack[-1]
        if not frame.is_mapping:
            frame.items.append(node)
        elif frame.is_key_next:
            self._put_key(frame, node)
        else:
            if frame.key is not None:
                frame.entries.append((frame.key, node))
            frame.is_key_next = True

    def _put_key(self, frame: _Frame, node: Node) -> None:
        frame.is_key_next, frame.key = False, None
        if not isinstance(node, Scalar):
            self.problems.append(BAD_KEY.found("a list or mapping stands as a key", at=node.at, help="write a word"))
        elif node.text == "<<" and node.is_plain:
            self.problems.append(
                MERGE_KEY.found("the merge key `<<` is not supported", at=node.at, help="write the values out")
            )
        elif node.text in frame.keys:
            first = frame.keys[node.text].at.line
            summary = f'key "{node.text}" is already on line {first}'
            self.problems.append(
                DUPLICATE_KEY_NAME.found(
                    summary, at=node.at, why="YAML would keep the last silently.", help="keep one of the two"
                )
            )
        else:
            frame.key = node
            frame.keys[node.text] = node

    def _judge_tag(self, event: Any) -> None:
        if event.tag is not None and event.tag != "!":
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.problems.append(
                TAGGED.found(
                    f'tag "{tag}" is not supported', at=self._place(event), help="remove it; quote text instead"
                )
            )

    def _stop(self, rule: Rule, event: Any, summary: str, way_out: str) -> None:
        self.problems.append(rule.found(summary, at=self._place(event), help=way_out))
        raise _Stop

    def _syntax(self, trouble: yaml.YAMLError) -> Diagnostic:
        mark = getattr(trouble, "problem_mark", None) or getattr(trouble, "context_mark", None)
        summary = str(getattr(trouble, "problem", None) or getattr(trouble, "reason", None) or "this is not YAML")
        if mark is None:
            # A character that YAML does not allow: the reader knows its position only.
            position = int(getattr(trouble, "position", 0) or 0)
            before = self.text[:position]
            line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
        else:
            line, column = mark.line + 1, mark.column + 1
        context = str(getattr(trouble, "context", None) or "")
        return SYNTAX.found(summary, at=self._location(line, column, None), why=context, help=self._syntax_help(line))

    def _syntax_help(self, line: int) -> str:
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        if re.match(r" *\t", text):
            return "indent with spaces: YAML does not allow tabs"
        if re.search(r":\s+[^\"'\s].*: ", text):
            return "put quotes around a text that holds `: `"
        return "look at the indentation, the quotes and the brackets here and just above"

    def _place(self, event: Any) -> Location:
        start, end = event.start_mark, event.end_mark
        is_one_line = end.line == start.line and isinstance(event, (yaml.ScalarEvent, yaml.AliasEvent))
        return self._location(start.line + 1, start.column + 1, end.column + 1 if is_one_line else None)

    def _location(self, line: int, column: int, end: int | None) -> Location:
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return Location(file=self.file, line=line, column=column, end_column=end, text=text[:LONGEST_EXCERPT])


class _Stop(Exception):
    """Nothing after this can be read sensibly; the problem is noted."""


def _at_start(file: str) -> Location:
    return Location(file=file, line=1, column=1)
