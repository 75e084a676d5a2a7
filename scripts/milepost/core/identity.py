"""Who is who: the key of a planned issue, the marker that carries it, the block in a milestone."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from hashlib import sha256

KEY = re.compile(r"[^\W_](?:[\w./+-]*\w)?")
MAX_KEY_LENGTH = 600
MOST_KEY_BYTES = 120
MOST_BLOCK_BYTES = 1024
MARKER = re.compile(
    r'^<!-- milepost key="(?P<key>[^"\n]+)" (?P<kind>issue milestone|duplicate of)=(?P<value>none|[0-9]{1,9}) -->[ \t]*$',
    re.MULTILINE,
)
BLOCK = re.compile(r"^```milepost[ \t]*\n(?P<lines>(?:(?!```).*\n)*)```[ \t]*$", re.MULTILINE)


def slug(text: str) -> str:
    """The text as lower-case words joined by single hyphens; letters of every script stay."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold().replace("_", " "))
    return "-".join(words)


def issue_key(milestone: str | None, title: str) -> str:
    """The key that an issue has when the plan file gives none: its milestone and its title."""
    parts = [slug(milestone)] if milestone else []
    return "/".join([*parts, slug(title)])


@dataclass(frozen=True, kw_only=True)
class Marker:
    """What an issue's body tells of its place in the plan.

    `milestone` is the number last applied, None when none was. An issue with `duplicate_of` was a twin that
    an earlier run closed; it stands for no planned issue any more.
    """

    key: str
    milestone: int | None = None
    duplicate_of: int | None = None


@dataclass(frozen=True, kw_only=True)
class Block:
    """The machine block of a milestone: the line of each action, in the order they stand."""

    lines: tuple[tuple[str, str], ...] = ()

    def get(self, action: str) -> str | None:
        """The action's line, without the action's name."""
        return dict(self.lines).get(action)

    def with_line(self, action: str, line: str) -> Block:
        """The block in which the action's line is this one; every other line stays."""
        if self.get(action) is None:
            return Block(lines=(*self.lines, (action, line)))
        return Block(lines=tuple((name, line if name == action else text) for name, text in self.lines))


def milestone_key(title: str) -> str:
    """The key of a planned milestone, at most 120 bytes."""
    key = slug(title)
    data = key.encode()
    if len(data) <= MOST_KEY_BYTES:
        return key
    return f"{data[:100].decode(errors='ignore')}-{sha256(data).hexdigest()[:12]}"


def split_body(text: str) -> tuple[str, Marker | None]:
    """The author's text of an issue, and the marker below it; the last marker line counts."""
    text = normal(text)
    found = list(MARKER.finditer(text))
    if not found:
        return text, None
    last = found[-1]
    kind, key, value = last["kind"], last["key"], last["value"]
    number = None if value == "none" else int(value)
    is_twin = kind == "duplicate of"
    marker = Marker(key=key, duplicate_of=number) if is_twin else Marker(key=key, milestone=number)
    return normal(text[: last.start()] + text[last.end() :]), marker


def join_body(author_text: str, marker: Marker) -> str:
    """The author's text with the marker as its last line."""
    is_twin = marker.duplicate_of is not None
    kind, number = ("duplicate of", marker.duplicate_of) if is_twin else ("issue milestone", marker.milestone)
    line = f'<!-- milepost key="{marker.key}" {kind}={"none" if number is None else number} -->'
    return "\n\n".join(part for part in (normal(author_text), line) if part)


def split_description(text: str) -> tuple[str, Block | None]:
    """The author's text of a milestone, above and below the machine block, and the block itself."""
    text = normal(text)
    found = BLOCK.search(text)
    if found is None:
        return text, None
    lines = (line.strip().partition(" ") for line in found["lines"].split("\n") if line.strip())
    block = Block(lines=tuple((name, rest) for name, _, rest in lines))
    above, below = normal(text[: found.start()]), normal(text[found.end() :])
    return "\n\n".join(part for part in (above, below) if part), block


def join_description(author_text: str, block: Block | None) -> str:
    """The author's text with the machine block below it; raises ValueError above 1 KiB of block."""
    if block is None or not block.lines:
        return normal(author_text)
    fenced = "\n".join(["```milepost", *(f"{name} {line}".rstrip() for name, line in block.lines), "```"])
    if len(fenced.encode()) > MOST_BLOCK_BYTES:
        raise ValueError(f"the machine block would be larger than {MOST_BLOCK_BYTES} bytes")
    return "\n\n".join(part for part in (normal(author_text), fenced) if part)


def block_line(**values: str | None) -> str:
    """`name=value` pairs on one line, those that are None left out; a value can close no fence."""
    return " ".join(f"{name}={_block_value(value)}" for name, value in values.items() if value is not None)


def block_values(line: str) -> dict[str, str]:
    """The pairs that block_line wrote; what is not such a pair is passed over."""
    found = re.finditer(r'(?:^| )([a-z-]+)=("(?:[^"\\]|\\.)*"|[^ "]+)', line)
    return {each[1]: _read_block_value(each[2]) for each in found}


def normal(text: str) -> str:
    """The text as it is compared: line feeds only, no blank lines or spaces around it."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _block_value(value: str) -> str:
    if re.fullmatch(r"[\w./:@+-]+", value):
        return value
    return json.dumps(value, ensure_ascii=False).replace("`", "\\u0060")


def _read_block_value(text: str) -> str:
    try:
        return str(json.loads(text)) if text.startswith('"') else text
    except ValueError:
        return text
