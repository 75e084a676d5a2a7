"""What a release must be, so that commands are made of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milepost.core.checksums import hash_bytes
from milepost.core.facts import Level
from milepost.core.release import ClosedMilestone
from milepost.core.release_record import PlanFile, ReleaseRecord
from milepost.core.reproduction import Origin, Reproduction, judge_target, make_reproduction, name_server
from milepost.core.verdict import Answer, Observed, PastVerdict
from milepost.diagnostics import has_errors
from milepost.views.reproduction import list_passages

PLAN = b"version: 1\n"
IMAGE = f"ghcr.io/acme/torch:2.9@sha256:{'d' * 64}"
OBSERVED = Observed(
    python="3.12.3",
    torch="2.9.1+cu128",
    cuda="12.8",
    cudnn=None,
    nccl=None,
    triton=None,
    torchvision=None,
    driver=None,
    host=None,
    boot_id=None,
    gpus=(),
)
PROOF = PastVerdict(
    answer=Answer.PASS, environment="prod", image=IMAGE, level=Level.FULL, at="2026-11-24T09:00:00Z", observed=OBSERVED
)
RECORD = ReleaseRecord(
    repository="octo/widgets",
    server="https://github.com",
    tag="v2.9.0",
    version="2.9.0",
    is_prerelease=False,
    commit="a" * 40,
    branch="main",
    released_by="milepost 0.1.0",
    plan_file=PlanFile(path=".github/milepost.yml", sha256=hash_bytes(PLAN)),
    environment="prod",
    milestone=ClosedMilestone(
        number=7, title="v2.9.0", description="", is_open=False, due=None, created_at="", closed_at=None, creator=None
    ),
    items=(),
)


def make(
    record: ReleaseRecord = RECORD, proof: PastVerdict | None = PROOF, origin: Origin | None = None
) -> tuple[Reproduction | None, list[str]]:
    """The release, and the rules of what is wrong with it."""
    release, problems = make_reproduction("v2.9.0", record, proof, PLAN, origin)
    return release, [each.rule for each in problems]


def test_a_whole_release_can_be_had_again() -> None:
    """With the image by its digest alone: the tag of an image moves."""
    release, rules = make()

    assert release is not None
    assert [] == rules
    assert f"ghcr.io/acme/torch@sha256:{'d' * 64}" == release.image
    assert ("https://github.com", "octo/widgets") == (release.origin.server, release.origin.repository)


def test_a_repository_of_a_managed_user_can_be_had_again() -> None:
    """Enterprises give them logins with an underscore."""
    assert [] == make(replace(RECORD, repository="mona_acme/widgets"))[1]


SHELL = "a; touch pwned"


@pytest.mark.parametrize(
    "changes",
    [
        {"commit": SHELL},
        {"commit": "a" * 39},
        {"commit": "A" * 40},
        {"commit": "a" * 40 + "\n"},
        {"commit": "main"},
        {"repository": "octo/widgets; touch pwned"},
        {"repository": "octo"},
        {"repository": "octo/.."},
        {"repository": "--upload-pack=touch/x"},
        {"repository": "octo/a/b"},
        {"server": "https://github.com@evil.example"},
        {"server": "https://github.com/x"},
        {"server": "ext::sh -c touch"},
        {"server": "file:///etc"},
        {"server": "https://$(touch pwned)"},
        {"plan_file": PlanFile(path="/etc/passwd", sha256=hash_bytes(PLAN))},
        {"plan_file": PlanFile(path="../x.yml", sha256=hash_bytes(PLAN))},
        {"plan_file": PlanFile(path="", sha256=hash_bytes(PLAN))},
        {"plan_file": PlanFile(path="a\nb", sha256=hash_bytes(PLAN))},
        {"plan_file": PlanFile(path="a\u202eb", sha256=hash_bytes(PLAN))},
        {"plan_file": PlanFile(path="##[add-mask]a", sha256=hash_bytes(PLAN))},
        {"plan_file": PlanFile(path="a\\b", sha256=hash_bytes(PLAN))},
        {"plan_file": PlanFile(path="```", sha256=hash_bytes(PLAN))},
        {"plan_file": PlanFile(path="a" * 256, sha256=hash_bytes(PLAN))},
    ],
    ids=repr,
)
def test_a_member_of_another_form_becomes_no_command(changes: dict[str, Any]) -> None:
    """What could run, hide or lead elsewhere is named and refused."""
    release, rules = make(replace(RECORD, **changes))

    assert release is None
    assert "record-unreadable" in rules


@pytest.mark.parametrize(
    "changes",
    [
        {"image": f"ghcr.io/acme/torch; touch pwned@sha256:{'d' * 64}"},
        {"image": "--privileged"},
        {"image": "ghcr.io/acme/torch@sha256:short"},
        {"image": ""},
        {"environment": "prod$(touch pwned)"},
        {"environment": "--plan"},
    ],
    ids=repr,
)
def test_a_proof_of_another_form_becomes_no_command(changes: dict[str, Any]) -> None:
    """The image and the name of the environment stand in commands, too."""
    proof = replace(PROOF, **changes)
    release, rules = make(replace(RECORD, environment=proof.environment), proof)

    assert release is None
    assert ["record-unreadable"] == rules


@pytest.mark.parametrize(
    ("record", "proof", "said"),
    [
        ({"tag": "v2.8.0"}, PROOF, "is the record of the tag 'v2.8.0'"),
        ({"plan_file": PlanFile(path="x.yml", sha256="0" * 64)}, PROOF, "milepost.yml is not the plan file"),
        ({"plan_file": PlanFile(path="x.yml", sha256="0")}, PROOF, "plan_file.sha256 is '0'"),
        ({}, None, "there is no environment.json"),
        ({"environment": None}, PROOF, "environment.json is of 'prod'"),
        ({"environment": "staging"}, PROOF, "milestone.json of 'staging'"),
        ({}, replace(PROOF, answer=Answer.UNPROVEN), "says `unproven`"),
    ],
)
def test_files_of_different_releases_are_not_mixed(
    record: dict[str, Any], proof: PastVerdict | None, said: str
) -> None:
    """Each file is held against what the record says of it."""
    release, problems = make_reproduction("v2.9.0", replace(RECORD, **record), proof, PLAN, None)

    assert release is None
    assert said in " ".join(each.summary for each in problems)


def test_a_release_without_a_verified_environment_says_so() -> None:
    """Its commit can be had all the same."""
    release, rules = make(replace(RECORD, environment=None), None)

    assert release is not None
    assert ["environment-not-verified"] == rules
    assert ["checkout"] == [each.key for each in list_passages(release)]


@pytest.mark.parametrize(
    ("image", "said"), [("acme/torch:2.9", "acme/torch:2.9, which has no digest"), (None, "no image")]
)
def test_an_image_without_a_digest_is_not_run(image: str | None, said: str) -> None:
    """It may be another one by now; the environment is proven again on the machine."""
    release, problems = make_reproduction("v2.9.0", RECORD, replace(PROOF, image=image), PLAN, None)

    assert release is not None
    assert ["image-not-pinned"] == [each.rule for each in problems]
    assert said in problems[0].summary
    assert ["checkout", "milepost", "verify"] == [each.key for each in list_passages(release)]


def test_a_repository_that_moved_is_taken_where_it_is() -> None:
    """A renamed one, or one that came from another server; case does not count."""
    moved = Origin(server="https://ghes.example", repository="acme/widgets")
    release, rules = make(origin=moved)

    assert release is not None
    assert (moved, ["recorded-elsewhere"]) == (release.origin, rules)
    assert [] == make(origin=Origin(server="https://github.com", repository="Octo/Widgets"))[1]


def test_a_tag_must_lead_to_the_commit_that_was_released() -> None:
    """One that was moved, or is gone, is an error that names both."""
    assert () == judge_target("v2.9.0", "a" * 40, RECORD)

    (moved,) = judge_target("v2.9.0", "b" * 40, RECORD)
    (gone,) = judge_target("v2.9.0", None, RECORD)

    assert "release-tag-moved" == moved.rule == gone.rule
    assert f"leads to {'b' * 40}; the release was made of {'a' * 40}" in moved.summary
    assert "is gone" in gone.summary


@pytest.mark.parametrize(
    ("api", "server"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://api.acme.ghe.com/", "https://acme.ghe.com"),
        ("https://ghes.example/api/v3", "https://ghes.example"),
        ("https://api.example:8443/api/v3/", "https://api.example:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://user@github.com", None),
        ("https://github.com/x", None),
        ("", None),
    ],
)
def test_the_server_is_the_one_of_the_api(api: str, server: str | None) -> None:
    """github.com, an enterprise on GHE.com, an Enterprise Server."""
    assert server == name_server(api)


@given(st.text(), st.text(), st.text(), st.text(), st.none() | st.text())
def test_no_text_gets_past_its_form(
    commit: str, repository: str, path: str, environment: str, image: str | None
) -> None:
    """Whatever the files say: commands come of it only without an error, and each is one line."""
    record = replace(
        RECORD,
        commit=commit,
        repository=repository,
        environment=environment,
        plan_file=PlanFile(path=path, sha256=hash_bytes(PLAN)),
    )
    proof = replace(PROOF, environment=environment, image=image)

    release, problems = make_reproduction("v2.9.0", record, proof, PLAN, None)

    assert (release is None) == has_errors(problems)


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1))
def test_every_path_that_is_let_in_is_one_word_of_a_shell(path: str) -> None:
    """Quotes, blanks, dollars and semicolons included."""
    import shlex

    release, problems = make_reproduction(
        "v2.9.0", replace(RECORD, plan_file=PlanFile(path=path, sha256=hash_bytes(PLAN))), PROOF, PLAN, None
    )

    assert (release is None) == has_errors(problems)
    for passage in list_passages(release) if release else ():
        assert not any("\n" in each for each in passage.commands)
        if passage.key in ("docker", "podman"):
            assert f"--plan={path}" in shlex.split(passage.commands[-1])
