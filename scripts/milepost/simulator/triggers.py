"""What a workflow file says of `workflow_dispatch`: block style line by line, braces within a line, no YAML library."""

from __future__ import annotations

import re

TRIGGER = "workflow_dispatch"


def read_dispatch_inputs(text: str) -> list[str] | None:
    """The inputs that a dispatch may give; None when the file does not have the trigger."""
    lines = [line for each in text.splitlines() if (line := re.sub(r"(^|\s)#.*$", "", each).rstrip())]
    start = next((index for index, line in enumerate(lines) if re.match(r"""(on|"on"|'on')\s*:""", line)), None)
    if start is None:
        return None
    if TRIGGER in lines[start]:
        return _names_in_braces(lines[start].partition(TRIGGER)[2])
    block = _below(lines, start)
    found = next((index for index, line in enumerate(block) if re.match(rf"\s*(- )?{TRIGGER}\b", line)), None)
    if found is None:
        return None
    if "{" in block[found]:
        return _names_in_braces(block[found])
    below = _below(block, found)
    inputs = next((index for index, line in enumerate(below) if line.strip() == "inputs:"), None)
    return [] if inputs is None else _names(_below(below, inputs))


def name_of(text: str, path: str) -> str:
    """The workflow's name; the file's path when it gives itself none."""
    found = re.search(r"(?m)^name:\s*(.+?)\s*$", text)
    return found.group(1).strip("\"'") if found else path


def _below(lines: list[str], start: int) -> list[str]:
    """The lines that are deeper than the one at `start`, up to the next that is not."""
    depth, found = _depth(lines[start]), []
    for line in lines[start + 1 :]:
        # The items of a list may stand as far to the left as its key.
        if _depth(line) < depth or (_depth(line) == depth and not line.lstrip().startswith("- ")):
            break
        found.append(line)
    return found


def _names(lines: list[str]) -> list[str]:
    first = min((_depth(line) for line in lines), default=0)
    return [line.strip().partition(":")[0].strip("\"'") for line in lines if _depth(line) == first]


def _names_in_braces(text: str) -> list[str]:
    """The inputs that stand in braces behind the trigger, `{inputs: {mode: {…}}}`."""
    found = re.search(r"\{\s*inputs\s*:\s*\{(.*)", re.sub(r"\"[^\"]*\"|'[^']*'", "", text))
    rest, shorter = "", found.group(1) if found else ""
    while rest != shorter:
        rest, shorter = shorter, re.sub(r"\{[^{}]*\}", "", shorter)
    return re.findall(r"([\w-]+)\s*:", rest.partition("}")[0])


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
