"""What a writing action does with its plan, and why."""

from __future__ import annotations

from enum import Enum


class Mode(str, Enum):
    """Show the plan, carry it out, or fail when there is anything to do."""

    PLAN = "plan"
    APPLY = "apply"
    DRIFT = "drift"


def choose_mode(asked: Mode | None, *, event: str, ref: str, default_branch: str) -> tuple[Mode, str]:
    """The mode and the reason: as asked, else `apply` where a reviewed plan takes effect, else `plan`."""
    if asked is not None:
        return asked, "asked for by the input `mode`"
    if event in ("schedule", "milestone"):
        return Mode.APPLY, f"event `{event}`"
    if event == "push" and ref == f"refs/heads/{default_branch}":
        return Mode.APPLY, f"push to the default branch `{default_branch}`"
    if event == "push":
        return Mode.PLAN, f"push to a branch other than the default branch `{default_branch}`"
    where = f"event `{event}`" if event else "outside a workflow"
    return (
        Mode.PLAN,
        f"{where}; only a push to the default branch, `schedule` and `milestone` apply by themselves",
    )
