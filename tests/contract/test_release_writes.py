"""What a release writes on GitHub: tag, draft, assets, publication, dispatches, and what disturbed writes leave behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

import pytest
from milepost.core.change import Change, Field, Noun, Plan, Verb
from milepost.core.model import Snapshot
from milepost.core.release import Asset, Tag
from milepost.errors import Refused
from milepost.remote import releases
from milepost.remote.apply import Applied, apply_plan
from milepost.remote.release import read_milestone
from milepost.remote.release_steps import make_steps
from milepost.remote.tags import create_tag, find_tag
from milepost.simulator import Fault

LOGIN = "github-actions[bot]"
DATE = "2026-01-04T00:00:00Z"
DOCS = ".github/workflows/docs.yml"
CONTENTS = {
    "milestone.json": b'{"schema": "milepost.release/1"}\n',
    "milepost.yml": b"version: 1\n",
    "SHA256SUMS": b"0  milepost.yml\n",
}
REPOSITORY = {
    "files": {"milepost.yml": "version: 1\n", DOCS: "name: docs\non: workflow_dispatch\n"},
    "milestones": [{"title": "v1", "state": "closed"}],
}
FAULTS: dict[str, Mapping[str, Any]] = {
    "502": {"do": "status"},
    "502 after": {"do": "status", "after": True},
    "drop": {"do": "drop"},
    "drop after": {"do": "drop", "after": True},
    "malformed": {"do": "malformed"},
    "malformed after": {"do": "malformed", "after": True},
    "secondary": {"do": "secondary", "retry_after": 1},
    "primary": {"do": "primary"},
    "unseen, then dropped": {"do": "invisible", "after": True, "reads": 2},
    "starter": {"do": "starter", "path": "/assets"},
}
# Tag object, reference, draft, three assets, two looks before publication, publication, count of runs, dispatch.
REQUESTS = 11


def test_a_release_is_made_in_the_fewest_writes(new_bench: Callable[..., Any]) -> None:
    """Four and one for each asset; drafts show nothing before they are published."""
    bench = new_bench(REPOSITORY)

    applied = _apply(bench, _plan(bench))

    assert ([], [], None) == (applied.problems, applied.refusals, applied.stopped)
    assert 4 + len(CONTENTS) + 1 == len(bench.github.journal.writes())
    assert REQUESTS == len(bench.github.journal)
    _is_released(bench)
    assert _plan(bench).writes == len(bench.github.journal.writes())
    assert not [each for each in bench.github.journal if "target_commitish" in str(each.body)]


@pytest.mark.parametrize("nth", range(1, REQUESTS + 1))
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_disturbs_a_request_there_is_one_release(fault: str, nth: int, new_bench: Callable[..., Any]) -> None:
    """One tag, one release, all assets, one dispatch; at the latest after the next run."""
    bench = new_bench(REPOSITORY)
    bench.github.faults.add({**FAULTS[fault], "nth": nth})

    _apply(bench, _plan(bench))
    bench.github.faults.clear()
    bench.github.restore(bench.github.snapshot())  # by the next run, everything shows

    _is_whole_if_published(bench)
    _apply(bench, _rest(bench))
    _is_released(bench)


@pytest.mark.parametrize("nth", range(1, REQUESTS + 1))
@pytest.mark.parametrize("when", ["before", "after"])
def test_whenever_the_run_is_killed_the_next_one_ends_it(
    when: str, nth: int, new_bench: Callable[..., Any], killed_at: Callable[..., Any]
) -> None:
    """Before the request is sent, or after it was answered."""
    bench = new_bench(REPOSITORY)
    with killed_at(nth, when):
        _apply(bench, _plan(bench))

    _is_whole_if_published(bench)
    _apply(bench, _rest(bench))

    _is_released(bench)


def test_a_tag_on_the_same_commit_is_as_good(new_bench: Callable[..., Any]) -> None:
    """Whoever made it, annotated or not."""
    bench = new_bench({"tags": {"v1": None}})

    found = _tag(bench, _head(bench))

    assert Tag(name="v1", commit=_head(bench), message=None) == found == find_tag(bench.client(), "v1")


def test_a_tag_on_another_commit_is_refused_with_both(new_bench: Callable[..., Any]) -> None:
    """Nothing is moved."""
    other = "b" * 40
    bench = new_bench({"branches": {"old": other}, "tags": {"v1": other}})

    with pytest.raises(Refused) as found:
        _tag(bench, _head(bench))

    assert "tag-elsewhere" == found.value.diagnostic.rule
    assert other in found.value.diagnostic.summary
    assert _head(bench) in found.value.diagnostic.summary
    assert other == find_tag(bench.client(), "v1").commit


def test_a_tag_that_takes_the_permission_for_workflows_says_so(new_bench: Callable[..., Any]) -> None:
    """With the way out: the token of an App."""
    bench = new_bench({"files": {DOCS: "new"}, "branches": {"old": {DOCS: "old"}}})
    old = bench.request("GET", "/git/ref/heads/old")["object"]["sha"]

    with pytest.raises(Refused) as found:
        _tag(bench, old)

    assert ("no-tag-permission", 403) == (found.value.diagnostic.rule, found.value.status)
    assert "workflows: write" in str(found.value.diagnostic.help)


def test_a_rule_against_the_tag_is_told_in_githubs_words(new_bench: Callable[..., Any]) -> None:
    """422 is no missing permission."""
    bench = new_bench({"tags": {"v1": None}, "releases": [{"tag": "v1", "immutable": True}]})
    bench.request("DELETE", f"/releases/{bench.request('GET', '/releases')[0]['id']}")
    bench.request("DELETE", "/git/refs/tags/v1")

    with pytest.raises(Refused) as found:
        _tag(bench, _head(bench))

    assert "rejected" == found.value.diagnostic.rule
    assert "creations being restricted" in found.value.diagnostic.summary


def test_a_token_without_contents_is_told_that(new_bench: Callable[..., Any]) -> None:
    """That is another refusal than the one for workflows."""
    bench = new_bench()

    with pytest.raises(Refused) as found:
        create_tag(bench.client("read-token"), name="v1", commit=_head(bench), message="m", date=DATE, login=LOGIN)

    assert "no-permission" == found.value.diagnostic.rule


def test_a_tag_keeps_its_message_and_the_time_of_what_it_stands_for(new_bench: Callable[..., Any]) -> None:
    """So that the object is the same each time."""
    bench = new_bench()

    first = _tag(bench, _head(bench))
    objects = dict(bench.github.store.find("octo/widgets").tags)
    _tag(bench, _head(bench))

    assert "One\n\nMilepost-Milestone: 1" == first.message == find_tag(bench.client(), "v1").message
    assert objects == bench.github.store.find("octo/widgets").tags
    assert [DATE] == [each.at.strftime("%Y-%m-%dT%H:%M:%SZ") for each in objects.values()]


def test_an_upload_that_is_cut_off_is_made_up_for(new_bench: Callable[..., Any]) -> None:
    """What it left holds the name, and is deleted first."""
    bench = new_bench()
    draft = _draft(bench)
    bench.github.faults.add(Fault(do="starter", path="/assets"))

    asset = _upload(bench, draft, b"data")

    digest = f"sha256:{sha256(b'data').hexdigest()}"
    assert Asset(id=asset.id, name="a b.txt", size=4, digest=digest) == asset
    assert (asset,) == releases.list_assets(bench.client(), draft.id)
    assert ["DELETE"] == [each.method for each in bench.github.journal.writes() if each.method == "DELETE"]


def test_an_asset_that_is_there_is_not_sent_twice(new_bench: Callable[..., Any]) -> None:
    """It is looked for, and held against size and digest."""
    bench = new_bench()
    draft = _draft(bench)
    first = _upload(bench, draft, b"data")

    assert first == _upload(bench, draft, b"data")
    with pytest.raises(Refused) as found:
        _upload(bench, draft, b"DATA")
    assert "asset-differs" == found.value.diagnostic.rule


def test_an_upload_that_is_answered_as_half_sent_is_made_up_for(new_bench: Callable[..., Any]) -> None:
    """GitHub may say so itself, with 201."""
    bench = new_bench()
    draft = _draft(bench)
    half = {"id": 1, "name": "a b.txt", "size": 0, "digest": None, "state": "open"}
    bench.github.faults.add(Fault(do="status", status=201, method="POST", path="/assets", body=half))

    assert 4 == _upload(bench, draft, b"data").size


def test_a_page_in_place_of_an_answer_to_an_upload_is_none(new_bench: Callable[..., Any]) -> None:
    """Neither with a good status nor with a bad one; what has arrived is not sent again."""
    bench = new_bench()
    draft = _draft(bench)
    for status, after in ((200, True), (502, False)):
        page = Fault(do="status", status=status, after=after, method="POST", path="/assets", body=b"<html>")
        bench.github.faults.add(page)

    assert 4 == _upload(bench, draft, b"data").size


def test_an_upload_that_never_works_is_refused(new_bench: Callable[..., Any]) -> None:
    """After some tries, with the reason."""
    bench = new_bench()
    draft = _draft(bench)
    bench.github.faults.add(Fault(do="status", path="/assets", method="POST", times=99))

    with pytest.raises(Refused) as found:
        _upload(bench, draft, b"data")

    assert "unreachable" == found.value.diagnostic.rule


def test_a_published_immutable_release_takes_no_asset(new_bench: Callable[..., Any]) -> None:
    """GitHub's own words are told, and nothing is tried again."""
    bench = new_bench({"tags": {"v1": None}, "immutable_releases": True})
    draft = _draft(bench)
    published = releases.publish(bench.client(), draft.id, body=None, latest="true", login=LOGIN)

    with pytest.raises(Refused) as found:
        _upload(bench, published, b"data")

    assert published.is_immutable
    assert "immutable release" in found.value.diagnostic.summary
    assert 1 == len([each for each in bench.github.journal if each.path.endswith("/assets")])


