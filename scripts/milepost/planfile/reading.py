"""A checked plan file while it is turned into the desired state; what the schema cannot say is noted here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from milepost.diagnostics import Diagnostic, Location, Rule, Severity
from milepost.planfile.nodes import Node
from milepost.planfile.validate import Checked, Steps, find
from milepost.planfile.wording import name_path

BAD_TEXT = Rule("bad-text", Severity.ERROR, "A name or title holds characters that GitHub cannot show on one line.")
RULES = (BAD_TEXT,)

UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Reading:
    """The values, their places, and the problems found so far.

    What the schema refused is missing from the values.
    Nothing is said against a place twice, nor against what only looks wrong because something else is broken.
    """

    def __init__(self, root: Node, checked: Checked) -> None:
        self.root, self.value, self.broken = root, checked.value, checked.broken
        self.problems: list[Diagnostic] = []
        self._judged = {each.at for each in checked.problems}

    def members(self, *path: Any) -> Iterator[tuple[Steps, dict[str, Any]]]:
        """The mappings of the list at the path; an empty one stands for one that was refused."""
        value = self.value
        for part in path:
            value = (value.get(part) if isinstance(value, dict) else value[part]) or {}
        yield from (((*path, index), each or {}) for index, each in enumerate(value))

    def texts(self, each: dict[str, Any], name: str, path: Steps) -> tuple[str, ...]:
        """The texts of a list, each once, and each fit for one line."""
        found = [(index, text) for index, text in enumerate(each.get(name) or ()) if text is not None]
        for index, text in found:
            self.judge_line(text, *path, name, index)
        return tuple(dict.fromkeys(text for _, text in found))

    def name(self, each: dict[str, Any], name: str, path: Steps) -> str:
        """The title or name; where it was refused, one that nothing else has."""
        return str(each[name]) if name in each else name_path(path)

    def at(self, *path: Any) -> Location:
        return find(self.root, path).at

    def is_broken(self, *path: Any) -> bool:
        """True when what should be there was refused, or was never there."""
        return any(path[: end + 1] in self.broken for end in range(len(path)))

    def hides(self, section: str, *names: str) -> bool:
        """True when the section may have lost members, or members the values of these names."""
        return any(
            path[0] == section and (len(path) <= 2 or isinstance(path[-1], int) or path[-1] in names)
            for path in self.broken
        )

    def report(self, rule: Rule, summary: str, *path: Any, why: str = "", help: str = "") -> None:
        at = self.at(*path)
        if at not in self._judged:
            self.problems.append(rule.found(summary, at=at, why=why, help=help))

    def judge_line(self, text: str, *path: Any) -> None:
        """Note a text that cannot stand on one line."""
        found = UNSHOWABLE.search(text)
        if found or not text.strip() or text != text.strip():
            what = f"the character U+{ord(found[0]):04X}" if found else "blanks at an end, or nothing else"
            summary = f"{name_path(path)} holds {what}"
            self.report(BAD_TEXT, summary, *path, help="write it on one line without them")
