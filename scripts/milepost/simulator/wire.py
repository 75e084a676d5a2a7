"""How GitHub spells its objects as JSON: one function per noun, and the errors. Nothing else writes JSON."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from hashlib import sha1, sha256
from typing import Any

from milepost.simulator.store import (
    Artifact,
    Asset,
    Comment,
    Commit,
    Environment,
    Event,
    Issue,
    Label,
    Milestone,
    Release,
    Repository,
    Run,
    Runner,
    Status,
    Store,
    TagObject,
    Workflow,
    blob_sha,
    to_bytes,
    write_time,
)
from milepost.simulator.trees import Files, list_entries, tree_sha

Json = dict[str, Any]
STORAGE = "/_storage/"
DOCUMENTATION = "https://docs.github.com/rest"
UNSIGNED: Json = {
    "verified": False,
    "reason": "unsigned",
    "signature": None,
    "payload": None,
    "verified_at": None,
}


class Wire:
    """Writes objects with addresses below one base: `http://127.0.0.1:PORT`, or that with `/api/v3`."""

    def __init__(self, store: Store, base: str, html: str) -> None:
        self.store, self.base, self.html = store, base, html

    def storage(self, kind: str, id: int) -> str:
        """The signed address of a file, for a minute, on a host of another name."""
        ends = str(int(self.store.now.timestamp()) + 60)
        host = self.html.replace("127.0.0.1", "localhost")
        return f"{host}{STORAGE}{kind}/{id}?se={ends}&sig={storage_signature(kind, id, ends)}"

    def user(self, login: str) -> Json:
        user = self.store.user(login)
        url = f"{self.base}/users/{login}"
        return {
            "login": login,
            "id": user.id,
            "node_id": node_id("U", user.id),
            "avatar_url": f"{self.html}/avatars/{user.id}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.html}/{login}",
            **{f"{name}_url": f"{url}/{name}" for name in ("followers", "subscriptions", "repos", "received_events")},
            "organizations_url": f"{url}/orgs",
            "following_url": f"{url}/following{{/other_user}}",
            "gists_url": f"{url}/gists{{/gist_id}}",
            "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
            "events_url": f"{url}/events{{/privacy}}",
            "type": user.type,
            "site_admin": False,
        }

    def repository(self, repository: Repository, role: str = "read") -> Json:
        """The full form; `permissions` are those of the asking user."""
        issues = [each for each in repository.issues.values() if each.state == "open"]
        when = write_time(repository.created_at)
        counts = {"forks": 0, "open_issues": len(issues), "watchers": 0}
        return {
            **self.minimal_repository(repository),
            **counts,
            **{f"{name}_count": number for name, number in counts.items()},
            "clone_url": f"{self._html(repository)}.git",
            "default_branch": repository.default_branch,
            "git_url": f"git://github.com/{repository.full_name}.git",
            "has_issues": True,
            "has_projects": True,
            "has_wiki": True,
            "has_downloads": True,
            "has_pages": False,
            "has_discussions": False,
            "homepage": None,
            "language": None,
            "archived": repository.is_archived,
            "disabled": False,
            "mirror_url": None,
            "license": None,
            "pushed_at": write_time(repository.pushed_at) or when,
            "size": 1,
            "ssh_url": f"git@github.com:{repository.full_name}.git",
            "stargazers_count": 0,
            "svn_url": self._html(repository),
            "created_at": when,
            "updated_at": when,
            "network_count": 0,
            "subscribers_count": 0,
            "permissions": permissions_of(role),
        }

    def minimal_repository(self, repository: Repository) -> Json:
        url = self._url(repository)
        return {
            "id": repository.id,
            "node_id": node_id("R", repository.id),
            "name": repository.name,
            "full_name": repository.full_name,
            "private": repository.is_private,
            "owner": self.user(repository.owner),
            "html_url": self._html(repository),
            "description": None,
            "fork": repository.is_fork,
            "url": url,
            **{f"{name}_url": f"{url}/{path}" for name, path in REPOSITORY_URLS.items()},
        }

    def label(self, repository: Repository, label: Label) -> Json:
        return {
            "id": label.id,
            "node_id": node_id("LA", label.id),
            "url": f"{self._url(repository)}/labels/{label.name}",
            "name": label.name,
            "color": label.color,
            "default": False,
            "description": label.description,
        }

    def milestone(self, repository: Repository, milestone: Milestone) -> Json:
        members = repository.members(milestone.number)
        open_members = sum(each.state == "open" for each in members)
        url = f"{self._url(repository)}/milestones/{milestone.number}"
        return {
            "url": url,
            "html_url": f"{self._html(repository)}/milestone/{milestone.number}",
            "labels_url": f"{url}/labels",
            "id": milestone.id,
            "node_id": node_id("MI", milestone.id),
            "number": milestone.number,
            "title": milestone.title,
            "description": milestone.description,
            "creator": self.user(milestone.creator),
            "open_issues": open_members,
            "closed_issues": len(members) - open_members,
            "state": milestone.state,
            "created_at": write_time(milestone.created_at),
            "updated_at": write_time(milestone.updated_at),
            "due_on": write_time(milestone.due_on),
            "closed_at": write_time(milestone.closed_at),
        }

    def issue(self, repository: Repository, issue: Issue) -> Json:
        url = f"{self._url(repository)}/issues/{issue.number}"
        kind = "pull" if issue.pull else "issues"
        assignees = [self.user(login) for login in issue.assignees]
        milestone = repository.milestones.get(issue.milestone or 0)
        children = repository.nested(issue.number)
        done = sum(each.state == "closed" for each in children)
        written: Json = {
            "url": url,
            "repository_url": self._url(repository),
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "timeline_url": f"{url}/timeline",
            "html_url": f"{self._html(repository)}/{kind}/{issue.number}",
            "id": issue.id,
            "node_id": node_id("PR" if issue.pull else "I", issue.id),
            "number": issue.number,
            "title": issue.title,
            "user": self.user(issue.author),
            "labels": [self.label(repository, repository.labels[each]) for each in issue.labels],
            "state": issue.state,
            "locked": issue.is_locked,
            "assignee": assignees[0] if assignees else None,
            "assignees": assignees,
            "milestone": self.milestone(repository, milestone) if milestone else None,
            "comments": len(issue.comments),
            "created_at": write_time(issue.created_at),
            "updated_at": write_time(issue.updated_at),
            "closed_at": write_time(issue.closed_at),
            "author_association": association(self.store, repository, issue),
            "active_lock_reason": issue.lock_reason,
            "body": issue.body,
            "closed_by": self.user(issue.closed_by) if issue.closed_by else None,
            "reactions": self._reactions(url),
            "performed_via_github_app": None,
            "state_reason": issue.state_reason,
            "type": self._type(repository, issue.type),
            "sub_issues_summary": {
                "total": len(children),
                "completed": done,
                "percent_completed": done * 100 // len(children) if children else 0,
            },
        }
        related = {"blocked_by": issue.blocked_by, "blocking": issue.blocking}
        written["issue_dependencies_summary"] = {
            **{name: sum(repository.issues[each].state == "open" for each in found) for name, found in related.items()},
            **{f"total_{name}": len(found) for name, found in related.items()},
        }
        if issue.parent is not None:
            written["parent_issue_url"] = f"{self._url(repository)}/issues/{issue.parent}"
        if issue.pull:
            pull = f"{self._url(repository)}/pulls/{issue.number}"
            page = f"{self._html(repository)}/pull/{issue.number}"
            written["pull_request"] = {
                "url": pull,
                "html_url": page,
                "diff_url": f"{page}.diff",
                "patch_url": f"{page}.patch",
                "merged_at": write_time(issue.pull.merged_at),
            }
        return written

    def pull(self, repository: Repository, issue: Issue, *, is_full: bool = True) -> Json:
        assert issue.pull is not None
        pull, url = issue.pull, f"{self._url(repository)}/pulls/{issue.number}"
        page, api = f"{self._html(repository)}/pull/{issue.number}", f"{self._url(repository)}/issues/{issue.number}"
        simple: Json = {
            **{name: value for name, value in self.issue(repository, issue).items() if name in PULL_MEMBERS},
            "url": url,
            "node_id": node_id("PR", issue.id),
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "issue_url": api,
            "commits_url": f"{url}/commits",
            "review_comments_url": f"{url}/comments",
            "review_comment_url": f"{self._url(repository)}/pulls/comments{{/number}}",
            "comments_url": f"{api}/comments",
            "statuses_url": f"{self._url(repository)}/statuses/{pull.head_sha}",
            "merged_at": write_time(pull.merged_at),
            "merge_commit_sha": pull.merge_sha,
            "requested_reviewers": [],
            "requested_teams": [],
            "draft": pull.is_draft,
            "head": self._side(repository, pull.head, pull.head_sha, pull.head_repository),
            "base": self._side(repository, pull.base, repository.refs.get(f"refs/heads/{pull.base}", ""), None),
            "auto_merge": None,
        }
        links = {"html": "html_url", "self": "url", **{name: f"{name}_url" for name in PULL_LINKS}}
        simple["_links"] = {name: {"href": simple[member]} for name, member in links.items()}
        if not is_full:
            return simple
        return {
            **simple,
            "merged": pull.merged_at is not None,
            "mergeable": True,
            "rebaseable": True,
            "mergeable_state": "clean",
            "merged_by": self.user(pull.merged_by) if pull.merged_by else None,
            "comments": len(issue.comments),
            "review_comments": 0,
            "maintainer_can_modify": False,
            "commits": 1,
            "additions": 1,
            "deletions": 0,
            "changed_files": 1,
        }

    def comment(self, repository: Repository, comment: Comment) -> Json:
        url = f"{self._url(repository)}/issues/comments/{comment.id}"
        issue = repository.issues[comment.issue]
        return {
            "url": url,
            "html_url": f"{self._html(repository)}/issues/{comment.issue}#issuecomment-{comment.id}",
            "issue_url": f"{self._url(repository)}/issues/{comment.issue}",
            "id": comment.id,
            "node_id": node_id("IC", comment.id),
            "user": self.user(comment.author),
            "created_at": write_time(comment.created_at),
            "updated_at": write_time(comment.updated_at),
            "author_association": self.store.association(comment.author, repository)
            if comment.author != issue.author
            else association(self.store, repository, issue),
            "body": comment.body,
            "reactions": self._reactions(url),
            "performed_via_github_app": None,
        }

    def timeline_entry(self, repository: Repository, issue: Issue, entry: Event | Comment) -> Json:
        """An event, a mention elsewhere, or a comment: each has a form of its own."""
        if isinstance(entry, Comment):
            written = self.comment(repository, entry)
            return {**written, "event": "commented", "actor": written["user"]}
        if entry.kind != "cross-referenced":
            return self.event(repository, entry)
        source = self.issue(repository, repository.issues[entry.details["source"]])
        return {
            "event": entry.kind,
            "actor": self.user(entry.actor),
            "created_at": write_time(entry.at),
            "updated_at": write_time(entry.at),
            "source": {"type": "issue", "issue": {**source, "repository": self.minimal_repository(repository)}},
        }

    def event_with_issue(self, repository: Repository, issue: Issue, event: Event) -> Json:
        return {**self.event(repository, event), "issue": self.issue(repository, issue)}

    def event(self, repository: Repository, event: Event) -> Json:
        """One event; GitHub names the milestone by its title only."""
        details = dict(event.details)
        if "assignee" in details:
            details = {"assignee": self.user(details["assignee"]), "assigner": self.user(event.actor)}
        return {
            "id": event.id,
            "node_id": node_id("EV", event.id),
            "url": f"{self._url(repository)}/issues/events/{event.id}",
            "actor": self.user(event.actor),
            "event": event.kind,
            "commit_id": None,
            "commit_url": None,
            "created_at": write_time(event.at),
            "performed_via_github_app": None,
            **details,
        }

    def ref(self, repository: Repository, name: str, sha: str) -> Json:
        return {
            "ref": name,
            "node_id": node_id("REF", int(sha1(name.encode()).hexdigest()[:8], 16)),
            "url": f"{self._url(repository)}/git/{name}",
            "object": self._target(repository, sha),
        }

    def commit(self, repository: Repository, commit: Commit) -> Json:
        url = f"{self._url(repository)}/git/commits/{commit.sha}"
        who = {"name": commit.author, "email": f"{commit.author}@example.org", "date": write_time(commit.at)}
        tree = tree_sha(commit.files)
        return {
            "sha": commit.sha,
            "node_id": node_id("C", int(commit.sha[:8], 16)),
            "url": url,
            "html_url": f"{self._html(repository)}/commit/{commit.sha}",
            "author": who,
            "committer": who,
            "tree": {"sha": tree, "url": f"{self._url(repository)}/git/trees/{tree}"},
            "message": commit.message,
            "parents": [
                {"sha": sha, "url": f"{self._url(repository)}/git/commits/{sha}", "html_url": f"{self.html}/{sha}"}
                for sha in commit.parents
            ],
            "verification": {**UNSIGNED},
        }

    def tree(self, repository: Repository, files: Files, *, is_recursive: bool = False) -> Json:
        sha = tree_sha(files)
        return {
            "sha": sha,
            "url": f"{self._url(repository)}/git/trees/{sha}",
            "tree": self._tree_entries(repository, files, "", is_recursive),
            "truncated": False,
        }

    def blob(self, repository: Repository, sha: str) -> Json:
        """A file that was just made: where it is."""
        return {"sha": sha, "url": f"{self._url(repository)}/git/blobs/{sha}"}

    def branch(self, repository: Repository, name: str, sha: str) -> Json:
        url = f"{self._url(repository)}/branches/{name}"
        commit = self.commit(repository, repository.commits[sha])
        author = commit["author"]["name"]
        return {
            "name": name,
            "commit": {
                "sha": sha,
                "node_id": commit["node_id"],
                "url": f"{self._url(repository)}/commits/{sha}",
                "html_url": commit["html_url"],
                "comments_url": f"{self._url(repository)}/commits/{sha}/comments",
                "commit": {
                    **{key: commit[key] for key in ("url", "author", "committer", "message", "tree", "verification")},
                    "comment_count": 0,
                },
                "author": self.user(author),
                "committer": self.user(author),
                "parents": commit["parents"],
            },
            "_links": {"self": url, "html": f"{self._html(repository)}/tree/{name}"},
            "protected": bool(repository.protected),
            "protection": self._protection(repository),
            "protection_url": f"{url}/protection",
        }

    def tag_object(self, repository: Repository, tag: TagObject) -> Json:
        return {
            "node_id": node_id("TA", int(tag.sha[:8], 16)),
            "tag": tag.tag,
            "sha": tag.sha,
            "url": f"{self._url(repository)}/git/tags/{tag.sha}",
            "message": tag.message,
            "tagger": {"date": write_time(tag.at), "email": tag.email, "name": tag.tagger},
            "object": self._target(repository, tag.target),
            "verification": {**UNSIGNED},
        }

    def tag(self, repository: Repository, name: str, commit: str) -> Json:
        url = self._url(repository)
        return {
            "name": name,
            "zipball_url": f"{url}/zipball/refs/tags/{name}",
            "tarball_url": f"{url}/tarball/refs/tags/{name}",
            "commit": {"sha": commit, "url": f"{url}/commits/{commit}"},
            "node_id": node_id("REF", int(sha1(name.encode()).hexdigest()[:8], 16)),
        }

    def release(self, repository: Repository, release: Release) -> Json:
        url, page = f"{self._url(repository)}/releases/{release.id}", f"{self._html(repository)}/releases"
        return {
            "url": url,
            "html_url": f"{page}/tag/{f'untagged-{release.id}' if release.is_draft else release.tag}",
            "assets_url": f"{url}/assets",
            "upload_url": f"{url}/assets{{?name,label}}",
            "tarball_url": None if release.is_draft else f"{self._url(repository)}/tarball/{release.tag}",
            "zipball_url": None if release.is_draft else f"{self._url(repository)}/zipball/{release.tag}",
            "id": release.id,
            "node_id": node_id("RE", release.id),
            "tag_name": release.tag,
            "target_commitish": release.target,
            "name": release.name,
            "body": release.body,
            "draft": release.is_draft,
            "prerelease": release.is_prerelease,
            "immutable": release.is_immutable,
            "created_at": write_time(release.created_at),
            "published_at": write_time(release.published_at),
            "author": self.user(release.author),
            "assets": [self.asset(repository, release, each) for each in release.assets],
        }

    def asset(self, repository: Repository, release: Release, asset: Asset) -> Json:
        page = f"{self._html(repository)}/releases/download/{release.tag}/{asset.name}"
        return {
            "url": f"{self._url(repository)}/releases/assets/{asset.id}",
            "browser_download_url": page,
            "id": asset.id,
            "node_id": node_id("RA", asset.id),
            "name": asset.name,
            "label": asset.label,
            "state": asset.state,
            "content_type": asset.content_type,
            "size": len(asset.content),
            "digest": f"sha256:{sha256(asset.content).hexdigest()}" if asset.state == "uploaded" else None,
            "download_count": 0,
            "created_at": write_time(asset.at),
            "updated_at": write_time(asset.at),
            "uploader": self.user(asset.uploader),
        }

    def status(self, repository: Repository, sha: str, status: Status) -> Json:
        return {
            "url": f"{self._url(repository)}/statuses/{sha}",
            "avatar_url": f"{self.html}/avatars/{self.store.user(status.creator).id}",
            "id": status.id,
            "node_id": node_id("SC", status.id),
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": write_time(status.at),
            "updated_at": write_time(status.at),
            "creator": self.user(status.creator),
        }

    def combined_status(self, repository: Repository, sha: str, latest: list[Status]) -> Json:
        states = {each.state for each in latest}
        state = "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
        members = ("creator",)
        simple = [
            {key: value for key, value in self.status(repository, sha, each).items() if key not in members}
            for each in latest
        ]
        url = f"{self._url(repository)}/commits/{sha}"
        return {
            "state": state,
            "statuses": simple,
            "sha": sha,
            "total_count": len(latest),
            "repository": self.minimal_repository(repository),
            "commit_url": url,
            "url": f"{url}/status",
        }

    def content(self, repository: Repository, path: str, text: str) -> Json:
        """A file with what is in it."""
        content = base64.encodebytes(to_bytes(text)).decode()
        return {**self.content_entry(repository, path, text), "encoding": "base64", "content": content}

    def content_entry(self, repository: Repository, path: str, text: str | None) -> Json:
        """A file as a folder lists it; a folder when there is no text."""
        is_file = text is not None
        sha = blob_sha(text if text is not None else path)
        url = f"{self._url(repository)}/contents/{path}"
        git = f"{self._url(repository)}/git/{'blobs' if is_file else 'trees'}/{sha}"
        page = f"{self._html(repository)}/{'blob' if is_file else 'tree'}/{repository.default_branch}/{path}"
        return {
            "type": "file" if is_file else "dir",
            "size": len(to_bytes(text)) if text is not None else 0,
            "name": path.rpartition("/")[2],
            "path": path,
            "sha": sha,
            "url": url,
            "git_url": git,
            "html_url": page,
            "download_url": page if is_file else None,
            "_links": {"git": git, "self": url, "html": page},
        }

    def changed_file(self, repository: Repository, sha: str, path: str, before: str | None, after: str | None) -> Json:
        """One file of a pull request; lines are counted as a whole, not compared."""
        status = "added" if before is None else "removed" if after is None else "modified"
        additions, deletions = len((after or "").splitlines()), len((before or "").splitlines())
        page = f"{self._html(repository)}/blob/{sha}/{path}"
        return {
            "sha": blob_sha(after or before or ""),
            "filename": path,
            "status": status,
            "additions": additions,
            "deletions": deletions,
            "changes": additions + deletions,
            "blob_url": page,
            "raw_url": page.replace("/blob/", "/raw/"),
            "contents_url": f"{self._url(repository)}/contents/{path}?ref={sha}",
        }

    def workflow(self, repository: Repository, workflow: Workflow) -> Json:
        url, when = f"{self._url(repository)}/actions/workflows/{workflow.id}", write_time(repository.created_at)
        return {
            "id": workflow.id,
            "node_id": node_id("W", workflow.id),
            "name": workflow.name,
            "path": workflow.path,
            "state": workflow.state,
            "created_at": when,
            "updated_at": when,
            "url": url,
            "html_url": f"{self._html(repository)}/blob/{repository.default_branch}/{workflow.path}",
            "badge_url": f"{self._html(repository)}/workflows/{workflow.name}/badge.svg",
        }

    def run(self, repository: Repository, run: Run) -> Json:
        workflow = next((each for each in repository.workflows.values() if each.path == run.workflow), None)
        url, when = f"{self._url(repository)}/actions/runs/{run.id}", write_time(run.created_at)
        links = ("jobs", "logs", "cancel", "rerun", "artifacts")
        return {
            "id": run.id,
            "node_id": node_id("WFR", run.id),
            "name": workflow.name if workflow else run.workflow,
            "head_branch": run.branch,
            "head_sha": run.head_sha,
            "path": run.workflow,
            "display_title": run.workflow,
            "run_number": run.id,
            "run_attempt": 1,
            "event": run.event,
            "status": run.status,
            "conclusion": run.conclusion,
            "workflow_id": workflow.id if workflow else 0,
            "url": url,
            "html_url": f"{self._html(repository)}/actions/runs/{run.id}",
            "pull_requests": [],
            "created_at": when,
            "updated_at": when,
            "run_started_at": when,
            "actor": self.user(run.actor),
            "triggering_actor": self.user(run.actor),
            **{f"{name}_url": f"{url}/{name}" for name in links},
            "check_suite_url": f"{self._url(repository)}/check-suites/{run.id}",
            "workflow_url": f"{self._url(repository)}/actions/workflows/{workflow.id if workflow else 0}",
            "head_commit": None,
            "repository": self.minimal_repository(repository),
            "head_repository": self.minimal_repository(self._head_repository(repository, run)),
        }

    def rules(self, repository: Repository) -> list[Json]:
        """What the rulesets ask of the default branch; the statuses that the seed requires are in one of them."""
        if not repository.required:
            return []
        checks = [{"context": each} for each in repository.required]
        parameters = {"required_status_checks": checks, "strict_required_status_checks_policy": False}
        ruleset = {"ruleset_source_type": "Repository", "ruleset_source": repository.full_name, "ruleset_id": 1}
        return [{"type": "required_status_checks", "parameters": parameters, **ruleset}]

    def environment(self, repository: Repository, environment: Environment) -> Json:
        when = write_time(repository.created_at)
        page = f"{self._html(repository)}/deployments/activity_log?environments_filter={environment.name}"
        reviewers = [{"type": "User", "reviewer": self.user(each)} for each in environment.reviewers]
        number = environment.id
        rule = {"id": number, "node_id": node_id("GA", number), "type": "required_reviewers", "reviewers": reviewers}
        return {
            "id": number,
            "node_id": node_id("EN", number),
            "name": environment.name,
            "url": f"{self._url(repository)}/environments/{environment.name}",
            "html_url": page,
            "created_at": when,
            "updated_at": when,
            "protection_rules": [rule] if reviewers else [],
            "deployment_branch_policy": None,
        }

    def runner(self, runner: Runner) -> Json:
        labels = [{"name": each, "type": "read-only" if each == "self-hosted" else "custom"} for each in runner.labels]
        version = {} if runner.version is None else {"version": runner.version}
        return {
            "id": runner.id,
            "name": runner.name,
            "os": "linux",
            "status": "online",
            "busy": False,
            "labels": labels,
            **version,
        }

    def artifact(self, repository: Repository, artifact: Artifact) -> Json:
        url, when = f"{self._url(repository)}/actions/artifacts/{artifact.id}", write_time(artifact.created_at)
        run = repository.runs.get(artifact.run)
        return {
            "id": artifact.id,
            "node_id": node_id("AR", artifact.id),
            "name": artifact.name,
            "size_in_bytes": artifact.size,
            "url": url,
            "archive_download_url": f"{url}/zip",
            "expired": artifact.is_expired,
            "created_at": when,
            "updated_at": when,
            "expires_at": when,
            "workflow_run": {
                "id": artifact.run,
                "repository_id": repository.id,
                "head_repository_id": self._head_repository(repository, run).id,
                "head_branch": run.branch if run else repository.default_branch,
                "head_sha": run.head_sha if run else "",
            },
        }

    def _protection(self, repository: Repository) -> Json:
        """The summary of the older branch protection."""
        contexts = repository.protected
        checks = [{"context": each, "app_id": None} for each in contexts]
        level = "everyone" if contexts else "off"
        held = {"enforcement_level": level, "contexts": contexts, "checks": checks}
        return {"enabled": bool(contexts), "required_status_checks": held}

    def _head_repository(self, repository: Repository, run: Run | None) -> Repository:
        found = self.store.find(run.head_repository) if run and run.head_repository else None
        return found or repository

    def _tree_entries(self, repository: Repository, files: Files, folder: str, is_recursive: bool) -> list[Json]:
        found: list[Json] = []
        for each in list_entries(files):
            path = f"{folder}{each.name}"
            url = f"{self._url(repository)}/git/{each.kind}s/{each.sha}"
            size = {} if each.text is None else {"size": len(to_bytes(each.text))}
            found.append({"path": path, "mode": each.mode, "type": each.kind, "sha": each.sha, **size, "url": url})
            if is_recursive and each.text is None:
                found += self._tree_entries(repository, each.files, f"{path}/", is_recursive)
        return found

    def _target(self, repository: Repository, sha: str) -> Json:
        kind = "tag" if sha in repository.tags else "commit"
        return {"type": kind, "sha": sha, "url": f"{self._url(repository)}/git/{kind}s/{sha}"}

    def _side(self, repository: Repository, branch: str, sha: str, full_name: str | None) -> Json:
        other = self.store.find(full_name) if full_name else repository
        owner = (full_name or repository.full_name).partition("/")[0]
        return {
            "label": f"{owner}:{branch}",
            "ref": branch,
            "sha": sha,
            "user": self.user(owner),
            "repo": self.repository(other) if other else None,
        }

    def _reactions(self, url: str) -> Json:
        kinds = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
        return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(kinds, 0)}

    def _type(self, repository: Repository, name: str | None) -> Json | None:
        if name is None:
            return None
        number = repository.issue_types.index(name) + 1
        return {
            "id": number,
            "node_id": node_id("IT", number),
            "name": name,
            "description": None,
            "color": "gray",
            "created_at": write_time(repository.created_at),
            "updated_at": write_time(repository.created_at),
            "is_enabled": True,
        }

    def _url(self, repository: Repository) -> str:
        return f"{self.base}/repos/{repository.full_name}"

    def _html(self, repository: Repository) -> str:
        return f"{self.html}/{repository.full_name}"


def storage_signature(kind: str, id: int, ends: str) -> str:
    """What makes the address of a file valid."""
    return sha1(f"{kind} {id} {ends}".encode()).hexdigest()


def association(store: Store, repository: Repository, issue: Issue) -> str:
    """The association of an issue's author; a seed may say it."""
    return issue.association or store.association(issue.author, repository)


