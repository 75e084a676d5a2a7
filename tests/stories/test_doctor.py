"""doctor: each thing that keeps the suite from working is named with what to write, and nothing else is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from milepost.actions import doctor, init
from milepost.cli import main
from milepost.core.flows import FLOWS
from milepost.diagnostics import Diagnostic
from milepost.errors import ExitCode, Refused, Unusable
from milepost.runner.context import Context
from milepost.simulator import Fault
from milepost.views.callers import Edition, Place, Source, render_caller
from milepost.world import Outcome, World

NOW = datetime(2026, 1, 5, 9, tzinfo=timezone.utc)
SHA = "0123456789abcdef0123456789abcdef01234567"
SOURCE = Source(uses="milepost/milepost", sha=SHA, version="v1.2.3")
PLACE = Place(repository="octo/widgets", default_branch="main")
WORKFLOWS = Path(".github/workflows")
SPRINT = 'title: "S {number}", anchor: {number: 1, start: 2027-01-04}, length: 1 week'
PLAN = f"version: 1\nrelease: {{}}\nsprints: [{{{SPRINT}}}]\n"
TOKENS = {"admin-token": {"login": "octocat"}, "reader": {"login": "github-actions[bot]", "permissions": {}}}


def render(name: str, edition: Edition = Edition.REUSABLE) -> str:
    """The caller as init writes it."""
    return render_caller(next(each for each in FLOWS if each.name == name), edition, SOURCE, PLACE)


class Patient:
    """A workspace with callers, and the repository around it."""

    def __init__(self, folder: Path, make_bench: Callable[..., Any]) -> None:
        self.folder, self.make_bench = folder, make_bench
        (folder / WORKFLOWS).mkdir(parents=True)
        self.plan(PLAN)

    def plan(self, text: str) -> None:
        (self.folder / ".github/milepost.yml").write_text(text, encoding="utf-8")

    def put(self, name: str, text: str | None = None, edition: Edition = Edition.REUSABLE) -> Path:
        path = self.folder / WORKFLOWS / f"milepost-{name}.yml"
        path.write_text(text if text is not None else render(name, edition), encoding="utf-8")
        return path

    def look(
        self, bench: Any = None, token: str = "admin-token", repository: str = "octo/widgets", **inputs: Any
    ) -> Outcome:
        """What doctor says; without a bench nobody is asked."""
        world = World(
            context=Context(repository=repository, workspace=self.folder),
            now=NOW,
            log=print,
            connect=(lambda: bench.client(token)) if bench else None,
        )
        outcome = doctor.run(doctor.Inputs(**inputs), world)
        assert isinstance(outcome, Outcome)
        return outcome

    def findings(self, *arguments: Any, **named: Any) -> list[Diagnostic]:
        """What was found in the files, without a question to GitHub."""
        return [each for each in self.look(*arguments, **named).diagnostics if each.rule != "not-known"]

    def asked(self, repository: dict[str, Any], *, token: str = "admin-token", **more: Any) -> Outcome:
        """What doctor says of a repository like that, whose default branch has the same files."""
        held = {f"{WORKFLOWS}/{each.name}": each.read_text("utf-8") for each in (self.folder / WORKFLOWS).iterdir()}
        bench = self.make_bench({"files": held, **repository}, **{"tokens": TOKENS, **more})
        return self.look(bench, token)


@pytest.fixture
def patient(tmp_path: Path, new_bench: Callable[..., Any]) -> Patient:
    """A workspace with a plan file and no callers."""
    return Patient(tmp_path / "workspace", new_bench)


def rules(outcome: Outcome) -> list[str]:
    return [each.rule for each in outcome.diagnostics]


def state(outcome: Outcome, check: str) -> str:
    """The state of the check with that name."""
    return str(next(each["state"] for each in outcome.data["checks"] if each["check"] == check))


HEALTHY: dict[str, Any] = {
    "required": ["milepost/gate"],
    "environments": [{"name": "release", "reviewers": ["octocat"]}],
    "runners": [{"name": "big", "labels": ["self-hosted", "gpu", "linux"], "version": "2.336.0"}],
    "runs": [
        {"workflow": f"{WORKFLOWS}/milepost-{each}.yml", "event": "schedule", "created_at": "2026-01-04T05:10:00Z"}
        for each in ("drift", "sprint", "progress")
    ],
}


def test_what_init_writes_is_well(patient: Patient) -> None:
    """All callers, with the settings that they want: not a word is said against them."""
    for flow in FLOWS:
        patient.put(flow.name)

    outcome = patient.asked(HEALTHY)

    assert [] == list(outcome.diagnostics)
    assert ExitCode.DONE == outcome.exit_code
    assert {"fine"} == {each["state"] for each in outcome.data["checks"]}
    assert "nothing to fix" in outcome.text


def test_the_composite_edition_is_well(patient: Patient) -> None:
    """The same steps in jobs of the caller's own."""
    for flow in FLOWS:
        patient.put(flow.name, edition=Edition.COMPOSITE)

    assert [] == list(patient.asked(HEALTHY).diagnostics)


