"""Whether GitHub's settings let the suite do its work: what was read of them in, diagnostics out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from milepost.core.doctor import Caller
from milepost.diagnostics import Diagnostic, Rule, Severity

NOT_KNOWN = Rule("not-known", Severity.NOTICE, "Something could not be looked at; it may be well, or not.")
STATUS_NOT_REQUIRED = Rule(
    "status-not-required", Severity.WARNING, "The gate's status is not required, so that it stops no merge."
)
UNPROTECTED_ENVIRONMENT = Rule(
    "unprotected-environment", Severity.WARNING, "The environment of releases is missing, or lets everything through."
)
DISABLED_WORKFLOW = Rule("disabled-workflow", Severity.ERROR, "A caller is switched off.")
SILENT_SCHEDULE = Rule("silent-schedule", Severity.WARNING, "A schedule has not run for long, or never.")
INACTIVE_REPOSITORY = Rule(
    "inactive-repository", Severity.WARNING, "GitHub will soon switch schedules off, since nobody has pushed."
)
OLD_RUNNER = Rule("old-runner", Severity.ERROR, "A runner is too old for the reusable workflows.")
NO_RUNNER = Rule("no-runner", Severity.WARNING, "No runner of the repository has the labels that are asked for.")
WEAK_TOKEN = Rule("weak-token", Severity.WARNING, "The token that was given may not do what the suite does.")
RULES = (
    NOT_KNOWN,
    STATUS_NOT_REQUIRED,
    UNPROTECTED_ENVIRONMENT,
    DISABLED_WORKFLOW,
    SILENT_SCHEDULE,
    INACTIVE_REPOSITORY,
    OLD_RUNNER,
    NO_RUNNER,
    WEAK_TOKEN,
)

CONTEXT = "milepost/gate"
OLDEST_RUNNER = (2, 336, 0)
HOSTED = re.compile(r"(ubuntu|windows|macos)-.+", re.IGNORECASE)
# What that workflow takes when its caller says nothing.
GPU_RUNNERS = {"verify-gpu": {"gpu-runners": '[["self-hosted", "gpu"]]'}}
# GitHub switches schedules of public repositories off after 60 days without a push.
MOST_QUIET_DAYS = 45
# A schedule that runs at least once a week.
WEEKLY = re.compile(r"\S+ \S+ \* \* \S+")
MOST_SILENT_DAYS = 9


@dataclass(frozen=True, kw_only=True)
class Runner:
    """A machine of the team's own; `version` is None where GitHub does not tell it."""

    name: str
    labels: frozenset[str]
    version: str | None


@dataclass(frozen=True, kw_only=True)
class Automation:
    """A workflow as GitHub knows it; `last` is the day of the newest run of its schedule."""

    state: str
    last: date | None = None


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What was read of the repository; None is what the token may not see."""

    is_private: bool
    pushed: date
    scopes: frozenset[str] | None = None
    contexts: frozenset[str] | None = None
    environments: Mapping[str, bool] | None = None
    runners: tuple[Runner, ...] | None = None
    workflows: Mapping[str, Automation] | None = None


def judge_status(callers: Sequence[Caller], setup: Setup | None, branch: str) -> Iterator[Diagnostic]:
    """Whether the rules of the default branch wait for the gate."""
    if not any(each.flow.name == "gate" for each in callers):
        return
    if setup is None or setup.contexts is None:
        yield _unknown("whether the status milepost/gate is required", "contents: read")
    elif CONTEXT not in setup.contexts:
        summary = f"the rules of {branch!r} do not require the status {CONTEXT}"
        way_out = f"add {CONTEXT} to the required status checks of the branch: the status, not the job"
        yield STATUS_NOT_REQUIRED.found(summary, help=way_out)


def list_environments(callers: Iterable[Caller]) -> tuple[str, ...]:
    """The environments in which releases run."""
    names = [each.use.inputs.get("environment", each.flow.environment) for each in callers if each.flow.environment]
    return tuple(dict.fromkeys(each for each in names if each and "${{" not in each))


def judge_environments(callers: Sequence[Caller], setup: Setup | None) -> Iterator[Diagnostic]:
    """Whether somebody must agree before a release."""
    for name in list_environments(callers):
        if setup is None or setup.environments is None:
            yield _unknown(f"whether the environment {name!r} is protected", "actions: read")
        elif not setup.environments.get(name):
            state = "lets every job in at once" if name in setup.environments else "is not there"
            summary = f"the environment {name!r} {state}: who may close a milestone may release"
            way_out = "give it required reviewers, or branches that may use it, below Settings, Environments"
            yield UNPROTECTED_ENVIRONMENT.found(summary, help=way_out)


def judge_schedules(callers: Sequence[Caller], setup: Setup | None, today: date) -> Iterator[Diagnostic]:
    """Callers that are switched off, schedules that are silent, and a repository that goes quiet."""
    files = {each.file.path: each.file for each in callers}
    if not files:
        return
    if setup is None or setup.workflows is None:
        yield _unknown("whether the workflows are switched on, and their schedules run", "actions: read")
    for path, file in files.items() if setup is not None and setup.workflows is not None else ():
        assert setup is not None
        assert setup.workflows is not None
        crons = file.events["schedule"].crons if "schedule" in file.events else ()
        is_weekly = any(WEEKLY.fullmatch(cron) for cron, _ in crons)
        yield from _judge_automation(path, setup.workflows.get(path), today, is_weekly=is_weekly)
    has_schedule = any("schedule" in file.events for file in files.values())
    if setup is not None and not setup.is_private and has_schedule:
        quiet = (today - setup.pushed).days
        if quiet > MOST_QUIET_DAYS:
            summary = f"nobody has pushed for {quiet} days; after 60 GitHub switches the schedules off"
            yield INACTIVE_REPOSITORY.found(summary, help="push something, or run the workflows from elsewhere")


def list_labels(callers: Iterable[Caller]) -> tuple[frozenset[str], ...]:
    """Each set of labels that a caller gives to a workflow for its jobs, without the hosted ones."""
    given = [{**GPU_RUNNERS.get(each.flow.name, {}), **each.use.inputs} for each in callers]
    texts = [inputs[name] for inputs in given for name in ("runner", "gpu-runners") if name in inputs]
    sets = [labels for text in texts for labels in _read_labels(text)]
    return tuple(dict.fromkeys(each for each in sets if not any(HOSTED.fullmatch(label) for label in each)))


def judge_runners(callers: Sequence[Caller], setup: Setup | None) -> Iterator[Diagnostic]:
    """Whether the team's own machines are there, and new enough for `$/`."""
    wanted = list_labels(each for each in callers if each.is_reusable)
    if wanted and (setup is None or setup.runners is None):
        yield _unknown("whether runners have the labels, and are new enough", "administration: read")
        return
    for labels in wanted:
        shown = ", ".join(sorted(labels))
        assert setup is not None
        assert setup.runners is not None
        having = [each for each in setup.runners if labels <= each.labels]
        if not having:
            why = "Runners of an organization are not seen here."
            yield NO_RUNNER.found(f"no runner has the labels {shown}", why=why, help="look at their spelling")
        for each in having:
            yield from _judge_version(each)


