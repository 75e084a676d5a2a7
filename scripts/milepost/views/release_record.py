"""The frozen record of a release as the published JSON, `milepost.release/1`."""

from __future__ import annotations

import json
from typing import Any

from milepost.core.release import ClosedMilestone, Item
from milepost.core.release_record import KINDS, SCHEMA, ReleaseRecord, name_state


def render_record(record: ReleaseRecord) -> str:
    """The file `milestone.json`; `release_record.schema.json` beside this file has its shape."""
    value = {
        "schema": SCHEMA,
        "repository": record.repository,
        "server": record.server,
        "tag": record.tag,
        "version": record.version,
        "is_prerelease": record.is_prerelease,
        "commit": record.commit,
        "branch": record.branch,
        "released_by": record.released_by,
        "plan_file": {"path": record.plan_file.path, "sha256": record.plan_file.sha256},
        "environment": record.environment,
        "milestone": _milestone(record.milestone),
        "counts": record.counts,
        "items": [_item(each) for each in sorted(record.items, key=lambda each: each.number)],
    }
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _milestone(milestone: ClosedMilestone) -> dict[str, Any]:
    return {
        "number": milestone.number,
        "title": milestone.title,
        "description": milestone.description,
        "due": milestone.due.isoformat() if milestone.due else None,
        "created_at": milestone.created_at,
        "closed_at": milestone.closed_at,
        "url": milestone.url,
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "number": item.number,
        "kind": KINDS[item.is_pull],
        "title": item.title,
        "url": item.url,
        "author": item.author,
        "labels": list(item.labels),
        "state": name_state(item),
        "reason": item.reason,
        "closed_at": item.closed_at,
    }
