"""GitHub's limits on how often one may ask, on the simulator's own clock."""

from __future__ import annotations

from datetime import timedelta

from milepost.simulator.router import Refusal
from milepost.simulator.store import Store

SECONDARY = (
    "You have exceeded a secondary rate limit and have been temporarily blocked from content creation."
    " Please retry your request again later."
)
PRIMARY = "API rate limit exceeded for user ID 1."
HOUR = timedelta(hours=1)


def spend_request(store: Store, login: str, resource: str) -> None:
    """The request counts against the hour's primary limit, or is refused by it."""
    spent = store.requests.setdefault(f"{resource} {login}", [])
    while spent and spent[0] <= store.now - HOUR:
        spent.pop(0)
    if len(spent) >= store.limits["primary_per_hour"]:
        reset = str(int((spent[0] + HOUR).timestamp()))
        raise Refusal(403, PRIMARY, X_RateLimit_Remaining="0", X_RateLimit_Reset=reset)
    spent.append(store.now)


def give_back_request(store: Store, login: str, resource: str) -> None:
    """The last request does not count: GitHub answers 304 for nothing."""
    store.requests[f"{resource} {login}"].pop()


def spend_content(store: Store, login: str) -> None:
    """The request counts against the documented limits for creating content, or is refused by them."""
    spent = store.content.setdefault(login, [])
    for name, seconds in (("secondary_per_minute", 60), ("secondary_per_hour", 3600)):
        since = store.now - timedelta(seconds=seconds)
        if sum(each > since for each in spent) >= store.limits[name]:
            raise Refusal(403, SECONDARY, Retry_After="60")
    spent.append(store.now)


def describe_rate(store: Store, login: str, resource: str) -> dict[str, int]:
    """What is left of the primary limit, as `GET /rate_limit` and the headers have it."""
    limit = store.limits["primary_per_hour"]
    spent = [each for each in store.requests.get(f"{resource} {login}", ()) if each > store.now - HOUR]
    reset = (spent[0] if spent else store.now) + HOUR
    left = max(0, limit - len(spent))
    return {"limit": limit, "used": len(spent), "remaining": left, "reset": int(reset.timestamp())}
