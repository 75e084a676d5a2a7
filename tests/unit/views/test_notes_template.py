"""A team's template of its notes: what it may do, and that it can do nothing else."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milepost.diagnostics import Diagnostic
from milepost.views.notes_template import MOST_OUTPUT, render_template

ITEMS = [{"number": number, "title": f"T{number}", "labels": ["a", "b"]} for number in range(1, 2001)]
VARIABLES: dict[str, Any] = {
    "title": "v1",
    "version": "",
    "sections": [{"title": "Fixes", "items": ITEMS[:2]}],
    "other": ITEMS,
    "breaking": [],
}
FILE = ".github/notes.md"


def render(source: str) -> str:
    made = render_template(source, VARIABLES, file=FILE)
    assert isinstance(made, str), made
    return made


def refuse(source: str) -> Diagnostic:
    made = render_template(source, VARIABLES, file=FILE)
    assert isinstance(made, Diagnostic), made[:100]
    assert "bad-template" == made.rule
    assert made.at is not None
    assert FILE == made.at.file
    return made


def test_a_template_has_loops_conditions_and_filters() -> None:
    """Lines that hold only a block leave no line behind."""
    source = """# {{ title }}
{% for section in sections %}
## {{ section.title }} ({{ section['items'] | length }})
  {% for item in section.items %}
