"""From argv or the environment to one action and an exit status.

The only calendar, the only print, the only exit, the last `except`.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timezone
from difflib import get_close_matches
from typing import Any

from milepost import __version__
from milepost.core.auto import AUTO, Choice
from milepost.declare import Action, list_claims, list_inputs, read
from milepost.diagnostics import Diagnostic, Rule, Severity
from milepost.errors import ExitCode, Refused, Unusable
from milepost.registry import COMMANDS, get_action
from milepost.runner.context import Context, read_context
from milepost.runner.secrets import list_parts
from milepost.views.diagnostics import render_json, render_markdown, render_text
from milepost.views.help import render_command_help, render_help
from milepost.views.plain import one_line
from milepost.world import Outcome, World

USAGE = Rule("usage", Severity.ERROR, "The command line cannot be understood.")
NO_TOKEN = Rule("no-token", Severity.ERROR, "No token is given for a command that calls GitHub.")
NO_REPOSITORY = Rule("no-repository", Severity.ERROR, "No repository is given, or its name is not OWNER/NAME.")
RULES = (USAGE, NO_TOKEN, NO_REPOSITORY)

ISSUES = "https://github.com/milepost/milepost/issues/new"
# Options of every command, beside its inputs.
COMMON_OPTIONS = {
    "format": "`text` (default) or `json`: how the outcome is printed.",
    "repository": "OWNER/NAME; by default GITHUB_REPOSITORY.",
    "api-url": "Address of the REST API; by default GITHUB_API_URL.",
    "graphql-url": "Address of the GraphQL API; by default GITHUB_GRAPHQL_URL.",
    "today": "YYYY-MM-DD: the day to take as today.",
}


@dataclass(frozen=True, kw_only=True)
class Call:
    """A command line, taken apart."""

    action: Action
    values: Mapping[str, str] = field(repr=False)
    options: Mapping[str, str]

    @property
    def is_json(self) -> bool:
        return self.options.get("format") == "json"


def main(argv: Sequence[str] | None = None) -> int:
    """The command has run, and everything about it has been told; the value is the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    if arguments[:1] == ["simulate"]:
        from milepost.simulator.server import main as simulate

        return int(simulate(arguments[1:]) or 0)
    helped = _help(arguments)
    if helped is not None:
        print(helped)
        return ExitCode.DONE
    context = read_context(os.environ)
    secrets: list[str] = []
    choice: Choice | None = None
    try:
        choice = _choose(arguments, context)
        if choice:
            arguments[0] = choice.action
        call = parse(arguments, os.environ)
        outcome = _run(call, context, secrets)
    except Unusable as problem:
        call, outcome = _bare_call(arguments), _failed(ExitCode.UNUSABLE, problem.diagnostics)
    except Refused as refusal:
        call, outcome = _bare_call(arguments), _failed(ExitCode.REFUSED, (refusal.diagnostic,))
    except KeyboardInterrupt:
        print("interrupted: what was written stays; run the command again to continue", file=sys.stderr)
        return 130
    except Exception:  # the last one: everything that is not foreseen is a bug of ours
        _tell_bug(context, secrets)
        return ExitCode.BUG
    outcome = _with_choice(outcome, choice)
    try:
        _tell(outcome, context, is_json=call.is_json)
    except PermissionError as trouble:
        # A job's container that runs as another user than the runner cannot write the runner's files.
        place = one_line(str(trouble.filename))
        print(f"{place} cannot be written: run the job's container as the runner's user, with `options: --user root`")
        return ExitCode.UNUSABLE
    return outcome.exit_code


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Call:
    """The command line as a call; raises Unusable with every problem of it."""
    name = arguments[0]
    if name not in COMMANDS:
        raise Unusable([USAGE.found(f"there is no command {name!r}", help=_nearest_command(name))])
    action = get_action(name)
    given = _read_words(arguments[1:], action) if action.subject else _read_flags(arguments[1:])
    options = {key: given.pop(key) for key in COMMON_OPTIONS if key in given}
    values = {**_from_environment(action, environment), **given}
    return Call(action=action, values=values, options=options)


