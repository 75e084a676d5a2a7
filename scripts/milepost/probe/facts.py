"""What the programs told, as one object of the shape that facts.schema.json states; pure but for reading that file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .journal import Event
from .watch import Outcome

VERSION = "1.0.0"
SCHEMA = Path(__file__).with_name("facts.schema.json")
MOST_TEXT, MOST_DETAIL, MOST_ITEMS = 4000, 16384, 5000
KINDS: dict[str, Any] = {"string": str, "integer": int, "boolean": bool, "object": dict, "null": type(None)}
REASONS = ("not-supported", "no-permission", "not-present", "timeout", "crashed", "garbage", "error")
COMPAT = re.compile(r"/(compat|cuda-compat|forward-compat)(-[\w.]+)?/")


@dataclass
class Reports:
    """Everything that was told, by program."""

    python: str
    ground: Outcome = field(default_factory=Outcome)
    nvml: Outcome = field(default_factory=Outcome)
    torch: list[Outcome] = field(default_factory=list)
    results: list[Event] = field(default_factory=list)

    def has_passed(self, probe: str) -> bool:
        """True when the step was taken and gave no trouble."""
        found = [each["status"] for each in self.results if each["step"][0] == probe]
        return bool(found) and all(status == "ok" for status in found)

    @property
    def is_nvml_told(self) -> bool:
        """True when the management library was asked to the end: what it says of the driver comes last."""
        return any(name == "driver" and isinstance(value, dict) for name, value in self.nvml.facts)

    def list_devices(self) -> list[dict[str, Any]]:
        """The devices that CUDA showed."""
        devices = _last(self.torch, "devices")
        return [_object(each) for each in devices] if isinstance(devices, list) else []


def assemble(reports: Reports, level: str, started: str, milliseconds: int) -> dict[str, Any]:
    """The facts: every leaf has its type or is null, and `unread` says why it could not be read."""
    gatherer = Gatherer(reports)
    told = {
        "schema": "milepost.facts/1",
        "probe": {"version": VERSION, "started": started, "ms": milliseconds, "level": level},
        **gatherer.gather(),
    }
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    fitter = Fitter(schema, gatherer.reasons)
    parts = {name: part for name, part in schema["properties"].items() if name != "unread"}
    facts = {name: fitter.fit(part, told.get(name), f"/{name}") for name, part in parts.items()}
    if not reports.is_nvml_told:  # it may have died half way: the list is not known to be whole
        fitter.unread["/gpus"] = reports.nvml.reason
    facts["unread"] = dict(sorted(fitter.unread.items()))
    return facts


class Gatherer:
    """Puts what each program told in its place, and remembers why something was not told."""

    def __init__(self, reports: Reports) -> None:
        self.reports = reports
        self.reasons: dict[str, str] = {}
        self.ground = dict(reports.ground.facts)

    def gather(self) -> dict[str, Any]:
        """All of the facts but the probe's own."""
        for place in ("/host", "/python", "/packages", "/files", "/nodes", "/pci_gpus"):
            self.reasons[place] = self._why_ground(place[1:])
        gpus = self._gather_gpus()
        return {
            "host": self._own("/host", self.ground.get("host")),
            "python": self._gather_python(),
            "torch": self._gather_torch(),
            "packages": self.ground.get("packages"),
            "files": self.ground.get("files"),
            "loaded": self._gather_loaded(),
            "driver": self._gather_driver(),
            "nodes": self.ground.get("nodes"),
            "pci_gpus": self._gather_pci(),
            "gpus": gpus,
            "results": self._gather_results(),
        }

    def _own(self, place: str, value: Any) -> dict[str, Any]:
        """The object, and the reasons that it gives for its own leaves."""
        told = _object(value)
        for name, reason in _object(told.get("unread")).items():
            self.reasons[f"{place}/{name}"] = reason
        return told

    def _why_ground(self, name: str) -> str:
        """Why the program without torch did not tell it: its own error, or what became of the program."""
        failed = any(each["step"][0] == name and each["status"] == "error" for each in self.reports.ground.results)
        return "error" if failed else self.reports.ground.reason

    def _gather_python(self) -> dict[str, Any]:
        self.reasons["/python/others_with_torch"] = self._why_ground("others")
        told = _object(self.ground.get("python"))
        return {"executable": self.reports.python, **told, "others_with_torch": self.ground.get("others")}

    def _gather_torch(self) -> dict[str, Any]:
        """What the imported torch says; else what its files say, and why it was not imported."""
        found, files = _last(self.reports.torch, "torch"), _object(self.ground.get("torch"))
        self.reasons["/torch"] = self.reports.torch[0].reason if self.reports.torch else "error"
        if isinstance(found, dict):
            return {**self._own("/torch", found), "origin": files.get("origin", "other")}
        if not files and "torch" in self.ground:
            self.reasons["/torch"] = "not-present"
        errors = [each.get("error") for each in self.reports.results if each["step"][0] == "import"]
        error = next((each for each in reversed(errors) if each), "torch told nothing of itself")
        return {**files, "imported": self.reports.has_passed("import"), "error": error}

    def _gather_loaded(self) -> Any:
        self.reasons["/loaded"] = self.reports.torch[-1].reason if self.reports.torch else "error"
        return _last(self.reports.torch, "loaded")

    def _gather_driver(self) -> dict[str, Any]:
        """NVML's word first, then the kernel module's; the newest CUDA as the library in use says it."""
        nvml = self._own("/driver", dict(self.reports.nvml.facts).get("driver"))
        module, used = _object(self.ground.get("driver")), _object(_last(self.reports.torch, "libcuda"))
        self.reasons["/driver"] = self.reports.nvml.reason
        version = nvml.get("version") or module.get("version")
        if nvml:
            self.reasons.setdefault("/driver/version", "not-present")
            self.reasons.setdefault("/driver/cuda_api", "not-present")
        self.reasons["/driver/libcuda"] = self.reasons["/driver/is_compat"] = self._why_no_libcuda()
        self.reasons["/driver/has_open_module"] = "not-present"
        path = used.get("libcuda")
        return {
            "version": version,
            "nvml": nvml.get("nvml"),
            "cuda_api": used.get("cuda_api") or nvml.get("cuda_api"),
            "libcuda": path,
            "is_compat": is_compat(path, version) if path else None,
            "has_open_module": module.get("has_open_module"),
        }

    def _why_no_libcuda(self) -> str:
        told = any(name == "libcuda" for each in self.reports.torch for name, _ in each.facts)
        return "not-present" if told else self.reasons["/torch"]

    def _gather_pci(self) -> Any:
        if "pci_gpus" in self.ground:
            self.reasons["/pci_gpus"] = "not-present"
        return self.ground.get("pci_gpus")

    def _gather_gpus(self) -> list[Any]:
        """NVML's GPUs with their places in CUDA's order, then those that CUDA alone shows."""
        shown = self.reports.list_devices()
        gpus = [_object(value) for name, value in self.reports.nvml.facts if name == "gpu"]
        merged = [self._join(f"/gpus/{index}", gpu, shown) for index, gpu in enumerate(gpus)]
        known = [each["uuid"] for each in merged]
        for device in shown:
            if device.get("uuid") not in known:
                self.reasons[f"/gpus/{len(merged)}"] = self._why_not_in_nvml()
                merged.append({"is_mig": str(device.get("uuid")).startswith("MIG-"), **device})
        return merged

    def _join(self, place: str, gpu: dict[str, Any], shown: list[dict[str, Any]]) -> dict[str, Any]:
        self.reasons[place] = "error"
        self.reasons[f"{place}/cuda_index"] = "not-present" if gpu.get("uuid") else "error"
        own = self._own(place, gpu)
        own.setdefault("uuid", None)
        found = next((each for each in shown if each.get("uuid") == own["uuid"]), {})
        return {**own, "cuda_index": found.get("cuda_index")}

    def _why_not_in_nvml(self) -> str:
        return "not-present" if self.reports.is_nvml_told else self.reports.nvml.reason

    def _gather_results(self) -> list[dict[str, Any]]:
        results = []
        for index, event in enumerate(self.reports.results):
            self.reasons[f"/results/{index}"] = event.get("reason") or "error"
            probe, gpu = event["step"]
            results.append({**event, "probe": probe, "gpu": gpu, "detail": _small(event.get("detail"))})
        return results


