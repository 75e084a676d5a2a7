"""Files as git keeps them: a commit's flat list of paths, seen as folders, each with the id that git gives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha1

from milepost.simulator.store import blob_sha

Files = Mapping[str, str]
FILE_MODE, FOLDER_MODE = "100644", "040000"
NO_COMPONENTS = ("", ".", "..", ".git")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One name in a folder: a file with its text, or a folder with the files below it."""

    name: str
    sha: str
    text: str | None
    files: Files

    @property
    def mode(self) -> str:
        return FOLDER_MODE if self.text is None else FILE_MODE

    @property
    def kind(self) -> str:
        return "tree" if self.text is None else "blob"


def list_entries(files: Files) -> list[Entry]:
    """The names at the top of the files, in git's order: a folder sorts as if it ended in a slash."""
    names = {path.partition("/")[0] for path in files}
    return sorted((_entry(files, name) for name in names), key=_order)


def tree_sha(files: Files) -> str:
    """The id that git gives the folder."""
    data = b"".join(
        b"%s %s\0%s" % (each.mode.lstrip("0").encode(), each.name.encode(), bytes.fromhex(each.sha))
        for each in list_entries(files)
    )
    return sha1(b"tree %d\0" % len(data) + data).hexdigest()


def below(files: Files, folder: str) -> dict[str, str]:
    """The files in the folder and its folders, by their paths within it."""
    prefix = f"{folder}/" if folder else ""
    return {path.removeprefix(prefix): text for path, text in files.items() if path.startswith(prefix)}


def walk_folders(files: Files) -> Iterator[Files]:
    """The folder itself, and every one below it."""
    yield files
    for each in list_entries(files):
        if each.text is None:
            yield from walk_folders(each.files)


def is_path(path: str) -> bool:
    """True for what may name a file in a repository."""
    return not any(each in NO_COMPONENTS for each in path.split("/"))


def is_clash(files: Files) -> bool:
    """True when one name stands for a file and for a folder."""
    return any(folder in files for path in files for folder in _folders_of(path))


def _entry(files: Files, name: str) -> Entry:
    if name in files:
        return Entry(name=name, sha=blob_sha(files[name]), text=files[name], files={})
    inner = below(files, name)
    return Entry(name=name, sha=tree_sha(inner), text=None, files=inner)


def _folders_of(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _order(entry: Entry) -> bytes:
    return entry.name.encode() + (b"/" if entry.text is None else b"")
