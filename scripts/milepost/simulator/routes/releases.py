"""Releases and their assets."""

from __future__ import annotations

from milepost.simulator.router import Answer, Refusal, Request, invalid, route
from milepost.simulator.store import Asset, Release

RELEASES = "/repos/{owner}/{repo}/releases"
MEMBERS = (
    "tag_name target_commitish name body draft prerelease discussion_category_name generate_release_notes make_latest"
)


@route("GET", RELEASES, query="per_page")
def list_releases(request: Request) -> Answer:
    repository = request.repository
    sees_drafts = request.may(repository, "contents", "write", "write")
    found = [each for each in reversed(repository.releases.values()) if sees_drafts or not each.is_draft]
    page, headers = request.page(found)
    return Answer(200, [request.wire.release(repository, each) for each in page], headers)


@route("POST", RELEASES, scopes="contents", role="write", members=MEMBERS)
def create_release(request: Request) -> Answer:
    repository, body, store = request.repository, request.fields, request.store
    tag = body.get("tag_name")
    if not isinstance(tag, str) or not tag:
        raise invalid("Release", "missing_field", "tag_name")
    is_draft = bool(body.get("draft"))
    if not is_draft and any(each.tag == tag and not each.is_draft for each in repository.releases.values()):
        raise invalid("Release", "already_exists", "tag_name")
    release = Release(
        id=store.next_id(),
        tag=tag,
        target=body.get("target_commitish") or repository.default_branch,
        name=body.get("name"),
        body=body.get("body"),
        author=request.login,
        is_draft=is_draft,
        is_prerelease=bool(body.get("prerelease")),
        created_at=store.now,
    )
    repository.releases[release.id] = release
    if not is_draft:
        _publish(request, release)
    written = request.wire.release(repository, release)
    return Answer(201, written, {"Location": written["url"]})


@route("GET", f"{RELEASES}/tags/{{tag*}}")
def get_release_by_tag(request: Request) -> Answer:
    tag = request.parts["tag"]
    found = [each for each in request.repository.releases.values() if each.tag == tag and not each.is_draft]
    if not found:
        raise Refusal(404, "Not Found")
    return Answer(200, request.wire.release(request.repository, found[0]))


@route("GET", f"{RELEASES}/{{release}}")
def get_release(request: Request) -> Answer:
    return Answer(200, request.wire.release(request.repository, _find(request)))


@route("PATCH", f"{RELEASES}/{{release}}", scopes="contents", role="write", members=MEMBERS)
def update_release(request: Request) -> Answer:
    release, body = _find(request), request.fields
    was_draft = release.is_draft
    release.tag, release.name = body.get("tag_name", release.tag), body.get("name", release.name)
    release.body, release.target = body.get("body", release.body), body.get("target_commitish", release.target)
    release.is_draft = bool(body.get("draft", release.is_draft))
    release.is_prerelease = bool(body.get("prerelease", release.is_prerelease))
    if was_draft and not release.is_draft:
        _publish(request, release)
    return Answer(200, request.wire.release(request.repository, release))


@route("DELETE", f"{RELEASES}/{{release}}", scopes="contents", role="write")
def delete_release(request: Request) -> Answer:
    del request.repository.releases[_find(request).id]
    return Answer(204)


@route("GET", f"{RELEASES}/{{release}}/assets", query="per_page")
def list_assets(request: Request) -> Answer:
    release = _find(request)
    page, headers = request.page(release.assets)
    return Answer(200, [request.wire.asset(request.repository, release, each) for each in page], headers)


@route("POST", f"{RELEASES}/{{release}}/assets", scopes="contents", role="write", query="name label")
def upload_asset(request: Request) -> Answer:
    release, name = _find(request), request.query.get("name", "")
    if not name:
        raise invalid("ReleaseAsset", "missing_field", "name")
    if any(each.name == name for each in release.assets):
        raise invalid("ReleaseAsset", "already_exists", "name")
    content = request.body.encode("latin-1") if isinstance(request.body, str) else str(request.body).encode()
    asset = Asset(
        request.store.next_id(),
        name,
        request.query.get("label"),
        "application/octet-stream",
        content,
        request.store.now,
    )
    release.assets.append(asset)
    return Answer(201, request.wire.asset(request.repository, release, asset))


def _find(request: Request) -> Release:
    text = request.parts["release"]
    found = request.repository.releases.get(int(text)) if text.isdigit() else None
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def _publish(request: Request, release: Release) -> None:
    """The release is public, and its tag exists: GitHub makes a missing one at the target."""
    repository, name = request.repository, f"refs/tags/{release.tag}"
    release.published_at = request.store.now
    if name not in repository.refs:
        sha = repository.refs.get(f"refs/heads/{release.target}", release.target)
        if sha not in repository.commits:
            raise invalid("Release", "invalid", "target_commitish")
        repository.refs[name] = sha