- {{ item.title }} {{ item.labels | join(", ") }}{% if not loop.last %};{% endif %}{{ "" }}
  {% endfor %}
{% endfor %}
{% set rest = other | length - 2 %}
{{ rest }} more, {{ version | default("no version", true) }}{{ breaking | length + 1 }} {{ other[0].title }}
"""

    assert "# v1\n## Fixes (2)\n- T1 a, b;\n- T2 a, b\n1998 more, no version1 T1\n" == render(source)


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("{{ other | selectattr('number', 'lt', 3) | map(attribute='title') | join('+') }}", "T1+T2"),
        ("{{ other | sort(attribute='number', reverse=true) | map(attribute='number') | first }}", "2000"),
        ("{% if title in ['v1', 'v2'] and not breaking %}yes{% else %}no{% endif %}", "yes"),
        ("{{ 'a' if breaking else 'b' }}{# nothing #}", "b"),
    ],
)
def test_filters_and_conditions_work(source: str, made: str) -> None:
    """As Jinja2 documents them."""
    assert made == render(source)


@pytest.mark.parametrize(
    ("source", "summary"),
    [
        ("{{ ''.__class__.__mro__ }}", 'there is no "__class__" here'),
        ("{{ title.__class__ }}", 'there is no "__class__" here'),
        ("{{ title | attr('__class__') }}", 'there is no filter "attr"'),
        ("{{ other.append }}", 'there is no "append" here'),
        ("{{ sections[0].keys }}", 'there is no "keys" here'),
        ("{{ other | map(attribute='__class__') | first }}", 'there is no "__class__" here'),
        ("{{ other | map('charged', 0) | first }}", "the filter map takes an attribute"),
        ("{% for i in other %}{{ loop.__init__ }}{% endfor %}", 'there is no "__init__" here'),
        ("{% for i in other %}{{ loop.cycle }}{% endfor %}", 'there is no "cycle" here'),
        ("{{ self }}", "only texts and numbers can be printed"),
        ("{{ cycler }}{{ namespace }}", 'there is no "cycler" here'),
        ("{% for i in range(10**9) %}{% endfor %}", "a template cannot use calls here"),
        ("{{ title.format(title) }}", "a template cannot use calls here"),
        ("{{ 'a' * 10**9 }}", "a template cannot use * here"),
        ("{{ 10 ** 10 ** 10 }}", "a template cannot use ** here"),
        ("{{ '%1000000000d' % 1 }}", "a template cannot use % here"),
        ("{{ title ~ title }}", "a template cannot use ~ here"),
        ("{{ title + title }}", "only whole numbers can stand beside +"),
        ("{{ title[0:1] }}", "a template cannot use slice here"),
        ("{% set a = [other, other] %}", "a list can only hold what is written there"),
        ("{% include 'x' %}", "a template cannot use include here"),
        ("{% import 'x' as x %}", "a template cannot use import here"),
        ("{% macro m() %}{% endmacro %}", "a template cannot use macro here"),
        ("{% set x %}{{ title }}{% endset %}", "a template cannot use assignblock here"),
        ("{% for c in title %}{{ c }}{% endfor %}", "a text is no list"),
        ("{{ other }}", "only texts and numbers can be printed"),
        ("{{ other | join }}", "only texts and numbers can be printed"),
        ("{{ breaking | first }}", "only texts and numbers can be printed"),
        ("{{ other | map(attribute='title') | join(1) }}", "the template fails: "),
        ("{{ other[2000].title }}", 'there is no "2000" here'),
        ("{{ title | center(1000000000) }}", 'there is no filter "center"'),
        ("{{ title | replace('a', 'b') }}", 'there is no filter "replace"'),
    ],
)
def test_nothing_else_can_be_reached_or_made(source: str, summary: str) -> None:
    """Neither the insides of Python nor texts without an end."""
    start = time.monotonic()

    assert refuse(source).summary.startswith(summary)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("source", "summary"),
    [
        (
            "{% for a in other %}{% for b in other %}{% for c in other %}{% endfor %}{% endfor %}{% endfor %}",
            "the template does more than 1,000,000 steps",
        ),
        (
            "{% for a in other %}{{ other | sort(attribute='number') | map(attribute='number') | first }}{% endfor %}",
            "the template does more than 1,000,000 steps",
        ),
        (
            "{% for a in other %}" + "{% if a.number == 1 %}{% endif %}" * 2000 + "{% endfor %}",
            "the template does more than 1,000,000 steps",
        ),
        ("{% for a in other %}" + "x" * 90_000 + "{% endfor %}", "the notes would be longer than 1,000,000 characters"),
        (
            "{{ other | map(attribute='title') | join('" + "x" * 9_000 + "') }}",
            "the notes would be longer than 1,000,000 characters",
        ),
        ("x" * 100_001, "the template is too long"),
        ("{{ " + "(" * 40_000, "the template fails: "),
        ("{% if title %}" * 150 + "{% endif %}" * 150, "the template fails: "),
        ("{% for a in other %}" * 25 + "{% endfor %}" * 25, "the template fails: "),
    ],
)
def test_time_and_memory_are_bounded(source: str, summary: str) -> None:
    """By steps and lengths, not by a clock: the same template fails on every machine."""
    start = time.monotonic()

    assert refuse(source).summary.startswith(summary)
    assert time.monotonic() - start < 30


@pytest.mark.parametrize(
    ("source", "line", "summary", "help"),
    [
        ("a\n\n{{ titel }}", 3, 'there is no "titel" here; did you mean "title"?', "there are: title, version"),
        (
            "{% for s in sections %}\n{{ s.titel }}{% endfor %}",
            2,
            'no "titel" here; did you mean "title"?',
            "title, items",
        ),
        ("{{ xyz }}", 1, 'there is no "xyz" here', "there are: title"),
        ("\n{{ title | lenght }}", 2, 'there is no filter "lenght"; did you mean "length"?', "the filters"),
        ("\n\n{% if %}", 3, "the template cannot be read: ", "a template can print variables"),
        ("\n{% for a in other %}\n{{ a.number + title }}{% endfor %}", 3, "only whole numbers", "a template can"),
        ("{{ title", 1, "the template cannot be read: ", "a template can print variables"),
    ],
)
def test_a_mistake_is_shown_where_it_is(source: str, line: int, summary: str, help: str) -> None:
    """Its line, and the nearest word that is there."""
    found = refuse(source)

    assert found.at is not None
    assert (line, source.split("\n")[line - 1]) == (found.at.line, found.at.text)
    assert summary in found.summary
    assert help in found.help


def test_what_fits_exactly_is_made() -> None:
    """The bound is the last that fits."""
    assert MOST_OUTPUT == len(render("{% for a in other %}" + "x" * 500 + "{% endfor %}"))


PIECES = (
    "{{",
    "}}",
    "{%",
    "%}",
    "for",
    "in",
    "if",
    "title",
    "other",
    "|",
    "(",
    ")",
    "'",
    "\n",
    "endfor",
    "+",
    "~",
    "a",
    "[",
)


@given(st.lists(st.sampled_from(PIECES), max_size=20).map(" ".join) | st.text(max_size=60))
def test_a_template_is_rendered_or_refused(source: str) -> None:
    """Whatever its text."""
    made = render_template(source, VARIABLES, file=FILE)

    assert isinstance(made, (str, Diagnostic))