class Fitter:
    """Makes values fit the schema: what does not is null, with the reason in `unread`."""

    def __init__(self, schema: dict[str, Any], reasons: Mapping[str, str]) -> None:
        self.schema, self.reasons = schema, reasons
        self.unread: dict[str, str] = {}

    def fit(self, part: dict[str, Any], value: Any, place: str) -> Any:
        """The value in the shape of that part of the schema."""
        if "$ref" in part:
            return self.fit(self.schema["$defs"][part["$ref"].rpartition("/")[2]], value, place)
        if "items" in part:
            return self._fit_list(part["items"], value, place)
        if "properties" in part:
            told = value if isinstance(value, dict) else {}
            return {
                name: self.fit(each, told.get(name), f"{place}/{name}") for name, each in part["properties"].items()
            }
        return self._fit_leaf(part, value, place)

    def _fit_list(self, part: dict[str, Any], value: Any, place: str) -> list[Any]:
        if not isinstance(value, list):
            self.unread[place] = self._find_reason(place) if value is None else "garbage"
            return []
        return [self.fit(part, each, f"{place}/{index}") for index, each in enumerate(value[:MOST_ITEMS])]

    def _fit_leaf(self, part: dict[str, Any], value: Any, place: str) -> Any:
        kept = value[:MOST_TEXT] if isinstance(value, str) else value
        if kept is not None and not is_of(part, kept):
            self.unread[place] = "garbage"
            return None
        if kept is None and "default" not in part:  # where null is a value, it is the default
            self.unread[place] = self._find_reason(place)
        return kept

    def _find_reason(self, place: str) -> str:
        """The reason for the place, or for what it is part of."""
        above = place
        while above not in self.reasons and above:
            above = above.rpartition("/")[0]
        reason = self.reasons.get(above, "error")
        return reason if reason in REASONS else "garbage"


