"""Each effect has one home: read from the imports and calls of the code itself."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "scripts" / "milepost"
MODULES = sorted(PACKAGE.rglob("*.py"))
# Who may import what from outside; everybody may import the standard library.
ONLY_IN = {
    "github": ("remote/",),
    "requests": ("remote/client.py", "remote/transfer.py"),
    "actions_toolkit": ("runner/commands.py",),
    "yaml": ("planfile/",),
    "jsonschema": ("planfile/",),
    "packaging": ("core/",),
    "jinja2": ("views/notes_template.py",),
    "semver": ("core/versions.py",),
    "graphql": ("simulator/routes/graphql.py",),
    "torch": ("probe/worker.py",),
    "apprise": ("notify.py",),
    "subprocess": ("probe/",),
    "socket": ("simulator/server.py",),
    "ssl": ("images/transport.py",),
    "http": ("images/transport.py", "simulator/"),
}
# Who may import which room of ours.
ROOMS = {
    "core/": ("core", "diagnostics"),
    "data/": ("core", "data"),
    "planfile/": ("core", "diagnostics", "planfile"),
    "images/": ("core", "diagnostics", "errors", "images"),
    "probe/": ("probe",),
    "remote/": ("core", "diagnostics", "errors", "remote"),
    "runner/": ("diagnostics", "runner", "views"),
    "views/": ("core", "declare", "diagnostics", "views"),
    "simulator/": ("simulator",),
}
CALLS_ONLY_IN = {
    "print": ("cli.py", "simulator/server.py"),
    "open": (),
    "sys.exit": ("probe/start.py",),
    "time.sleep": ("remote/client.py", "simulator/server.py", "probe/worker.py"),
    "time.time": ("remote/client.py",),
    "datetime.now": ("cli.py",),
    "date.today": (),
}


def name_of(path: Path) -> str:
    """The module's path below the package."""
    return path.relative_to(PACKAGE).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        if isinstance(node, ast.ImportFrom) and node.level:
            folders = ("milepost", *path.relative_to(PACKAGE).parts)[: -node.level]
            yield ".".join([*folders, *([node.module] if node.module else [])])
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_what_its_room_may(path: Path) -> None:
    """Outside packages have their homes, and rooms their neighbours."""
    name = name_of(path)
    for each in imports(path):
        top, *rest = each.split(".")
        if top == "milepost":
            allowed = next((rooms for prefix, rooms in ROOMS.items() if name.startswith(prefix)), None)
            assert allowed is None or not rest or rest[0] in allowed, f"{name} imports {each}"
        elif top not in sys.stdlib_module_names or top in ONLY_IN:
            assert name.startswith(ONLY_IN.get(top, ())), f"{name} imports {each}"


@pytest.mark.parametrize("path", [each for each in MODULES if name_of(each).startswith("actions/")], ids=name_of)
def test_no_action_imports_another(path: Path) -> None:
    """What two need lives in a room of its own: deleting one leaves the others whole."""
    assert [] == [each for each in imports(path) if each.startswith("milepost.actions.")]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_calls_only_what_its_room_may(path: Path) -> None:
    """Printing, ending, sleeping and looking at the clock have one home each."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in CALLS_ONLY_IN or name_of(path) in CALLS_ONLY_IN[called], f"{name_of(path)}: {called}"


def test_core_has_no_effects() -> None:
    """Neither files nor environment: its modules import nothing that could."""
    effects = {"os", "io", "pathlib", "logging", "random", "urllib", "http", "threading"}

    assert [] == [
        (name_of(path), each)
        for path in MODULES
        if name_of(path).startswith("core/")
        for each in imports(path)
        if each.split(".")[0] in effects
    ]