def list_grants(edition: Edition) -> Iterator[tuple[str, Edition, str]]:
    """Every permission of every caller that init writes, where it stands first."""
    for flow in FLOWS:
        yield from ((flow.name, edition, scope) for scope in flow.needs)


@pytest.mark.parametrize(
    ("name", "edition", "scope"), [*list_grants(Edition.REUSABLE), *list_grants(Edition.COMPOSITE)]
)
def test_a_permission_that_is_taken_out_is_named(name: str, edition: Edition, scope: str, patient: Patient) -> None:
    """With file, line and column, and the line to add; GitHub itself would only say that the file is invalid."""
    whole = render(name, edition)
    text = re.sub(rf"\b{scope}: \w+(, )?", "", whole, count=1).replace(", }", "}")
    patient.put(name, text)

    (found,) = patient.findings()

    level = next(each for each in FLOWS if each.name == name).needs[scope]
    assert ("caller-permissions" if edition is Edition.REUSABLE else "job-permissions") == found.rule
    assert f"add `{scope}: {level}` to `permissions:` of the job" == found.help
    assert found.at is not None
    line = next(n for n, each in enumerate(whole.splitlines(), 1) if "    permissions: {" in each)
    assert (f"{WORKFLOWS}/milepost-{name}.yml", line, 5) == (found.at.file, found.at.line, found.at.column)


@pytest.mark.parametrize(("name", "edition", "scope"), [*list_grants(Edition.REUSABLE)])
def test_a_line_that_is_taken_out_is_named(name: str, edition: Edition, scope: str, patient: Patient) -> None:
    """The same where people write a permission a line."""
    needs = next(each for each in FLOWS if each.name == name).needs
    lines = "".join(f"\n      {each}: {level} # reason" for each, level in needs.items() if each != scope)
    patient.put(name, re.sub(r"    permissions: .*", f"    permissions:{lines}", render(name, edition)))

    (found,) = patient.findings()

    assert f"add `{scope}: {needs[scope]}` to `permissions:` of the job" == found.help


@pytest.mark.parametrize(
    ("written", "rule", "help"),
    [
        ("contents: write, issues: read, actions: write", "caller-permissions", "add `issues: write`"),
        ("write-all", "", ""),
        ("read-all", "caller-permissions", "add `contents: write`"),
        ("{}", "caller-permissions", "add `contents: write`"),
        ("", "caller-permissions", "add `contents: write`"),
    ],
)
def test_other_ways_to_write_permissions_are_understood(written: str, rule: str, help: str, patient: Patient) -> None:
    """A level that is too low, all of one level, none."""
    value = f"{{{written}}}" if ":" in written else written
    patient.put("apply", re.sub(r"    permissions: .*", f"    permissions: {value}", render("apply")))

    found = patient.findings()

    assert [rule] * bool(rule) == [each.rule for each in found][:1]
    assert any(each.help.startswith(help) for each in found) or not rule


