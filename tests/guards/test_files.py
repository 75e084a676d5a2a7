"""What is generated is fresh, what is shipped is safe, and what the docs name exists."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import check
import pytest
import yaml
from milepost.core.flows import FLOWS, find_flow
from milepost.declare import list_inputs
from milepost.registry import COMMANDS, list_actions

ROOT = Path(__file__).parents[2]
ACTIONS = [*sorted((ROOT / "actions").glob("*/action.yml")), ROOT / "action.yml"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
REUSABLE = [each for each in WORKFLOWS if "  workflow_call:" in each.read_text(encoding="utf-8")]
CALLERS = [each for each in WORKFLOWS if each.name.startswith("self-")]
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "actions").rglob("*.md"),
    *(ROOT / ".github").glob("*.md"),
]


def tracked() -> list[Path]:
    """The files that git knows, or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / each for each in listed if (ROOT / each).is_file()]


@pytest.fixture(scope="session")
def generate() -> ModuleType:
    """scripts/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "scripts" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_everything_generated_is_fresh(generate: Any) -> None:
    """`scripts/generate.py` would write nothing."""
    assert [] == [str(path) for path, text in generate.derive().items() if path.read_text(encoding="utf-8") != text]


def test_the_rendered_workflows_differ_only_in_where_they_find_our_actions(generate: Any, tmp_path: Path) -> None:
    """The edition for Enterprise Server, older runners, act and the linters; each of our actions is named so."""
    assert 0 == generate.main(["--workflows", "--uses", "acme/suite@v1.2", "--into", str(tmp_path)])

    shipped = {each.name: each.read_text(encoding="utf-8") for each in REUSABLE}
    rendered = {each.name: each.read_text(encoding="utf-8") for each in tmp_path.iterdir()}
    assert [f"{each.name}.yml" for each in FLOWS if each.action in COMMANDS] == [*generate.render_workflows()]
    assert set(shipped) == set(rendered) == set(generate.render_workflows())
    assert shipped == {
        name: re.sub(r"uses: acme/suite/(actions/[\w-]+)@v1\.2$", r"uses: $/\1", text, flags=re.MULTILINE)
        for name, text in rendered.items()
    }
    assert not any("$/" in each for each in rendered.values())


@pytest.mark.parametrize("uses", ["", "acme", "acme/suite", "acme/suite@", "acme/suite@v1\nrun: x", "a/b/c@v1"])
def test_an_edition_needs_a_repository_and_a_ref(uses: str, generate: Any, tmp_path: Path, capsys: Any) -> None:
    """Anything else is refused, and nothing is written."""
    assert 2 == generate.main(["--workflows", "--uses", uses, "--into", str(tmp_path)])
    assert "is not OWNER/REPO@REF" in capsys.readouterr().err
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("path", REUSABLE, ids=lambda path: path.name)
def test_a_reusable_workflow_asks_for_what_its_flow_says(path: Path) -> None:
    """Its jobs ask for the flow's permissions and no more; every input is described and typed; secrets are optional."""
    flow = find_flow(path.stem)
    workflow = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    call = workflow["on"]["workflow_call"]

    assert flow is not None
    asked = [(scope, level) for job in workflow["jobs"].values() for scope, level in job["permissions"].items()]
    assert set(flow.needs.items()) == set(asked)
    assert all(
        each["description"] and each["type"] in ("string", "number", "boolean") for each in call["inputs"].values()
    )
    assert {"false"} == {each["required"] for each in call["secrets"].values()}
    assert "token" in call["secrets"]
    assert "ubuntu-latest" == call["inputs"]["runner"]["default"]
    assert "false" == workflow["concurrency"]["cancel-in-progress"]
    for name in call["inputs"]:
        assert f"inputs.{name} " in path.read_text(encoding="utf-8").partition("\njobs:")[2].replace(")", " "), name


@pytest.mark.parametrize("path", CALLERS, ids=lambda path: path.name)
def test_the_projects_own_callers_grant_what_is_asked_for(path: Path) -> None:
    """Neither less, which GitHub refuses before anything runs, nor more; with the events that the flow is for."""
    caller = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    (job,) = [each for each in caller["jobs"].values() if "uses" in each]
    flow = find_flow(Path(job["uses"]).stem)

    assert flow is not None
    assert f"$/.github/workflows/{flow.name}.yml" == job["uses"]
    assert flow.needs == job["permissions"]
    assert {each.event for each in flow.triggers} == set(caller["on"])
    assert list(flow.passed) == list(job.get("with", {}))