def _choose(arguments: list[str], context: Context) -> Choice | None:
    """The action that `auto` stands for in this run; None when the command is named."""
    if arguments[0] != AUTO:
        return None
    from milepost.choosing import choose  # reads a plan file, which not every command needs

    return choose(_read_flags(arguments[1:]).get("plan") or os.environ.get("INPUT_PLAN", ""), context)


def _with_choice(outcome: Outcome, choice: Choice | None) -> Outcome:
    """The outcome says first which action ran, and why, when that was left open."""
    if choice is None:
        return outcome
    return replace(
        outcome,
        text=f"auto: {choice.action}, since: {choice.reason}\n{outcome.text}",
        summary=f"**auto** chose `{choice.action}`: {choice.reason}\n\n{outcome.summary}",
        data={**outcome.data, "auto": choice.action},
    )


def _help(arguments: list[str]) -> str | None:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        return render_help({name: get_action(name).summary for name in COMMANDS})
    if arguments[0] == "--version":
        return f"milepost {__version__}"
    if arguments[0] in COMMANDS and {"-h", "--help"} & set(arguments[1:]):
        return render_command_help(get_action(arguments[0]), COMMON_OPTIONS)
    return None


def _read_words(arguments: Sequence[str], action: Action) -> dict[str, str]:
    """The flags, and the first word that belongs to none as the subject; a claim takes no other word than true or false."""
    rest, claims = list(arguments), {f"--{each}" for each in list_claims(action.inputs)}
    for index, word in enumerate(rest):
        before = rest[index - 1] if index else ""
        is_claim = before in claims and word.lower() not in ("true", "false")
        is_value = before.startswith("--") and "=" not in before and not is_claim
        if not word.startswith("--") and not is_value:
            rest[index] = f"--{action.subject}={word}"
            break
    return _read_flags(rest)


