"""The text of a plan file as a tree of nodes with places. Scalars stay text: YAML's guesses lose data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from milepost.diagnostics import Diagnostic, Location, Rule, Severity
from milepost.planfile.nodes import Mapping, Node, Scalar, Sequence
from milepost.planfile.text import PlanText, read_text
from milepost.planfile.wording import escape, quote

EMPTY_PLAN = Rule("empty-plan", Severity.ERROR, "The plan file holds nothing.")
SYNTAX = Rule("syntax", Severity.ERROR, "The plan file is not YAML.")
SEVERAL_DOCUMENTS = Rule("several-documents", Severity.ERROR, "The plan file holds more than one YAML document.")
REPEATED_KEY = Rule("repeated-key", Severity.ERROR, "A mapping has the same key twice.")
BAD_KEY = Rule("bad-key", Severity.ERROR, "A key of a mapping is not a plain word.")
TAGGED = Rule("yaml-tag", Severity.ERROR, "A value carries a YAML tag.")
MERGE_KEY = Rule("merge-key", Severity.ERROR, "A mapping uses the merge key `<<`.")
BAD_ALIAS = Rule("bad-alias", Severity.ERROR, "An alias names no anchor above it, or an anchor that holds it.")
TOO_DEEP = Rule("too-deep", Severity.ERROR, "The plan file nests deeper than any plan needs.")
TOO_MANY_VALUES = Rule("too-many-values", Severity.ERROR, "Aliases blow the plan file up beyond any use.")
RULES = (
    EMPTY_PLAN,
    SYNTAX,
    SEVERAL_DOCUMENTS,
    REPEATED_KEY,
    BAD_KEY,
    TAGGED,
    MERGE_KEY,
    BAD_ALIAS,
    TOO_DEEP,
    TOO_MANY_VALUES,
)

MOST_DEPTH = 24
# What aliases may add to a file.
MOST_VALUES = 200_000
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
    is_partial: bool = False

    def close(self) -> Node:
        if self.is_mapping:
            return Mapping(tuple(self.entries), self.at, self.is_partial)
        return Sequence(tuple(self.items), self.at)


def parse_plan(data: bytes, *, file: str) -> tuple[Node | None, tuple[Diagnostic, ...]]:
    """The file as nodes, None when it cannot be read on, and the problems that were met."""
    text, problems = read_text(data, file=file)
    return _Parser(text).parse() if text else (None, problems)


class _Parser:
    """Builds nodes from YAML's events with a stack of its own: no depth of nesting can exhaust Python's."""

    def __init__(self, text: PlanText) -> None:
        self.text = text
        self.problems: list[Diagnostic] = []
        self.anchors: dict[str, Node] = {}
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
            at = self.text.place(0)
            self.problems.append(EMPTY_PLAN.found("the plan file is empty", at=at, help="begin with `version: 1`"))
        return self.root, tuple(self.problems)

    def _events(self) -> Iterator[Any]:
        """YAML's events; a second document ends them."""
        documents = 0
        for event in yaml.parse(self.text.content, Loader=LOADER):
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
            frame = self.stack.pop()
            self._put(frame.close(), frame.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)

    def _open(self, event: Any) -> None:
        self._judge_tag(event)
        if len(self.stack) >= MOST_DEPTH:
            self._stop(TOO_DEEP, event, f"this is the {MOST_DEPTH + 1}th level of nesting", "a plan needs eight")
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        self.stack.append(_Frame(is_mapping=is_mapping, at=self._place(event), anchor=event.anchor))

    def _alias(self, event: Any) -> None:
        name = escape(event.anchor)
        # An anchor that is set again counts from where its new value begins.
        if any(frame.anchor == event.anchor for frame in self.stack):
            self._stop(BAD_ALIAS, event, f"the alias `*{name}` stands inside of `&{name}`", "write the values out")
        node = self.anchors.get(event.anchor)
        if node is None:
            way_out = f"write `&{name}` before the value that is meant"
            self._stop(BAD_ALIAS, event, f"the alias `*{name}` names no anchor above it", way_out)
        self.values += node.size
        if self.values > MOST_VALUES:
            way_out = "write the values out, with fewer aliases"
            self._stop(TOO_MANY_VALUES, event, "aliases make this plan larger than any plan needs", way_out)
        if len(self.stack) + node.depth > MOST_DEPTH:
            summary = f"with this alias the nesting is deeper than {MOST_DEPTH} levels"
            self._stop(TOO_DEEP, event, summary, "a plan needs eight")
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
            frame.is_key_next, frame.key = False, self._judge_key(frame, node)
        else:
            if frame.key is not None:
                frame.entries.append((frame.key, node))
            frame.is_key_next = True

    def _judge_key(self, frame: _Frame, node: Node) -> Scalar | None:
        """The node as a key, or a problem with it."""
        if not isinstance(node, Scalar):
            frame.is_partial = True
            self.problems.append(BAD_KEY.found("a list or mapping stands as a key", at=node.at, help="write a word"))
            return None
        if node.text == "<<" and node.is_plain:
            frame.is_partial = True
            summary, way_out = "the merge key `<<` is not supported", "write the values out"
            self.problems.append(MERGE_KEY.found(summary, at=node.at, help=way_out))
            return None
        first = frame.keys.setdefault(node.text, node)
        if first is node:
            return node
        summary, why = (
            f"key {quote(node.text)} is already on line {first.at.line}",
            "YAML would keep the last silently.",
        )
        self.problems.append(REPEATED_KEY.found(summary, at=node.at, why=why, help="keep one of the two"))
        return None

    def _judge_tag(self, event: Any) -> None:
        if event.tag is not None and event.tag != "!":
            tag = escape(event.tag.replace("tag:yaml.org,2002:", "!!"))
            at = self._place(event)
            self.problems.append(
                TAGGED.found(f"the tag `{tag}` is not supported", at=at, help="remove it; quotes make a text")
            )

    def _stop(self, rule: Rule, event: Any, summary: str, way_out: str) -> NoReturn:
        self.problems.append(rule.found(summary, at=self._place(event), help=way_out))
        raise _Stop

    def _syntax(self, trouble: yaml.YAMLError) -> Diagnostic:
        mark = getattr(trouble, "problem_mark", None) or getattr(trouble, "context_mark", None)
        at = self.text.place(min(mark.index, len(self.text.content)) if mark else 0)
        summary = escape(str(getattr(trouble, "problem", None) or "this is not YAML"))
        why = escape(str(getattr(trouble, "context", None) or ""))
        return SYNTAX.found(summary, at=at, why=why, help=_syntax_help(at.text))

    def _place(self, event: Any) -> Location:
        is_whole = isinstance(event, (yaml.ScalarEvent, yaml.AliasEvent))
        return self.text.place(event.start_mark.index, event.end_mark.index if is_whole else None)


class _Stop(Exception):
    """Nothing after this can be read sensibly; the problem is noted."""


def _syntax_help(line: str) -> str:
    if re.match(r" *\t", line):
        return "indent with spaces: YAML does not allow tabs"
    if re.match(r"[^:]*: +[^\"'\s{[].*: ", line):
        return "put quotes around a text that holds `: `"
    return "look at the indentation, the quotes and the brackets here and just above"