def test_no_two_reusable_workflows_share_a_group() -> None:
    """GitHub keeps one run of a group waiting: another workflow's would drop it."""
    groups = [yaml.safe_load(each.read_text(encoding="utf-8"))["concurrency"]["group"] for each in REUSABLE]

    assert len(groups) == len({each.partition("$")[0] for each in groups})


def test_locks_are_whole_and_hold_no_torch(generate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has the pinned versions with hashes; a planted fault in one is found."""
    assert [] == generate.judge_locks()
    real = generate._read
    monkeypatch.setattr(
        generate, "_read", lambda path: real(path) + ("torch==2.13.0\n" if path.name == "sync.txt" else "")
    )
    assert any("holds torch" in each for each in generate.judge_locks())


@pytest.mark.parametrize("path", ACTIONS, ids=lambda path: path.parent.name)
def test_an_action_has_one_step_that_only_maps_inputs(path: Path) -> None:
    """One line, no expression in it, every input in `env:` under its name, nothing else."""
    action = yaml.safe_load(path.read_text(encoding="utf-8"))
    (step,) = action["runs"]["steps"]

    assert "\n" not in step["run"]
    assert "${{" not in step["run"]
    assert "python3 -I" in step["run"]
    expected = {f"INPUT_{name.replace('-', '_').upper()}": f"${{{{ inputs.{name} }}}}" for name in action["inputs"]}
    assert expected == step["env"]
    assert all(each["description"] for each in [*action["inputs"].values(), *action["outputs"].values()])


# docs/decisions/0024-ten-inputs-of-verify-gpu.md says why.
MOST_INPUTS = {"verify-gpu": 10}


def test_an_action_says_what_its_declaration_says() -> None:
    """Inputs with their defaults, and outputs, by name."""
    for action in (each for each in list_actions() if each.is_published):
        written = yaml.safe_load((ROOT / "actions" / action.name / "action.yml").read_text(encoding="utf-8"))

        assert {each.name: each.default for each in list_inputs(action.inputs)} == {
            name: each.get("default") for name, each in written["inputs"].items()
        }
        assert [each.name for each in action.outputs] == list(written["outputs"])
        assert len(list_inputs(action.inputs)) <= MOST_INPUTS.get(action.name, 8)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_grants_little_and_pins_all(path: Path) -> None:
    """`permissions: {}` at the top, a comment on each grant, full SHAs with the version beside."""
    text = path.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)

    assert {} == workflow["permissions"]
    for line in re.findall(r"^\s*-? ?uses: .*$", text, re.MULTILINE):
        assert re.search(r"uses: (\$/|[\w./-]+@[0-9a-f]{40} # v[\d.]+$)", line), line
    for job in workflow["jobs"].values():
        for scope in job.get("permissions", {}):
            assert re.search(rf"^\s+{scope}: \w+ # \w", text, re.MULTILINE), f"{scope} has no reason"


# Files of the user's own repository, and actions of others.
NOT_OURS = re.compile(
    r"\.github/(milepost\.yml|settings\.yml|release-drafter\.yml|notes\.md\.j2|pull_request_template\.md"
    r"|workflows/milepost(-[\w-]+)?\.yml)|actions/(setup-python|checkout|upload-artifact)"
)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_names_only_files_that_exist(path: Path) -> None:
    """Paths in backquotes, and links within the repository."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    named = re.findall(r"`((?:scripts|tests|docs|actions|container|\.github|\.ci)/[\w./-]+)`", text)
    linked = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)

    assert [] == [each for each in named if not (ROOT / each).exists() and not NOT_OURS.fullmatch(each)]
    assert [] == [each for each in linked if not (path.parent / each).exists()]


def test_pictures_are_shown_small_and_described() -> None:
    """Each that is kept stands in a page, each in a page is there, and what it shows is said in words."""
    shown: dict[Path, set[str]] = {}
    for page in PAGES:
        for words, path in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            shown.setdefault((page.parent / path).resolve(), set()).add(words)
    kept = sorted((ROOT / "docs" / "images").glob("*"))

    assert kept == sorted(shown)
    assert [] == [each.name for each in kept if each.stat().st_size > 150_000]
    assert [] == [path.name for path, words in shown.items() if min(map(len, words)) < 10]