def _read_flags(arguments: Sequence[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    problems: list[Diagnostic] = []
    rest = list(arguments)
    while rest:
        flag = rest.pop(0)
        name, has_value, value = flag[2:].partition("=")
        if not flag.startswith("--") or not name:
            problems.append(USAGE.found(f"{flag!r} is not an option", help="options are --name value"))
        elif has_value:
            values[name] = value
        elif rest and not rest[0].startswith("--"):
            values[name] = rest.pop(0)
        else:
            values[name] = "true"  # a claim may stand alone; anything else refuses the word `true`
    if problems:
        raise Unusable(problems)
    return values


def _from_environment(action: Action, environment: Mapping[str, str]) -> dict[str, str]:
    """The inputs that an Actions step carries; the token may also be in GITHUB_TOKEN."""
    found = {each.name: environment.get(each.variable, "") for each in list_inputs(action.inputs)}
    if "token" in found and not found["token"]:
        found["token"] = environment.get("GITHUB_TOKEN", "")
    return {name: value for name, value in found.items() if value}


def _run(call: Call, context: Context, secrets: list[str]) -> Outcome:
    inputs, problems = read(call.action.inputs, call.values, flag=lambda name: f"--{name}")
    _hide(call, context, secrets)
    today, more = _today(call.options)
    problems += more + _check_options(call.options)
    if inputs is None or problems:
        raise Unusable(problems)
    context = _overridden(context, call.options)
    world = World(context=context, now=datetime.now(timezone.utc), log=_log, fixed_today=today)
    if call.action.needs_repository:
        world = replace(world, client=_connect(call, context))
    elif call.values.get("token") and context.repository:
        world = replace(world, connect=lambda: _connect(call, context))
    outcome = call.action.run(inputs, world)
    assert isinstance(outcome, Outcome)
    return outcome


def _hide(call: Call, context: Context, secrets: list[str]) -> None:
    """Secret values are masked before anything else is printed."""
    for each in list_inputs(call.action.inputs):
        if each.is_secret and call.values.get(each.name):
            secrets.extend(list_parts(call.values[each.name]))
    if context.is_runner and secrets:
        from milepost.runner.commands import emit_mask

        for secret in secrets:
            emit_mask(secret)


def _today(options: Mapping[str, str]) -> tuple[date | None, tuple[Diagnostic, ...]]:
    text = options.get("today", "")
    try:
        return (date.fromisoformat(text) if text else None), ()
    except ValueError:
        return None, (USAGE.found(f"--today: {text!r} is not a day", help="write YYYY-MM-DD"),)


def _check_options(options: Mapping[str, str]) -> tuple[Diagnostic, ...]:
    if options.get("format", "text") in ("text", "json"):
        return ()
    return (USAGE.found(f"--format: {options['format']!r} is not known", help="write text or json"),)


def _overridden(context: Context, options: Mapping[str, str]) -> Context:
    api_url = options.get("api-url", "").rstrip("/")
    return replace(
        context,
        repository=options.get("repository") or context.repository,
        api_url=api_url or context.api_url,
        graphql_url=options.get("graphql-url", "").rstrip("/") or ("" if api_url else context.graphql_url),
    )


def _connect(call: Call, context: Context) -> Any:
    """A client for the repository; raises Unusable when there is no token or no repository."""
    token, problems = call.values.get("token", ""), []
    if not token:
        problems.append(NO_TOKEN.found("no token is given", help="set GITHUB_TOKEN, or give --token"))
    owner, slash, name = context.repository.partition("/")
    if not (owner and slash and name) or "/" in name:
        summary = f"{context.repository!r} is not a repository" if context.repository else "no repository is given"
        problems.append(NO_REPOSITORY.found(summary, help="give --repository OWNER/NAME, or set GITHUB_REPOSITORY"))
    if problems:
        raise Unusable(problems)
    from milepost.remote.client import Access, connect

    access = Access(
        token=token, repository=context.repository, api_url=context.api_url, graphql_url=context.graphql_url
    )
    return connect(access, log=_log)


def _bare_call(arguments: list[str]) -> Call:
    """How to print, when the call itself could not be read."""
    is_json = "--format=json" in arguments or "json" in arguments[1:]
    return Call(action=get_action("validate"), values={}, options={"format": "json"} if is_json else {})


def _failed(code: ExitCode, diagnostics: tuple[Diagnostic, ...]) -> Outcome:
    return Outcome(exit_code=code, diagnostics=diagnostics)


def _tell(outcome: Outcome, context: Context, *, is_json: bool) -> None:
    """The terminal, the job summary, the outputs and the annotations say what happened."""
    if is_json:
        print(_render_json(outcome))
    else:
        print("\n".join(part for part in (outcome.text, render_text(outcome.diagnostics)) if part))
    if context.is_runner:
        _tell_runner(outcome)


def _tell_runner(outcome: Outcome) -> None:
    from milepost.runner.commands import emit_annotations, emit_outputs
    from milepost.runner.summary import emit_summary

    problems = render_markdown(outcome.diagnostics)
    emit_summary("\n\n".join(part for part in (outcome.summary, problems) if part), _summary_path())
    if os.environ.get("GITHUB_OUTPUT"):
        emit_outputs(outcome.outputs)
    emit_annotations(outcome.diagnostics)


def _render_json(outcome: Outcome) -> str:
    value = {
        "exit": int(outcome.exit_code),
        "outputs": dict(outcome.outputs),
        "diagnostics": render_json(outcome.diagnostics),
        **outcome.data,
    }
    # The runner reads `##[` as a command anywhere in a line; `\u0023` is the same JSON.
    return json.dumps(value, ensure_ascii=False, indent=2).replace("##[", "#\\u0023[")


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _nearest_command(name: str) -> str:
    close = get_close_matches(name, [*COMMANDS, "simulate"], n=1)
    return f"did you mean {close[0]!r}?" if close else f"the commands are: {', '.join([*COMMANDS, 'simulate'])}"


def _summary_path() -> str:
    return os.environ.get("GITHUB_STEP_SUMMARY", "")


def _tell_bug(context: Context, secrets: list[str]) -> None:
    trace = traceback.format_exc()
    for secret in secrets:
        trace = trace.replace(secret, "***")
    print("::group::a bug of Milepost's own: traceback" if context.is_runner else "a bug of Milepost's own:")
    print(trace.replace("\n::", "\n ::").replace("##[", "## ["))
    print("::endgroup::" if context.is_runner else "")
    versions = f"milepost {__version__}, Python {platform.python_version()}, {platform.platform()}"
    line = f"Milepost failed through a bug of its own ({versions}); report it with the traceback: {ISSUES}"
    print(f"::error::{line}" if context.is_runner else line)
