"""Generated stories of sprints: whatever people did, and whenever the run came, it ends where the plain model ends.

`pytest tests/stories/test_sprint_histories.py --histories 1000-1099` plays others than the 500 that are always the same.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from unittest.mock import ANY
from zoneinfo import ZoneInfo

import pytest
from milepost.errors import Unusable
from milepost.simulator import Simulator
from sprint_model import Answer, Item, Line, Milestone, Record, Repository
from sprint_people import DEEDS, FIRST_DAYS, MOST_PULLS, NoHands, Story, write_plan

QUICK, ALL = 25, 500
# An unchanged day: 4, and 1 for each 100 milestones.
MOST_READS = 5
BLOCK = re.compile(r"^```milepost[ \t]*\r?\n.*?^```[ \t]*$", re.MULTILINE | re.DOTALL)
LINE = re.compile(r"^sprint key=(\S+)/(\d+) start=(\S+) due=(\S+)(.*)$", re.MULTILINE)
COUNTS = ("planned", "added", "removed", "completed", "dropped", "carried")
PACIFIC = ZoneInfo("America/Los_Angeles")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Seeds as asked for on the command line; else the fixed ones, of which the first are quick enough for always."""
    if "seed" not in metafunc.fixturenames:
        return
    first, _, last = (metafunc.config.getoption("--histories") or "").partition("-")
    if first:
        metafunc.parametrize("seed", range(int(first), int(last or first) + 1))
        return
    slow = [pytest.param(seed, marks=pytest.mark.slow) for seed in range(QUICK, ALL)]
    metafunc.parametrize("seed", [*range(QUICK), *slow])


class HandsOnGithub:
    """People's requests to the simulator, as its administrator."""

    def __init__(self, bench: Any) -> None:
        self.github = bench.github

    def wait_until(self, moment: datetime) -> None:
        left = (moment - self.github.clock.now()).total_seconds()
        self.github.clock.advance(max(0, left))

    def create_issue(self, *, milestone: str | None, **fields: Any) -> None:
        self._ask("POST", "/issues", {"title": "An issue", "milestone": self._number(milestone), **fields})

    def create_pull(self, *, head: str, is_draft: bool, body: str, milestone: str | None) -> None:
        fields = {"title": "A change", "head": head, "base": "main", "body": body, "draft": is_draft}
        number = self._ask("POST", "/pulls", fields)["number"]
        self.edit_item(number, milestone=milestone)

    def edit_item(self, number: int, **fields: Any) -> None:
        if "milestone" in fields:
            fields["milestone"] = self._number(fields["milestone"])
        self._ask("PATCH", f"/issues/{number}", fields)

    def merge_pull(self, number: int) -> None:
        self._ask("PUT", f"/pulls/{number}/merge", {})

    def create_milestone(self, **fields: Any) -> None:
        self._ask("POST", "/milestones", fields)

    def edit_milestone(self, old_title: str, **fields: Any) -> None:
        self._ask("PATCH", f"/milestones/{self._number(old_title)}", fields)

    def delete_milestone(self, title: str) -> None:
        self._ask("DELETE", f"/milestones/{self._number(title)}")

    def remove_block(self, title: str) -> None:
        self.edit_milestone(title, description=BLOCK.sub("", self._description(title)))

    def write_around_block(self, title: str, above: str, below: str) -> None:
        block = BLOCK.search(self._description(title))
        parts = [above, block[0] if block else "", below]
        self.edit_milestone(title, description="\n\n".join(each for each in parts if each))

    def copy_description(self, source: str, target: str) -> None:
        self.edit_milestone(target, description=self._description(source))

    def _description(self, title: str) -> str:
        return next(each["description"] or "" for each in self.github.state()["milestones"] if each["title"] == title)

    def _number(self, title: str | None) -> int | None:
        numbers = {each["title"]: each["number"] for each in self.github.state()["milestones"]}
        return None if title is None else numbers[title]

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"authorization": "token admin-token"}
        answer, _ = self.github.serve(method, f"/repos/octo/widgets{path}", headers, json.dumps(body).encode())
        assert answer.status < 400, (method, path, body, answer.body)
        return answer.body


