"""However little sense the programs' words make, the facts fit their schema, and say why something is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from milepost.probe.facts import Fitter, Reports, assemble, is_compat
from milepost.probe.journal import Reader
from milepost.probe.watch import Fault, Outcome

SCHEMA = json.loads(
    (Path(__file__).parents[3] / "scripts/milepost/probe/facts.schema.json").read_text(encoding="utf-8")
)
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["GPU-1", "ok", "9.0"])
WORDS = [
    *("uuid", "cuda_index", "pci", "name", "unread", "nvml", "version", "libcuda", "path", "errno", "imported"),
    *("family", "shm_total", "env", "executable", "differ", "arch_list", "memory_total", "cuda_api", "is_mig"),
]
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=12,
)
NAMES = ["python", "host", "driver", "nodes", "pci_gpus", "torch", "others", "packages", "files", "gpu", "devices"]
FACTS = st.lists(st.tuples(st.sampled_from([*NAMES, "loaded", "libcuda"]), VALUES), max_size=8)
RESULTS = st.lists(
    st.fixed_dictionaries(
        {"step": st.tuples(st.sampled_from(["import", "alloc"]), st.none() | st.just("GPU-1")), "status": VALUES},
        optional={"ms": VALUES, "detail": VALUES, "error": VALUES, "signal": VALUES, "reason": VALUES},
    ),
    max_size=3,
)
FAULTS = st.none() | st.just(Fault(("import", None), "hung", "no answer", reason="timeout"))


VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def validate(facts: Any) -> None:
    """The facts fit the schema."""
    VALIDATOR.validate(facts)


@settings(max_examples=50)
@given(FACTS, FACTS, FACTS, RESULTS, FAULTS)
def test_whatever_is_told_fits_the_schema(ground: Any, nvml: Any, torch: Any, results: Any, fault: Any) -> None:
    """A child of the inspected interpreter may write anything into its journal."""
    reports = Reports(
        python="/usr/bin/python3",
        ground=Outcome(facts=ground, fault=fault),
        nvml=Outcome(facts=nvml, fault=fault),
        torch=[Outcome(facts=torch, fault=fault)],
        results=results,
    )

    facts = assemble(reports, "quick", "2026-01-05T09:00:00Z", 5)

    validate(facts)
    json.dumps(facts, allow_nan=False)


def test_when_nothing_was_told_every_leaf_says_why() -> None:
    """No leaf that the judge reads is missing without a reason, and no reason is a tolerable one but torch's own."""
    reports = Reports(python="python3")

    facts = assemble(reports, "full", "2026-01-05T09:00:00Z", 5)

    validate(facts)
    assert "error" == facts["unread"]["/driver/nvml"] == facts["unread"]["/gpus"] == facts["unread"]["/host/shm_total"]
    assert {"error", "not-present"} == set(facts["unread"].values())
    assert {"/driver/has_open_module"} == {
        place for place, reason in facts["unread"].items() if reason == "not-present"
    }


def test_a_value_of_another_kind_is_garbage() -> None:
    """It is told as such, however near it comes."""
    fitter = Fitter(SCHEMA, {"": "error"})
    gpu = SCHEMA["$defs"]["gpu"]

    fitted = fitter.fit(gpu, {"memory_total": "80 GB", "processes": -1, "is_mig": 0, "compute_mode": "odd"}, "/gpus/0")

    assert {None} == {fitted[name] for name in ("memory_total", "processes", "is_mig", "compute_mode")}
    assert ["garbage"] * 4 == [
        fitter.unread[f"/gpus/0/{name}"] for name in ("memory_total", "processes", "is_mig", "compute_mode")
    ]


def test_long_texts_and_details_are_cut() -> None:
    """A report stays small, whatever torch has to say."""
    result = {"step": ("alloc", None), "status": "ok", "ms": 1, "detail": {"x": "y" * 20000}, "error": "z" * 9000}

    facts = assemble(Reports(python="python3", results=[result]), "quick", "2026-01-05T09:00:00Z", 5)

    assert (None, 4000) == (facts["results"][0]["detail"], len(facts["results"][0]["error"]))
    assert "/results/0/detail" in facts["unread"]


@pytest.mark.parametrize(
    ("path", "version", "answer"),
    [
        ("/usr/lib/x86_64-linux-gnu/libcuda.so.580.159.03", "580.159.03", False),
        ("/usr/lib/x86_64-linux-gnu/libcuda.so.1", "580.159.03", False),
        ("/usr/local/cuda-13.0/compat/libcuda.so.580.82.07", "535.54.03", True),
        ("/usr/local/cuda/compat/libcuda.so.1", None, True),
        ("/opt/libcuda.so.580.82.07", "535.54.03", True),
        ("/usr/lib/wsl/lib/libcuda.so.1.1", "572.16", False),
    ],
)
def test_a_compatibility_library_is_known_by_its_place_or_its_version(path: str, version: Any, answer: bool) -> None:
    """It is another one than the kernel module's."""
    assert answer == is_compat(path, version)


def test_a_journal_is_read_as_far_as_it_came(tmp_path: Path) -> None:
    """Line by line while it grows; what is no event makes it garbled, and numbers that JSON cannot say are texts."""
    path = tmp_path / "journal"
    reader = Reader(path)
    assert [] == reader.advance()

    path.write_bytes(b'{"event": "begin", "step": ["alloc", null]}\n{"event": "fact", "name": "x", "value": NaN}\n{"ev')
    first = reader.advance()
    with path.open("ab") as file:
        file.write(b'ent": "fact", "name": "y", "value": 1e999}\n')
    second = reader.advance()

    assert ["begin", "fact"] == [each["event"] for each in first]
    assert ("NaN", "1e999", False) == (first[1]["value"], second[0]["value"], reader.is_garbled)


@pytest.mark.parametrize(
    "line",
    [
        b"garbage",
        b"\xff\xfe",
        b"[]",
        b'{"event": "begin"}',
        b'{"event": "end", "step": ["a"]}',
        b'{"event": "end", "step": ["a", 1]}',
        b'{"event": "plan", "steps": {"a": 1}}',
        b'{"event": "fact"}',
        b'{"event": "other"}',
        b"[" * 100000,
    ],
)
def test_a_line_that_is_no_event_is_garbage(line: bytes, tmp_path: Path) -> None:
    """The lines around it are read."""
    path = tmp_path / "journal"
    path.write_bytes(b'{"event": "fact", "name": "x"}\n' + line + b'\n{"event": "fact", "name": "y"}\n')
    reader = Reader(path)

    assert ["x", "y"] == [each["name"] for each in reader.finish()]
    assert reader.is_garbled


def test_a_journal_without_end_is_not_read_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot fill the memory."""
    monkeypatch.setattr("milepost.probe.journal.MOST_BYTES", 100)
    path = tmp_path / "journal"
    path.write_bytes(b'{"event": "fact", "name": "x"}\n' * 50)
    reader = Reader(path)

    assert 3 == len(reader.finish())
    assert reader.is_garbled
