"""Artifacts of workflow runs: found by name, and read from archives that anybody may have written."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

from milepost.core.proof import Artifact, WorkflowRun
from milepost.diagnostics import Rule, Severity
from milepost.errors import Refused
from milepost.remote.client import Client

BAD_ARTIFACT = Rule("bad-artifact", Severity.ERROR, "The archive of an artifact is damaged, or not one that we open.")
RULES = (BAD_ARTIFACT,)

NEEDS = "actions: read"
PER_PAGE = 100
MOST_ARCHIVE_BYTES = 5 * 1024 * 1024
MOST_BYTES = 10 * 1024 * 1024
MOST_FILES = 20
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1
# What the standard library raises of archives that are none, cut off, or want what it cannot do.
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)


def list_artifacts(client: Client, name: str) -> tuple[Artifact, ...]:
    """The artifacts of that name, newest first, up to a hundred; those that have lost their run are left out."""
    parameters = {"name": name, "per_page": str(PER_PAGE)}
    found = client.get("/actions/artifacts", needs=NEEDS, parameters=parameters)["artifacts"]
    artifacts = [_artifact(each) for each in found if each["name"] == name and each.get("workflow_run")]
    return tuple(sorted(artifacts, key=lambda each: (each.created_at, each.id), reverse=True))


def read_run(client: Client, number: int) -> WorkflowRun | None:
    """The run; None when it is gone."""
    found = client.find(f"/actions/runs/{number}", needs=NEEDS)
    if found is None:
        return None
    return WorkflowRun(
        id=found["id"],
        path=str(found["path"]).partition("@")[0],
        event=found["event"],
        head_sha=found["head_sha"],
        head_branch=found["head_branch"],
        head_repository=(found["head_repository"] or {}).get("full_name"),
        status=found["status"] or "",
        conclusion=found["conclusion"],
        url=found["html_url"],
    )


def read_artifact(client: Client, artifact: Artifact) -> Mapping[str, bytes] | None:
    """The files of the artifact by their paths; None when it has expired or is gone. Raises Refused for a bad archive."""
    path, accept = f"/actions/artifacts/{artifact.id}/zip", "application/vnd.github+json"
    data = client.download(path, accept=accept, most_bytes=MOST_ARCHIVE_BYTES, needs=NEEDS)
    if data is None:
        return None
    try:
        return _unpack(data)
    except UNREADABLE as trouble:
        summary = f"the archive of the artifact {artifact.name!r} ({artifact.id}) is not one that is opened: {trouble}"
        way_out = "run the workflow that writes it again"
        raise Refused(BAD_ARTIFACT.found(summary[:300], help=way_out), status=422) from None


def _artifact(value: Mapping[str, Any]) -> Artifact:
    run = value["workflow_run"]
    return Artifact(
        id=value["id"],
        name=value["name"],
        run=run["id"],
        head_sha=run["head_sha"],
        head_branch=run.get("head_branch"),
        head_repository_id=run.get("head_repository_id"),
        repository_id=run.get("repository_id"),
        is_expired=value["expired"],
        created_at=value["created_at"],
        size=value["size_in_bytes"],
    )


def _unpack(data: bytes) -> dict[str, bytes]:
    """The files of the archive. Raises ValueError, and whatever the standard library does, for what is not opened."""
    files: dict[str, bytes] = {}
    left = MOST_BYTES
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [each for each in archive.infolist() if not each.is_dir()]
        if len(members) > MOST_FILES:
            raise ValueError(f"it holds {len(members)} files, and {MOST_FILES} are read at most")
        for member in members:
            _judge_member(member, files)
            # What the archive says of its sizes is not believed.
            with archive.open(member) as file:
                files[member.filename] = file.read(left + 1)
            left -= len(files[member.filename])
            if left < 0:
                raise ValueError(f"it unpacks to more than {MOST_BYTES:,} bytes")
    return files


def _judge_member(member: zipfile.ZipInfo, files: Mapping[str, bytes]) -> None:
    name, parts = member.filename, member.filename.split("/")
    if not set(parts).isdisjoint(("", ".", "..")) or "\\" in name or ":" in name or not name.isprintable():
        raise ValueError(f"it holds the path {name[:100]!r}")
    if name in files:
        raise ValueError(f"it holds {name[:100]!r} twice")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise ValueError(f"{name[:100]!r} is a link")
    if member.flag_bits & ENCRYPTED or member.compress_type not in METHODS:
        raise ValueError(f"{name[:100]!r} is encrypted, or packed in an unusual way")
