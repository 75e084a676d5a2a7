"""Follows a program's journal, ends it at a deadline, and says whose fault it was when it did not end well."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .child import Child
from .journal import Event, Reader, Step

LOOK_SECONDS = 0.02
# What a leaf says that could not be read because of the fault.
REASONS = {"hung": "timeout", "unkillable": "timeout", "crashed": "crashed", "error": "error"}


@dataclass(frozen=True)
class Fault:
    """The step at which the program ended before its time."""

    step: Step
    status: str
    error: str
    signal: int | None = None
    reason: str = "error"


@dataclass
class Outcome:
    """What a program told, in order."""

    results: list[Event] = field(default_factory=list)
    facts: list[tuple[str, object]] = field(default_factory=list)
    plan: list[Step] | None = None
    fault: Fault | None = None
    is_garbled: bool = False

    @property
    def reason(self) -> str:
        """Why a fact that is not there is not there."""
        if self.fault is not None:
            return self.fault.reason
        return "garbage" if self.is_garbled else "error"


class Unstarted:
    """A program that the system did not start: it is followed as one that crashed at once."""

    def __init__(self, first: Step, trouble: OSError) -> None:
        self.first, self.trouble = first, trouble

    def follow(self, deadline: Callable[[str], float]) -> Outcome:
        """Nothing was told."""
        error = f"it cannot be started: {self.trouble}"
        return Outcome(fault=Fault(self.first, "crashed", error, reason="crashed"))


class Watch:
    """One child and its journal; the first step is to blame until another has begun."""

    def __init__(self, child: Child, reader: Reader, first: Step, scale: float) -> None:
        self.child, self.reader, self.first, self.scale = child, reader, first, scale
        self.open: Step | None = None
        self.outcome = Outcome()
        self.last: Event | None = None

    def follow(self, deadline: Callable[[str], float]) -> Outcome:
        """The child has ended or been given up, and nothing that it started is left."""
        since, status = time.monotonic(), ""
        while not self.child.wait(LOOK_SECONDS):
            if self._take(self.reader.advance()):
                since = time.monotonic()
            seconds = deadline(self._name()) * self.scale
            if time.monotonic() - since > seconds:
                status = "hung" if self.child.end(self.scale) else "unkillable"
                break
        self.child.sweep()
        self._take(self.reader.finish())
        self.outcome.is_garbled = self.reader.is_garbled
        self.outcome.fault = self._judge(status, deadline)
        return self.outcome

    def _name(self) -> str:
        return (self.open or self.first)[0]

    def _take(self, events: list[Event]) -> bool:
        """True when a step has begun or ended."""
        moved = False
        for event in events:
            if event["event"] == "fact":
                self.outcome.facts.append((event["name"], event.get("value")))
            elif event["event"] == "plan":
                self.outcome.plan = [(name, gpu) for name, gpu in event["steps"]]
            else:
                moved = self._move(event) or moved
        return moved

    def _move(self, event: Event) -> bool:
        step = (event["step"][0], event["step"][1])
        if event["event"] == "begin":
            if self.open is not None:
                self._record_garbage(self.open)
            self.open = step
        elif step == self.open:  # an end that nobody began is nobody's
            self.open, self.last = None, event
            self.outcome.results.append(event)
        else:
            return False
        return True

    def _record_garbage(self, step: Step) -> None:
        """A step whose end cannot be read has not passed."""
        error = "what it reported cannot be read"
        self.outcome.results.append({"step": step, "status": "error", "error": error, "reason": "garbage"})

    def _judge(self, status: str, deadline: Callable[[str], float]) -> Fault | None:
        if status:
            seconds = deadline(self._name()) * self.scale
            error = f"no answer within {seconds:g} s"
            if status == "unkillable":
                error += ", and the kernel could not end the process: restart the machine"
            return Fault(self._blame(), status, error, reason="timeout")
        code = self.child.process.returncode
        if self.open is None and (code == 0 or (self.last or {}).get("status") == "error"):
            return self._fault_of_last() if code else None
        if self.open is not None and code == 0 and self.reader.is_garbled:
            return Fault(self.open, "error", "what it reported cannot be read", reason="garbage")
        return self._crash(code)

    def _blame(self) -> Step:
        """The open step; else the first when nothing has begun, or the way out of the program."""
        if self.open is not None:
            return self.open
        return ("exit", None) if self.last is not None else self.first

    def _fault_of_last(self) -> Fault:
        assert self.last is not None
        return Fault((self.last["step"][0], self.last["step"][1]), "error", str(self.last.get("error")))

    def _crash(self, code: int) -> Fault:
        number = -code if code < 0 else None
        said = self.child.tail()
        how = f"ended by {_name_signal(number)}" if number else f"ended with status {code}"
        return Fault(self._blame(), "crashed", f"{how}: {said}" if said else how, number, reason="crashed")


def _name_signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def limit_by(table: dict[str, float], other: float) -> Callable[[str], float]:
    """The deadline of a step: by its name, or by the part before the dot."""
    return lambda name: table.get(name, table.get(name.partition(".")[0], other))
