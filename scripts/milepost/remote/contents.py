"""Files of a repository at a commit."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import quote

from milepost.remote.client import Client

NEEDS = "contents: read"


def read_file(client: Client, path: str, ref: str) -> bytes | None:
    """What the file holds at that commit; None when there is no such file, or it is too large to be told at once."""
    answer = client.find(f"/contents/{quote(path)}?ref={quote(ref, safe='')}", needs=NEEDS)
    if not isinstance(answer, dict) or answer.get("encoding") != "base64":
        return None
    try:
        return base64.b64decode(str(answer.get("content") or ""))
    except binascii.Error:
        return None
