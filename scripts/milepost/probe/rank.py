"""One process of an all-reduce: `start.py PARENT rank TASK`, the task as JSON."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

from .arithmetic import Answer, compare, make_integers


def main(argv: list[str]) -> int:
    """The report holds what this rank found; an error is told in it as well."""
    task: dict[str, Any] = json.loads(argv[0])
    try:
        report = _reduce(importlib.import_module("torch"), task)
    except Exception as trouble:  # whatever torch says is what the report is for
        report = {"error": f"{type(trouble).__name__}: {trouble}"[:1000]}
    Path(task["report"]).write_text(json.dumps(report), encoding="utf-8")
    return 1 if "error" in report else 0


def _reduce(torch: Any, task: dict[str, Any]) -> Answer:
    distributed = importlib.import_module("torch.distributed")
    is_cuda = task["device"].startswith("cuda")
    if is_cuda:
        torch.cuda.set_device(task["device"])
    distributed.init_process_group(
        "nccl" if is_cuda else "gloo",
        init_method="file://" + task["store"],
        rank=task["rank"],
        world_size=task["size"],
    )
    numbers = make_integers(torch, 29 + task["rank"], 1 << 16).to(task["device"], torch.int32)
    distributed.all_reduce(numbers)
    expected = sum(make_integers(torch, 29 + rank, 1 << 16) for rank in range(task["size"]))
    answer = compare(torch, numbers, expected)
    distributed.destroy_process_group()
    return answer
