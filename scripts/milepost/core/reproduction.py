"""What it takes to have a release again: its commit, its environment, and how this machine compares with that one.

Everything here comes from files that others could have written; what is not of its form becomes no command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from milepost.core.checksums import hash_bytes
from milepost.core.image_name import ImageName, read_image_name
from milepost.core.release_record import PLAN, PROOF, RECORD, ReleaseRecord
from milepost.core.verdict import Answer, PastVerdict
from milepost.diagnostics import Diagnostic, Rule, Severity, has_errors

RECORD_UNREADABLE = Rule(
    "record-unreadable", Severity.ERROR, "A file of a release is not of the form that it must have."
)
RECORD_DIFFERS = Rule("record-differs", Severity.ERROR, "The files of a release speak of different things.")
RECORDED_ELSEWHERE = Rule(
    "recorded-elsewhere",
    Severity.WARNING,
    "The release was made in a repository of another name, or on another server.",
)
RELEASE_TAG_MOVED = Rule("release-tag-moved", Severity.ERROR, "The tag leads to another commit than the released one.")
NOT_VERIFIED = Rule("environment-not-verified", Severity.NOTICE, "No environment was verified for a release.")
NO_IMAGE_DIGEST = Rule("image-not-pinned", Severity.NOTICE, "A release was verified in no image that a digest names.")
RULES = (RECORD_UNREADABLE, RECORD_DIFFERS, RECORDED_ELSEWHERE, RELEASE_TAG_MOVED, NOT_VERIFIED, NO_IMAGE_DIGEST)

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
SHA256 = re.compile(r"[0-9a-f]{64}")
# The login of a managed user ends in `_` and the short name of its enterprise.
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100}")
SERVER = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]{0,252}(?::[0-9]{1,5})?")
API = re.compile(rf"({SERVER.pattern})(/api/v3)?/*")
ENVIRONMENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
MOST_CHARACTERS = 255


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a release is: the server, and the repository there."""

    server: str
    repository: str


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """A release that can be had again; every text in it has the form that a command needs.

    `image` is pinned by its digest; `proof` is None where no environment was verified.
    """

    origin: Origin
    tag: str
    commit: str
    plan: str
    record: ReleaseRecord
    proof: PastVerdict | None = None
    image: str | None = None


def name_server(api_url: str) -> str | None:
    """The server whose REST API has that address; None when the address is of no known form."""
    found = API.fullmatch(api_url)
    if found is None:
        return None
    return found[1] if found[2] else found[1].replace("://api.", "://", 1)


def make_reproduction(
    tag: str, record: ReleaseRecord, proof: PastVerdict | None, plan: bytes, origin: Origin | None
) -> tuple[Reproduction | None, tuple[Diagnostic, ...]]:
    """The release as it can be had again, or what its files get wrong; `origin` is where it was found, if anywhere."""
    problems = (*_judge_forms(record, proof), *_judge_agreement(tag, record, proof, plan))
    if has_errors(problems):
        return None, problems
    recorded = Origin(server=record.server, repository=record.repository)
    image, more = _pin(proof)
    return Reproduction(
        origin=origin or recorded,
        tag=tag,
        commit=record.commit,
        plan=record.plan_file.path,
        record=record,
        proof=proof,
        image=image,
    ), (*problems, *_judge_origin(recorded, origin), *more)


def judge_target(tag: str, commit: str | None, record: ReleaseRecord) -> tuple[Diagnostic, ...]:
    """Whether the tag still leads to the commit that was released; `commit` is None when the tag is gone."""
    if commit == record.commit:
        return ()
    now = f"leads to {commit}" if commit else "is gone"
    return (
        RELEASE_TAG_MOVED.found(
            f'the tag "{tag}" {now}; the release was made of {record.commit}',
            why="whoever checks out the tag does not get what was released",
            help=f"find out who moved it; `git fetch` of {record.commit} by its SHA still gets the released commit",
        ),
    )


