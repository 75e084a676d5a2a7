"""Carries the plan of a release out: tag, draft, assets, publication, and what follows, beside milestones and moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from milepost.core.change import Change, Noun, Verb
from milepost.core.release import Release
from milepost.diagnostics import Rule, Severity
from milepost.errors import Refused
from milepost.remote import releases
from milepost.remote.apply import MILESTONE_STEPS, Run, Steps
from milepost.remote.carry import NOT_DISPATCHED, move
from milepost.remote.tags import create_tag, find_tag
from milepost.remote.workflows import dispatch_once

RELEASE_INCOMPLETE = Rule("release-incomplete", Severity.ERROR, "A release was not published: not all of it is there.")
RULES = (RELEASE_INCOMPLETE,)

CONTENT_TYPES = {"json": "application/json", "md": "text/markdown", "yml": "application/yaml"}
PLAIN = "text/plain"


def make_steps(contents: Mapping[str, bytes], *, commit: str) -> Steps:
    """The steps of a release of that commit, whose assets hold these bytes, by name."""

    def upload(run: Run, change: Change) -> None:
        _upload(run, change, contents[change.name])

    def update(run: Run, change: Change) -> None:
        _update(run, change, contents, commit)

    return {
        **MILESTONE_STEPS,
        (Noun.TAG, Verb.CREATE): _or_stop(_create_tag),
        (Noun.RELEASE, Verb.CREATE): _or_stop(_create_draft),
        (Noun.ASSET, Verb.DELETE): _or_stop(_delete_asset),
        (Noun.ASSET, Verb.CREATE): _or_stop(upload),
        (Noun.RELEASE, Verb.UPDATE): _or_stop(update),
        (Noun.ISSUE, Verb.MOVE): move,
        (Noun.PULL_REQUEST, Verb.MOVE): move,
        (Noun.WORKFLOW, Verb.DISPATCH): _dispatch,
    }


def _or_stop(step: Callable[[Run, Change], None]) -> Callable[[Run, Change], None]:
    """The step, after whose refusal nothing follows: what comes later rests on it."""

    def take(run: Run, change: Change) -> None:
        try:
            step(run, change)
        except Refused as refusal:
            refusal.status = None
            raise

    return take


def _create_tag(run: Run, change: Change) -> None:
    commit, message, date = (str(change.after(name)) for name in ("commit", "message", "date"))
    create_tag(run.client, name=change.name, commit=commit, message=message, date=date, login=run.login)


def _create_draft(run: Run, change: Change) -> None:
    run.releases[change.name] = releases.create_draft(
        run.client,
        tag=change.name,
        name=str(change.after("title") or ""),
        body=str(change.after("body") or ""),
        is_prerelease=change.after("prerelease") == "true",
        login=run.login,
    )


def _delete_asset(run: Run, change: Change) -> None:
    assert change.number is not None
    releases.delete_asset(run.client, change.number)


def _upload(run: Run, change: Change, data: bytes) -> None:
    release = _release(run, change, str(change.after("release")))
    kind = CONTENT_TYPES.get(change.name.rpartition(".")[2], PLAIN)
    releases.upload_asset(run.client, release, name=change.name, content_type=kind, data=data)


def _update(run: Run, change: Change, contents: Mapping[str, bytes], commit: str) -> None:
    """The release says the text, or is public; before that all is looked at once more, as GitHub holds it."""
    known = _release(run, change, change.name)
    body = str(change.after("body")) if change.touches("body") else None
    if not change.touches("draft"):
        run.releases[change.name] = releases.update_body(run.client, known.id, body or "", login=run.login)
        return
    live = _look_again(run, known)
    _judge_draft(change, live, contents)
    assert live is not None
    if not live.is_draft:
        _step_back(run, change, known, live)
        return
    _judge_tag(run, change, commit)
    try:
        run.releases[change.name] = releases.publish(
            run.client,
            live.id,
            body=body,
            latest=str(change.after("latest") or "legacy"),
            login=run.login,
            is_prerelease=change.after("prerelease") == "true",
        )
    except Refused:
        live = _look_again(run, known)
        if live is None or live.is_draft:
            raise
        _step_back(run, change, known, live)


def _look_again(run: Run, known: Release) -> Release | None:
    """The release of the tag that is public by now, whoever made it; else the known one, as it is now."""
    found = releases.list_releases(run.client, known.tag, login=run.login)
    chosen = [each for each in found if not each.is_draft] + [each for each in found if each.id == known.id]
    return chosen[0] if chosen else releases.read_release(run.client, known.id, login=run.login)


def _step_back(run: Run, change: Change, known: Release, live: Release) -> None:
    """Another run was first: its release stands, and a draft of our own beside it is none that anybody needs."""
    if live.id != known.id and known.is_own:
        releases.delete_draft(run.client, known.id)
    run.releases[change.name] = live
    run.left_alone(change, "published by another run since it was read; left alone")


def _judge_tag(run: Run, change: Change, commit: str) -> None:
    """The tag is still there: without it GitHub would make one, wherever the default branch is by now."""
    tag = find_tag(run.client, change.name)
    if tag is None or tag.commit != commit:
        now = f"leads to {tag.commit or 'no commit'} now" if tag else "is gone"
        raise _incomplete(change, f"the tag of {commit} {now}")


def _judge_draft(change: Change, live: Release | None, contents: Mapping[str, bytes]) -> None:
    """Every asset is up, whole and as it should be; anything else is a Refused."""
    if live is None or live.tag != change.name:
        raise _incomplete(change, "somebody deleted it, or gave it another tag")
    present = {each.name: each for each in live.assets if each.is_uploaded}
    if missing := [name for name in contents if name not in present]:
        raise _incomplete(change, f"its assets {', '.join(missing)} are missing")
    for name, data in contents.items():
        releases.judge_asset(present[name], name, data)


def _incomplete(change: Change, reason: str) -> Refused:
    summary = f"the release of {change.name!r} is not published: {reason}"
    return Refused(RELEASE_INCOMPLETE.found(summary, help="run again: what is missing is made up for"))


def _release(run: Run, change: Change, tag: str) -> Release:
    """The release of the tag, made by an earlier step or there by the number that the change gives."""
    if tag not in run.releases:
        number = change.number
        found = releases.read_release(run.client, number, login=run.login) if number is not None else None
        if found is None:
            raise _incomplete(change, "there is none")
        run.releases[tag] = found
    return run.releases[tag]


def _dispatch(run: Run, change: Change) -> None:
    """Each workflow was dispatched on the tag, once since the release was published."""
    tag = str(change.after("ref"))
    since = _release(run, change, tag).published_at or ""
    workflows = change.after("workflows")
    names = workflows if isinstance(workflows, tuple) else ()
    if failed := [each for each in names if not _dispatch_one(run, each, tag, since)]:
        summary = f"{', '.join(failed)} could not be dispatched on the tag {tag!r}"
        way_out = (
            "grant `actions: write`, and have the workflow declare `workflow_dispatch` on the default branch and at"
            " the tag; the next run tries again"
        )
        raise Refused(NOT_DISPATCHED.found(summary, help=way_out), status=422)


def _dispatch_one(run: Run, workflow: str, tag: str, since: str) -> bool:
    """Dispatched, unless another run did it; False when that cannot be."""
    ref = f"refs/tags/{tag}"
    return dispatch_once(run.client, workflow, ref=ref, inputs={}, since=since, login=run.login, counted=tag)