def test_an_asset_is_read_back(new_bench: Callable[..., Any]) -> None:
    """From where GitHub sends us, held against its digest; one that is gone is None."""
    bench = new_bench()
    asset = _upload(bench, _draft(bench), b"\0\xff")

    read = releases.read_asset(bench.client(), asset)
    releases.delete_asset(bench.client(), asset.id)

    assert b"\0\xff" == read
    assert releases.read_asset(bench.client(), asset) is None


def test_drafts_are_ours_and_of_that_tag(new_bench: Callable[..., Any]) -> None:
    """Oldest first; one that somebody else wrote counts for nothing."""
    bench = new_bench()
    client = bench.client()
    bench.request("POST", "/releases", {"tag_name": "v1", "draft": True})
    made = [_draft(bench), _draft(bench), _draft(bench, tag="v2")]

    found = releases.list_drafts(client, "v1", login=LOGIN)

    assert [each.id for each in made[:2]] == [each.id for each in found]
    assert releases.find_release(client, "v1", login=LOGIN) is None


def test_a_release_is_found_by_its_tag_and_its_text_changed(new_bench: Callable[..., Any]) -> None:
    """With slashes in the tag; the URL is that of the published one."""
    bench = new_bench()
    client, tag = bench.client(), "app/v1"
    draft = _draft(bench, tag=tag)
    releases.publish(client, draft.id, body="new", latest="false", login=LOGIN)
    releases.update_body(client, draft.id, "newer", login=LOGIN)

    found = releases.find_release(client, tag, login=LOGIN)

    assert (draft.id, "newer", False, True) == (found.id, found.body, found.is_draft, found.is_own)
    assert found.url.endswith("/releases/tag/app/v1")