def permissions_of(role: str) -> Mapping[str, bool]:
    """What a role may, as the repository's answer spells it."""
    order = ("none", "read", "triage", "write", "maintain", "admin")
    rank = order.index(role)
    names = {"admin": "admin", "maintain": "maintain", "push": "write", "triage": "triage", "pull": "read"}
    return {name: rank >= order.index(needed) for name, needed in names.items()}


def node_id(prefix: str, number: int) -> str:
    """An opaque id that is unique over all kinds."""
    return f"{prefix}_{base64.urlsafe_b64encode(str(number).encode()).decode().rstrip('=')}"


def read_node_id(text: str) -> tuple[str, int]:
    """The kind and number of an opaque id; a kind of its own for what is none."""
    prefix, _, rest = text.partition("_")
    try:
        return prefix, int(base64.urlsafe_b64decode(rest + "=" * (-len(rest) % 4)))
    except ValueError:
        return "", 0


REPOSITORY_URLS = {
    "archive": "{archive_format}{/ref}",
    "assignees": "assignees{/user}",
    "blobs": "git/blobs{/sha}",
    "branches": "branches{/branch}",
    "collaborators": "collaborators{/collaborator}",
    "comments": "comments{/number}",
    "commits": "commits{/sha}",
    "compare": "compare/{base}...{head}",
    "contents": "contents/{+path}",
    "contributors": "contributors",
    "deployments": "deployments",
    "downloads": "downloads",
    "events": "events",
    "forks": "forks",
    "git_commits": "git/commits{/sha}",
    "git_refs": "git/refs{/sha}",
    "git_tags": "git/tags{/sha}",
    "hooks": "hooks",
    "issue_comment": "issues/comments{/number}",
    "issue_events": "issues/events{/number}",
    "issues": "issues{/number}",
    "keys": "keys{/key_id}",
    "labels": "labels{/name}",
    "languages": "languages",
    "merges": "merges",
    "milestones": "milestones{/number}",
    "notifications": "notifications{?since,all,participating}",
    "pulls": "pulls{/number}",
    "releases": "releases{/id}",
    "stargazers": "stargazers",
    "statuses": "statuses/{sha}",
    "subscribers": "subscribers",
    "subscription": "subscription",
    "tags": "tags",
    "teams": "teams",
    "trees": "git/trees{/sha}",
}
PULL_LINKS = ("issue", "comments", "review_comments", "review_comment", "commits", "statuses")
PULL_MEMBERS = (
    "id",
    "number",
    "state",
    "locked",
    "title",
    "user",
    "body",
    "labels",
    "milestone",
    "active_lock_reason",
    "created_at",
    "updated_at",
    "closed_at",
    "assignee",
    "assignees",
    "author_association",
)
