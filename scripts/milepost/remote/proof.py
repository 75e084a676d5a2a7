"""Finds the proof of an environment: an artifact, the run that made it, and the verdict in it."""

from __future__ import annotations

import json
from typing import Any, Union

from milepost.core.proof import FILE, Proof, Wanted, list_candidates, refuse_run, refuse_verdict, tell_absence
from milepost.diagnostics import Diagnostic
from milepost.errors import Refused
from milepost.remote.artifacts import list_artifacts, read_artifact, read_run
from milepost.remote.client import Client

# The newest of a commit; whoever verifies one commit more often has a proof among these.
MOST_LOOKED_AT = 3


def find_proof(client: Client, wanted: Wanted) -> Union[Proof, Diagnostic]:
    """The newest proof, or why there is none; three reads for a proof that is at hand, four on several machines."""
    lists = (list_candidates(list_artifacts(client, name), wanted) for name in wanted.artifacts)
    candidates = next((each for each in lists if each), ())
    expired = [each for each in candidates if each.is_expired]
    refused: list[str] = []
    for each in [each for each in candidates if not each.is_expired][:MOST_LOOKED_AT]:
        run = read_run(client, each.run)
        reason = refuse_run(run, wanted) if run else f"run {each.run} is gone"
        if run is None or reason:
            refused.append(reason)
            continue
        try:
            files = read_artifact(client, each) or {}
        except Refused as refusal:
            if refusal.status != 422:
                raise
            refused.append(refusal.diagnostic.summary)
            continue
        data = files.get(FILE, b"")
        value = _read(data)
        reason = refuse_verdict(value, wanted)
        if not reason:
            return Proof(verdict=value, data=data, run=run)
        refused.append(f"run {each.run}: {reason}")
    return tell_absence(wanted, refused, expired)


def _read(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
