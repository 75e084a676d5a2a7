"""The parts of a secret that are secret by themselves."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

SHORTEST = 4


def list_parts(value: str) -> tuple[str, ...]:
    """The value, its lines, and of each address the login, password, path, query and what they hold; longest first."""
    parts = {value}
    for line in value.split("\n"):
        parts.add(line.strip())
        if "://" in line:
            parts |= set(_parts_of(line.strip()))
    shown = {each for part in parts for each in (part, unquote(part)) if len(each) >= SHORTEST or each == value}
    return tuple(sorted(shown, key=lambda each: (-len(each), each)))


def _parts_of(address: str) -> list[str]:
    rest = address.partition("://")[2]
    try:
        split = urlsplit(address)
        logins = [split.username or "", split.password or ""]
        queries = [text for _, text in parse_qsl(split.query)]
    except ValueError:
        return [rest, *re.split(r"[/?&=@:]", rest)]
    host = split.netloc.rpartition("@")[2]
    # A messenger's token may stand where others have the host; names of hosts have dots.
    hosts = [] if "." in host or host.startswith(("localhost", "[")) else [host, host.partition(":")[0]]
    return [
        rest,
        split.netloc.rpartition("@")[0],
        *logins,
        *hosts,
        split.path,
        *split.path.split("/"),
        split.query,
        *queries,
    ]
