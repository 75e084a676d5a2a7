"""How to have a release again: commands to paste, what was verified, and how this machine compares."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from milepost.core.likeness import NAMES, Comparison
from milepost.core.reproduction import Reproduction
from milepost.core.verdict import Observed
from milepost.views.gpu import describe_gpus
from milepost.views.markdown import cell, prose, table
from milepost.views.plain import one_line, quoted

VERSIONS = ("torch", "cuda", "cudnn", "nccl", "triton", "torchvision", "python", "driver")
OURS = "https://github.com/milepost/milepost"
# The folder with Milepost itself, beside the one with the release.
BESIDE = "milepost-verify"
# The image's ENTRYPOINT is left out, as GitHub's runner leaves it out; DataLoader workers need shared memory.
ENGINES = {
    "docker": ("docker run --rm", "--gpus all", ""),
    "podman": ("podman run --rm", "--device nvidia.com/gpu=all", "--security-opt label=disable"),
}
UNKNOWN = "-"


@dataclass(frozen=True, kw_only=True)
class Passage:
    """Commands that belong together; `key` names them in JSON. An alternative stands for what is before it."""

    key: str
    title: str
    commands: tuple[str, ...]
    is_alternative: bool = False


def list_passages(release: Reproduction) -> tuple[Passage, ...]:
    """The commands, in the order in which they are run; those of one engine or the other."""
    checkout = Passage(key="checkout", title="the commit, in a new folder", commands=_list_checkout(release))
    if release.proof is None:
        return (checkout,)
    fetch = f"git clone -q --depth 1 --branch v1 {OURS} ../{BESIDE}"
    milepost = Passage(key="milepost", title="Milepost itself, beside it", commands=(fetch,))
    if release.image is None:
        command = f"python3 ../{BESIDE}/scripts/run.py {_verify(release)}"
        title = "the environment, proven again on a machine that has it"
        return checkout, milepost, Passage(key="verify", title=title, commands=(command,))
    return (
        checkout,
        milepost,
        *(
            Passage(
                key=engine,
                title=title,
                commands=(_run_image(release, engine),),
                is_alternative=is_alternative,
            )
            for engine, title, is_alternative in (
                ("docker", "the environment, proven again in the image that was verified", False),
                ("podman", "or with podman", True),
            )
        ),
    )


def render_reproduction(release: Reproduction, notes: Sequence[str], comparisons: Sequence[Comparison] = ()) -> str:
    """All of it for a terminal; lines that are no commands begin with `#`, so that the whole can be pasted.

    An interactive zsh knows no comments: foreign words are quoted there, too.
    """
    lines = [f"# {each}" for each in (_head(release), _describe(release, _word), *notes)]
    for passage in list_passages(release):
        mark = "#   " if passage.is_alternative else ""
        lines += ["", f"# {passage.title}:", *(f"{mark}{each}" for each in passage.commands)]
    if release.proof is not None:
        head = f"verified as environment {release.proof.environment}, level {release.proof.level.value}, {_word(release.proof.at)}"
        rows = _rows(release.proof.observed, comparisons)
        width = max(len(name) for name, *_ in rows)
        lines += ["", f"# {head}:"]
        lines += [
            f"#   {name.ljust(width)}  {'  '.join(map(_word, values))}  {told}".rstrip() for name, *values, told in rows
        ]
    return "\n".join(lines)


def render_reproduction_markdown(
    release: Reproduction, notes: Sequence[str], comparisons: Sequence[Comparison] = ()
) -> str:
    """The same as a job summary."""
    parts = [f"### {prose(_head(release))}", prose(_describe(release, quoted)), *(prose(each) for each in notes)]
    for passage in list_passages(release):
        body = "\n".join(passage.commands)
        parts.append(f"{prose(passage.title)}:\n\n```console\n{body}\n```")
    if release.proof is not None:
        head = ("", "verified", "here", "") if comparisons else ("", "verified", "")
        rows = _rows(release.proof.observed, comparisons)
        parts.append(table(head, [(name, *map(cell, values), told) for name, *values, told in rows]))
    return "\n\n".join(parts)


def describe_reproduction(release: Reproduction, comparisons: Sequence[Comparison] = ()) -> dict[str, Any]:
    """The same as data."""
    proof = release.proof
    verified = None
    if proof is not None:
        observed = asdict(proof.observed) | {"gpus": [asdict(each) for each in proof.observed.gpus]}
        verified = {"environment": proof.environment, "level": proof.level.value, "at": proof.at, "observed": observed}
    return {
        "release": {
            "tag": release.tag,
            "commit": release.commit,
            "server": release.origin.server,
            "repository": release.origin.repository,
            "plan": release.plan,
            "image": release.image,
            "released_by": release.record.released_by,
            "milestone": release.record.milestone.title,
        },
        "verified": verified,
        "commands": {each.key: list(each.commands) for each in list_passages(release)},
        "comparison": [
            {"name": each.name, "recorded": each.recorded, "found": each.found, "likeness": each.likeness.value}
            for each in comparisons
        ],
    }


def _list_checkout(release: Reproduction) -> tuple[str, ...]:
    """A folder of its own: a fetch of depth 1 would make a whole clone a shallow one."""
    folder = release.origin.repository.partition("/")[2].lstrip("-.") or "repository"
    url = f"{release.origin.server}/{release.origin.repository}.git"
    hashes = "--object-format=sha256 " if len(release.commit) == 64 else ""
    tag = f"refs/tags/{release.tag}"
    return (
        f"git init -q {hashes}{shlex.quote(folder)}",
        f"cd {shlex.quote(folder)}",
        f"git fetch -q --depth 1 {shlex.quote(url)} {shlex.quote(f'{tag}:{tag}')}",
        f"git checkout -q --detach {shlex.quote(release.commit)}",
    )


def _verify(release: Reproduction) -> str:
    assert release.proof is not None, "without a proof there is nothing to verify again"
    words = (f"--plan={release.plan}", f"--environment={release.proof.environment}")
    return f"verify-gpu {' '.join(map(shlex.quote, words))} --level={release.proof.level.value}"


def _run_image(release: Reproduction, engine: str) -> str:
    assert release.image is not None, "without an image there is nothing to run"
    assert release.proof is not None, "an image is part of what was verified"
    run, gpus, more = ENGINES[engine]
    parts = (
        run,
        gpus if release.proof.observed.gpus else "",
        more,
        "--shm-size=2g",
        f'-v "$PWD:/workspace" -v "${{PWD%/*}}/{BESIDE}:/milepost:ro" -w /workspace --entrypoint python3',
        shlex.quote(release.image),
        f"/milepost/scripts/run.py {_verify(release)}",
    )
    return " ".join(part for part in parts if part)


def _head(release: Reproduction) -> str:
    return f"{release.tag} of {release.origin.server}/{release.origin.repository} is commit {release.commit}"


def _describe(release: Reproduction, name: Callable[[str], str]) -> str:
    milestone = release.record.milestone
    closed = f", closed {name(milestone.closed_at)}" if milestone.closed_at else ""
    return f"milestone {name(milestone.title)}{closed}, released by {name(release.record.released_by)}"


def _word(text: str) -> str:
    """Foreign text as one word of a shell, on one line."""
    return shlex.quote(one_line(text))


def _rows(verified: Observed, comparisons: Sequence[Comparison]) -> list[tuple[str, ...]]:
    """Name, what was verified, with a comparison what is found here, and how the two compare."""
    if not comparisons:
        values = ((name, getattr(verified, name)) for name in VERSIONS)
        return [
            *((NAMES.get(name, name), value or UNKNOWN, "") for name, value in values),
            ("GPUs", describe_gpus(verified), ""),
        ]
    rows: list[tuple[str, ...]] = []
    for each in comparisons:
        note = f", {each.note}" if each.note else ""
        told = f"{each.likeness.value}{note}"
        rows.append((NAMES.get(each.name, each.name), each.recorded or UNKNOWN, each.found or UNKNOWN, told))
    return rows
