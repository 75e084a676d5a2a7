"""What happened to an issue: its events, and its timeline, which has the comments too."""

from __future__ import annotations

from milepost.simulator.router import Answer, Refusal, Request, route
from milepost.simulator.routes.issues import ISSUE, READERS, find_issue
from milepost.simulator.store import Comment, Event, Issue, Repository

EVENTS = "/repos/{owner}/{repo}/issues/events"


@route("GET", f"{ISSUE}/timeline", scopes=READERS, query="per_page")
def list_timeline(request: Request) -> Answer:
    repository, issue = request.repository, find_issue(request)
    entries: list[Event | Comment] = [*issue.timeline, *(repository.comments[each] for each in issue.comments)]
    entries.sort(key=lambda each: (each.at if isinstance(each, Event) else each.created_at, each.id))
    page, headers = request.page(entries)
    return Answer(200, [request.wire.timeline_entry(repository, issue, each) for each in page], headers)


@route("GET", f"{ISSUE}/events", scopes=READERS, query="per_page")
def list_issue_events(request: Request) -> Answer:
    repository, issue = request.repository, find_issue(request)
    page, headers = request.page(_events(issue))
    return Answer(200, [request.wire.event(repository, each) for each in page], headers)


@route("GET", EVENTS, scopes=READERS, query="per_page")
def list_events(request: Request) -> Answer:
    repository = request.repository
    page, headers = request.page(sorted(_all_events(repository), key=lambda each: -each[1].id))
    return Answer(200, [request.wire.event_with_issue(repository, issue, each) for issue, each in page], headers)


@route("GET", f"{EVENTS}/{{event}}", scopes=READERS)
def get_event(request: Request) -> Answer:
    repository = request.repository
    for issue, each in _all_events(repository):
        if str(each.id) == request.parts["event"]:
            return Answer(200, request.wire.event_with_issue(repository, issue, each))
    raise Refusal(404, "Not Found")


def _events(issue: Issue) -> list[Event]:
    """A mention elsewhere is in the timeline only."""
    return [each for each in issue.timeline if each.kind != "cross-referenced"]


def _all_events(repository: Repository) -> list[tuple[Issue, Event]]:
    return [(issue, each) for issue in repository.issues.values() for each in _events(issue)]
