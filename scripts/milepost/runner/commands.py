"""What we tell the runner: annotations, outputs, masks, log groups. Nothing else imports actions_toolkit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from actions_toolkit.command import issue_command  # type: ignore[import-untyped]  # ships no types
from actions_toolkit.file_command import issue_file_command, prepare_key_value_message  # type: ignore[import-untyped]

from milepost.diagnostics import Diagnostic, Severity, most_severe_first

# The runner keeps ten annotations of a type per step and cuts a message at 4,096 characters
# (actions/runner, ExecutionContext.cs).
MOST_ANNOTATIONS = 10
MOST_CHARACTERS = 4_000


def emit_mask(secret: str) -> None:
    """From now on the runner shows `***` wherever the secret would stand."""
    if secret:
        issue_command("add-mask", {}, secret)


def emit_annotations(diagnostics: Iterable[Diagnostic]) -> None:
    """Each diagnostic is an annotation, ten per severity, the tenth saying how many more there are."""
    ordered = most_severe_first(diagnostics)
    for severity in Severity:
        _emit_rationed([each for each in ordered if each.severity is severity], severity)


def emit_outputs(outputs: Mapping[str, str]) -> None:
    """Later steps can read the outputs."""
    for name, value in outputs.items():
        issue_file_command("OUTPUT", prepare_key_value_message(name, value))


@contextmanager
def log_group(title: str) -> Iterator[None]:
    """What is printed inside is folded in the log under the title."""
    issue_command("group", {}, title)
    try:
        yield
    finally:
        issue_command("endgroup", {}, "")


def _emit_rationed(diagnostics: list[Diagnostic], severity: Severity) -> None:
    fits = len(diagnostics) <= MOST_ANNOTATIONS
    shown = diagnostics if fits else diagnostics[: MOST_ANNOTATIONS - 1]
    for each in shown:
        issue_command(severity.value, _properties(each), _message(each))
    if not fits:
        rest = len(diagnostics) - len(shown)
        issue_command(severity.value, {}, f"and {rest} more: the job summary lists them all")


def _properties(diagnostic: Diagnostic) -> dict[str, str]:
    properties = {"title": diagnostic.rule}
    at = diagnostic.at
    if at is not None:
        properties |= {"file": at.file, "line": str(at.line), "col": str(at.column)}
        if at.end_column:
            properties["endColumn"] = str(at.end_column)
    return properties


def _message(diagnostic: Diagnostic) -> str:
    parts = (diagnostic.summary, diagnostic.why, diagnostic.help and f"Help: {diagnostic.help}")
    return "\n".join(part for part in parts if part)[:MOST_CHARACTERS]