def test_every_rule_is_broken_by_a_test(generate: Any) -> None:
    """Its name stands in a test or in what a malformed plan must be told."""
    texts = [each.read_text(encoding="utf-8") for each in (ROOT / "tests").rglob("*") if each.suffix in (".py", ".txt")]
    everything = "\n".join(texts)

    assert [] == [
        rule.name for found in generate.list_rules().values() for rule in found if rule.name not in everything
    ]


def test_no_two_rules_share_a_name(generate: Any) -> None:
    """Over all modules."""
    names = [rule.name for found in generate.list_rules().values() for rule in found]

    assert sorted(set(names)) == sorted(names)


def test_the_schema_and_the_model_speak_of_the_same_things() -> None:
    """Each property of a label, a milestone and an issue is a field of its dataclass, under a name of its own."""
    import json
    from dataclasses import fields

    from milepost.core.model import PlannedIssue, PlannedLabel, PlannedMilestone

    schema = json.loads((ROOT / "scripts/milepost/planfile/plan.schema.json").read_text(encoding="utf-8"))["$defs"]
    other_names = {
        "label": {"state": "is_absent"},
        "milestone": {"issues": None},
        "issue": {"was": "former_keys", "body-file": "body"},
    }
    for name, kind in (("label", PlannedLabel), ("milestone", PlannedMilestone), ("issue", PlannedIssue)):
        known = {each.name for each in fields(kind)}
        for member in schema[name]["properties"]:
            field = other_names[name].get(member, member)
            assert field is None or field in known, f"{name}.{member}"


def test_a_draft_of_a_new_action_is_whole(generate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--new` writes three files that compile, and nothing over what is there."""
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setattr(generate, "SCRIPTS", tmp_path / "scripts")
    for folder in ("scripts/milepost/actions", "scripts/milepost/core", "tests/unit/core"):
        (tmp_path / folder).mkdir(parents=True)

    statuses = [generate.draft("stale-check"), generate.draft("stale-check"), generate.draft("No!")]

    written = sorted(tmp_path.rglob("*.py"))
    assert [0, 2, 2] == statuses
    assert 3 == len(written)
    for path in written:
        compile(path.read_text(encoding="utf-8"), str(path), "exec")


def test_the_repository_speaks_of_the_project_alone() -> None:
    """No path of anybody's machine, no unfinished business."""
    forbidden = re.compile(r"/(?:work|home|root)/\w|/tmp/\w+/|\bTO" + r"DO\b|\bFIX" + r"ME\b|\bX" + r"XX\b")
    found = []
    for path in tracked():
        if path.suffix in (".py", ".md", ".yml", ".toml", ".txt", ".json", "") and "locks" not in path.parts:
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [(path.name, each) for each in forbidden.findall(text)]

    assert [] == found


def test_generate_names_what_is_stale(
    generate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """`--check` exits with 1 and says which command mends it."""
    stale = ROOT / "action.yml"
    monkeypatch.setattr(generate, "derive", lambda: {stale: "other"})

    assert 1 == generate.main(["--check"])
    assert "action.yml is stale; run: python3 scripts/generate.py" in capsys.readouterr().err
    assert "Milepost" in stale.read_text(encoding="utf-8")
    assert sys.version_info >= (3, 10)


def test_the_package_brings_what_every_command_imports() -> None:
    """Installed by uvx or pip, it has the packages that the locks give to the actions, in the same versions."""
    pins = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE))
    needed = {f"{name}=={pins[name]}" for action in list_actions() for name in action.packages}
    declared = set(
        re.findall(r'^  "([\w-]+==[\w.]+)",$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    )

    assert set() == needed - declared


def test_every_test_is_in_one_part_of_the_checks() -> None:
    """The guards, and what only npm's linters feed, run by themselves."""
    parts = [path for name in check.PARTS for path in check._list_part(name)]
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")}
    inside = {each for each in files if any(each == part or each.startswith(f"{part}/") for part in parts)}

    assert len(parts) == len(set(parts))
    assert {"guards", "webhooks"} == {each.split("/")[1] for each in files - inside}
