"""Release notes by a team's own template, in a part of Jinja2 that is small enough to be bounded.

A template has variables, conditions, loops, `set`, and the filters below. It has no calls, macros, includes or
other templates, and makes no text but what it prints; so neither memory nor time can grow out of hand:
the source holds at most MOST_SOURCE bytes, the output MOST_OUTPUT characters, and MOST_STEPS is how often
parts of the template are looked at, in all loops and filters together: seconds, and half a minute for
the worst that was found (lists looked for in lists of 2,000 items, over and over). Texts cannot be taken apart,
which would undo their escaping: a list of variables, a mapping's keys and a list's places are all that can be reached.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Union

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from milepost.diagnostics import Diagnostic, Location, Rule, Severity
from milepost.views.plain import one_line, quoted, shortened

MOST_SOURCE = 100_000
MOST_OUTPUT = 1_000_000
MOST_STEPS = 1_000_000
CHARGED = "charged"
LIST_FILTERS = ("first", "last", "length", "map", "reject", "rejectattr", "reverse", "select", "selectattr", "sort")
FILTERS = (*LIST_FILTERS, "default", "join")
ALLOWED = (
    *(nodes.Add, nodes.And, nodes.Assign, nodes.Compare, nodes.CondExpr, nodes.Const, nodes.Filter, nodes.For),
    *(nodes.Getattr, nodes.Getitem, nodes.If, nodes.Keyword, nodes.List, nodes.Name, nodes.Not, nodes.Operand),
    *(nodes.Or, nodes.Output, nodes.Sub, nodes.Template, nodes.TemplateData, nodes.Test, nodes.Tuple),
)
POSSIBLE = f"a template can print variables, and use if, for, set and the filters {', '.join(sorted(FILTERS))}"
LOOP = ("depth", "depth0", "first", "index", "index0", "last", "length", "revindex", "revindex0")

BAD_TEMPLATE = Rule("bad-template", Severity.ERROR, "The template of the release notes cannot be used.")

RULES = (BAD_TEMPLATE,)


def render_template(source: str, variables: Mapping[str, Any], *, file: str) -> Union[str, Diagnostic]:
    """What the template makes of the variables, which are mappings, lists, texts and whole numbers; or what is wrong.

    Its own line ends are kept, but for the one after a block, and blanks before a block.
    """
    if len(source.encode("utf-8", "surrogatepass")) > MOST_SOURCE:
        return _found("the template is too long", source, file, 1, help=f"keep it below {MOST_SOURCE:,} bytes")
    sandbox = _Sandbox()
    try:
        return _render(sandbox, source, variables)
    except _Unfit as trouble:
        return _found(trouble.summary, source, file, trouble.line or _find_line(trouble), help=trouble.help)
    except TemplateSyntaxError as trouble:
        return _found(f"the template cannot be read: {trouble.message}", source, file, trouble.lineno, help=POSSIBLE)
    except Exception as trouble:
        # Jinja2 says of its sandbox that a template may raise anything.
        return _found(f"the template fails: {trouble}", source, file, _find_line(trouble), help=POSSIBLE)


class _Unfit(Exception):
    """The template asks for what it cannot have; the line is 0 where only the traceback knows it."""

    def __init__(self, summary: str, *, line: int = 0, help: str = POSSIBLE) -> None:
        self.summary, self.line, self.help = summary, line, help
        super().__init__(summary)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Reaches keys of mappings and places of lists, nothing else; counts what is done."""

    intercepted_binops = frozenset({"+", "-"})

    def __init__(self) -> None:
        super().__init__(
            autoescape=False,
            finalize=_print,
            keep_trailing_newline=True,
            lstrip_blocks=True,
            trim_blocks=True,
            undefined=StrictUndefined,
        )
        self.globals.clear()
        self.filters = {name: self.filters[name] for name in FILTERS}
        self.filters |= {"join": _join, CHARGED: self.charge}
        self.steps = 0

    def charge(self, values: Iterable[Any], weight: int) -> list[Any]:
        """The values as a list, when so many parts of a template may still be looked at."""
        if isinstance(values, str):
            raise _Unfit("a text is no list: it cannot be taken apart")
        found = list(values)
        self.steps += len(found) * weight
        if self.steps > MOST_STEPS:
            raise _Unfit(f"the template does more than {MOST_STEPS:,} steps", help="nest fewer loops")
        return found

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, LoopContext) and argument in LOOP:
            return super().getattr(obj, argument)
        if isinstance(obj, Mapping) and argument in obj:
            return obj[argument]
        if isinstance(obj, list) and isinstance(argument, int) and -len(obj) <= argument < len(obj):
            return obj[argument]
        known = LOOP if isinstance(obj, LoopContext) else obj if isinstance(obj, Mapping) else ()
        raise _absent(str(argument), known)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if not (isinstance(left, int) and isinstance(right, int)):
            raise _Unfit(f"only whole numbers can stand beside {operator}")
        return super().call_binop(context, operator, left, right)