def is_of(part: dict[str, Any], value: Any) -> bool:
    """True when the value is of one of the part's types, one of its words, and no smaller than it may be."""
    if "const" in part:
        return bool(value == part["const"])
    if "enum" in part:
        return value in part["enum"]
    types = part["type"] if isinstance(part["type"], list) else [part["type"]]
    if not any(isinstance(value, KINDS[each]) and (each == "boolean") == isinstance(value, bool) for each in types):
        return False
    return not isinstance(value, int) or isinstance(value, bool) or value >= part.get("minimum", value)


def is_compat(path: Any, version: Any) -> bool:
    """True when the driver library is not the one that came with the loaded kernel module."""
    if COMPAT.search(str(path)):
        return True
    found = re.search(r"libcuda\.so\.(\d{3}\.[\d.]+)$", str(path))
    return bool(found and version and found[1] != version)


def _last(outcomes: list[Outcome], name: str) -> Any:
    """What was told last under that name; None when nobody told it."""
    told = [value for outcome in outcomes for each, value in outcome.facts if each == name]
    return told[-1] if told else None


def _object(value: Any) -> dict[str, Any]:
    """A copy of the object; empty when it is none."""
    return dict(value) if isinstance(value, dict) else {}


def _small(detail: Any) -> Any:
    """The detail, unless it is too large to be one."""
    return detail if isinstance(detail, dict) and len(json.dumps(detail)) <= MOST_DETAIL else None
