"""What a check looks at, and the ways in which it can end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from milepost.core.environment import Environment, Specifier
from milepost.core.facts import Facts, Gpu, Level
from milepost.core.published import Data
from milepost.core.verdict import Check, Ending
from milepost.diagnostics import Rule, Severity


@dataclass(frozen=True, kw_only=True)
class Case:
    """A machine's facts and what they are held against; `host` is the machine that it must be, when one is named."""

    facts: Facts
    environment: Environment
    data: Data
    level: Level
    today: date
    host: str = ""

    @property
    def has_gpu(self) -> bool:
        """True when the environment is declared to have a GPU."""
        return not self.environment.is_cpu

    @property
    def visible(self) -> tuple[tuple[int, Gpu], ...]:
        """The GPUs that CUDA shows, with their places in the facts."""
        return self.facts.visible

    def is_unread(self, *places: str) -> bool:
        """True when one of the places, or something below it, holds no value for a reason that no healthy machine has."""
        return any(
            not reason.is_tolerated
            and any(each == place or each.startswith(f"{place}/") or place.startswith(f"{each}/") for place in places)
            for each, reason in self.facts.unread.items()
        )

    def complaint(self, *symptoms: str, gpu: str | None = None) -> str:
        """The first error of a probe, or of the import, that holds one of the symptoms; empty when none does."""
        errors = [each.error for each in self.facts.results if gpu is None or each.gpu == gpu]
        for error in (self.facts.torch.error if gpu is None else None, *errors):
            if error and any(symptom.lower() in error.lower() for symptom in symptoms):
                return error
        return ""

    @property
    def has_computed(self) -> bool:
        """True when every matrix product that was tried came out right, and one was."""
        return self.facts.has_computed


def met(rule: Rule, *, gpu: str | None = None, found: str = "") -> Check:
    """The check ends well."""
    return Check(rule=rule, ending=Ending.MET, severity=rule.severity, gpu=gpu, found=found)


def not_asked(rule: Rule) -> Check:
    """Nobody declared what the check would hold the machine against."""
    return Check(rule=rule, ending=Ending.NOT_ASKED, severity=rule.severity)


def not_applicable(rule: Rule, *, gpu: str | None = None) -> Check:
    """The check makes no sense on such a machine."""
    return Check(rule=rule, ending=Ending.NOT_APPLICABLE, severity=rule.severity, gpu=gpu)


def unproven(rule: Rule, *leaves: str, gpu: str | None = None, found: str = "") -> Check:
    """Nobody knows: the places in the facts hold no value."""
    return Check(rule=rule, ending=Ending.UNPROVEN, severity=rule.severity, gpu=gpu, found=found, leaves=leaves)


def failed(
    rule: Rule,
    found: str,
    *,
    expected: str = "",
    gpu: str | None = None,
    why: str = "",
    help: str = "",
    severity: Severity | None = None,
) -> Check:
    """The check ends badly."""
    return Check(
        rule=rule,
        ending=Ending.FAILED,
        severity=severity or rule.severity,
        gpu=gpu,
        expected=expected,
        found=found,
        why=why,
        help=help,
    )


def compare(
    rule: Rule, demand: Specifier | None, version: str | None, leaf: str, *, name: str, help: str = ""
) -> Check:
    """The version against what is declared of it; pre-releases are judged by a check of their own."""
    if demand is None:
        return not_asked(rule)
    if version is None:
        return unproven(rule, leaf)
    if demand.takes(version, has_prerelease=True):
        return met(rule, found=version)
    return failed(rule, f"{name} is {version}", expected=demand.text, help=help)
