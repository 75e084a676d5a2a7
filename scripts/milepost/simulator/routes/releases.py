"""Releases and their assets."""

from __future__ import annotations

from milepost.simulator.router import Answer, Refusal, Request, invalid, route
from milepost.simulator.routes.refs import need_workflows
from milepost.simulator.store import Asset, Release

RELEASES = "/repos/{owner}/{repo}/releases"
MEMBERS = (
    "tag_name:string target_commitish:string name:string|null body:string|null draft:boolean prerelease:boolean"
    " make_latest:string"
)
NOTES = "tag_name:string target_commitish:string previous_tag_name:string configuration_file_path:string"


@route("GET", RELEASES, scopes="contents", query="per_page")
def list_releases(request: Request) -> Answer:
    repository = request.repository
    sees_drafts = request.may(repository, "contents", "write", "write")
    found = [each for each in reversed(repository.releases.values()) if sees_drafts or not each.is_draft]
    page, headers = request.page(found)
    return Answer(200, [request.wire.release(repository, each) for each in page], headers)


@route("POST", RELEASES, scopes="contents", role="write", members=f"{MEMBERS} generate_release_notes:boolean")
def create_release(request: Request) -> Answer:
    repository, body, store = request.repository, request.fields, request.store
    tag = body.get("tag_name")
    if not isinstance(tag, str) or not tag:
        raise invalid("Release", "missing_field", "tag_name")
    is_draft = bool(body.get("draft"))
    if tag in request.repository.immutable_tags:
        raise invalid("Release", "custom", "tag_name", message="tag_name was used by an immutable release")
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
        make_latest=str(body.get("make_latest", "true")),
    )
    _need_workflows(request, release)
    if body.get("generate_release_notes"):
        release.name = release.name or tag
        release.body = "\n\n".join(each for each in (release.body, _notes(request, tag, None)) if each)
    repository.releases[release.id] = release
    if not is_draft:
        _publish(request, release)
    written = request.wire.release(repository, release)
    return Answer(201, written, {"Location": written["url"]})


@route("POST", f"{RELEASES}/generate-notes", scopes="contents", role="write", members=NOTES, is_content=False)
def generate_notes(request: Request) -> Answer:
    tag = request.fields.get("tag_name")
    if not isinstance(tag, str) or not tag:
        raise invalid("Release", "missing_field", "tag_name")
    return Answer(200, {"name": tag, "body": _notes(request, tag, request.fields.get("previous_tag_name"))})


@route("GET", f"{RELEASES}/latest", scopes="contents")
def get_latest_release(request: Request) -> Answer:
    repository = request.repository
    found = [
        each
        for each in repository.releases.values()
        if not each.is_draft and not each.is_prerelease and each.make_latest != "false"
    ]
    if not found:
        raise Refusal(404, "Not Found")
    return Answer(200, request.wire.release(repository, max(found, key=lambda each: (each.created_at, each.id))))


@route("GET", f"{RELEASES}/tags/{{tag*}}", scopes="contents")
def get_release_by_tag(request: Request) -> Answer:
    tag = request.parts["tag"]
    found = [each for each in request.repository.releases.values() if each.tag == tag and not each.is_draft]
    if not found:
        raise Refusal(404, "Not Found")
    return Answer(200, request.wire.release(request.repository, found[0]))


@route("GET", f"{RELEASES}/{{release}}", scopes="contents")
def get_release(request: Request) -> Answer:
    return Answer(200, request.wire.release(request.repository, _find(request)))


@route("PATCH", f"{RELEASES}/{{release}}", scopes="contents", role="write", members=MEMBERS)
def update_release(request: Request) -> Answer:
    release, body = _find(request), request.fields
    was_draft, tag = release.is_draft, body.get("tag_name", release.tag)
    others = [each.tag for each in request.repository.releases.values() if each is not release and not each.is_draft]
    if not body.get("draft", was_draft) and tag in others:
        raise invalid("Release", "already_exists", "tag_name")
    if release.is_immutable and (tag != release.tag or body.get("draft")):
        raise invalid("Release", "custom", "tag_name", message="Cannot change the tag of an immutable release")
    _need_workflows(request, release)
    release.tag, release.name = tag, body.get("name", release.name)
    release.body, release.target = body.get("body", release.body), body.get("target_commitish", release.target)
    release.is_draft = bool(body.get("draft", release.is_draft))
    release.is_prerelease = bool(body.get("prerelease", release.is_prerelease))
    release.make_latest = str(body.get("make_latest", release.make_latest))
    if was_draft and not release.is_draft:
        _publish(request, release)
    return Answer(200, request.wire.release(request.repository, release))


@route("DELETE", f"{RELEASES}/{{release}}", scopes="contents", role="write")
def delete_release(request: Request) -> Answer:
    del request.repository.releases[_find(request).id]
    return Answer(204)