def test_permissions_of_the_whole_file_count_where_the_job_has_none(patient: Patient) -> None:
    """The place to mend is then at the top."""
    text = re.sub(r"    permissions: .*\n", "", render("plan"))
    patient.put("plan", text)
    (first, *_) = patient.findings()
    patient.put(
        "plan", text.replace("permissions: {}\n", "permissions: {contents: read, issues: read, pull-requests: write}\n")
    )

    assert "add `contents: read` to `permissions:` at the top" == first.help
    assert [] == patient.findings()


def test_no_permissions_at_all_leave_it_to_a_setting(patient: Patient) -> None:
    """A warning: the setting may grant enough, and nobody sees it here."""
    text = re.sub(r" *permissions: .*\n", "", render("plan"))
    patient.put("plan", text)

    (found,) = patient.findings()

    assert "default-permissions" == found.rule
    assert "add `permissions: {contents: read, issues: read, pull-requests: write}`" == found.help
    assert ExitCode.DONE == patient.look().exit_code


@pytest.mark.parametrize(
    ("name", "line", "rule", "said"),
    [
        ("apply", "push", "missing-trigger", "a merged plan is not applied"),
        ("apply", "workflow_dispatch", "missing-event", "cannot go on by itself"),
        ("drift", "schedule", "missing-trigger", "nobody looks for drift"),
        ("sprint", "schedule", "missing-trigger", "no sprint is opened or closed"),
        ("gate", "pull_request_target", "missing-trigger", "no pull request is judged"),
        ("gate", "merge_group", "missing-event", "waits for a status that never comes"),
        ("gate", "issues", "missing-event", "when the linked issue changes"),
        ("gate", "milestone", "missing-event", "when the milestone changes"),
        ("release", "milestone", "missing-trigger", "a closed milestone is not released"),
        ("release", "workflow_dispatch", "missing-event", "neither the sprint action nor anybody"),
    ],
)
def test_an_event_that_is_taken_out_is_named(name: str, line: str, rule: str, said: str, patient: Patient) -> None:
    """With what does not happen without it."""
    patient.put(name, re.sub(rf"  {line}:.*\n", "", render(name)))

    (found,) = patient.findings()

    assert (rule, True) == (found.rule, said in found.summary)
    assert f"add `{line}:` below `on:`" == found.help


def test_types_and_inputs_that_are_missing_are_named(patient: Patient) -> None:
    """A release that waits for other types never comes; an input that nobody declares is refused when dispatched."""
    patient.put("release", render("release").replace("types: [closed]", "types: [opened]"))
    patient.put("gate", render("gate").replace("edited, reopened, ", "", 1))
    patient.put("sprint", re.sub(r"workflow_dispatch: .*", "workflow_dispatch:", render("sprint")))

    found = {each.rule: each.summary for each in patient.findings()}
    told = " ".join(each.summary for each in patient.findings())

    assert "`milestone` of release lacks closed: a closed milestone is not released" == found["missing-trigger"]
    assert "`pull_request_target` of gate lacks edited, reopened" in told
    assert "`workflow_dispatch` of sprint has no input 'mode'" in told


def test_the_gate_may_be_in_several_files_and_on_pull_request(patient: Patient) -> None:
    """What one file lacks, another may have; a workflow that others call has its events from them."""
    lines = render("gate").splitlines(keepends=True)
    events = {each.strip().partition(":")[0] for each in lines[2:7]}
    for event in events:
        kept = [each for each in lines[2:7] if each.strip().startswith(f"{event}:")]
        patient.put(f"gate-{event}", "".join([*lines[:2], *kept, *lines[7:]]).replace("_target", ""))
    patient.put("plan", render("plan").replace("on: pull_request", "on: workflow_call"))

    assert [] == [each for each in patient.findings() if "types" not in each.help]


