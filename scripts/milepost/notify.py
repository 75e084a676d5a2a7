"""Sends a message to people's messengers. Nothing else imports apprise, which knows how each of them is spoken to."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

import apprise

from milepost.diagnostics import Diagnostic, Rule, Severity

NOT_SENT = Rule("not-sent", Severity.WARNING, "A notification could not be sent; the report is not affected.")
RULES = (NOT_SENT,)

MOST_SECONDS = 10.0


def send(addresses: str, title: str, text: str) -> tuple[Diagnostic, ...]:
    """The message is sent to each address, one a line; what could not be sent is told without the address."""
    logging.getLogger("apprise").disabled = True  # it would log addresses
    lines = [line.strip() for line in addresses.splitlines() if line.strip()]
    return tuple(_send_all(lines, title, text))


def _send_all(lines: Sequence[str], title: str, text: str) -> Iterator[Diagnostic]:
    for position, line in enumerate(lines, start=1):
        name = f"address {position} of the input `notify`"
        service = apprise.Apprise.instantiate(line, suppress_exceptions=True)
        if service is None:
            yield NOT_SENT.found(f"{name} is none that apprise knows", help="see https://appriseit.com/services/")
        elif not _is_safe(line, service):
            yield NOT_SENT.found(
                f"{name} is not encrypted", help="use its encrypted form, such as jsons:// or mailtos://"
            )
        elif not _is_sent(service, title, text):
            yield NOT_SENT.found(f"{name} did not take the message", help="try it with the command line of apprise")


def _is_safe(line: str, service: apprise.NotifyBase) -> bool:
    """What is not encrypted stays on this machine."""
    plain = service.protocol or ()
    is_plain = urlsplit(line).scheme.lower() in ((plain,) if isinstance(plain, str) else plain)
    return not is_plain or _is_loopback(service.host)


def _is_loopback(host: object) -> bool:
    try:
        return str(host).lower() == "localhost" or ip_address(str(host).strip("[]")).is_loopback
    except ValueError:
        return False


def _is_sent(service: apprise.NotifyBase, title: str, text: str) -> bool:
    service.socket_connect_timeout = service.socket_read_timeout = MOST_SECONDS
    try:
        return bool(service.notify(body=text, title=title, body_format=apprise.NotifyFormat.TEXT))
    except Exception:  # whatever a plug-in raises, the report goes on
        return False
