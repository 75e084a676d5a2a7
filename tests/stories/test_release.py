"""A milestone is closed: tag, draft, assets, published; once, and only when it may be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from milepost.core.gpu.requirements import fingerprint
from milepost.errors import ExitCode, Unusable
from milepost.planfile.load import load_plan_text
from milepost.remote.releases import find_release, read_asset

PLAN = """\
version: 1
milestones:
  - {title: v2.9.0, due: 2027-03-01}
release: {milestones: [v*, hotfix/*]}
"""
ENVIRONMENT = """\
environments: {prod: {torch: "==2.9.0", cuda: "12.8", image: "ghcr.io/acme/t:1@sha256:%s"}}
""" % ("0" * 64)
PROVEN = PLAN.replace("release: {", "release: {require: {environment: prod, statuses: [ci]}, ") + ENVIRONMENT
VERIFY = {"path": ".github/workflows/milepost-verify-gpu.yml"}
DONE = [
    {"title": "Mixed precision", "labels": ["feature"], "milestone": 1, "state": "closed", "author": "mona"},
    {"title": "Leak @everyone", "labels": ["bug"], "milestone": 1, "state": "closed"},
]
MERGED = [{"title": "Add amp", "head": "amp", "merged": True, "milestone": 1, "author": "mona"}]
LEFT = [{"title": "Unfinished", "milestone": 1}]
CLOSED = {"title": "v2.9.0", "state": "closed", "closed_at": "2027-02-01T00:00:00Z"}


@pytest.fixture
def team(new_bench: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a repository whose milestone 1 is closed, with the plan at its only commit."""

    def make(plan: str = PLAN, issues: list[Any] | None = None, **more: Any) -> Any:
        milestones = more.pop("milestones", [CLOSED])
        repository = {
            "files": {".github/milepost.yml": plan},
            "milestones": milestones,
            "issues": DONE if issues is None else issues,
            "pulls": MERGED,
            **more,
        }
        return new_bench(repository, clock="2027-02-01T00:00:00Z")

    return make


def closed(number: int = 1, title: str = "v2.9.0", sender: str = "octocat", action: str = "closed") -> dict[str, Any]:
    """The context of the event."""
    payload = {"action": action, "milestone": {"number": number, "title": title}, "sender": {"login": sender}}
    return {"event": "milestone", "payload": payload, "actor": sender}


def releases(bench: Any) -> list[Any]:
    """What GitHub holds, drafts among them."""
    return list(bench.request("GET", "/releases"))


def assets(bench: Any, tag: str = "v2.9.0") -> dict[str, str]:
    """The files of the release, by name, as they are downloaded."""
    client = bench.client("admin-token")
    release = find_release(client, tag, login="octocat")
    assert release is not None
    return {each.name: (read_asset(client, each) or b"").decode() for each in release.assets}


def tags(bench: Any) -> list[str]:
    """The names of the tags."""
    return [each["name"] for each in bench.request("GET", "/tags")]


def test_closing_a_milestone_makes_one_release(team: Callable[..., Any]) -> None:
    """A tag with our trailers, a published release with its assets; a second run finds nothing to do."""
    bench = team()

    outcome = bench.release(PLAN, "", context=closed())
    again = bench.writes(lambda: bench.release(PLAN, "", context=closed()))

    (release,) = releases(bench)
    assert (ExitCode.DONE, 0) == (outcome.exit_code, again)
    assert ("true", "v2.9.0", "2.9.0", "false") == tuple(
        outcome.outputs[each] for each in ("released", "tag", "version", "prerelease")
    )
    assert ["v2.9.0"] == tags(bench)
    assert (False, False, "v2.9.0") == (release["draft"], release["prerelease"], release["tag_name"])
    assert {"milestone.json", "milepost.yml", "SHA256SUMS"} == {each["name"] for each in release["assets"]}
    assert "Mixed precision" in release["body"]
    assert "@everyone" not in release["body"].replace("@<!-- -->everyone", "")
    ref = bench.request("GET", "/git/ref/tags/v2.9.0")["object"]
    assert "tag" == ref["type"]
    assert "Milepost-Milestone: 1" in bench.request("GET", f"/git/tags/{ref['sha']}")["message"]


def test_the_assets_say_what_was_released(team: Callable[..., Any]) -> None:
    """The frozen record, the plan file of the commit, and checksums over all of them."""
    bench = team()

    bench.release(PLAN, context=closed())

    files = assets(bench)
    record = json.loads(files["milestone.json"])
    sums = dict(reversed(line.split("  ")) for line in files["SHA256SUMS"].splitlines())
    assert {
        name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items() if name != "SHA256SUMS"
    } == sums
    assert PLAN == files["milepost.yml"]
    assert ("milepost.release/1", "v2.9.0", 3) == (record["schema"], record["tag"], len(record["items"]))
    assert ["issue", "issue", "pull request"] == [each["kind"] for each in record["items"]]


def test_a_plan_writes_nothing(team: Callable[..., Any]) -> None:
    """It prints what would happen, with the notes; with a token that may only read."""
    bench = team()

    outcome = bench.release(PLAN, "plan", milestone="v2.9.0")

    assert (ExitCode.DONE, []) == (outcome.exit_code, bench.github.journal.writes())
    assert ("false", "v2.9.0", "") == tuple(outcome.outputs[each] for each in ("released", "tag", "url"))
    assert '+ tag "v2.9.0"' in outcome.text
    assert "Mixed precision" in outcome.summary


@pytest.mark.parametrize("asked", ["1", "v2.9.0"])
def test_by_hand_the_milestone_is_named_by_number_or_title(asked: str, team: Callable[..., Any]) -> None:
    """The sprint action dispatches with numbers; people type titles."""
    bench = team()

    outcome = bench.release(PLAN, context={"event": "workflow_dispatch"}, milestone=asked)

    assert "true" == outcome.outputs["released"]


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        (closed(action="edited"), "`edited`, not `closed`"),
        (closed(title="v2.8.0"), "was renamed"),
        (closed(number=2, title="Backlog"), "not among those"),
        (closed(number=3, title="v3"), "is open again"),
    ],
)
def test_other_events_release_nothing(context: dict[str, Any], reason: str, team: Callable[..., Any]) -> None:
    """They are no error: a workflow on `milestone` meets them every day."""
    more = [CLOSED, {"title": "Backlog", "state": "closed"}, {"title": "v3"}]
    bench = team(milestones=more)

    outcome = bench.release(PLAN, context=context)

    assert (ExitCode.DONE, "false", []) == (
        outcome.exit_code,
        outcome.outputs["released"],
        bench.github.journal.writes(),
    )
    assert reason in outcome.summary.replace("&#", "&#") or reason in outcome.text


def test_what_is_still_open_reopens_the_milestone(team: Callable[..., Any]) -> None:
    """The stragglers are named; nothing is tagged; the answer is no."""
    bench = team(issues=[*DONE, *LEFT])

    outcome = bench.release(PLAN, context=closed())

    assert ExitCode.NO == outcome.exit_code
    assert "open" == bench.request("GET", "/milestones/1")["state"]
    assert ([], []) == (tags(bench), releases(bench))
    assert "#3 Unfinished" in outcome.summary
    assert ["still-open"] == [each.rule for each in outcome.diagnostics]


def test_open_items_may_stay(team: Callable[..., Any]) -> None:
    """Where the team ignores them."""
    plan = PLAN.replace("release: {", "release: {open-issues: ignore, ")
    bench = team(plan, issues=[*DONE, *LEFT])

    outcome = bench.release(plan, context=closed())

    assert "true" == outcome.outputs["released"]
    assert 1 == bench.request("GET", "/issues/3")["milestone"]["number"]


@pytest.mark.parametrize(
    ("more", "title"),
    [
        ("next: 'v{major}.{minor+1}.0', ", "v2.10.0"),
        ("", "v2.11.0"),
    ],
)
def test_open_items_move_to_the_milestone_that_follows(more: str, title: str, team: Callable[..., Any]) -> None:
    """By the pattern, which opens it; else to the open one of the next version that is released, too."""
    plan = PLAN.replace("release: {", f"release: {{open-issues: move, {more}")
    others = [CLOSED, {"title": "v3.0.0"}, {"title": "v2.11.0"}, {"title": "v2.8.0"}, {"title": "Backlog"}]
    bench = team(plan, issues=[*DONE, *LEFT], milestones=others)

    outcome = bench.release(plan, context=closed())

    assert "true" == outcome.outputs["released"]
    assert title == bench.request("GET", "/issues/3")["milestone"]["title"]
    assert "Unfinished" not in releases(bench)[0]["body"]
    assert 0 == bench.writes(lambda: bench.release(plan, context=closed()))


def test_without_a_milestone_that_follows_nothing_moves(team: Callable[..., Any]) -> None:
    """And nothing is released, nor when it was closed already."""
    plan = PLAN.replace("release: {", "release: {open-issues: move, ")
    patterned = plan.replace("open-issues", "next: 'v{major+1}', open-issues")
    for text in (plan, patterned):
        bench = team(text, issues=[*DONE, *LEFT], milestones=[CLOSED, {"title": "v3", "state": "closed"}])

        outcome = bench.release(text, context=closed())

        assert (ExitCode.NO, ["no-successor"]) == (outcome.exit_code, [each.rule for each in outcome.diagnostics])
        assert [] == bench.github.journal.writes()


def test_the_next_milestone_is_opened(team: Callable[..., Any]) -> None:
    """Once; one that is open is left as it is."""
    plan = PLAN.replace("release: {", "release: {next: 'v{major}.{minor+1}.0', ")
    bench = team(plan)

    bench.release(plan, context=closed())
    again = bench.writes(lambda: bench.release(plan, context=closed()))

    assert (0, ["v2.9.0", "v2.10.0"]) == (
        again,
        [each["title"] for each in bench.request("GET", "/milestones?state=all")],
    )


@pytest.mark.parametrize(
    ("sender", "role", "is_released"),
    [
        ("mona", "write", True),
        ("mona", "maintain", True),
        ("mona", "triage", False),
        ("mona", "read", False),
        ("mallory", None, False),
    ],
)
def test_only_who_may_write_releases(
    sender: str, role: str | None, is_released: bool, team: Callable[..., Any]
) -> None:
    """Closing a milestone takes less."""
    collaborators = {"octocat": "admin", **({sender: role} if role else {})}
    bench = team(collaborators=collaborators)

    outcome = bench.release(PLAN, context=closed(sender=sender))

    assert str(is_released).lower() == outcome.outputs["released"]
    assert (ExitCode.DONE if is_released else ExitCode.NO) == outcome.exit_code
    assert is_released == bool(tags(bench))
    assert is_released or "not-allowed" in {each.rule for each in outcome.diagnostics}


def test_a_listed_login_may_release(team: Callable[..., Any]) -> None:
    """Apps have no role in a repository."""
    plan = PLAN.replace("release: {", 'release: {allow: ["ci-app[bot]"], ')
    bench = team(plan)

    assert "true" == bench.release(plan, context=closed(sender="ci-app[bot]")).outputs["released"]


@pytest.mark.parametrize(
    ("creator", "is_released"), [("mallory", False), ("octocat", True), ("github-actions[bot]", True)]
)
def test_a_milestone_outside_the_plan_was_made_by_a_writer(
    creator: str, is_released: bool, team: Callable[..., Any]
) -> None:
    """Or by our own login: the sprint action opens milestones."""
    plan = "version: 1\nrelease: {}\n"
    bench = team(plan, milestones=[{**CLOSED, "creator": creator}])

    assert str(is_released).lower() == bench.release(plan, context=closed()).outputs["released"]
    assert is_released == bool(tags(bench))


@pytest.mark.parametrize(
    ("title", "rule"),
    [
        ("v1; rm -rf /", "blanks"),
        ("../../x", "`..`"),
        ("refs/heads/main", "`refs/`"),
        ("v1 2", "blanks"),
        ("v🚀", "ASCII"),
        ("v" * 300, "250 bytes"),
        ("v1\n::stop-commands::x", "control"),
    ],
)
def test_a_hostile_title_is_refused_with_the_rule(title: str, rule: str, team: Callable[..., Any]) -> None:
    """The rule of git's ref names is named; nothing is written."""
    plan = "version: 1\nrelease: {milestones: '*'}\n"
    bench = team(plan, milestones=[{**CLOSED, "title": title, "creator": "octocat"}])

    outcome = bench.release(plan, context=closed(title=title))

    (problem,) = outcome.diagnostics
    assert ("bad-tag", True) == (problem.rule, rule in problem.why)
    assert (ExitCode.NO, "", []) == (outcome.exit_code, outcome.outputs["tag"], bench.github.journal.writes())


def test_a_foreign_title_is_one_line_of_the_log(team: Callable[..., Any]) -> None:
    """Whatever it holds, the runner reads no command in it."""
    plan, title = "version: 1\nrelease: {milestones: '*'}\n", "v1\n::stop-commands::x"
    bench = team(plan, milestones=[{**CLOSED, "title": title, "creator": "octocat"}])

    texts = [bench.release(plan, context=closed(title=each)).text for each in (title, "v2\n::stop-commands::x")]

    assert not [line for text in texts for line in text.splitlines() if line.startswith("::")]


@pytest.mark.parametrize(
    ("title", "prerelease"), [("v2.9-rc1", "true"), ("v2.9.0", "false"), ("hotfix/v2.9.1", "false")]
)
def test_a_version_says_whether_it_is_a_prerelease(title: str, prerelease: str, team: Callable[..., Any]) -> None:
    """By SemVer or PEP 440; the page says so, too."""
    plan = PLAN.replace("v2.9.0", title)
    bench = team(plan, milestones=[{**CLOSED, "title": title}])

    outcome = bench.release(plan, context=closed(title=title))

    assert (prerelease, title) == (outcome.outputs["prerelease"], outcome.outputs["tag"])
    assert (prerelease == "true") == releases(bench)[0]["prerelease"]


def test_the_branch_of_the_milestone_is_released(team: Callable[..., Any]) -> None:
    """Read live, as the default branch is."""
    plan = PLAN.replace("due: 2027-03-01", "branch: release/v2.9")
    bench = team(plan, branches={"release/v2.9": {".github/milepost.yml": plan}})

    outcome = bench.release(plan, context=closed())

    head = bench.request("GET", "/git/ref/heads/release/v2.9")["object"]["sha"]
    assert head == outcome.outputs["commit"]
    assert head == json.loads(assets(bench)["milestone.json"])["commit"]


def test_a_tag_on_another_commit_names_both(team: Callable[..., Any]) -> None:
    """Nothing is written; on the same commit the tag is taken as it is."""
    bench = team(branches={"old": {"a": "b"}})
    old = bench.request("GET", "/git/ref/heads/old")["object"]["sha"]
    head = bench.request("GET", "/git/ref/heads/main")["object"]["sha"]
    bench.request("POST", "/git/refs", {"ref": "refs/tags/v2.9.0", "sha": old})

    outcome = bench.release(PLAN, context=closed())
    bench.request("DELETE", "/git/refs/tags/v2.9.0")
    bench.request("POST", "/git/refs", {"ref": "refs/tags/v2.9.0", "sha": head})
    taken = bench.release(PLAN, context=closed())

    (problem,) = outcome.diagnostics
    assert (ExitCode.NO, True, True) == (outcome.exit_code, old in problem.summary, head in problem.summary)
    assert ("true", "commit") == (
        taken.outputs["released"],
        bench.request("GET", "/git/ref/tags/v2.9.0")["object"]["type"],
    )


def test_a_branch_that_moved_on_changes_no_release_that_was_begun(
    team: Callable[..., Any], killed_at: Callable[..., Any]
) -> None:
    """The tag of this closing says which commit it is; a later closing of the same milestone is refused."""
    bench = team()
    head = bench.request("GET", "/git/ref/heads/main")["object"]["sha"]
    with killed_at(7, "after"):
        bench.release(PLAN, context=closed())
    bench.request("PUT", "/contents/new.txt", {"message": "Later", "content": "bmV3", "branch": "main"})

    outcome = bench.release(PLAN, context=closed())
    bench.request("PATCH", "/milestones/1", {"state": "open"})
    bench.github.clock.advance(60)
    bench.request("PATCH", "/milestones/1", {"state": "closed"})
    for each in bench.request("GET", "/releases"):
        bench.request("DELETE", f"/releases/{each['id']}")
    later = bench.release(PLAN, context=closed())

    assert (head, "true") == (outcome.outputs["commit"], outcome.outputs["released"])
    assert ["tag-elsewhere"] == [each.rule for each in later.diagnostics]


def test_a_draft_of_somebody_else_is_completed(team: Callable[..., Any]) -> None:
    """Its notes stay; it is published once all assets are up."""
    bench = team(releases=[{"tag": "v2.9.0", "draft": True, "body": "By hand", "author": "octocat"}])

    outcome = bench.release(PLAN, context=closed())

    (release,) = releases(bench)
    assert ("By hand", False, 3) == (release["body"], release["draft"], len(release["assets"]))
    assert "a draft with notes that somebody else wrote" in outcome.summary


def test_a_published_release_gets_its_assets(team: Callable[..., Any]) -> None:
    """One that is immutable stays, and that is said."""
    bench = team(releases=[{"tag": "v2.9.0", "body": "By hand"}])
    fixed = team(releases=[{"tag": "v2.9.0", "body": "By hand", "immutable": True}])

    outcome, refused = bench.release(PLAN, context=closed()), fixed.release(PLAN, context=closed())

    assert (3, "By hand") == (len(releases(bench)[0]["assets"]), releases(bench)[0]["body"])
    assert ExitCode.DONE == outcome.exit_code
    assert (ExitCode.NO, ["release-immutable"]) == (refused.exit_code, [each.rule for each in refused.diagnostics])
    assert [] == releases(fixed)[0]["assets"]


def test_immutable_releases_are_respected(team: Callable[..., Any]) -> None:
    """Everything is up before it is published, since nothing can be added later."""
    bench = team(immutable_releases=True)

    outcome = bench.release(PLAN, context=closed())

    (release,) = releases(bench)
    assert ("true", True, 3) == (outcome.outputs["released"], release["immutable"], len(release["assets"]))
    assert 0 == bench.writes(lambda: bench.release(PLAN, context=closed()))


def test_what_follows_is_dispatched_on_the_tag_once(team: Callable[..., Any]) -> None:
    """The release of a `GITHUB_TOKEN` starts nothing by itself."""
    plan = PLAN.replace("release: {", "release: {then: [docs.yml, deploy.yml], ")
    workflows = [{"path": f".github/workflows/{name}.yml", "dispatch_inputs": []} for name in ("docs", "deploy")]
    bench = team(plan, workflows=workflows)

    outcome = bench.release(plan, context=closed())
    again = bench.writes(lambda: bench.release(plan, context=closed()))

    runs = bench.request("GET", "/actions/runs?event=workflow_dispatch")["workflow_runs"]
    assert (ExitCode.DONE, 0) == (outcome.exit_code, again)
    assert {("v2.9.0", ".github/workflows/docs.yml"), ("v2.9.0", ".github/workflows/deploy.yml")} == {
        (each["head_branch"], each["path"].partition("@")[0]) for each in runs
    }


def test_a_workflow_that_cannot_follow_is_told_and_tried_again(team: Callable[..., Any]) -> None:
    """The release stands; the exit status says that something was refused."""
    plan = PLAN.replace("release: {", "release: {then: [docs.yml], ")
    bench = team(plan)

    outcome = bench.release(plan, context=closed())

    assert ("true", ExitCode.REFUSED) == (outcome.outputs["released"], outcome.exit_code)
    assert ["not-dispatched"] == [each.rule for each in outcome.diagnostics]


def test_github_writes_the_notes_where_the_team_asks(team: Callable[..., Any]) -> None:
    """Its own, with our marker below."""
    plan = PLAN.replace("release: {", "release: {notes: {source: github}, ")
    bench = team(plan)

    bench.release(plan, context=closed())

    assert releases(bench)[0]["body"].startswith("## What's Changed")


def test_a_template_makes_the_notes(team: Callable[..., Any]) -> None:
    """As it is at the released commit; one with a mistake, or that is not there, releases nothing."""
    plan = PLAN.replace("release: {", "release: {notes: {template: notes.j2}, ")
    files = {".github/milepost.yml": plan, "notes.j2": "# {{ title }}{% for s in sections %}|{{ s.title }}{% endfor %}"}
    bench = team(plan, files=files)
    broken = team(plan, files={**files, "notes.j2": "{{ titel }}"})
    missing = team(plan)

    bench.release(plan, context=closed())

    assert releases(bench)[0]["body"].startswith("# v2.9.0|Features|Fixes")
    for other, rule in ((broken, "bad-template"), (missing, "template-not-there")):
        with pytest.raises(Unusable) as raised:
            other.release(plan, context=closed())
        assert [rule] == [each.rule for each in raised.value.diagnostics]
        assert [] == other.github.journal.writes()


def proof(plan: str = PROVEN, **changed: Any) -> str:
    """A verdict of verify-gpu on the environment of the plan."""
    desired, _ = load_plan_text(plan.encode(), file="p", workspace=None)
    assert desired is not None
    observed = {
        **dict.fromkeys(("python", "triton", "torchvision", "host", "boot_id")),
        "torch": "2.9.0+cu128",
        "cuda": "12.8",
        "cudnn": "91002",
        "nccl": "2.27.5",
        "driver": "570.1",
        "gpus": [{"uuid": "GPU-1", "name": "NVIDIA H100", "capability": "9.0", "memory": 1, "mig": None}],
    }
    value = {
        "schema": "milepost.verdict/1",
        "verdict": "pass",
        "environment": "prod",
        "requirements": fingerprint(desired.environments["prod"]),
        "image": desired.environments["prod"].image,
        "level": "full",
        "observed": observed,
        **changed,
    }
    return json.dumps(value)


def proven(
    team: Callable[..., Any],
    *,
    plan: str = PROVEN,
    seed: Mapping[str, Any] | None = None,
    run: Mapping[str, Any] | None = None,
    text: str | None = None,
    **more: Any,
) -> Any:
    """A repository with a run of verify-gpu at its head, or one that differs."""
    bench = team(plan, workflows=[VERIFY])
    head = bench.request("GET", "/git/ref/heads/main")["object"]["sha"]
    values = {"id": 77, "workflow": VERIFY["path"], "event": "push", "head_sha": head, "status": "completed"}
    artifact = {
        "run": 77,
        "name": "milepost-environment-prod",
        "files": {"environment.json": proof() if text is None else text},
    }
    return team(
        plan,
        **(seed or {}),
        workflows=[VERIFY],
        runs=[{**values, "conclusion": "success", **(run or {})}],
        artifacts=[{**artifact, **more}],
        checks=[{"name": "ci", "conclusion": "success"}],
    )


def test_a_proven_environment_becomes_an_asset(team: Callable[..., Any]) -> None:
    """As it was verified; the notes tell it."""
    bench = proven(team)

    outcome = bench.release(PROVEN, context=closed())

    assert "true" == outcome.outputs["released"]
    assert proof() == assets(bench)["environment.json"]
    assert "prod" == json.loads(assets(bench)["milestone.json"])["environment"]
    assert "2.9.0+cu128" in releases(bench)[0]["body"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"run": {"event": "pull_request"}}, "pull_request"),
        ({"run": {"head_sha": "b" * 40}}, "no run has an artifact"),
        ({"run": {"workflow": ".github/workflows/evil.yml"}}, "another workflow"),
        ({"run": {"conclusion": "failure"}}, "did not succeed"),
        ({"expired": True}, "expired"),
        ({"name": "milepost-environment-dev"}, "no run has an artifact"),
        ({"text": "{"}, "no milepost.verdict/1"),
        ({"text": proof(verdict="fail")}, "no pass"),
        ({"text": proof(level=None)}, "lacks what `reproduce` reads"),
        ({"text": proof(requirements="sha256:" + "0" * 64)}, "other requirements"),
        ({"files": {"other.json": "{}"}}, "no milepost.verdict/1"),
    ],
)
def test_what_is_no_proof_blocks(changed: dict[str, Any], reason: str, team: Callable[..., Any]) -> None:
    """Each differs from a proof in one thing; the command that makes one is named."""
    bench = proven(team, **changed)

    outcome = bench.release(PROVEN, context=closed())

    (problem,) = outcome.diagnostics
    assert (ExitCode.NO, "no-proof", True) == (outcome.exit_code, problem.rule, reason in problem.why)
    assert "gh workflow run milepost-verify-gpu.yml" in problem.help
    assert [] == bench.github.journal.writes()


def test_one_of_several_machines_proves(team: Callable[..., Any]) -> None:
    """verify-gpu numbers the artifacts then."""
    bench = proven(team, name="milepost-environment-prod-0")

    assert "true" == bench.release(PROVEN, context=closed()).outputs["released"]


def test_a_job_of_the_same_run_proves(team: Callable[..., Any]) -> None:
    """It has not ended yet, and was started by the milestone."""
    run = {
        "event": "milestone",
        "workflow": ".github/workflows/release.yml",
        "status": "in_progress",
        "conclusion": None,
    }
    bench = proven(team, run=run)

    assert "true" == bench.release(PROVEN, context={**closed(), "run_id": "77"}).outputs["released"]


def test_a_required_status_blocks_until_it_is_successful(team: Callable[..., Any]) -> None:
    """Named, with its state; the milestone stays closed."""
    plan = PLAN.replace("release: {", "release: {require: {statuses: [ci, docs]}, ")
    bench = team(plan, checks=[{"name": "ci", "conclusion": "success"}, {"name": "docs", "conclusion": "failure"}])

    outcome = bench.release(plan, context=closed())

    assert (ExitCode.NO, []) == (outcome.exit_code, bench.github.journal.writes())
    assert ['"docs" is `failure`'] == [each.summary.partition(" on ")[0] for each in outcome.diagnostics]


def test_an_environment_that_is_not_required_is_told_when_unproven(team: Callable[..., Any]) -> None:
    """The release has no environment.json then."""
    plan = PLAN.replace("due: 2027-03-01", "environment: prod") + ENVIRONMENT
    bench = team(plan)

    outcome = bench.release(plan, context=closed())

    assert ("true", ["environment-unproven"]) == (
        outcome.outputs["released"],
        [each.rule for each in outcome.diagnostics],
    )
    assert "environment.json" not in assets(bench)


def test_a_fork_releases_nothing(team: Callable[..., Any]) -> None:
    """Unless it is told to."""
    bench = team(fork=True)

    outcome = bench.release(PLAN, context=closed())

    assert (ExitCode.UNUSABLE, []) == (outcome.exit_code, bench.github.journal.writes())
    assert "true" == bench.release(PLAN, context=closed(), allow_fork=True).outputs["released"]


@pytest.mark.parametrize(
    ("plan", "context", "inputs", "rule"),
    [
        ("version: 1\n", closed(), {}, "no-releases"),
        (PLAN, {"event": "push"}, {}, "no-milestone"),
        (PLAN, closed(), {"milestone": "v9"}, "no-milestone"),
        (PLAN, closed(), {"milestone": "9"}, "no-milestone"),
        (PLAN.replace("due: 2027-03-01", "branch: gone"), closed(), {}, "no-branch"),
        (PROVEN.replace("release: {", "release: {open-issues: ignore, "), closed(), {}, "plan-not-there"),
    ],
)
def test_a_wrong_question_is_told(
    plan: str, context: dict[str, Any], inputs: dict[str, Any], rule: str, team: Callable[..., Any]
) -> None:
    """Before anything is sent."""
    bench = team(PLAN, checks=[{"name": "ci", "conclusion": "success"}])

    with pytest.raises(Unusable) as raised:
        bench.release(plan, context=context, **inputs)

    assert [rule] == [each.rule for each in raised.value.diagnostics]
    assert all(each.help for each in raised.value.diagnostics)
    assert [] == bench.github.journal.writes()


def test_an_open_milestone_named_by_hand_is_an_error(team: Callable[..., Any]) -> None:
    """People who name one want a release."""
    bench = team(milestones=[{"title": "v2.9.0"}])

    outcome = bench.release(PLAN, milestone="v2.9.0")

    assert (ExitCode.NO, ["milestone-open"]) == (outcome.exit_code, [each.rule for each in outcome.diagnostics])


def test_a_plan_file_that_is_not_committed_is_an_error(team: Callable[..., Any]) -> None:
    """It becomes an asset as it is at the commit."""
    bench = team(files={"a": "b"})

    with pytest.raises(Unusable) as raised:
        bench.release(PLAN, context=closed())

    assert ["plan-not-there"] == [each.rule for each in raised.value.diagnostics]


@pytest.mark.parametrize("plan", [PROVEN, PROVEN.replace("title: v2.9.0", "title: v3.0.0")])
def test_a_release_takes_few_requests(plan: str, team: Callable[..., Any]) -> None:
    """At most 9 + ceil(items/100) reads, and 4 + assets writes; also of a milestone whose creator must be looked at."""
    more = {
        "collaborators": {"octocat": "admin", "mona": "write"},
        "milestones": [{**CLOSED, "creator": "mona"}],
        "releases": [{"tag": "v2.8.0", "published_at": "2027-01-10T00:00:00Z"}],
    }
    bench = proven(team, plan=plan, seed=more)

    outcome = bench.release(plan, context=closed())

    # The storage that an archive is fetched from is no part of the API.
    reads = [each for each in bench.github.journal.reads() if "/_storage/" not in each.path]
    assert "true" == outcome.outputs["released"]
    assert len(reads) <= 9 + 1
    assert 4 + 4 == len(bench.github.journal.writes())


def test_what_was_closed_without_a_milestone_is_told(team: Callable[..., Any]) -> None:
    """Since the last tag; in the summary, not in the notes."""
    lost = {"title": "Forgotten", "state": "closed", "closed_at": "2027-01-20T00:00:00Z"}
    bench = team(issues=[*DONE, lost], releases=[{"tag": "v2.8.0", "published_at": "2027-01-10T00:00:00Z"}])

    outcome = bench.release(PLAN, context=closed())

    assert "Closed without a milestone since `v2.8.0`" in outcome.summary
    assert "Forgotten" in outcome.summary
    body = next(each["body"] for each in releases(bench) if each["tag_name"] == "v2.9.0")
    assert "Forgotten" not in body
    assert "compare/v2.8.0...v2.9.0" in body


def test_two_thousand_items_are_all_told(team: Callable[..., Any]) -> None:
    """1,200 issues and 800 pull requests: the page is folded, the whole notes are an asset."""
    issues = [{"title": "Issue {n} " + "<b>@all</b> " * 16, "milestone": 1, "state": "closed", "repeat": 1200}]
    pulls = [{"title": "Change {n} " + "*_`x`_* " * 20, "head": "x", "merged": True, "milestone": 1, "repeat": 800}]
    bench = team(issues=issues, pulls=pulls)
    before = len(bench.github.journal.reads())

    outcome = bench.release(PLAN, context=closed())

    (release,) = releases(bench)
    assert "true" == outcome.outputs["released"]
    assert len(bench.github.journal.reads()) - before <= 9 + 20
    assert len(release["body"].encode("utf-16-le")) // 2 <= 125_000
    notes = assets(bench)["notes.md"]
    assert all(f"/{number})" in notes for number in range(1, 2001))
    assert "notes.md" in release["body"]
