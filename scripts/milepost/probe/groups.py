"""Probes that need several processes or several GPUs: data loader, all-reduce, copies between GPUs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from .arithmetic import Answer, compare, make_integers, merge

START = str(Path(__file__).with_name("start.py"))
# Batches that wait in shared memory at a time, for each worker: torch's default.
WAITING = 2


class Numbers:
    """A data set whose element n is a tensor full of n + 1; small, so that a spawned worker gets it cheaply."""

    def __init__(self, one: Any, length: int, count: int) -> None:
        self.one, self.length, self.count = one, length, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return (self.one * (index + 1)).repeat(self.length)


def try_dataloader(torch: Any, workers: int, memory: int) -> Answer:
    """Worker processes hand over batches that fill the shared memory which was declared."""
    batches = (WAITING + 1) * workers
    length = max(1, memory // (WAITING * workers + 1) // 8)
    numbers = Numbers(torch.ones(1, dtype=torch.int64), length, batches)
    answer: Answer = {"workers": workers, "bytes": length * 8, "batches": 0}
    for batch in torch.utils.data.DataLoader(numbers, batch_size=1, num_workers=workers):
        answer["batches"] += 1
        if tuple(batch.shape) != (1, length) or not bool((batch == answer["batches"]).all()):
            answer["wrong"] = f"batch {answer['batches']} holds other numbers than were put in"
    if answer["batches"] != batches:
        answer["wrong"] = f"{answer['batches']} batches came, not {batches}"
    return answer


def try_peer(torch: Any, devices: list[str]) -> Answer:
    """Whole numbers survive the way from each device to each other one."""
    numbers = make_integers(torch, 23, 1024, 1024)
    answers = []
    for source, there in enumerate(devices):
        for target, here in enumerate(devices):
            if source != target or len(devices) == 1:
                answers.append(compare(torch, numbers.to(there, torch.int32).to(here), numbers))
    answer = merge(iter(answers))
    answer["pairs"] = len(answers)
    return answer


def try_nccl(torch: Any, devices: list[str], folder: Path) -> Answer:
    """As many processes as devices have added up whole numbers, and each has the exact sum."""
    store, size = folder / "store", len(devices)
    tasks = [
        {"rank": rank, "size": size, "device": device, "store": str(store), "report": str(folder / f"rank{rank}.json")}
        for rank, device in enumerate(devices)
    ]
    ranks = [_start_rank(task, folder) for task in tasks]
    codes = _wait(ranks)
    reports = [_read_report(Path(str(task["report"]))) for task in tasks]
    answer = merge(iter([each for each in reports if "error" not in each]))
    bad = [f"rank {rank}: {each['error']}" for rank, each in enumerate(reports) if "error" in each]
    if bad or any(codes):
        raise RuntimeError("; ".join(bad) or f"the ranks ended with {codes}")
    answer["ranks"] = size
    return answer


def _start_rank(task: dict[str, Any], folder: Path) -> Any:
    """The rank's process, in our group, so that it ends when we are ended."""
    local = {"GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}
    command = [sys.executable, START, str(os.getpid()), "rank", json.dumps(task)]
    with (folder / f"rank{task['rank']}.log").open("wb") as log:
        return subprocess.Popen(command, env={**os.environ, **local}, stdout=log, stderr=log, cwd=str(folder))


def _wait(ranks: list[Any]) -> list[int]:
    """How each ended; when one fails, the others, who wait for it, are ended too."""
    left = list(ranks)
    while left:
        for rank in list(left):
            try:
                rank.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                continue
            left.remove(rank)
            if rank.returncode:
                for other in left:
                    other.terminate()
    return [rank.returncode for rank in ranks]


def _read_report(path: Path) -> Answer:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {"error": "it ended without a report"}
