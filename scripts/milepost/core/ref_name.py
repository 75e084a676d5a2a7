"""Which names git allows for a branch or tag (git-check-ref-format(1)), and which of them are safe for a tag."""

from __future__ import annotations

import re

# In the words of git-check-ref-format(1), the most telling rule first.
RULES_OF_GIT = (
    (re.compile(r"^refs/"), "a name must not begin with `refs/`"),
    (re.compile(r"\.\."), "a name must not hold `..`"),
    (re.compile(r"[\x00-\x1f\x7f]"), "a name must not hold control characters"),
    (re.compile(r" "), "a name must not hold blanks"),
    (re.compile(r"[~^:?*\[\\]"), "a name must not hold `~`, `^`, `:`, `?`, `*`, `[` or a backslash"),
    (re.compile(r"@\{|^@$"), "a name must not hold `@{`, nor be `@`"),
    (re.compile(r"^/|/$|//"), "a name must not begin or end with `/`, nor hold two in a row"),
    (re.compile(r"(^|/)\."), "no part of a name may begin with `.`"),
    (re.compile(r"\.$"), "a name must not end with `.`"),
    (re.compile(r"\.lock(/|$)"), "no part of a name may end with `.lock`"),
    (re.compile(r"^-"), "a name must not begin with `-`"),
    (re.compile(r"^$"), "a name must not be empty"),
)
SAFE = re.compile(r"[A-Za-z0-9._+/@=-]*")
OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# Git keeps a part of a name in a file, beside one that ends in `.lock`; file names have 255 bytes.
LONGEST = 250


def judge_ref(name: str) -> str:
    """The rule of git's that the name of a branch or tag breaks; nothing when it breaks none."""
    return next((reason for pattern, reason in RULES_OF_GIT if pattern.search(name)), "")


def judge_tag(name: str) -> str:
    """Why no release gets a tag of that name: a rule of git's, or one of ours, which is said; nothing when it may."""
    reason = judge_ref(name)
    if reason:
        return f"git's rule for ref names: {reason}"
    if any(len(part.encode("utf-8")) > LONGEST for part in name.split("/")):
        return f"git keeps ref names in files: no part may have more than {LONGEST} bytes"
    if not SAFE.fullmatch(name):
        return "git's ref names may hold more, releases get only ASCII letters, digits and . _ + - / @ ="
    if OBJECT.fullmatch(name) or name == "HEAD":
        return "git's ref names may be so, but git would take it for a commit"
    return ""
