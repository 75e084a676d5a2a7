"""All that may cross a room as an exception, and the exit status that each becomes.

Unusable   the question is wrong: carries the diagnostics of an input or a plan file
Refused    GitHub or a registry said no: carries what was asked, what it answered, and the way out
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, unique

from milepost.diagnostics import Diagnostic


@unique
class ExitCode(IntEnum):
    """What the exit status of every command means."""

    DONE = 0, "done, or nothing to do"
    NO = 1, "the answer is no: gate failed, GPU unfit, drift found where asked to fail on it"
    UNUSABLE = 2, "the question is wrong: input or plan file"
    REFUSED = 3, "GitHub or an image's registry refused, or could not be reached"
    BUG = 70, "a bug of ours"

    meaning: str

    def __new__(cls, value: int, meaning: str) -> ExitCode:
        code = int.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code


class Unusable(Exception):
    """The input or the plan file cannot be used; nothing was changed."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(each.summary for each in self.diagnostics))


class Refused(Exception):
    """GitHub, or a registry, did not do what was asked, after every retry that is safe."""

    def __init__(self, diagnostic: Diagnostic, *, status: int | None = None) -> None:
        self.diagnostic = diagnostic
        self.status = status
        super().__init__(diagnostic.summary)
