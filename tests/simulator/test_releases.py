"""What a release rests on: files that lie elsewhere, drafts, immutable releases, tags, check runs, roles."""

from __future__ import annotations

import contextlib
import http.client
import io
import zipfile
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

R = "/repos/octo/widgets"
WORKFLOW = ".github/workflows/ci.yml"


def test_an_archive_lies_elsewhere_for_a_minute(make_wire: Callable[..., Any]) -> None:
    """At a signed address of another host, which refuses a token beside it, and anything else once it is over."""
    wire = _make_artifact(make_wire)

    status, headers = wire.headers("GET", f"{R}/actions/artifacts/{_artifact(wire)}/zip")
    archive = wire.file(f"{R}/actions/artifacts/{_artifact(wire)}/zip")

    address = urlsplit(headers["location"])
    path = f"{address.path}?{address.query}"
    assert (302, "localhost") == (status, address.hostname)
    assert {"verdict.json": b"{}"} == _unpack(archive)
    assert (400, 403) == (wire.raw("GET", path)[0], _plain(wire, f"{path}0"))
    wire.github.clock.advance(61)
    assert 403 == _plain(wire, path)


def test_an_archive_that_has_expired_is_gone(make_wire: Callable[..., Any]) -> None:
    """410, and nobody without a token gets one at all."""
    wire = _make_artifact(make_wire, expired=True)
    path = f"{R}/actions/artifacts/{_artifact(wire)}/zip"

    assert [410, 401, 404] == [
        wire.status("GET", path)[0],
        wire.status("GET", path, token=None)[0],
        wire.status("GET", f"{R}/actions/artifacts/99/zip")[0],
    ]


def test_an_artifact_tells_whose_head_it_was_made_of(make_wire: Callable[..., Any]) -> None:
    """A run on a fork's head names the fork."""
    run = {"id": 7, "workflow": WORKFLOW, "event": "pull_request", "head_repository": "mallory/widgets"}
    more = {"repositories": [{"full_name": "octo/widgets", **_artifacts(run)}, {"full_name": "mallory/widgets"}]}
    wire = make_wire(None, **more)

    found = wire("GET", f"{R}/actions/artifacts")["artifacts"][0]["workflow_run"]

    assert found["head_repository_id"] != found["repository_id"]
    assert "mallory/widgets" == wire("GET", f"{R}/actions/runs/7")["head_repository"]["full_name"]


def test_an_upload_that_fails_may_leave_a_starter(wire: Any) -> None:
    """Empty, with the name taken, and gone once it is deleted."""
    release = wire("POST", f"{R}/releases", {"tag_name": "v1", "draft": True})["id"]
    path = f"{R}/releases/{release}/assets?name=a.txt"
    wire.github.faults.add({"do": "starter", "method": "POST", "path": "assets"})

    statuses = [wire.raw("POST", path, b"text")[0] for _ in range(2)]

    assert [502, 422] == statuses
    asset = wire("GET", f"{R}/releases/{release}/assets")[0]
    assert ("starter", 0, None) == (asset["state"], asset["size"], asset["digest"])
    wire("DELETE", f"{R}/releases/assets/{asset['id']}")
    assert 201 == wire.raw("POST", path, b"text")[0]


def test_an_asset_tells_its_digest(wire: Any) -> None:
    """SHA-256 of what it holds."""
    release = wire("POST", f"{R}/releases", {"tag_name": "v1", "draft": True})["id"]
    wire.raw("POST", f"{R}/releases/{release}/assets?name=a.txt", b"text")

    digest = wire("GET", f"{R}/releases/{release}")["assets"][0]["digest"]

    assert "sha256:982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1" == digest


def test_a_published_immutable_release_keeps_its_assets_and_its_tag(make_wire: Callable[..., Any]) -> None:
    """As a draft it takes assets; its text may change later on."""
    wire = make_wire({"immutable_releases": True})
    sha = _head(wire)
    wire("POST", f"{R}/git/refs", {"ref": "refs/tags/v1", "sha": sha})
    release = wire("POST", f"{R}/releases", {"tag_name": "v1", "draft": True})["id"]
    assets = f"{R}/releases/{release}/assets"
    wire.raw("POST", f"{assets}?name=a.txt", b"a")
    published = wire("PATCH", f"{R}/releases/{release}", {"draft": False})

    refused = [
        wire.status("POST", f"{assets}?name=b.txt", "b"),
        wire.status("DELETE", f"{R}/releases/assets/{published['assets'][0]['id']}"),
        wire.status("PATCH", f"{R}/releases/{release}", {"tag_name": "v2"}),
        wire.status("PATCH", f"{R}/git/refs/tags/v1", {"sha": sha, "force": True}),
        wire.status("DELETE", f"{R}/git/refs/tags/v1"),
    ]

    assert published["immutable"]
    assert [422] * 5 == [status for status, _ in refused]
    assert "Cannot upload assets to an immutable release." == refused[0][1]["message"]
    assert "Cannot delete asset from an immutable release" == refused[1][1]["errors"][0]["message"]
    assert "text" == wire("PATCH", f"{R}/releases/{release}", {"body": "text"})["body"]