def test_githubs_own_notes_are_asked_for(new_bench: Callable[..., Any]) -> None:
    """From the tag before; with the commit while there is no tag."""
    bench = new_bench({"tags": {"v0": None}, "releases": [{"tag": "v0"}]})

    notes = releases.generate_notes(bench.client(), tag="v1", previous="v0", commit=_head(bench))

    assert notes.endswith("/octo/widgets/compare/v0...v1")
    body = {"tag_name": "v1", "previous_tag_name": "v0", "target_commitish": _head(bench)}
    assert body == bench.github.journal[-1].body


def test_nothing_is_published_without_its_assets(new_bench: Callable[..., Any]) -> None:
    """Somebody deleted one in between: the run stops, and the draft stays a draft."""
    bench = new_bench(REPOSITORY)
    plan = _plan(bench)
    upto = Plan(changes=tuple(each for each in plan.changes if each.noun in (Noun.TAG, Noun.RELEASE)))

    applied = _apply(bench, upto)

    assert "release-incomplete" == applied.stopped.diagnostic.rule
    assert "milestone.json" in applied.stopped.diagnostic.summary
    assert [True] == [each["draft"] for each in bench.github.state()["releases"]]


def test_a_refused_asset_stops_the_run(new_bench: Callable[..., Any]) -> None:
    """Though the refusal speaks of one object only."""
    bench = new_bench(REPOSITORY)
    bench.github.faults.add(
        Fault(do="status", status=422, method="POST", path="/assets", body={"message": "Validation Failed"})
    )

    applied = _apply(bench, _plan(bench))

    assert applied.stopped.status is None
    assert [Noun.TAG, Noun.RELEASE] == [each.noun for each in applied.done]
    assert [(True, [])] == [(each["draft"], each["assets"]) for each in bench.github.state()["releases"]]


