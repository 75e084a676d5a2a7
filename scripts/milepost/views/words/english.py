"""The words of a report in English."""

from __future__ import annotations

from milepost.core.attention import Concern
from milepost.core.progress import Reason, Verdict
from milepost.views.plain import counted
from milepost.views.words import Facts, Look, Words


def _left(days: int) -> str:
    if days < 0:
        return f"{counted(-days, 'day')} overdue"
    return "due today" if days == 0 else f"{counted(days, 'day')} left"


def _remain(number: int) -> str:
    return f"{counted(number, 'issue')} {'remains' if number == 1 else 'remain'}"


def _too_few(facts: Facts) -> str:
    if facts.completed == 0:
        return "No issue was completed in the past weeks; a forecast needs 5."
    was = "was" if facts.completed == 1 else "were"
    return f"Only {counted(facts.completed, 'issue')} {was} completed in the past weeks; a forecast needs 5."


def _size(look: Look) -> str:
    kind, limit = look.names
    if kind == "longer":
        return f"takes {counted(look.number, 'day')}, more than {limit}"
    return f"holds {counted(look.number, 'issue')}, {kind} than {limit}"


def _due(days: int) -> str:
    if days < 0:
        return f"is {_left(days)}"
    return "is due today" if days == 0 else f"is due in {counted(days, 'day')}"


def _likely(facts: Facts) -> str:
    who = "All" if facts.chance == "100 %" else facts.chance + " of the"
    return f"{who} runs finish by the due date."


def _unlikely(facts: Facts) -> str:
    who = "None" if facts.chance == "0 %" else f"Only {facts.chance}"
    return f"{who} of the runs finish by the due date; half need until {facts.p50}."


def _schedule(look: Look) -> str:
    days = f"{counted(look.number, 'day')} ago"
    if look.names[0] == "disabled":
        return f"is switched off; its schedule last ran {days}"
    return f"is silent: its schedule last ran {days}"


ENGLISH = Words(
    title=lambda day: f"Progress on {day}",
    verdicts={
        Verdict.ON_TRACK: "on track",
        Verdict.AT_RISK: "at risk",
        Verdict.LATE: "late",
        Verdict.DONE: "done",
        Verdict.NO_DATA: "no data",
    },
    tally=lambda number, verdict: f"{number:,} {verdict}",
    reasons={
        Reason.EMPTY: lambda facts: "It holds no issue.",
        Reason.ALL_COMPLETED: lambda facts: (
            "Its only issue is completed." if facts.scope == 1 else f"All {facts.scope:,} issues are completed."
        ),
        Reason.OVERDUE: lambda facts: f"It was due on {facts.due}, and {_remain(facts.remaining)}.",
        Reason.NO_FORECAST: lambda facts: f"{_remain(facts.remaining)}, and forecasts are switched off.",
        Reason.TOO_YOUNG: lambda facts: "Work began less than two weeks ago; a forecast needs two whole weeks.",
        Reason.TOO_FEW: _too_few,
        Reason.NO_DUE_DATE: lambda facts: f"It has no due date; 85 % of the runs finish by {facts.p85}.",
        Reason.LIKELY: _likely,
        Reason.UNSURE: lambda facts: (
            f"Only {facts.chance} of the runs finish by the due date; 85 % need until {facts.p85}."
        ),
        Reason.UNLIKELY: _unlikely,
    },
    head=("milestone", "verdict", "due", "completed", "throughput", "forecast"),
    in_time="in time",
    none="–",
    no_due="no due date",
    left=_left,
    percent=lambda number: f"{number} %",
    per_week=lambda number: f"{number} a week",
    growth=lambda change, day: (f"scope {change}", f"since {day}"),
    beyond="in over two years",
    points=lambda done, scope: f"{done} of {scope} points",
    open_pulls=lambda number: counted(number, "open pull request"),
    look_at="To look at",
    nothing_to_look_at="Nothing stands out.",
    concerns={
        Concern.OVERDUE: "Overdue",
        Concern.STALE: "Begun, and quiet since",
        Concern.UNASSIGNED: "Unassigned near the due date",
        Concern.CARRIED: "Carried several times",
        Concern.BLOCKED: "Blocked by open issues",
        Concern.SHARED: "Several people on one issue",
        Concern.HOMELESS: "Without milestone",
        Concern.FINISHED: "Done, and still open",
        Concern.SCHEDULE: "Schedules that do not run",
        Concern.NAME: "Named unlike the others",
        Concern.SIZE: "Of an unusual size",
    },
    looks={
        Concern.OVERDUE: lambda look: _due(-look.number),
        Concern.STALE: lambda look: (
            f"has been quiet for {counted(look.number, 'day')}" + (f" ({', '.join(look.names)})" if look.names else "")
        ),
        Concern.UNASSIGNED: lambda look: f"is nobody's; its milestone {_due(look.number)}",
        Concern.CARRIED: lambda look: f"was carried over {look.number:,} times",
        Concern.BLOCKED: lambda look: f"waits for {counted(look.number, 'open issue')}",
        Concern.SHARED: lambda look: f"has {look.number:,} people: {', '.join(look.names)}",
        Concern.HOMELESS: lambda look: "",
        Concern.FINISHED: lambda look: f"has {counted(look.number, 'completed issue')} and nothing left: close it",
        Concern.SCHEDULE: _schedule,
        Concern.NAME: lambda look: "does not match the team's pattern of titles",
        Concern.SIZE: _size,
    },
    more=lambda number: f"and {number:,} more",
    roadmap="Roadmap",
    planned="planned",
    forecast="85 % of the runs",
    burn_up="Burn-up",
    burn_up_note="The line is the scope, the bars are what was completed of it, at the end of each week.",
    issues="issues",
    counted_since=lambda day: f"Counted daily since {day}; what is older was rebuilt from issue events.",
    rebuilt=lambda day: f"Rebuilt from issue events; exact from {day} on.",
    no_pulls="Not every open pull request was looked at: 100 at most are, and that needs `pull-requests: read`.",
    no_schedules="Schedules were not looked at: that needs `actions: read`.",
    forecast_note="Forecasts are 10,000 simulated runs each, which live through the past weeks again: "
    "throughput and growth of the scope together.",
    join=", ".join,
    report_title="Progress report",
    report_note="Milepost keeps this issue up to date; `report: false` in the plan file ends that.",
    reminder="Reminder",
    reminder_due=_due,
    nobody="nobody",
    no_milestones="There is no open milestone.",
)