def test_other_shapes_of_events_are_read(patient: Patient) -> None:
    """A list of names, and quotes around `on`."""
    patient.put("plan", render("plan").replace("on: pull_request", '"on": [push, pull_request]'))

    assert [] == patient.findings()


@pytest.mark.parametrize(
    ("cron", "is_found"),
    [("0 5 * * *", True), ("*/5 * * * *", True), ("30,00 5 * * *", True), ("0-9 * * * *", True), ("7 0 * * *", False)],
)
def test_a_schedule_on_the_hour_is_named(cron: str, is_found: bool, patient: Patient) -> None:
    """At the place of the line; other minutes are well."""
    patient.put("sprint", re.sub(r'cron: ".*"', f'cron: "{cron}"', render("sprint")))

    found = patient.findings()

    assert ["full-hour"] * is_found == [each.rule for each in found]


@pytest.mark.parametrize("ref", ["v1", "main", "0123456"])
def test_a_use_that_can_be_moved_is_named(ref: str, patient: Patient) -> None:
    """A tag, a branch, a short commit."""
    patient.put("plan", render("plan").replace(SHA, ref))

    (found,) = patient.findings()

    assert "unpinned-use" == found.rule
    assert f"'milepost/milepost/.github/workflows/plan.yml@{ref}' is not pinned to a commit" == found.summary


HOSTILE = """\
on: {event}
permissions: {{}}
jobs:
  build:
    runs-on: ubuntu-latest
    permissions: {{contents: read}}
    steps:
      - uses: actions/checkout@{sha}
        with: {{ref: "{ref}"}}
"""


@pytest.mark.parametrize(
    ("event", "ref", "is_found"),
    [
        ("pull_request_target", "${{ github.event.pull_request.head.sha }}", True),
        ("pull_request_target", "${{ github.head_ref }}", True),
        ("pull_request_target", "refs/pull/${{ github.event.number }}/merge", True),
        ("pull_request_target", "${{ github.event.pull_request.base.sha }}", False),
        ("pull_request", "${{ github.head_ref }}", False),
    ],
)
def test_foreign_code_with_rights_is_an_error(event: str, ref: str, is_found: bool, patient: Patient) -> None:
    """In any workflow of the repository, since all of them share its secrets."""
    patient.put("plan")
    patient.put("other", HOSTILE.format(event=event, ref=ref, sha=SHA))

    outcome = patient.look()

    assert ["head-checkout"] * is_found == [each for each in rules(outcome) if each != "not-known"]
    assert (ExitCode.NO if is_found else ExitCode.DONE) == outcome.exit_code


def test_a_workflow_that_the_suite_does_not_have_is_an_error(patient: Patient) -> None:
    """GitHub would not start the run."""
    patient.put("plan", render("plan").replace("/plan.yml", "/plans.yml"))

    found = {each.rule: each for each in patient.findings()}

    assert "milepost/milepost has no workflow 'plans.yml'" == found["unknown-flow"].summary
    assert "plan.yml, apply.yml" in found["unknown-flow"].help


def test_a_workspace_without_callers_says_how_to_begin(patient: Patient) -> None:
    """Files of others are let alone; a mirror is found by its name."""
    patient.put("other", "on: push\njobs: {build: {runs-on: ubuntu-latest, steps: [{run: make}]}}\n")
    patient.put("plan", render("plan").replace("milepost/milepost", "tools/milepost"))

    assert ["no-callers"] == [each.rule for each in patient.findings()]
    assert [] == patient.findings(uses="tools/milepost")
    with pytest.raises(Unusable, match="is not a repository"):
        patient.look(uses="milepost")


