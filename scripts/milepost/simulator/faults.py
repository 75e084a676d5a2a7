"""Failures by script: what goes wrong, for which requests, how often."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any


class Do(str, Enum):
    """What happens to the request; `after` on the fault says whether it takes effect first.

    An invisible request always takes effect; with `after` its connection is dropped as well.
    An upload that meets `starter` leaves an empty asset of that state, and is answered with the fault's status.
    """

    STATUS = "status"
    DROP = "drop"
    SLOW = "slow"
    SECONDARY = "secondary"
    PRIMARY = "primary"
    MALFORMED = "malformed"
    INVISIBLE = "invisible"
    STARTER = "starter"
    EDIT = "edit"


@dataclass
class Fault:
    """One scripted failure.

    `nth` counts the matching requests since the fault was added; without it the first `times` matching ones fail.
    With `is_write` it is met by writes only, or by reads only: GraphQL has one address for both.
    """

    do: Do | str
    method: str | None = None
    path: str | None = None
    is_write: bool | None = None
    nth: int | None = None
    times: int = 1
    after: bool = False
    status: int = 502
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.05
    retry_after: int | None = None
    reads: int = 1
    request: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    used: int = 0

    def __post_init__(self) -> None:
        self.do = Do(self.do)

    @property
    def is_failure(self) -> bool:
        """True when the caller sees something else than the answer."""
        return self.do in (Do.STATUS, Do.DROP, Do.SECONDARY, Do.PRIMARY, Do.MALFORMED, Do.STARTER)

    def takes(self, method: str, path: str, *, is_write: bool) -> bool:
        """True when this request is to fail; counts it."""
        if self.method not in (None, method) or (self.path and not re.search(self.path, path)):
            return False
        if self.is_write not in (None, is_write):
            return False
        self.seen += 1
        is_due = self.seen == self.nth if self.nth is not None else self.used < self.times
        self.used += is_due
        return is_due


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
        self.active: list[Fault] = []

    def add(self, fault: Fault | Mapping[str, Any]) -> Fault:
        """The fault is in force; raises ValueError for members that no fault has."""
        if not isinstance(fault, Fault):
            known = {each.name for each in fields(Fault)} - {"seen", "used"}
            if unknown := set(fault) - known:
                raise ValueError(f"a fault has no {sorted(unknown)}; it has {sorted(known)}")
            fault = Fault(**fault)
        self.active.append(fault)
        return fault

    def clear(self) -> None:
        self.active.clear()

    def take(self, method: str, path: str, *, is_write: bool) -> list[Fault]:
        """The faults that this request meets."""
        return [each for each in self.active if each.takes(method, path, is_write=is_write)]
