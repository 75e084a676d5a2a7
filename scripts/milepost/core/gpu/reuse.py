"""When a pass of before may stand for a probe that is not run again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from milepost.core.verdict import SCHEMA, Answer, Verdict

AGE = re.compile(r"([1-9][0-9]{0,3}) ?([mhd])")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def read_age(text: str) -> timedelta | None:
    """The time that `30m`, `24h` or `7d` means; None when it means none."""
    found = AGE.fullmatch(text.strip().lower())
    return timedelta(**{UNITS[found[2]]: int(found[1])}) if found else None


def refuse_reuse(stored: object, now: Verdict, image: str | None, *, at: datetime, most_age: timedelta) -> str:
    """Why the stored verdict does not stand for a full probe of this machine; nothing when it does.

    `now` is the verdict of a quick probe of just now: it shows that this is the machine, and that it works.
    """
    if now.answer is not Answer.PASS:
        return "the quick probe does not pass"
    if image is None or "@sha256:" not in image:
        return "the image is declared without a digest"
    if not isinstance(stored, Mapping) or stored.get("schema") != SCHEMA:
        return "there is no verdict of before"
    if (stored.get("verdict"), stored.get("level")) != (Answer.PASS.value, "full"):
        return "the verdict of before is no full pass"
    age = _age(stored.get("at"), at)
    if age is None or not timedelta(0) <= age <= most_age:
        return "the verdict of before is too old"
    return _compare(stored, now, image)


def _age(text: object, now: datetime) -> timedelta | None:
    try:
        return now - datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def _compare(stored: Mapping[str, Any], now: Verdict, image: str) -> str:
    before, observed = stored.get("observed"), now.observed
    if not isinstance(before, Mapping):
        return "the verdict of before tells no environment"
    gpus = before.get("gpus")
    uuids = [each.get("uuid") for each in gpus if isinstance(each, Mapping)] if isinstance(gpus, list) else []
    data = stored.get("data")
    pairs = (
        ("image", stored.get("image"), image),
        ("requirements", stored.get("requirements"), now.requirements),
        ("compatibility data", data.get("version") if isinstance(data, Mapping) else None, now.data_version),
        ("machine", before.get("host"), observed.host),
        ("driver", before.get("driver"), observed.driver),
        ("boot", before.get("boot_id"), observed.boot_id),
        ("torch", before.get("torch"), observed.torch),
        ("GPUs", sorted(map(str, uuids)), sorted(str(each.uuid) for each in observed.gpus)),
    )
    changed = [name for name, old, new in pairs if old != new or not new]
    return f"not the same any more: {', '.join(changed)}" if changed else ""
