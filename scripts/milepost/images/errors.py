"""What a registry's refusals mean, and what to do about each."""

from __future__ import annotations

import json
from collections.abc import Mapping

from milepost.core.image_name import ImageName
from milepost.diagnostics import Rule, Severity
from milepost.errors import Refused

REFUSED = Rule("registry-refused", Severity.ERROR, "A registry does not give out an image.")
LIMITED = Rule("registry-rate-limited", Severity.ERROR, "A registry answers no more requests for now.")
UNREACHABLE = Rule("registry-unreachable", Severity.ERROR, "A registry gave no answer in time.")
UNUSABLE = Rule("registry-answer", Severity.ERROR, "A registry's answer is not one of the protocol, or is too large.")
DIGEST_MISMATCH = Rule(
    "image-digest-mismatch", Severity.ERROR, "A registry gave other bytes than the digest stands for."
)
PLATFORM_MISSING = Rule("image-platform-missing", Severity.ERROR, "An image does not exist for the platform.")
RULES = (REFUSED, LIMITED, UNREACHABLE, UNUSABLE, DIGEST_MISMATCH, PLATFORM_MISSING)

MOST_OF_A_MESSAGE = 200


def refused(name: ImageName, step: str, status: int, body: bytes, *, user: str | None) -> Refused:
    """The refusal that the status stands for, with the registry's own words and the way out."""
    if status == 429:
        return limited(name, step, "it answers 429, too many requests")
    problem = REFUSED.found(
        f"{name.host} refuses {step} of {name}: {status}", why=_words(body), help=_way_out(status, name, user)
    )
    return Refused(problem, status=status)


def limited(name: ImageName, step: str, reason: str) -> Refused:
    """The refusal of a registry that has had enough of us."""
    problem = LIMITED.found(
        f"{name.host} does not give {step} of {name} now: {reason}",
        help="give credentials, which have limits of their own, or run again later",
    )
    return Refused(problem, status=429)


def unreachable(name: ImageName, step: str, reason: str) -> Refused:
    """The refusal that stands for no answer at all."""
    problem = UNREACHABLE.found(
        f"{name.host} gave no answer to {step} of {name}: {reason}",
        help="look at the registry's host name, the network and HTTPS_PROXY; "
        "SSL_CERT_FILE names the certificate of a private authority",
    )
    return Refused(problem)


def unusable(name: ImageName, step: str, reason: str) -> Refused:
    """The refusal of an answer that nobody can use."""
    problem = UNUSABLE.found(
        f"{name.host} gave an answer to {step} of {name} that cannot be used: {reason}",
        help="look at the address: a sign-in page or a proxy in between answers like this; else tell the registry's owner",
    )
    return Refused(problem)


def foreign_realm(name: ImageName, host: str) -> Refused:
    """The refusal to give credentials to whoever the registry names."""
    problem = REFUSED.found(
        f"{name.host} wants the credentials for {name} to be given to {host or 'no host'}",
        why="credentials go to the registry's own host and those beside it, and to no other",
        help="give none, when the image can be read without; else ask the registry's owner",
    )
    return Refused(problem, status=401)


def digest_mismatch(name: ImageName, step: str, wanted: str, found: str) -> Refused:
    """The refusal of bytes that are not those asked for."""
    problem = DIGEST_MISMATCH.found(
        f"{name.host} gave {step} of {name} with other content than asked for",
        why=f"asked for was {wanted}, what came is {found}",
        help="do not deploy it; push the image again, and tell whoever runs the registry",
    )
    return Refused(problem)


def platform_missing(name: ImageName, platform: str, offered: tuple[str, ...]) -> Refused:
    """The refusal of an image that the runner could not start."""
    problem = PLATFORM_MISSING.found(
        f"{name} does not exist for {platform}",
        why=f"it exists for {', '.join(offered) or 'no platform'}",
        help=f"build it with `--platform {platform}`, or use a runner of one of those platforms",
    )
    return Refused(problem)


def _way_out(status: int, name: ImageName, user: str | None) -> str:
    if status == 404:
        return "look at the name, the tag and the digest; a registry also hides what may not be seen"
    if status not in (401, 403):
        return "run again later; when it stays, tell the registry's owner"
    if user is not None:
        return f"give {user} the right to pull it, or another token{_permission(name)}"
    return f"give credentials that may pull it{_permission(name)}"


def _permission(name: ImageName) -> str:
    return "; the job's own token needs `packages: read` and access to the package" if name.host == "ghcr.io" else ""


def _words(body: bytes) -> str:
    """What the registry says in the form of the protocol; nothing of any other page."""
    try:
        errors = json.loads(body)["errors"]
        said = [f"{each.get('code')}: {each.get('message')}" for each in errors if isinstance(each, Mapping)]
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    return f"it says {'; '.join(said)}"[:MOST_OF_A_MESSAGE] if said else ""