@pytest.mark.parametrize(
    ("event", "given", "needed"),
    [
        ("push", "", ["pull-requests", "actions"]),
        ("pull_request", "", ["pull-requests"]),
        ("workflow_dispatch", "", []),
        ("workflow_dispatch", "mode: apply", ["pull-requests", "actions"]),
        ("pull_request", "mode: drift", ["pull-requests"]),
    ],
)
def test_a_step_is_judged_by_its_mode_else_by_its_event(
    event: str, given: str, needed: list[str], patient: Patient
) -> None:
    """What sync needs depends on what it does; where only the run knows, nothing is said."""
    step = f"uses: milepost/milepost/actions/sync@{SHA}, with: {{{given}}}"
    job = f"{{runs-on: ubuntu-latest, permissions: {{contents: write, issues: write}}, steps: [{{{step}}}]}}"
    patient.put("own", f"on: {event}\njobs: {{sync: {job}}}\n")

    found = [each for each in patient.findings() if each.rule == "job-permissions"]

    assert needed == [re.findall(r"`([\w-]+): ", each.help)[0] for each in found]


def test_the_suites_own_repository_calls_by_path(patient: Patient) -> None:
    """`./` and `$/` are the suite only there, and the workflows that it ships are no callers."""
    text = re.sub(r"milepost/milepost/(\S+)@\S+ # \S+", r"./\1", render("plan"))
    patient.put("plan", text.replace("issues: read, ", ""))
    shipped = render("sprint", Edition.COMPOSITE).replace("milepost/milepost/", "$/").replace("contents: write, ", "")
    patient.put("sprint", re.sub(r"on:\n(  .*\n)+", "on: {workflow_call: {}}\n", shipped))

    assert ["no-callers"] == [each.rule for each in patient.findings()]
    assert ["caller-permissions"] == [each.rule for each in patient.findings(repository="Milepost/milepost")]


@pytest.mark.parametrize("text", ["jobs: [", "- a\n", "", "\tx", "a: 1\n---\nb: 2\n"])
def test_a_file_that_is_no_workflow_is_told(text: str, patient: Patient) -> None:
    """A warning with the place where there is one."""
    patient.put("plan")
    patient.put("broken", text)

    (found,) = patient.findings()

    assert "unreadable-workflow" == found.rule
    assert "milepost-broken.yml" in found.summary


def test_a_link_that_leads_nowhere_is_told(patient: Patient) -> None:
    """It cannot be read, and that is all that is wrong."""
    patient.put("plan")
    (patient.folder / WORKFLOWS / "gone.yml").symlink_to("nowhere.yml")

    assert ["unreadable-workflow"] == [each.rule for each in patient.findings()]


def test_strange_workflows_break_nothing(patient: Patient) -> None:
    """Values of other kinds than GitHub takes are left to GitHub."""
    for number, text in enumerate(
        (
            "on: {push: [x], schedule: [x, {cron: [1]}], 1: 2}\njobs: {a: 1, b: {steps: 2, uses: [x], permissions: [x]}}\n",
            "on: 5\njobs: []\npermissions: 7\n",
            "on: [[x]]\njobs: {a: {steps: [1, {uses: {x: 1}}], with: 1}}\n",
        )
    ):
        patient.put(f"strange-{number}", text)

    assert ["no-callers"] == [each.rule for each in patient.findings()]


def test_a_follower_must_take_what_it_is_dispatched_with(patient: Patient) -> None:
    """A sprint's `then:` names workflows that are given a milestone, a release's are given nothing."""
    follow = f"sprints: [{{{SPRINT}, then: [a.yml, b.yml, milepost-c.yml]}}]\nrelease: {{then: [a.yml, d.yml]}}\n"
    patient.plan(f"version: 1\n{follow}")
    patient.put("sprint")
    (patient.folder / WORKFLOWS / "a.yml").write_text("on: workflow_dispatch\njobs: {}\n")
    patient.put("c", "on: {workflow_dispatch: {inputs: {milestone: {required: true}}}}\njobs: {}\n")
    (patient.folder / WORKFLOWS / "d.yml").write_text("on: push\njobs: {}\n")

    first, second, third = sorted(patient.findings(), key=lambda each: each.summary)

    assert {"unready-follower"} == {first.rule, second.rule, third.rule}
    assert (
        "'a.yml', which cannot be dispatched: it does not declare `workflow_dispatch: {inputs: {mile" in first.summary
    )
    assert "'b.yml', which cannot be dispatched: there is no such file" in second.summary
    assert "'d.yml', which cannot be dispatched: it does not declare `workflow_dispatch:`" in third.summary