def test_a_release_that_another_run_published_is_left_alone(new_bench: Callable[..., Any]) -> None:
    """It is said, and the rest goes on."""
    bench = new_bench(REPOSITORY)
    _apply(bench, _plan(bench))
    release = bench.request("GET", "/releases/tags/v1")["id"]
    bench.github.journal.clear()

    applied = _apply(bench, Plan(changes=(_publication(release), _dispatch(release))))

    assert ["left alone"] == [each.text.rpartition("; ")[2] for each in applied.notes]
    assert [] == bench.github.journal.writes()


def test_a_release_that_is_gone_is_told(new_bench: Callable[..., Any]) -> None:
    """Neither an asset nor its publication can be."""
    bench = new_bench(REPOSITORY)

    for change in (_publication(99), _publication(None)):
        assert "release-incomplete" == _apply(bench, Plan(changes=(change,))).stopped.diagnostic.rule


def test_the_text_of_a_release_is_updated(new_bench: Callable[..., Any]) -> None:
    """A change without `draft` publishes nothing."""
    bench = new_bench(REPOSITORY)
    draft = _draft(bench)
    change = Change(
        verb=Verb.UPDATE, noun=Noun.RELEASE, name="v1", number=draft.id, fields=(Field("body", "b", "new"),)
    )

    _apply(bench, Plan(changes=(change,)))

    assert [("new", True)] == [(each["body"], each["draft"]) for each in bench.github.state()["releases"]]


def test_milestones_and_items_move_as_ever(new_bench: Callable[..., Any]) -> None:
    """What is left open goes to the next milestone; a milestone that is not to be released opens again."""
    bench = new_bench(
        {
            "milestones": [{"title": "v1", "state": "closed"}, {"title": "v2"}],
            "issues": [{"title": "I", "milestone": 1}],
            "pulls": [{"title": "P", "head": "p", "milestone": 1}],
        }
    )
    to = (Field("milestone", "v1", "v2"),)
    moves = [
        Change(verb=Verb.MOVE, noun=noun, name=name, number=number, milestone=1, fields=to)
        for noun, name, number in ((Noun.ISSUE, "I", 1), (Noun.PULL_REQUEST, "P", 2))
    ]
    state = (Field("state", "closed", "open"),)
    reopened = Change(verb=Verb.REOPEN, noun=Noun.MILESTONE, name="v1", number=1, fields=state)
    board = read_milestone(bench.client(), title="v1")

    changes = Plan(changes=(*moves, reopened))
    apply_plan(changes, bench.client(), board.snapshot, log=bench.log.append, steps=make_steps({}, commit=""))

    assert ["v2", "v2"] == [each["milestone"] for each in bench.github.state()["issues"]]
    assert ["open", "open"] == [each["state"] for each in bench.github.state()["milestones"]]


