"""GitHub's releases and their assets: a draft until every asset is up, then published once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from milepost.core.checksums import digest_of
from milepost.core.release import Asset, Release
from milepost.diagnostics import Rule, Severity
from milepost.errors import Refused
from milepost.remote.client import MOST_TRIES, Client, Unanswered, segment
from milepost.remote.errors import unreachable

ASSET_DIFFERS = Rule("asset-differs", Severity.ERROR, "An asset of the release is not the file that belongs there.")
RULES = (ASSET_DIFFERS,)

READ = "contents: read"
WRITE = "contents: write"
PER_PAGE = 100
MOST_ASSET_BYTES = 10 * 1024 * 1024
UPLOADED = "uploaded"


def find_release(client: Client, tag: str, *, login: str) -> Release | None:
    """The published release of the tag; GitHub shows no draft here."""
    found = client.find(f"/releases/tags/{segment(tag)}", needs=READ)
    return release_of(found, login=login) if found else None


def read_release(client: Client, number: int, *, login: str) -> Release | None:
    """The release of that id, a draft too for those who may write; None when it is gone."""
    found = client.find(f"/releases/{number}", needs=READ)
    return release_of(found, login=login) if found else None


def list_releases(client: Client, tag: str, *, login: str) -> tuple[Release, ...]:
    """What has the tag among the newest hundred releases, drafts too, oldest first; one read."""
    found = client.get("/releases", needs=WRITE, parameters={"per_page": str(PER_PAGE)})
    releases = [release_of(each, login=login) for each in found if each["tag_name"] == tag]
    return tuple(sorted(releases, key=lambda each: each.id))


def list_drafts(client: Client, tag: str, *, login: str) -> tuple[Release, ...]:
    """Our own drafts of the tag among the newest hundred releases, oldest first; one read."""
    return tuple(each for each in list_releases(client, tag, login=login) if each.is_draft and each.is_own)


def create_draft(client: Client, *, tag: str, name: str, body: str, is_prerelease: bool, login: str) -> Release:
    """A draft of ours for the tag is there, once.

    `target_commitish` is never sent: the tag is there first, and without it GitHub asks for no permission to write workflows.
    """
    fields = {"tag_name": tag, "name": name, "body": body, "draft": True, "prerelease": is_prerelease}

    def look() -> Release | None:
        return next(iter(list_drafts(client, tag, login=login)), None)

    made = client.create("/releases", fields, look, needs=WRITE)
    return made if isinstance(made, Release) else release_of(made, login=login)


def update_body(client: Client, number: int, body: str, *, login: str) -> Release:
    """The release says the text."""
    return release_of(client.update(f"/releases/{number}", {"body": body}, needs=WRITE), login=login)


def publish(
    client: Client, number: int, *, body: str | None, latest: str, login: str, is_prerelease: bool = False
) -> Release:
    """The release is public; `latest` is GitHub's `true`, `false` or `legacy`.

    Without a body it keeps its own; a pre-release it is when it was one, or is to be.
    """
    fields = {"draft": False, "make_latest": latest, **({} if body is None else {"body": body})}
    fields |= {"prerelease": True} if is_prerelease else {}
    return release_of(client.update(f"/releases/{number}", fields, needs=WRITE), login=login)


def delete_draft(client: Client, number: int) -> None:
    """The draft is gone, with its assets."""
    client.delete(f"/releases/{number}", needs=WRITE)


def generate_notes(client: Client, *, tag: str, previous: str | None, commit: str | None = None) -> str:
    """GitHub's own notes from the previous tag to this one; with the commit when there is no such tag yet. Keeps nothing."""
    body = {"tag_name": tag}
    body |= {"previous_tag_name": previous} if previous is not None else {}
    body |= {"target_commitish": commit} if commit is not None else {}
    return str(client.add("/releases/generate-notes", body, needs=WRITE)["body"] or "")


def list_assets(client: Client, release: int) -> tuple[Asset, ...]:
    """The files of the release, up to a hundred, half-sent ones too."""
    path = f"/releases/{release}/assets"
    return tuple(map(asset_of, client.get(path, needs=READ, parameters={"per_page": str(PER_PAGE)})))


def upload_asset(client: Client, release: Release, *, name: str, content_type: str, data: bytes) -> Asset:
    """The file is an asset of the release, once and whole. Raises Refused when another one has its name.

    A failed upload may leave an asset of the state `starter`, which holds the name and is to be deleted (REST: Upload a
    release asset); GitHub's description of the answers calls it `open`, so whatever is not `uploaded` counts as one.
    """
    reason, wait = "", 1.0
    for _ in range(MOST_TRIES):
        try:
            made = client.upload(
                release.upload_url, f"/releases/{release.id}/assets", name, data, content_type=content_type, needs=WRITE
            )
            asset = asset_of(made)
            if asset.is_uploaded:
                return judge_asset(asset, name, data)
            reason = "it was taken in part"
        except Unanswered as trouble:
            reason = trouble.reason
        client.wait(wait, f"before looking for the asset {name}: {reason}")
        wait *= 2
        for asset in list_assets(client, release.id):
            if asset.name == name and asset.is_uploaded:
                return judge_asset(asset, name, data)
            if asset.name == name:
                delete_asset(client, asset.id)
    raise unreachable(f"the upload of {name}", reason)


def delete_asset(client: Client, asset: int) -> None:
    """The asset is gone."""
    client.delete(f"/releases/assets/{asset}", needs=WRITE)


def read_asset(client: Client, asset: Asset) -> bytes | None:
    """What the asset holds, held against its size and digest; None when it is gone."""
    path, accept = f"/releases/assets/{asset.id}", "application/octet-stream"
    data = client.download(path, accept=accept, most_bytes=MOST_ASSET_BYTES, needs=READ)
    if data is not None:
        judge_asset(asset, asset.name, data)
    return data


def judge_asset(asset: Asset, name: str, data: bytes) -> Asset:
    """The asset, which holds these bytes under that name as far as GitHub tells. Raises Refused when it does not."""
    if asset.name == name and asset.holds(data):
        return asset
    summary = (
        f"GitHub holds the asset {asset.name!r} of {asset.size:,} bytes ({asset.digest or 'no digest'})"
        f" where {name!r} of {len(data):,} bytes ({digest_of(data)}) belongs"
    )
    way_out = "look at who wrote it; delete it from the draft, and run again"
    raise Refused(ASSET_DIFFERS.found(summary, help=way_out), status=422)


def release_of(value: Mapping[str, Any], *, login: str) -> Release:
    """The release that REST tells of."""
    return Release(
        id=value["id"],
        tag=value["tag_name"],
        name=value["name"] or "",
        body=value["body"] or "",
        url=value["html_url"],
        is_draft=value["draft"],
        is_prerelease=value["prerelease"],
        is_immutable=bool(value.get("immutable")),  # older Enterprise Servers know none
        is_own=(value["author"] or {}).get("login") == login,
        upload_url=value["upload_url"],
        published_at=value["published_at"],
        assets=tuple(asset_of(each, login=login) for each in value["assets"]),
    )


def asset_of(value: Mapping[str, Any], *, login: str = "") -> Asset:
    """The asset that REST tells of."""
    return Asset(
        id=value["id"],
        name=value["name"],
        size=value["size"],
        digest=value.get("digest"),
        is_uploaded=value["state"] == UPLOADED,
        is_own=(value.get("uploader") or {}).get("login") == login,
    )