@pytest.fixture
def new_story(new_bench: Callable[..., Any]) -> Callable[[int], tuple[Story, Any]]:
    """Starts the story of a seed on a simulator of its own, whose clock is the story's."""

    def start(seed: int) -> tuple[Story, Any]:
        bench = new_bench(
            {
                "collaborators": {"octocat": "admin", "hubot": "write"},
                "branches": {f"topic-{turn}": f"{turn + 1:040x}" for turn in range(MOST_PULLS)},
                "workflows": [{"path": ".github/workflows/report.yml", "dispatch_inputs": ["milestone"]}],
            },
            clock=f"{min(FIRST_DAYS)}T00:00:00Z",
        )
        story = Story(seed, HandsOnGithub(bench))
        story.hands.wait_until(story.now)
        return story, bench

    return start


def test_a_history_ends_as_in_the_model(seed: int, new_story: Callable[[int], tuple[Story, Any]]) -> None:
    """After every run the same milestones, items, records, dispatches and outputs; a second one reads and is done."""
    story, bench = new_story(seed)

    for today in story.play():
        plan = write_plan(story.plan)
        before = len(bench.github.state()["dispatches"])
        first = Ran(bench, plan, today)
        answer = story.judge(today)
        second = Ran(bench, plan, today)

        told = "\n".join([f"seed {seed}", plan, *story.log])
        assert {} == differences(expected(story.model, today), found(bench.github, today)), told
        assert sorted(answer.dispatched) == sorted(dispatches(bench.github)[before:]), told
        assert (2 if answer.refusals else 0, 0) == (first.exit_code, second.writes), told
        assert second.reads <= MOST_READS, told
        if answer.refusals:
            assert 0 == first.writes, told
            assert first.rules <= {each.rule for each in answer.refusals}, told
        else:
            assert answer.warnings <= first.rules, told
            assert first.rules & {"no-open-sprint", "sprint-blocked"} <= answer.warnings | answer.maybe, told
            assert {} == differences(expected_outputs(answer), first.outputs), told
    assert not answer.refusals


def test_the_histories_have_everything_in_them() -> None:
    """In the first 150 each kind of deed, of refusal and of effect comes often enough to mean something."""
    seen: Counter[str] = Counter()
    for seed in range(150):
        story = Story(seed, NoHands())
        for today in story.play():
            story.judge(today)
        seen += story.seen

    rules = ("sprint-twins", "sprint-moved", "sprint-title-taken", "sprint-blocked")
    others = ("mend", "adopted", "mended", "moved", "closed", "dispatched", "60 idle days", "run of another day")
    assert [] == [each for each in [*DEEDS, *rules, *others] if seen[each] < 10]
    assert seen["no-open-sprint"] > 0


class Ran:
    """One run of `sprint`: its exit code, the rules that it named, what it put out, and what it asked of GitHub."""

    def __init__(self, bench: Any, plan: str, today: date) -> None:
        bench.github.journal.clear()
        try:
            outcome = bench.sprint(plan, today=today, mode="apply")
            self.exit_code, diagnostics = int(outcome.exit_code), outcome.diagnostics
            self.outputs = read_outputs(outcome.outputs)
        except Unusable as unusable:
            self.exit_code, diagnostics, self.outputs = 2, unusable.diagnostics, {}
        self.rules = {each.rule for each in diagnostics}
        self.writes, self.reads = len(bench.github.journal.writes()), len(bench.github.journal.reads())


def expected_outputs(answer: Answer) -> dict[str, Any]:
    """What the run tells later steps."""
    records = {f"{key}/{number}": _record(each) for (key, number), each in answer.records.items()}
    lists = {"opened": sorted(answer.created), "closed": sorted(answer.closed), "carried": len(answer.moved)}
    return {**lists, "records": records}


def read_outputs(outputs: Mapping[str, str]) -> dict[str, Any]:
    """The same of the outputs of a run."""
    records = {f"{each['cadence']}/{each['number']}": each for each in json.loads(outputs["records"])}
    return {
        "opened": sorted(json.loads(outputs["opened"])),
        "closed": sorted(each["title"] for each in json.loads(outputs["closed"])),
        "carried": int(outputs["carried"]),
        "records": {name: _read_record(each) for name, each in records.items()},
    }


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What the two do not say alike, by name: as expected, and as found."""
    return {name: (one.get(name), other.get(name)) for name in {**one, **other} if one.get(name) != other.get(name)}


def expected(model: Repository, today: date) -> dict[str, Any]:
    """The model's milestones, items and records, as far as they are compared; counts stand once a sprint is over."""
    milestones = {
        f"milestone {each.title}": (each.due, _state(each), each.line and _line(each.line, today))
        for each in model.milestones
    }
    items = {
        f"item {each.number}": (_state(each), each.milestone and each.milestone.title, sorted(each.labels))
        for each in model.items.values()
    }
    return {**milestones, **items, **_expected_records(model)}