def test_an_asset_is_deleted_by_its_number(new_bench: Callable[..., Any]) -> None:
    """What belongs to an earlier state of the release makes room."""
    bench = new_bench(REPOSITORY)
    asset = _upload(bench, _draft(bench), b"old")

    _apply(bench, Plan(changes=(Change(verb=Verb.DELETE, noun=Noun.ASSET, name="a b.txt", number=asset.id),)))

    assert [[]] == [each["assets"] for each in bench.github.state()["releases"]]


def test_a_workflow_that_cannot_be_dispatched_is_told(new_bench: Callable[..., Any]) -> None:
    """Without a trigger, and without the permission; the release stays."""
    bench = new_bench({**REPOSITORY, "files": {DOCS: "name: docs\non: push\n"}})

    applied = _apply(bench, _plan(bench))

    assert ["not-dispatched"] == [each.diagnostic.rule for each in applied.refusals]
    assert [False] == [each["draft"] for each in bench.github.state()["releases"]]
    bare = {"token": {"login": LOGIN, "permissions": {"contents": "write"}, "repository": "octo/widgets"}}
    private = new_bench({**REPOSITORY, "private": True}, tokens={**bare, "admin-token": {"login": "octocat"}})
    release = private.request("POST", "/releases", {"tag_name": "v1"})["id"]
    refused = _apply(private, Plan(changes=(_dispatch(release),)), token="token").refusals
    assert ["not-dispatched"] == [each.diagnostic.rule for each in refused]


def test_a_dispatch_on_another_tag_or_by_another_login_does_not_count(new_bench: Callable[..., Any]) -> None:
    """Only our own since the release was published, on its tag."""
    bench = new_bench({**REPOSITORY, "tags": {"v0": None}})
    _apply(bench, Plan(changes=_plan(bench).changes[:-1]))
    release = bench.request("GET", "/releases/tags/v1")["id"]
    for ref, token in (("v0", "workflow-token"), ("v1", "admin-token")):
        bench.request("POST", "/actions/workflows/docs.yml/dispatches", {"ref": ref}, token=token)

    for _ in range(2):
        _apply(bench, Plan(changes=(_dispatch(release),)))

    assert ["v0", "v1", "v1"] == [each["branch"] for each in bench.github.state()["dispatches"]]


def test_every_exchange_is_one_that_github_describes(new_bench: Callable[..., Any], contract: Any) -> None:
    """Uploads too."""
    bench = new_bench(REPOSITORY)
    _apply(bench, _plan(bench))
    _apply(bench, _rest(bench))

    exchanges = [each for each in bench.github.journal if not each.path.endswith("/graphql")]
    found = [
        (each.operation, each.reason)
        for one in exchanges
        for each in contract.check_exchange(
            one.method, one.path, one.query, one.body, one.status, dict(one.headers), one.answer
        )
    ]

    assert [] == found
    assert len(exchanges) >= REQUESTS


def _plan(bench: Any) -> Plan:
    """The whole release of v1."""
    tag = (Field("commit", None, _head(bench)), Field("message", None, "One\n"), Field("date", None, DATE))
    release = (Field("title", None, "v1"), Field("body", None, "Notes"), Field("prerelease", None, "false"))
    return Plan(
        changes=(
            Change(verb=Verb.CREATE, noun=Noun.TAG, name="v1", fields=tag),
            Change(verb=Verb.CREATE, noun=Noun.RELEASE, name="v1", fields=release),
            *(_asset(name, None) for name in CONTENTS),
            _publication(None),
            _dispatch(None),
        )
    )


