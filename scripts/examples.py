"""The YAML that the pages show: whole workflows, plan files, and parts of them that stand for a whole one."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# README.zh-CN.md holds what README.md holds; a guard compares the two.
PAGES = ((ROOT, "README.md"), (ROOT / "docs", "*.md"), (ROOT / "actions", "*/README.md"))
FENCE = re.compile(r"^```ya?ml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
JOB = "  job:\n    runs-on: ubuntu-latest\n"
STEPS = "    steps:\n"
NOTHING = "      - run: 'true'\n"


class Kind(str, Enum):
    """What an example shows."""

    WORKFLOW = "workflow"
    EVENTS = "events"
    PERMISSIONS = "permissions"
    STEPS = "steps"
    PLAN = "plan"


@dataclass(frozen=True, kw_only=True)
class Example:
    """One block of YAML in a page."""

    page: Path
    line: int
    text: str

    @property
    def name(self) -> str:
        """Where it stands, as part of a file's name."""
        return "-".join([*self.page.relative_to(ROOT).with_suffix("").parts, str(self.line)])

    @property
    def kind(self) -> Kind:
        """By its first level: the keys of a workflow are none of a plan file."""
        if re.search(r"^jobs:", self.text, re.MULTILINE):
            return Kind.WORKFLOW
        if re.search(r"^\s*- ", self.text.lstrip("\n").partition("\n")[0]):
            return Kind.STEPS
        if self.text.startswith(("on:", "on :")):
            return Kind.EVENTS
        return Kind.PERMISSIONS if self.text.startswith("permissions:") else Kind.PLAN

    @property
    def workflow(self) -> str:
        """A whole workflow that holds it, for the linters; nothing for a plan file."""
        if self.kind is Kind.WORKFLOW:
            return self.text
        if self.kind is Kind.EVENTS:
            return f"{self.text}permissions: {{}}\njobs:\n{JOB}{STEPS}{NOTHING}"
        if self.kind is Kind.PERMISSIONS:
            return f"on: push\npermissions: {{}}\njobs:\n{JOB}{textwrap.indent(self.text, '    ')}{STEPS}{NOTHING}"
        if self.kind is Kind.STEPS:
            steps = textwrap.indent(textwrap.dedent(self.text), "      ")
            return f"on: push\npermissions: {{}}\njobs:\n{JOB}{STEPS}{steps}"
        return ""

    @property
    def plan(self) -> str:
        """A whole plan file that holds it; nothing for what a workflow holds."""
        if self.kind is not Kind.PLAN:
            return ""
        return self.text if re.search(r"^version:", self.text, re.MULTILINE) else f"version: 1\n{self.text}"


def list_examples() -> list[Example]:
    """Every example of every page, in the order of the pages."""
    return [each for folder, names in PAGES for page in sorted(folder.glob(names)) for each in _read(page)]


def _read(page: Path) -> Iterator[Example]:
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        yield Example(page=page, line=text.count("\n", 0, found.start()) + 1, text=found[1])
