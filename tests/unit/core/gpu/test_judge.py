"""The judge on whole machines."""

from __future__ import annotations

from typing import Any

from milepost.core.verdict import Answer


def test_a_healthy_machine_passes(court: Any, machine: Any) -> None:
    """Without a finding, at both levels."""
    for level in ("quick", "full"):
        verdict = court.judge(machine, level=level)

        assert ([], Answer.PASS) == ([each.id for each in verdict.findings if each.is_blocking], verdict.answer)
