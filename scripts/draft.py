"""Puts files into the draft that the release action will complete and publish; an immutable release takes none later.

python3 scripts/draft.py --milestone v1.0.0 --tag v1.0.0 --commit SHA --prerelease false dist/*

The tag is made with it, as the release action makes it: on the commit that the files were built from, for this closing
of the milestone, so that this commit is released although the branch moves on. What is there already and right stays.
The token is GITHUB_TOKEN, the repository GITHUB_REPOSITORY.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

SCRIPTS = Path(__file__).resolve().parent
if str(SCRIPTS) not in sys.path:
    sys.path.insert(0, str(SCRIPTS))

from folder import NotInstalled  # noqa: E402
from packages import find_packages  # noqa: E402

if TYPE_CHECKING:
    from milepost.core.release import ClosedMilestone, Release
    from milepost.remote.client import Client
    from milepost.remote.release import Board

CONTENT_TYPES = {".json": "application/json", ".zip": "application/zip"}
PLAIN = "text/plain"


class Unfit(Exception):
    """The milestone or its release cannot be drafted; the text says why."""


def main(argv: list[str]) -> int:
    """The draft holds the files, or it is told why not."""
    given = _parse(argv)
    try:
        folder = find_packages("release")
        sys.path[:0] = [folder] if folder else []
        files = {Path(each).name: Path(each).read_bytes() for each in given.files}
        fill_draft(
            _connect(),
            milestone=given.milestone,
            tag=given.tag,
            commit=given.commit,
            is_prerelease=given.prerelease == "true",
            files=files,
        )
    except NotInstalled as trouble:
        return _fail(str(trouble))
    except Exception as trouble:
        from milepost.errors import Refused, Unusable

        if isinstance(trouble, (Refused, Unusable, Unfit)):
            return _fail(str(trouble))
        raise
    return 0


def fill_draft(
    client: Client, *, milestone: str, tag: str, commit: str, is_prerelease: bool, files: Mapping[str, bytes]
) -> Release:
    """The draft of the tag holds the files; its text is left to the release action. Raises Refused or Unfit."""
    from milepost.core.release_checks import render_message
    from milepost.remote.release import read_milestone
    from milepost.remote.releases import create_draft, find_release, list_drafts
    from milepost.remote.tags import create_tag

    number = int(milestone) if milestone.isascii() and milestone.isdigit() else None
    board = read_milestone(client, number=number, title="" if number is not None else milestone)
    closed = _judge(board, milestone)
    if find_release(client, tag, login=board.login):
        raise Unfit(f"the release {tag} is published already: it takes no more files")
    message = render_message(tag, closed)
    create_tag(client, name=tag, commit=commit, message=message, date=closed.closed_at or "", login=board.login)
    drafts = list_drafts(client, tag, login=board.login)
    draft = drafts[0] if drafts else None
    if draft is None:
        draft = create_draft(
            client, tag=tag, name=closed.title, body="", is_prerelease=is_prerelease, login=board.login
        )
    for name, data in sorted(files.items()):
        _put(client, draft, name, data)
    return draft


def _judge(board: Board, name: str) -> ClosedMilestone:
    closed = board.milestone
    if board.is_fork:
        raise Unfit(f"{board.repository} is a fork; nothing is released from here")
    if closed is None:
        raise Unfit(f"there is no milestone {name!r}")
    if closed.is_open:
        raise Unfit(f"milestone {name!r} is open; close it, then it is released")
    return closed


def _put(client: Client, draft: Release, name: str, data: bytes) -> None:
    """The file is an asset of the draft: a right one stays, another one is replaced."""
    from milepost.remote.releases import delete_asset, upload_asset

    present = next((each for each in draft.assets if each.name == name), None)
    wanted = (len(data), f"sha256:{hashlib.sha256(data).hexdigest()}")
    if present and present.is_uploaded and (present.size, present.digest) == wanted:
        return
    if present:
        delete_asset(client, present.id)
    kind = CONTENT_TYPES.get(Path(name).suffix, PLAIN)
    upload_asset(client, draft, name=name, content_type=kind, data=data)
    print(f"added {name} ({len(data):,} bytes)")


def _connect() -> Client:
    from milepost.remote.client import Access, connect
    from milepost.runner.context import read_context

    context = read_context(os.environ)
    access = Access(
        token=os.environ.get("GITHUB_TOKEN", ""),
        repository=context.repository,
        api_url=context.api_url,
        graphql_url=context.graphql_url,
    )
    return connect(access, log=lambda line: print(line, file=sys.stderr, flush=True))


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--milestone", required=True, help="number or title of the closed milestone")
    parser.add_argument("--tag", required=True, help="the tag of its release")
    parser.add_argument("--commit", required=True, help="the commit that the files were built from")
    parser.add_argument("--prerelease", choices=("true", "false"), default="false")
    parser.add_argument("files", nargs="+", metavar="FILE")
    return parser.parse_args(argv)


def _fail(text: str) -> int:
    print(f"draft: {text}", file=sys.stderr)
    return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