@route("GET", f"{RELEASES}/{{release}}/assets", scopes="contents", query="per_page")
def list_assets(request: Request) -> Answer:
    release = _find(request)
    page, headers = request.page(release.assets)
    return Answer(200, [request.wire.asset(request.repository, release, each) for each in page], headers)


@route("POST", f"{RELEASES}/{{release}}/assets", scopes="contents", role="write", query="name label", is_upload=True)
def upload_asset(request: Request) -> Answer:
    release, name = _find(request), request.query.get("name", "")
    if not name:
        raise invalid("ReleaseAsset", "missing_field", "name")
    if release.is_immutable:
        raise Refusal(422, "Cannot upload assets to an immutable release.")
    if any(each.name == name for each in release.assets):
        raise invalid("ReleaseAsset", "already_exists", "name")
    asset = Asset(
        request.store.next_id(),
        name,
        request.query.get("label"),
        request.headers.get("content-type", "application/octet-stream"),
        b"" if request.is_cut else request.data,
        request.store.now,
        request.login,
        "starter" if request.is_cut else "uploaded",
    )
    release.assets.append(asset)
    written = request.wire.asset(request.repository, release, asset)
    return Answer(201, written, {"Location": written["url"]})


@route("GET", f"{RELEASES}/assets/{{asset}}", scopes="contents")
def get_asset(request: Request) -> Answer:
    """What is known of the asset, or with `Accept: application/octet-stream` where the asset itself lies."""
    release, asset = _find_asset(request)
    if request.headers.get("accept") == "application/octet-stream":
        return Answer(302, None, {"Location": request.wire.storage("assets", asset.id)})
    return Answer(200, request.wire.asset(request.repository, release, asset))


@route("DELETE", f"{RELEASES}/assets/{{asset}}", scopes="contents", role="write")
def delete_asset(request: Request) -> Answer:
    release, asset = _find_asset(request)
    if release.is_immutable:
        message = "Cannot delete asset from an immutable release"
        raise Refusal(422, "Validation Failed", [{"resource": "ReleaseAsset", "code": "custom", "message": message}])
    release.assets.remove(asset)
    return Answer(204)


def _find(request: Request) -> Release:
    text = request.parts["release"]
    found = request.repository.releases.get(int(text)) if text.isdigit() else None
    if found is None or not _sees(request, found):
        raise Refusal(404, "Not Found")
    return found


def _sees(request: Request, release: Release) -> bool:
    return not release.is_draft or request.may(request.repository, "contents", "write", "write")


def _need_workflows(request: Request, release: Release) -> None:
    """While there is no tag, the commit that it would be made on is what counts."""
    repository = request.repository
    if f"refs/tags/{release.tag}" not in repository.refs:
        sha = repository.refs.get(f"refs/heads/{release.target}", release.target)
        if sha in repository.commits:
            need_workflows(request, sha)


def _find_asset(request: Request) -> tuple[Release, Asset]:
    for release in request.repository.releases.values():
        for asset in release.assets:
            if str(asset.id) == request.parts["asset"] and _sees(request, release):
                return release, asset
    raise Refusal(404, "Not Found")


def _notes(request: Request, tag: str, previous: str | None) -> str:
    """GitHub's own form: what was merged since the previous release, and a link to the comparison."""
    repository, page = request.repository, f"{request.wire.html}/{request.repository.full_name}"
    earlier = [each for each in repository.releases.values() if not each.is_draft and each.tag != tag]
    last = next((each for each in reversed(earlier) if previous in (None, each.tag)), None)
    since = last.published_at if last else None
    merged = [each for each in repository.issues.values() if each.pull and each.pull.merged_at]
    lines = [
        f"* {each.title} by @{each.author} in {page}/pull/{each.number}\n"
        for each in merged
        if since is None or (each.pull and each.pull.merged_at and each.pull.merged_at > since)
    ]
    head = "## What's Changed\n" + "".join(lines) + "\n\n" if lines else ""
    start = previous or (last.tag if last else None)
    return f"{head}**Full Changelog**: {page}/{f'compare/{start}...{tag}' if start else f'commits/{tag}'}"


def _publish(request: Request, release: Release) -> None:
    """The release is public, and its tag exists: GitHub makes a missing one at the target."""
    repository, name = request.repository, f"refs/tags/{release.tag}"
    release.published_at, release.is_immutable = request.store.now, repository.has_immutable_releases
    if release.is_immutable:
        repository.immutable_tags[release.tag] = None
    if name not in repository.refs:
        sha = repository.refs.get(f"refs/heads/{release.target}", release.target)
        if sha not in repository.commits:
            raise invalid("Release", "invalid", "target_commitish")
        repository.refs[name] = sha