def test_a_workflow_without_its_section_is_told(patient: Patient) -> None:
    """Sprints and releases are made only by a plan that says how."""
    patient.put("sprint")
    patient.put("release")
    patient.put("plan")
    patient.plan("version: 1\n")

    assert ["unplanned-workflow", "unplanned-workflow"] == [each.rule for each in patient.findings()]


def test_a_plan_file_with_errors_is_told(patient: Patient) -> None:
    """By its own rules, with their places."""
    patient.put("plan")
    patient.plan("version: 1\nmilestons: []\n")

    outcome = patient.look()

    assert "unknown-key" in rules(outcome)
    assert "fix" == state(outcome, "plan-file")
    assert ExitCode.NO == outcome.exit_code


def test_what_cannot_be_known_is_never_fine(patient: Patient) -> None:
    """Without a token, and with one that may see nothing, every question to GitHub is told as open."""
    for flow in FLOWS:
        patient.put(flow.name)

    alone = patient.look()
    blind = patient.asked({**HEALTHY, "private": True})
    seen = patient.asked({**HEALTHY, "private": True}, token="reader")

    open_questions = ("schedules", "required-status", "environment", "runners", "token")
    assert ["unknown"] * 5 == [state(alone, each) for each in open_questions]
    assert ["unknown"] * 5 == [state(seen, each) for each in open_questions]
    assert ["fine"] * 5 == [state(blind, each) for each in open_questions]
    assert {"not-known"} == set(rules(alone)) == set(rules(seen))
    assert ExitCode.DONE == alone.exit_code == seen.exit_code
    assert "which a workflow's own token never has" in " ".join(each.help for each in seen.diagnostics)


def test_what_no_caller_needs_may_stay_hidden(patient: Patient) -> None:
    """A workflow's own token sees no runners, which is well where only hosted ones are used."""
    patient.put("gate")
    tokens = {"own": {"login": "github-actions[bot]", "permissions": {"contents": "read", "actions": "read"}}}

    outcome = patient.asked(HEALTHY, token="own", tokens=tokens)

    assert [] == list(outcome.diagnostics)
    assert ("fine", "unused") == (state(outcome, "token"), state(outcome, "runners"))