def test_the_tag_of_an_immutable_release_is_never_used_again(make_wire: Callable[..., Any]) -> None:
    """Not when the release and the tag are deleted."""
    wire = make_wire({"tags": {"v1": None}, "releases": [{"tag": "v1", "immutable": True}]})
    wire("DELETE", f"{R}/releases/{wire('GET', f'{R}/releases')[0]['id']}")
    wire("DELETE", f"{R}/git/refs/tags/v1")

    tag = wire.status("POST", f"{R}/git/refs", {"ref": "refs/tags/v1", "sha": _head(wire)})
    release = wire.status("POST", f"{R}/releases", {"tag_name": "v1"})

    assert (422, 422) == (tag[0], release[0])
    assert "creations being restricted" in tag[1]["message"]
    assert "tag_name was used by an immutable release" == release[1]["errors"][0]["message"]


def test_a_draft_is_hidden_from_who_may_not_write(wire: Any) -> None:
    """By its id, with its assets, and in GraphQL."""
    release = wire("POST", f"{R}/releases", {"tag_name": "v1", "draft": True})["id"]
    wire.raw("POST", f"{R}/releases/{release}/assets?name=a.txt", b"a")
    asset = wire("GET", f"{R}/releases/{release}/assets")[0]["id"]

    paths = (f"{R}/releases/{release}", f"{R}/releases/{release}/assets", f"{R}/releases/assets/{asset}")

    assert [404] * 3 == [wire.status("GET", each, token="mallory-token")[0] for each in paths]
    assert {"release": None, "releases": {"totalCount": 0}} == _releases(wire, "mallory-token")


def test_a_draft_is_found_by_the_tag_that_it_will_have(wire: Any) -> None:
    """GraphQL shows it where there is no such tag yet; a published release of the tag goes before."""
    draft = wire("POST", f"{R}/releases", {"tag_name": "v1", "draft": True})["id"]
    first = _releases(wire)["release"]
    published = wire("POST", f"{R}/releases", {"tag_name": "v1"})["id"]

    assert [(draft, True), (published, False)] == [
        (each["databaseId"], each["isDraft"]) for each in (first, _releases(wire)["release"])
    ]
    assert 2 == _releases(wire)["releases"]["totalCount"]


def test_a_tag_that_changes_workflows_takes_a_permission_of_its_own(make_wire: Callable[..., Any]) -> None:
    """A job's token has none: 403; the head of the default branch changes nothing, and a release asks alike."""
    wire = make_wire({"files": {WORKFLOW: "new"}, "branches": {"old": {WORKFLOW: "old"}}})
    old, head = (wire("GET", f"{R}/git/ref/heads/{name}")["object"]["sha"] for name in ("old", "main"))
    body = {"tag": "v1", "message": "m", "object": old, "type": "commit"}
    tag = wire("POST", f"{R}/git/tags", body, token="workflow-token")["sha"]

    statuses = [
        wire.status("POST", f"{R}/git/refs", {"ref": "refs/tags/v1", "sha": tag}, token="workflow-token")[0],
        wire.status("POST", f"{R}/releases", {"tag_name": "v2", "target_commitish": old}, token="workflow-token")[0],
        wire.status("POST", f"{R}/git/refs", {"ref": "refs/tags/v3", "sha": head}, token="workflow-token")[0],
        wire.status("POST", f"{R}/releases", {"tag_name": "v3", "draft": True}, token="workflow-token")[0],
        wire.status("POST", f"{R}/git/refs", {"ref": "refs/tags/v1", "sha": tag})[0],
    ]

    assert [403, 403, 201, 201, 201] == statuses


def test_a_tag_object_made_twice_is_one(wire: Any) -> None:
    """Git names it by what it holds, the tagger's time with it; a tag may lead to a tag."""
    tagger = {"name": "o", "email": "o@example.org", "date": "2026-01-01T00:00:00Z"}
    body = {"tag": "v1", "message": "m", "object": _head(wire), "type": "commit", "tagger": tagger}

    first, second = (wire("POST", f"{R}/git/tags", body)["sha"] for _ in range(2))
    wire.github.clock.advance(1)
    third = wire("POST", f"{R}/git/tags", {**body, "tagger": {**tagger, "date": "2026-01-02T00:00:00Z"}})["sha"]
    outer = wire("POST", f"{R}/git/tags", {**body, "object": first, "type": "tag"})

    assert first == second != third
    assert {"type": "tag", "sha": first} == {name: outer["object"][name] for name in ("type", "sha")}
    wire("POST", f"{R}/git/refs", {"ref": "refs/tags/v1", "sha": outer["sha"]})
    assert _head(wire) == wire("GET", f"{R}/tags")[0]["commit"]["sha"]