def _state(each: Milestone | Item) -> str:
    return "open" if each.is_open else "closed"


def _expected_records(model: Repository) -> dict[str, Any]:
    planned = {
        f"sprints/{key}/{number}/planned.json": (sorted(issues), is_reconstructed)
        for (key, number), (issues, is_reconstructed) in model.planned.items()
    }
    closed = {f"sprints/{key}/{number}/closed.json": _record(each) for (key, number), each in model.closed.items()}
    return {**planned, **closed}


def found(github: Simulator, today: date) -> dict[str, Any]:
    """The simulator's milestones and items, and the files of its data branch, in the same words."""
    state = github.state()
    milestones = {
        f"milestone {each['title']}": (
            _read_due(each["due_on"]),
            each["state"],
            _read_line(each["description"] or "", today),
        )
        for each in state["milestones"]
    }
    items = {f"item {each['number']}": (each["state"], each["milestone"], each["labels"]) for each in state["issues"]}
    return {**milestones, **items, **_found_records(github)}


def _line(line: Line, today: date) -> tuple[Any, ...]:
    return line.cadence, line.number, line.start, line.due, line.counts if line.due < today else None


def _read_line(description: str, today: date) -> tuple[Any, ...] | None:
    block = BLOCK.search(description)
    line = LINE.search(block[0].replace("\r\n", "\n")) if block else None
    if line is None:
        return None
    start, due = date.fromisoformat(line[3]), date.fromisoformat(line[4])
    values = dict(each.split("=", 1) for each in line[5].split() if "=" in each)
    counts = {name: int(values[name]) for name in COUNTS if name in values} if "frozen" in values else None
    return line[1], int(line[2]), start, due, counts if due < today else None


def _read_due(due_on: str | None) -> date | None:
    """GitHub's due date is the day in California."""
    return datetime.fromisoformat(due_on.replace("Z", "+00:00")).astimezone(PACIFIC).date() if due_on else None


def _record(record: Record) -> dict[str, Any]:
    issues = {name: sorted(getattr(record, name)) for name in COUNTS[:-1]}
    carried = {
        number: (each.to, each.milestone, ANY if each.carries is None else each.carries)
        for number, each in record.carried.items()
    }
    return {**issues, "carried": carried, "reconstructed": record.is_reconstructed}


def _read_record(record: Any) -> dict[str, Any]:
    issues = {name: sorted(_number(each) for each in record[name]) for name in COUNTS[:-1]}
    carried = {each["number"]: (each["to"], each.get("milestone"), each["carries"]) for each in record["carried"]}
    return {**issues, "carried": carried, "reconstructed": record["reconstructed"]}


def _number(entry: Any) -> int:
    """What is completed has the moment beside its number."""
    return int(entry["number"] if isinstance(entry, dict) else entry)


def _found_records(github: Simulator) -> dict[str, Any]:
    repository = github.store.find("octo/widgets")
    assert repository is not None
    head = repository.refs.get("refs/heads/milepost-data", "")
    files = repository.commits[head].files if head else {}
    return {path: _read_file(path, json.loads(text)) for path, text in files.items() if path.startswith("sprints/")}


def _read_file(path: str, record: Any) -> Any:
    if path.endswith("planned.json"):
        return sorted(record["planned"]), record["reconstructed"]
    return _read_record(record)


def dispatches(github: Simulator) -> list[tuple[str, str]]:
    """Workflows that were dispatched, each with the title of the milestone that it was given, in the order of time."""
    state = github.state()
    titles = {str(each["number"]): each["title"] for each in state["milestones"]}
    return [
        (each["workflow"].rpartition("/")[2], titles.get(each["inputs"]["milestone"])) for each in state["dispatches"]
    ]