SETTINGS: dict[str, tuple[str, dict[str, Any], str]] = {
    "status": ("required-status", {"required": ["ci"]}, "status-not-required"),
    "no environment": ("environment", {"environments": []}, "unprotected-environment"),
    "open environment": ("environment", {"environments": [{"name": "release"}]}, "unprotected-environment"),
    "old runner": (
        "runners",
        {"runners": [{"name": "x", "labels": ["self-hosted", "gpu"], "version": "2.335.1"}]},
        "old-runner",
    ),
    "no runner": ("runners", {"runners": [{"name": "x", "labels": ["self-hosted"]}]}, "no-runner"),
    "untold version": ("runners", {"runners": [{"name": "x", "labels": ["self-hosted", "gpu"]}]}, "not-known"),
    "quiet": ("schedules", {"pushed_at": "2025-11-01T00:00:00Z"}, "inactive-repository"),
    "never run": ("schedules", {"runs": HEALTHY["runs"][1:]}, "not-known"),
    "silent": (
        "schedules",
        {"runs": [*HEALTHY["runs"][1:], {**HEALTHY["runs"][0], "created_at": "2025-12-20T03:00:00Z"}]},
        "silent-schedule",
    ),
    "off": (
        "schedules",
        {"workflows": [{"path": f"{WORKFLOWS}/milepost-drift.yml", "state": "disabled_inactivity"}]},
        "disabled-workflow",
    ),
    "off by hand": (
        "schedules",
        {"workflows": [{"path": f"{WORKFLOWS}/milepost-plan.yml", "state": "disabled_manually"}]},
        "disabled-workflow",
    ),
    "unknown file": ("schedules", {"files": {}}, "not-known"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_stands_in_the_way_is_named(name: str, patient: Patient) -> None:
    """That one alone."""
    check, changes, rule = SETTINGS[name]
    for flow in FLOWS:
        patient.put(flow.name)

    outcome = patient.asked({**HEALTHY, **changes})

    assert {rule} == set(rules(outcome))
    assert [check] == [each["check"] for each in outcome.data["checks"] if each["state"] != "fine"]
    assert (ExitCode.NO if rule in ("old-runner", "disabled-workflow") else ExitCode.DONE) == outcome.exit_code


def test_the_older_protection_counts_too(patient: Patient) -> None:
    """A status may be required by a ruleset or by the branch's own protection."""
    patient.put("gate")

    assert [] == list(patient.asked({"protected": ["milepost/gate"]}).diagnostics)


@pytest.mark.parametrize(
    ("runner", "is_found"),
    [
        ("ubuntu-24.04", False),
        ("big", True),
        ('["self-hosted", "tpu"]', True),
        ("${{ vars.RUNNER }}", False),
        ("[not json", False),
    ],
)
def test_labels_are_read_in_each_of_their_forms(runner: str, is_found: bool, patient: Patient) -> None:
    """A label, a list in JSON; hosted ones, and those that only the run knows, are not looked for."""
    patient.put("plan", render("plan") + f"    with: {{runner: '{runner}'}}\n")

    assert ["no-runner"] * is_found == rules(patient.asked(HEALTHY))


@pytest.mark.parametrize(
    ("scopes", "is_private", "is_found"),
    [
        (["public_repo"], False, False),
        (["public_repo"], True, True),
        (["gist"], False, True),
        ([], False, True),
        (["repo"], True, False),
    ],
)
def test_a_classic_token_says_what_it_may(
    scopes: list[str], is_private: bool, is_found: bool, patient: Patient
) -> None:
    """Of others GitHub tells no scopes, and nothing is said."""
    patient.put("plan")
    tokens = {"classic": {"login": "octocat", "scopes": scopes}}

    outcome = patient.asked({"private": is_private, **HEALTHY}, token="classic", tokens=tokens)

    assert ["weak-token"] * is_found == rules(outcome)


def test_trouble_of_githubs_is_not_taken_for_an_answer(patient: Patient, new_bench: Callable[..., Any]) -> None:
    """A refusal that is none of permissions ends the run."""
    patient.put("gate")
    bench = new_bench(HEALTHY)
    bench.github.faults.add(Fault("status", path=r".*/rules/.*", status=422))

    with pytest.raises(Refused):
        patient.look(bench)


def test_the_command_prints_lines_and_json(patient: Patient, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """A line for each check, then what was found, with the exit status 1 when something must be fixed."""
    monkeypatch.chdir(patient.folder)
    patient.put("plan", render("plan").replace("issues: read, ", ""))

    assert ExitCode.NO == main(["doctor"])
    text = capsys.readouterr().out
    assert ExitCode.NO == main(["doctor", "--format", "json"])
    told = json.loads(capsys.readouterr().out)

    assert "fix      permissions" in text
    assert "--> .github/workflows/milepost-plan.yml:6:5" in text
    assert {"check", "state", "question", "about", "findings"} == set(told["checks"][0])
    assert ["caller-permissions"] == next(each["findings"] for each in told["checks"] if each["check"] == "permissions")


def test_what_init_and_doctor_choose_from_is_one_list() -> None:
    """An action that is not there yet is not offered."""
    assert set(init.CHOICES) <= {each.name for each in FLOWS}
