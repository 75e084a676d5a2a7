"""Every action and command, in the order of the README; one line each."""

from __future__ import annotations

from importlib import import_module

from milepost.declare import Action

# A module is imported when its command runs, so that none pays for the packages of another.
COMMANDS = {
    "sync": "milepost.actions.sync:SYNC",
    "sprint": "milepost.actions.sprint:SPRINT",
    "gate": "milepost.actions.gate:GATE",
    "progress": "milepost.actions.progress:PROGRESS",
    "release": "milepost.actions.release:RELEASE",
    "verify-gpu": "milepost.actions.verify_gpu:VERIFY_GPU",
    "validate": "milepost.actions.validate:VALIDATE",
    "export": "milepost.actions.export:EXPORT",
    "init": "milepost.actions.init:INIT",
    "doctor": "milepost.actions.doctor:DOCTOR",
    "reproduce": "milepost.actions.reproduce:REPRODUCE",
}


def get_action(name: str) -> Action:
    """The declaration of the command."""
    module, _, constant = COMMANDS[name].partition(":")
    action = getattr(import_module(module), constant)
    assert isinstance(action, Action)
    return action


def list_actions() -> tuple[Action, ...]:
    """Every declaration, in the order of the README."""
    return tuple(get_action(name) for name in COMMANDS)