def judge_token(setup: Setup | None) -> Iterator[Diagnostic]:
    """What the token's own scopes say, where GitHub tells them: of a classic token only."""
    if setup is None or setup.scopes is None:
        return
    enough = {"repo"} if setup.is_private else {"repo", "public_repo"}
    if enough.isdisjoint(setup.scopes):
        summary = f"the token has the scopes {', '.join(sorted(setup.scopes)) or 'none'}, and may write nothing here"
        yield WEAK_TOKEN.found(
            summary, help=f"give it the scope {' or '.join(sorted(enough))}, or use a fine-grained one"
        )


def _judge_automation(path: str, found: Automation | None, today: date, *, is_weekly: bool) -> Iterator[Diagnostic]:
    if found is None:
        yield _unknown(f"how {path} runs: GitHub does not know it yet", "a push of it to the default branch")
    elif found.state != "active":
        why = "GitHub did it, after 60 days without a push." if found.state == "disabled_inactivity" else ""
        summary = f"{path} is switched off ({found.state})"
        yield DISABLED_WORKFLOW.found(summary, why=why, help="enable it on the page of the workflow")
    elif is_weekly and found.last is None:
        yield _unknown(f"whether the schedule of {path} runs: it has not yet", "a day of patience")
    elif is_weekly and found.last is not None and (today - found.last).days > MOST_SILENT_DAYS:
        summary = f"the schedule of {path} last ran on {found.last}"
        yield SILENT_SCHEDULE.found(summary, help="run it by hand, and look at its runs")


def _judge_version(runner: Runner) -> Iterator[Diagnostic]:
    numbers = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", runner.version or "")
    oldest = ".".join(map(str, OLDEST_RUNNER))
    if numbers is None:
        yield _unknown(f"which version the runner {runner.name!r} has: GitHub does not tell", "a look at the machine")
    elif tuple(map(int, numbers.groups())) < OLDEST_RUNNER:
        summary = f"the runner {runner.name!r} has the version {runner.version}, older than {oldest}"
        why = "Older ones do not know `$/`, by which the workflows name the suite's actions."
        yield OLD_RUNNER.found(
            summary, why=why, help="update it, or write callers with `milepost init --edition composite`"
        )


def _read_labels(text: str) -> Iterator[frozenset[str]]:
    """One label, a JSON list of labels, or a JSON list of such; an expression is none."""
    if "${{" in text:
        return
    if not text.startswith("["):
        yield frozenset({text})
        return
    try:
        value = json.loads(text)
    except ValueError:
        return
    texts = frozenset(each for each in value if isinstance(each, str))
    lists = [each for each in value if isinstance(each, list)]
    yield from [texts] if texts else []
    yield from (frozenset(map(str, each)) for each in lists)


def _unknown(what: str, needs: str) -> Diagnostic:
    return NOT_KNOWN.found(f"nobody knows {what}", help=f"it takes {needs}")