def _asset(name: str, release: int | None) -> Change:
    fields = (Field("release", None, "v1"), Field("size", None, len(CONTENTS[name])))
    return Change(verb=Verb.CREATE, noun=Noun.ASSET, name=name, number=release, fields=fields)


def _publication(release: int | None) -> Change:
    fields = (Field("draft", "true", "false"), Field("latest", None, "legacy"))
    return Change(verb=Verb.UPDATE, noun=Noun.RELEASE, name="v1", number=release, fields=fields)


def _dispatch(release: int | None) -> Change:
    fields = (Field("workflows", None, ("docs.yml",)), Field("ref", None, "v1"))
    return Change(verb=Verb.DISPATCH, noun=Noun.WORKFLOW, name="v1", number=release, fields=fields)


def _rest(bench: Any) -> Plan:
    """What the next run would plan: only what is missing."""
    whole, state = _plan(bench), bench.github.state()
    release = next(iter(bench.request("GET", "/releases")), None)
    if release is None:
        return Plan(changes=whole.changes[bool(state["tags"]) :])
    assets = {each["name"]: each for each in release["assets"]}
    broken = [each for each in assets.values() if each["state"] != "uploaded"]
    changes = [Change(verb=Verb.DELETE, noun=Noun.ASSET, name=each["name"], number=each["id"]) for each in broken]
    changes += [
        _asset(name, release["id"]) for name in CONTENTS if name not in assets or assets[name]["state"] != "uploaded"
    ]
    changes += [_publication(release["id"])] if release["draft"] else []
    return Plan(changes=(*changes, _dispatch(release["id"])))


def _apply(bench: Any, plan: Plan, token: str = "workflow-token") -> Applied:
    snapshot = Snapshot(
        repository="octo/widgets",
        default_branch="main",
        is_fork=False,
        login=LOGIN,
        labels=(),
        milestones=(),
        issues=(),
    )
    return apply_plan(
        plan, bench.client(token), snapshot, log=bench.log.append, steps=make_steps(CONTENTS, commit=_head(bench))
    )


def _is_released(bench: Any) -> None:
    state = bench.github.state()
    assert {"v1": _head(bench)} == state["tags"]
    release = {"tag": "v1", "name": "v1", "body": "Notes", "draft": False, "prerelease": False}
    assert [{**release, "assets": list(CONTENTS)}] == [
        {**each, "assets": sorted(each["assets"], key=list(CONTENTS).index)} for each in state["releases"]
    ]
    held = [one.content for one in next(iter(bench.github.store.find("octo/widgets").releases.values())).assets]
    assert sorted(CONTENTS.values()) == sorted(held)
    assert [{"workflow": DOCS, "branch": "v1", "inputs": {}}] == state["dispatches"]


def _is_whole_if_published(bench: Any) -> None:
    releases = bench.github.state()["releases"]
    assert len(releases) <= 1
    for each in releases:
        assert each["draft"] or set(CONTENTS) == set(each["assets"])


def _tag(bench: Any, commit: str) -> Any:
    message = "One\n\nMilepost-Milestone: 1"
    return create_tag(bench.client(), name="v1", commit=commit, message=message, date=DATE, login=LOGIN)


def _draft(bench: Any, tag: str = "v1") -> Any:
    return releases.create_draft(bench.client(), tag=tag, name=tag, body="b", is_prerelease=False, login=LOGIN)


def _upload(bench: Any, release: Any, data: bytes) -> Any:
    return releases.upload_asset(bench.client(), release, name="a b.txt", content_type="text/plain", data=data)


def _head(bench: Any) -> str:
    return str(bench.github.state()["refs"]["refs/heads/main"])
