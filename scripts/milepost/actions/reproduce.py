"""Have a release again: its commit and its environment, from what was frozen with it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from milepost.core.checksums import judge_checksums, read_checksums
from milepost.core.facts import Level
from milepost.core.gpu.observed import observe
from milepost.core.likeness import NOT_REPRODUCED, Comparison, compare, judge_likeness
from milepost.core.ref_name import judge_tag
from milepost.core.release_record import CHECKSUMS, NOTES, PLAN, PROOF, RECORD, read_object, read_record
from milepost.core.reproduction import (
    RECORD_UNREADABLE,
    Origin,
    Reproduction,
    judge_target,
    make_reproduction,
    name_server,
)
from milepost.declare import BAD_INPUT, GITHUB_TOKEN, Action, Output, given
from milepost.diagnostics import Diagnostic, Rule, Severity, has_errors
from milepost.errors import ExitCode, Unusable
from milepost.probing import probe_machine
from milepost.runner.files import MOST_BYTES
from milepost.views.plain import counted
from milepost.views.reproduction import describe_reproduction, render_reproduction, render_reproduction_markdown
from milepost.views.verdict import read_verdict
from milepost.world import Outcome, World

NOT_RELEASED = Rule("not-released", Severity.ERROR, "There is no published release of the tag, or no way to look.")
ASSETS_MISSING = Rule("assets-missing", Severity.ERROR, "A release lacks the files that it would be reproduced from.")
RULES = (NOT_RELEASED, ASSETS_MISSING)

NEEDED = (RECORD, PLAN, CHECKSUMS)
# Those of our names that must have a checksum where they are.
OURS = (RECORD, PROOF, PLAN, NOTES)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    tag: str = given("The tag of the release; `reproduce v2.9.0` names it, too.")
    token: str = given("Token that reads the repository.", default=GITHUB_TOKEN, secret=True)
    folder: Path | None = given(
        "Folder with the assets of the release, from the workspace; GitHub is not asked then.", default=None
    )
    check: bool = given("Compare this machine with the one that was verified.", default=False)
    python: str = given("With `check`: the interpreter to inspect.", default="python3")


@dataclass(frozen=True, kw_only=True)
class Found:
    """The files of a release and where it was found; None for a folder. `commit` is where the tag leads now."""

    files: Mapping[str, bytes]
    origin: Origin | None = None
    commit: str | None = None


def run(inputs: Inputs, world: World) -> Outcome:
    """The commands are told when everything about the release agrees; nothing of it when something does not."""
    reason = judge_tag(inputs.tag)
    if reason:
        raise Unusable([BAD_INPUT.found(f"--tag: {inputs.tag!r} is the tag of no release", why=reason)])
    found = _read_folder(inputs.folder, inputs.tag, world) if inputs.folder else _read_release(inputs.tag, world)
    release, problems = _open(inputs.tag, found)
    if release is None or has_errors(problems):
        text = f"{inputs.tag} is not reproducible from what is there"
        return Outcome(exit_code=ExitCode.NO, text=text, summary=f"### {text}", diagnostics=problems)
    comparisons, more = _check(release, inputs.python) if inputs.check else ((), ())
    return _tell(release, found, comparisons, (*problems, *more))


def _read_release(tag: str, world: World) -> Found:
    """The files of the published release; raises Unusable when there is none."""
    client = world.reach()
    server = name_server(world.context.api_url)
    if client is None or server is None:
        way_out = "give --repository and GITHUB_TOKEN, which a public repository needs, too; or its assets in --folder"
        raise Unusable([NOT_RELEASED.found("GitHub cannot be asked for the release", help=way_out)])
    from milepost.remote.releases import find_release, read_asset
    from milepost.remote.tags import find_tag

    released = find_release(client, tag, login="")
    if released is None:
        way_out = "look at the tags of the repository's releases; a draft counts as none"
        raise Unusable([NOT_RELEASED.found(f"{client.repository} has no release {tag!r}", help=way_out)])
    assets = {each.name: each for each in released.assets if each.is_uploaded}

    def read(name: str) -> bytes | None:
        return read_asset(client, assets[name]) if name in assets else None

    target = find_tag(client, tag)
    origin = Origin(server=server, repository=client.repository)
    return Found(files=_collect(read), origin=origin, commit=target.commit if target else None)


def _read_folder(folder: Path, tag: str, world: World) -> Found:
    """The files as somebody fetched them; raises Unusable when there is no such folder."""
    place = world.context.workspace / folder
    if not place.is_dir():
        way_out = f"fetch the assets into it: `gh release download {tag} --dir FOLDER`"
        raise Unusable([NOT_RELEASED.found(f"there is no folder {str(folder)!r}", help=way_out)])

    def read(name: str) -> bytes | None:
        path = place / name
        try:
            return path.read_bytes() if path.is_file() and path.stat().st_size <= MOST_BYTES else None
        except OSError:
            return None

    return Found(files=_collect(read))


def _collect(read: Callable[[str], bytes | None]) -> dict[str, bytes]:
    """Our files, and whatever else has a checksum."""
    sums = read(CHECKSUMS)
    listed = _read_sums(sums) if sums is not None else None
    held = {name: read(name) for name in (*OURS, *(name for name in listed or () if name not in OURS))}
    return {name: data for name, data in {**held, CHECKSUMS: sums}.items() if data is not None}


def _read_sums(data: bytes) -> dict[str, str] | None:
    return read_checksums(data.decode("utf-8", "replace"))


def _open(tag: str, found: Found) -> tuple[Reproduction | None, tuple[Diagnostic, ...]]:
    """The release, when its files are whole and agree with each other and with the tag; else what is wrong."""
    files = found.files
    missing = [name for name in NEEDED if name not in files]
    if missing:
        summary = f"{tag} lacks {', '.join(missing)}"
        way_out = "only what `release` published has them, and each may have at most 10 MB"
        return None, (ASSETS_MISSING.found(summary, help=way_out),)
    sums, record = _read_sums(files[CHECKSUMS]), read_record(files[RECORD])
    past = read_verdict(read_object(files[PROOF])) if PROOF in files else None
    unread = [
        name
        for name, is_unread in (
            (CHECKSUMS, sums is None),
            (RECORD, record is None),
            (PROOF, PROOF in files and past is None),
        )
        if is_unread
    ]
    if sums is None or record is None or unread:
        way_out = "a later version of Milepost may have made it; else look at who uploaded it"
        return None, tuple(RECORD_UNREADABLE.found(f"{name} is not of a known form", help=way_out) for name in unread)
    problems = judge_checksums(sums, files, [name for name in OURS if name in files])
    if found.origin is not None:
        problems += judge_target(tag, found.commit, record)
    release, more = make_reproduction(tag, record, past, files[PLAN], found.origin)
    return release, (*problems, *more)


def _check(release: Reproduction, python: str) -> tuple[tuple[Comparison, ...], tuple[Diagnostic, ...]]:
    """How this machine compares with the one that was verified, and what of it says no."""
    if release.proof is None:
        return (), (NOT_REPRODUCED.found("nothing was verified that this machine could be compared with"),)
    recorded = release.proof.observed
    needs = {"device": "cuda" if recorded.gpus or recorded.cuda else "cpu"}
    with tempfile.TemporaryDirectory(prefix="milepost-reproduce-") as folder:
        facts = probe_machine(python, Level.QUICK, needs, Path(folder))
    comparisons = compare(recorded, observe(facts))
    return comparisons, judge_likeness(comparisons, has_computed=facts.has_computed)


def _tell(
    release: Reproduction, found: Found, comparisons: tuple[Comparison, ...], problems: tuple[Diagnostic, ...]
) -> Outcome:
    is_same = not has_errors(problems)
    notes = [
        f"{counted(len(found.files) - 1, 'file')} fit their checksums, and "
        + ("the tag leads to that commit" if found.origin else "nobody asked GitHub where the tag leads now"),
    ]
    if comparisons:
        notes.append(f"this machine {'has' if is_same else 'does not have'} the environment that was verified")
    checked = {"reproduced": str(is_same).lower()} if comparisons else {}
    return Outcome(
        exit_code=ExitCode.DONE if is_same else ExitCode.NO,
        outputs={"commit": release.commit, "image": release.image or "", **checked},
        text=render_reproduction(release, notes, comparisons),
        summary=render_reproduction_markdown(release, notes, comparisons),
        data=describe_reproduction(release, comparisons),
        diagnostics=problems,
    )


REPRODUCE = Action(
    name="reproduce",
    summary="Print the commands that bring back a release: its commit, and the environment that was verified for it.",
    inputs=Inputs,
    run=run,
    outputs=(
        Output("commit", "The commit that was released."),
        Output("image", "The image that was verified, by its digest; empty when none was."),
        Output("reproduced", "With `check`: `true` when this machine has that environment."),
    ),
    permissions={"contents": "read"},
    packages=("PyGithub", "packaging", "actions-toolkit", "tzdata"),
    is_published=False,
    needs_repository=False,
    subject="tag",
)
