"""What the judge says of a machine: every check with its outcome, and one answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from milepost.core.facts import Level
from milepost.diagnostics import Diagnostic, Rule, Severity

SCHEMA = "milepost.verdict/1"


class Answer(str, Enum):
    """Whether the machine is the declared one and works; only `pass` lets a deployment through."""

    PASS = "pass"
    FAIL = "fail"
    UNPROVEN = "unproven"


class Ending(str, Enum):
    """What became of a check."""

    MET = "met"
    FAILED = "failed"
    UNPROVEN = "unproven"
    WAIVED = "waived"
    NOT_APPLICABLE = "not-applicable"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check on one GPU, or on the whole machine; `because` names the check that it waits for.

    `leaves` are the places in the facts whose values were missed.
    """

    rule: Rule
    ending: Ending
    severity: Severity
    gpu: str | None = None
    expected: str = ""
    found: str = ""
    why: str = ""
    help: str = ""
    because: str = ""
    leaves: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.rule.name

    @property
    def is_finding(self) -> bool:
        """True when people should read it: it is no mere consequence, and not as wanted."""
        return self.ending in (Ending.FAILED, Ending.WAIVED) or (self.ending is Ending.UNPROVEN and not self.because)

    @property
    def is_blocking(self) -> bool:
        """True when it alone stops a deployment."""
        return self.ending is Ending.UNPROVEN or (self.ending is Ending.FAILED and self.severity is Severity.ERROR)


@dataclass(frozen=True, kw_only=True)
class Device:
    """A GPU as it was found."""

    uuid: str | None
    name: str | None
    capability: str | None
    memory: int | None
    mig: str | None


@dataclass(frozen=True, kw_only=True)
class Observed:
    """The environment as it was found; what is None could not be read."""

    python: str | None
    torch: str | None
    cuda: str | None
    cudnn: str | None
    nccl: str | None
    triton: str | None
    torchvision: str | None
    driver: str | None
    host: str | None
    boot_id: str | None
    gpus: tuple[Device, ...]


@dataclass(frozen=True, kw_only=True)
class PastVerdict:
    """What a verdict of before proves: which environment, in which declared image, and what was found."""

    answer: Answer
    environment: str
    image: str | None
    level: Level
    at: str
    observed: Observed


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The answer, and all it rests on; `checks` are in the order of causes.

    `requirements` fingerprints the declaration, so that a verdict on another one is not mistaken for this one.
    """

    answer: Answer
    environment: str
    requirements: str
    level: Level
    data_version: str
    data_reviewed: str
    observed: Observed
    checks: tuple[Check, ...]

    @property
    def findings(self) -> tuple[Check, ...]:
        """What people should read: what stops the deployment, the first cause first, then the rest."""
        found = [each for each in self.checks if each.is_finding]
        return tuple(sorted(found, key=lambda each: not each.is_blocking))

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The findings as problems."""
        return tuple(_diagnose(each, order) for order, each in enumerate(self.findings))


def answer(checks: Iterable[Check]) -> Answer:
    """Fail when something is proven wrong, unproven when something is not proven right."""
    blocking = [each for each in checks if each.is_blocking]
    if any(each.ending is Ending.FAILED for each in blocking):
        return Answer.FAIL
    return Answer.UNPROVEN if blocking else Answer.PASS


def _diagnose(check: Check, order: int) -> Diagnostic:
    severity = Severity.NOTICE if check.ending is Ending.WAIVED else check.severity
    gpu = f"{check.gpu}: " if check.gpu else ""
    expected = f"; expected is {check.expected}" if check.expected else ""
    waived = "waived: " if check.ending is Ending.WAIVED else ""
    return Diagnostic(
        rule=check.id,
        severity=severity,
        summary=f"{waived}{gpu}{check.found}{expected}",
        why=check.why,
        help=check.help,
        order=order,
    )
