"""What a registry must be told before it gives something out: nothing, a password, or a token made for one image."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from milepost.core.image_name import DOCKER_HUB, ImageName
from milepost.images import errors
from milepost.images.transport import Answer, Transport

STEP = "a token for reading"
SCHEME = re.compile(r"(?:^|,)\s*(bearer|basic)(?=\s|$)", re.IGNORECASE)
PARAMETER = re.compile(r'(\w+)="([^"]*)"')
# Under these names Docker keeps the login for its own registry.
DOCKER_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io")
# What may stand in a header.
TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """A user and a password or token, for one registry: they are given to no other."""

    host: str
    username: str
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        """As a header spells them."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode('ascii')}"


def find_credentials(config: object, host: str) -> Credentials | None:
    """The login that `docker login` has written for the registry into its config.json; None when there is none."""
    logins = config.get("auths") if isinstance(config, dict) else None
    for key in (host, *DOCKER_HUB_KEYS) if host == DOCKER_HUB else (host, f"https://{host}"):
        login = logins.get(key) if isinstance(logins, dict) else None
        username, _, password = _decode(login.get("auth") if isinstance(login, dict) else None).partition(":")
        if username and password:
            return Credentials(host=host, username=username, password=password)
    return None


def log_in(answer: Answer, name: ImageName, credentials: Credentials | None, transport: Transport) -> str:
    """What the header `Authorization` must say to the registry that answered 401; nothing when that is not known.

    Raises Refused when no token is given, and Unanswered.
    """
    challenges = dict(_list_challenges(", ".join(answer.headers.get_all("WWW-Authenticate", []))))
    if "bearer" in challenges:
        return f"Bearer {_fetch_token(challenges['bearer'], name, credentials, transport)}"
    return credentials.basic if "basic" in challenges and credentials is not None else ""


def _decode(text: object) -> str:
    try:
        return base64.b64decode(text, validate=True).decode() if isinstance(text, str) else ""
    except ValueError:
        return ""


def _list_challenges(header: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Each way to log in with its parameters."""
    starts = [*SCHEME.finditer(header)]
    ends = [*(each.start() for each in starts[1:]), len(header)]
    for found, end in zip(starts, ends, strict=False):
        parameters = PARAMETER.findall(header[found.end() : end])
        yield found[1].lower(), {key.lower(): value for key, value in parameters}


def _fetch_token(
    challenge: Mapping[str, str], name: ImageName, credentials: Credentials | None, transport: Transport
) -> str:
    realm = challenge.get("realm", "")
    if credentials is not None and not _is_of_one_house(_host(realm), _host(f"//{name.address}")):
        raise errors.foreign_realm(name, _host(realm))
    query = urlencode({"service": challenge.get("service", ""), "scope": _scope(challenge, name)})
    url = f"{realm}{'&' if '?' in realm else '?'}{query}"
    answer = transport.send(url, headers={}, secret=credentials.basic if credentials else "")
    if answer.status != 200:
        user = credentials.username if credentials else None
        raise errors.refused(name, STEP, answer.status, answer.body, user=user)
    return _read_token(answer.body, name)


def _scope(challenge: Mapping[str, str], name: ImageName) -> str:
    """Reading this repository, whatever else the registry would let us have; or its own word for reading."""
    offered = challenge.get("scope", "")
    return offered if offered and not offered.startswith("repository:") else f"repository:{name.repository}:pull"


def _read_token(body: bytes, name: ImageName) -> str:
    try:
        data = json.loads(body)
        token = data.get("token") or data.get("access_token")
    except (ValueError, AttributeError, RecursionError):
        raise errors.unusable(name, STEP, "it is not a JSON object") from None
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        raise errors.unusable(name, STEP, "it holds no token")
    return token


def _is_of_one_house(realm: str, registry: str) -> bool:
    """True for the registry's host and those beside it: auth.docker.io and registry-1.docker.io, or gitlab.com."""
    parent = registry.partition(".")[2]
    is_address = not re.search("[a-z]", registry)
    is_beside = "." in parent and not is_address and (realm == parent or realm.endswith(f".{parent}"))
    return realm == registry or is_beside


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
