"""Facts against a declared environment: everything is judged, and the first finding is the cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from milepost.core.compatibility import KNOWN_BAD, judge_environment
from milepost.core.environment import Build, Environment, Specifier, read_specifier
from milepost.core.facts import SCHEMA, Facts, Level
from milepost.core.gpu.build import judge_build
from milepost.core.gpu.case import Case, failed, met, not_asked
from milepost.core.gpu.causes import explains, list_causes, order
from milepost.core.gpu.devices import judge_devices
from milepost.core.gpu.driver import judge_driver
from milepost.core.gpu.host import judge_host
from milepost.core.gpu.libraries import cudnn_version, judge_libraries
from milepost.core.gpu.observed import list_changes, observe
from milepost.core.gpu.probes import judge_probes, judge_tools
from milepost.core.gpu.requirements import fingerprint
from milepost.core.gpu.wsl import translate
from milepost.core.published import Data
from milepost.core.verdict import Check, Ending, Observed, Verdict, answer
from milepost.diagnostics import Diagnostic, Rule, Severity

FACTS_INCOMPLETE = Rule("facts-incomplete", Severity.ERROR, "The probe did not tell all that a verdict needs.")
DATA_AGE = Rule("data-age", Severity.NOTICE, "The compatibility data was reviewed long ago.")
DRIFT = Rule("drift", Severity.WARNING, "The machine differs from the one that the last release was verified on.")
RULES = (FACTS_INCOMPLETE, DATA_AGE, DRIFT)

MOST_DAYS = 180
MOST_NAMED = 5


def judge(
    facts: Facts,
    environment: Environment,
    data: Data,
    *,
    level: Level,
    today: date,
    host: str = "",
    previous: Observed | None = None,
) -> Verdict:
    """What the facts prove of the environment; what they do not prove is not passed."""
    case = Case(facts=translate(facts), environment=environment, data=data, level=level, today=today, host=host)
    checks = [*_judge_declaration(case), *judge_build(case), *judge_driver(case), *judge_devices(case)]
    checks += [*judge_libraries(case), *judge_host(case), *judge_tools(case)]
    ordered = order(_waived(each, case) for each in (*checks, *judge_probes(case)))
    observed = observe(facts)
    everything = tuple(
        _waived(each, case) for each in (*_with_gaps(ordered, case), _judge_age(case), _judge_drift(observed, previous))
    )
    return Verdict(
        answer=answer(everything),
        environment=environment.name,
        requirements=fingerprint(environment),
        level=level,
        data_version=data.version,
        data_reviewed=data.reviewed.isoformat(),
        observed=observed,
        checks=everything,
    )


def _judge_declaration(case: Case) -> Iterator[Check]:
    """What is wrong with the declaration; known-bad releases are looked up for the torch that runs."""
    environment = case.environment
    torch = _exactly((case.facts.torch.version or "").partition("+")[0])
    cudnn = _exactly(cudnn_version(case.facts) or "")
    # Nothing else is judged again: what was published says nothing of another build, and no driver is asked for.
    narrowed = replace(environment, torch=torch or environment.torch, cudnn=cudnn, build=Build.SOURCE, driver=None)
    for is_looked_up, each in ((False, environment), (True, narrowed)):
        for problem in judge_environment(each, case.data, case.today):
            if (problem.rule == KNOWN_BAD.name) == is_looked_up:
                yield _as_check(problem)


def _exactly(version: str) -> Specifier | None:
    return read_specifier(f"=={version}")[0] if version else None


def _as_check(problem: Diagnostic) -> Check:
    rule = Rule(problem.rule, problem.severity, problem.summary)
    return failed(rule, problem.summary, why=problem.why, help=problem.help)


def _waived(check: Check, case: Case) -> Check:
    """A check that is let pass says who let it, and why."""
    waiver = case.environment.waiver(check.id, case.today)
    if waiver is None or not check.is_finding:
        return check
    return replace(check, ending=Ending.WAIVED, help=f"waived until {waiver.expires}: {waiver.reason}")


def _with_gaps(checks: Iterable[Check], case: Case) -> Iterator[Check]:
    """What nobody knows and nothing explains is one finding, which stands before the probes."""
    found = tuple(checks)
    gaps = _list_gaps(found, case)
    told = False
    for each in found:
        if each.rule.name.startswith("probe-") and not told:
            yield _incomplete(gaps, case)
            told = True
        is_gap = (
            each.ending is Ending.UNPROVEN
            and not each.because
            and any(leaf in gaps or case.is_unread(leaf) for leaf in each.leaves)
        )
        yield replace(each, because=FACTS_INCOMPLETE.name) if is_gap and gaps else _worded(each, case)


def _list_gaps(checks: Iterable[Check], case: Case) -> list[str]:
    causes = list_causes(checks)
    gaps = [
        place for place, reason in case.facts.unread.items() if not reason.is_tolerated and not explains(place, causes)
    ]
    if case.facts.schema not in (None, SCHEMA):
        gaps.insert(0, "/schema")
    if case.level is Level.FULL and case.facts.probe.level is Level.QUICK:
        gaps.append("/probe/level")
    return gaps


def _incomplete(gaps: list[str], case: Case) -> Check:
    if not gaps:
        return met(FACTS_INCOMPLETE)
    reasons = [f"{place} ({_reason(place, case)})" for place in gaps[:MOST_NAMED]]
    more = f" and {len(gaps) - MOST_NAMED} more" if len(gaps) > MOST_NAMED else ""
    check = failed(
        FACTS_INCOMPLETE,
        f"the facts lack {', '.join(reasons)}{more}",
        why="what the probe did not tell is never taken as right",
        help="run the probe of this version again; if it says the same, report it with its facts",
    )
    return replace(check, ending=Ending.UNPROVEN, leaves=tuple(gaps))


def _reason(place: str, case: Case) -> str:
    reason = case.facts.unread.get(place)
    return reason.value if reason else "of another version"


def _worded(check: Check, case: Case) -> Check:
    """An unproven check says which facts it missed, and why they are not there."""
    if check.ending is not Ending.UNPROVEN or check.found or check.because:
        return check
    missed = ", ".join(f"{leaf} is {_reason(leaf, case)}" for leaf in check.leaves)
    return replace(check, found=f"this is declared, and cannot be read: {missed}")


def _judge_age(case: Case) -> Check:
    days = (case.today - case.data.reviewed).days
    if days <= MOST_DAYS:
        return met(DATA_AGE, found=case.data.reviewed.isoformat())
    found = f"the compatibility data was reviewed on {case.data.reviewed}, {days} days ago"
    return failed(DATA_AGE, found, help="use a newer version of Milepost")


def _judge_drift(observed: Observed, previous: Observed | None) -> Check:
    if previous is None:
        return not_asked(DRIFT)
    changes = list_changes(previous, observed)
    if not changes:
        return met(DRIFT)
    return failed(DRIFT, "; ".join(changes), why="the last release was verified on another environment")