def _render(sandbox: _Sandbox, source: str, variables: Mapping[str, Any]) -> str:
    tree = sandbox.parse(source)
    for node in _walk(tree):
        _judge(node)
    for name in sorted(find_undeclared_variables(tree) - set(variables)):
        line = next(each.lineno for each in _walk(tree) if isinstance(each, nodes.Name) and each.name == name)
        raise _absent(name, variables, line=line)
    _charge_loops(tree)
    template = Template.from_code(sandbox, sandbox.compile(tree), sandbox.globals)
    parts, room = [], MOST_OUTPUT
    for part in template.generate(variables):
        room -= len(part)
        if room < 0:
            raise _Unfit(f"the notes would be longer than {MOST_OUTPUT:,} characters", help="print less")
        parts.append(part)
    return "".join(parts)


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


def _judge(node: nodes.Node) -> None:
    """Raises for what the language of these templates has not."""
    if not isinstance(node, ALLOWED):
        raise _Unfit(f"a template cannot use {_name(node)} here", line=node.lineno)
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise _Unfit(f"there is no filter {_shown(node.name)}{_near(node.name, FILTERS)}", line=node.lineno)
    # The filters that it could name would be used without being counted.
    if isinstance(node, nodes.Filter) and node.name == "map" and node.args:
        raise _Unfit("the filter map takes an attribute: map(attribute='title')", line=node.lineno)
    # Lists of lists of lists would double what a comparison has to look at.
    if isinstance(node, (nodes.List, nodes.Tuple)) and not all(isinstance(each, nodes.Const) for each in node.items):
        raise _Unfit("a list can only hold what is written there", line=node.lineno)


def _name(node: nodes.Node) -> str:
    if isinstance(node, nodes.BinExpr):
        return node.operator
    return {"Call": "calls", "Concat": "~"}.get(type(node).__name__, type(node).__name__.lower())


def _charge_loops(node: nodes.Node) -> None:
    """Everything that is looped over, or filtered, is counted before: each element by what is done with it."""
    for child in node.iter_child_nodes():
        _charge_loops(child)
    if isinstance(node, nodes.For):
        node.iter = _charged(node.iter, sum(1 for _ in _walk(node)))
    if isinstance(node, nodes.Filter) and node.name in (*LIST_FILTERS, "join") and node.node is not None:
        node.node = _charged(node.node, 1)


def _charged(node: nodes.Node, weight: int) -> nodes.Filter:
    count = nodes.Const(weight, lineno=node.lineno)
    return nodes.Filter(node, CHARGED, [count], [], None, None, lineno=node.lineno)


def _print(value: Any) -> Any:
    """Texts and numbers; the inside of a list is for nobody's eyes, and could be long."""
    if not isinstance(value, (str, int)):
        raise _Unfit("only texts and numbers can be printed", help="use a loop, or the filter join")
    return value


def _join(values: list[Any], separator: str = "") -> str:
    """The values with the separator between, when that is not too long."""
    texts = [str(_print(each)) for each in values]
    if sum(map(len, texts)) + len(separator) * len(texts) > MOST_OUTPUT:
        raise _Unfit(f"the notes would be longer than {MOST_OUTPUT:,} characters", help="print less")
    return separator.join(texts)


def _absent(name: str, known: Iterable[str], *, line: int = 0) -> _Unfit:
    names = ", ".join(known)
    way_out = f"there are: {names}" if names else "only mappings and lists hold something"
    return _Unfit(f"there is no {_shown(name)} here{_near(name, known)}", line=line, help=way_out)


def _shown(name: str) -> str:
    return quoted(shortened(name))


def _near(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(shortened(name), known, n=1)
    return f"; did you mean {quoted(close[0])}?" if close else ""


def _find_line(trouble: BaseException) -> int:
    """Where the template was when it failed; its first line when it did not run yet."""
    frames = traceback.extract_tb(trouble.__traceback__)
    return next((each.lineno or 1 for each in reversed(frames) if each.filename == "<template>"), 1)


def _found(summary: str, source: str, file: str, line: int, *, help: str) -> Diagnostic:
    lines = source.splitlines()
    text = one_line(lines[line - 1][:200]) if line <= len(lines) else ""
    at = Location(file=file, line=line, column=1, text=text)
    return BAD_TEMPLATE.found(shortened(summary, 300), at=at, help=help)