def _judge_forms(record: ReleaseRecord, proof: PastVerdict | None) -> tuple[Diagnostic, ...]:
    forms = [
        (RECORD, "commit", record.commit, bool(COMMIT.fullmatch(record.commit))),
        (RECORD, "repository", record.repository, _is_repository(record.repository)),
        (RECORD, "server", record.server, bool(SERVER.fullmatch(record.server))),
        (RECORD, "plan_file.path", record.plan_file.path, _is_path(record.plan_file.path)),
        (RECORD, "plan_file.sha256", record.plan_file.sha256, bool(SHA256.fullmatch(record.plan_file.sha256))),
    ]
    if proof is not None:
        is_image = proof.image is None or isinstance(read_image_name(proof.image), ImageName)
        forms.append((PROOF, "environment", proof.environment, bool(ENVIRONMENT_NAME.fullmatch(proof.environment))))
        forms.append((PROOF, "image", proof.image or "", is_image))
    return tuple(
        RECORD_UNREADABLE.found(
            f"{file}: {member} is {value[:MOST_CHARACTERS]!r}",
            why="a value of that form could be made to run something else",
            help="nothing is printed from it; look at who uploaded the asset",
        )
        for file, member, value, is_good in forms
        if not is_good
    )


def _is_repository(text: str) -> bool:
    return bool(REPOSITORY.fullmatch(text)) and not text.endswith(("/.", "/.."))


def _is_path(text: str) -> bool:
    parts = text.split("/")
    is_plain = text.isprintable() and not any(each in text for each in ("##[", "\\", "`"))
    return is_plain and len(text) <= MOST_CHARACTERS and not {"", ".", ".."} & set(parts)


def _judge_agreement(tag: str, record: ReleaseRecord, proof: PastVerdict | None, plan: bytes) -> tuple[Diagnostic, ...]:
    found = []
    if record.tag != tag:
        found.append(f"{RECORD} is the record of the tag {record.tag[:MOST_CHARACTERS]!r}, not of {tag!r}")
    if record.plan_file.sha256 != hash_bytes(plan):
        found.append(f"{PLAN} is not the plan file that {RECORD} names: its SHA-256 is another one")
    if record.environment is not None and proof is None:
        found.append(f"{RECORD} says that {record.environment!r} was proven, and there is no {PROOF}")
    if proof is not None and proof.environment != record.environment:
        found.append(f"{PROOF} is of {proof.environment!r}, {RECORD} of {record.environment!r}")
    if proof is not None and proof.answer is not Answer.PASS:
        found.append(f"{PROOF} says `{proof.answer.value}`, which proves nothing")
    way_out = "the files were not made in one release; look at who uploaded them"
    return tuple(RECORD_DIFFERS.found(summary, help=way_out) for summary in found)


def _judge_origin(recorded: Origin, found: Origin | None) -> tuple[Diagnostic, ...]:
    """A repository that was renamed, or moved to another server, keeps its releases."""
    if found is None or _folded(recorded) == _folded(found):
        return ()
    return (
        RECORDED_ELSEWHERE.found(
            f"the release was made in {recorded.server}/{recorded.repository}"
            f" and is found in {found.server}/{found.repository}",
            help="the commands use the place where it is found; its commit is the same, or they fail",
        ),
    )


def _folded(origin: Origin) -> str:
    return f"{origin.server}/{origin.repository}".lower()


def _pin(proof: PastVerdict | None) -> tuple[str | None, tuple[Diagnostic, ...]]:
    """The image by its digest, or why there is none."""
    if proof is None:
        summary = "no environment was verified for this release: what it ran on is not known"
        way_out = "write `release: {require: {environment: NAME}}` into the plan file, for the next one"
        return None, (NOT_VERIFIED.found(summary, help=way_out),)
    name = read_image_name(proof.image) if proof.image else None
    if isinstance(name, ImageName) and name.digest:
        return name.pinned(name.digest), ()
    known = f"{proof.image}, which has no digest" if proof.image else "no image"
    summary = f"environment {proof.environment} declares {known}: the commands use the interpreter of the machine"
    return None, (
        NO_IMAGE_DIGEST.found(summary, help="write `image: NAME@sha256:…` into the plan file, for the next one"),
    )