def test_a_workflow_is_dispatched_on_a_tag(make_wire: Callable[..., Any]) -> None:
    """By the name or in full; its run tells the tag where others tell their branch."""
    wire = make_wire({"workflows": [{"path": WORKFLOW, "dispatch_inputs": []}], "tags": {"v1": {"message": "One"}}})
    for ref in ("v1", "refs/tags/v1", "refs/heads/main"):
        wire("POST", f"{R}/actions/workflows/ci.yml/dispatches", {"ref": ref})

    runs = wire("GET", f"{R}/actions/runs")["workflow_runs"]

    assert ["main", "v1", "v1"] == [each["head_branch"] for each in runs]
    assert {_head(wire)} == {each["head_sha"] for each in runs}
    missing = wire.status("POST", f"{R}/actions/workflows/ci.yml/dispatches", {"ref": "refs/tags/v2"})
    assert (422, "No ref found for: refs/tags/v2") == (missing[0], missing[1]["message"])


def test_the_rollup_of_a_commit_has_statuses_and_check_runs(make_wire: Callable[..., Any]) -> None:
    """The newest status of each context, and every check run; nothing is nothing."""
    wire = make_wire(
        {"checks": [{"name": "build", "status": "in_progress"}, {"name": "lint", "conclusion": "success"}]}
    )
    for state in ("failure", "success"):
        wire("POST", f"{R}/statuses/{_head(wire)}", {"state": state, "context": "ci"})
    part = "contexts(first: 9) { nodes { ... on StatusContext { context state } ... on CheckRun { name conclusion } } }"
    text = f'{{ repository(owner: "octo", name: "widgets") {{ object(expression: "%s") {{ ... on Commit {{ statusCheckRollup {{ state {part} }} }} }} }} }}'

    found = wire.query(text % "main")["data"]["repository"]["object"]["statusCheckRollup"]

    assert "PENDING" == found["state"]
    assert [
        {"context": "ci", "state": "SUCCESS"},
        {"name": "build", "conclusion": None},
        {"name": "lint", "conclusion": "SUCCESS"},
    ] == found["contexts"]["nodes"]
    empty = make_wire().query(text % "main")["data"]["repository"]["object"]
    assert {"statusCheckRollup": None} == empty


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("maintain", ("write", "maintain")),
        ("triage", ("read", "triage")),
        ("captain", ("write", "captain")),
    ],
)
def test_a_role_has_a_name_and_a_base(role: str, expected: tuple[str, str], make_wire: Callable[..., Any]) -> None:
    """`permission` knows four, `role_name` every one, also those that an organization makes."""
    wire = make_wire({"collaborators": {"amy": role}, "custom_roles": {"captain": "write"}})

    found = wire("GET", f"{R}/collaborators/amy/permission")

    assert expected == (found["permission"], found["role_name"])


def _make_artifact(make_wire: Callable[..., Any], **more: Any) -> Any:
    return make_wire(_artifacts({"id": 7, "workflow": WORKFLOW, "event": "push"}, **more))


def _artifacts(run: Any, **more: Any) -> Any:
    artifact = {"run": 7, "name": "proof", "files": {"verdict.json": "{}"}, **more}
    return {"workflows": [{"path": WORKFLOW}], "runs": [run], "artifacts": [artifact]}


def _artifact(wire: Any) -> int:
    return int(wire("GET", f"{R}/actions/artifacts?name=proof")["artifacts"][0]["id"])


def _head(wire: Any) -> str:
    return str(wire("GET", f"{R}/git/ref/heads/main")["object"]["sha"])


def _plain(wire: Any, path: str) -> int:
    """The status of a request without a token."""
    host = wire.github.url.removeprefix("http://")
    with contextlib.closing(http.client.HTTPConnection(host, timeout=10)) as connection:
        connection.request("GET", path)
        return connection.getresponse().status


def _unpack(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _releases(wire: Any, token: str = "admin-token") -> Any:
    text = '{ repository(owner: "octo", name: "widgets") { release(tagName: "v1") { databaseId isDraft } releases(first: 9) { totalCount } } }'
    return wire.query(text, token=token)["data"]["repository"]
