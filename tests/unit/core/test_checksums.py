"""SHA256SUMS: as `sha256sum` has it, and held against the files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from milepost.core.checksums import judge_checksums, read_checksums, render_checksums

FILES = {"milestone.json": b"{}\n", "milepost.yml": b"version: 1\n"}


def test_sha256sum_takes_the_file(tmp_path: Path) -> None:
    """The tool that people have says that all is well."""
    if shutil.which("sha256sum") is None:
        pytest.skip("there is no sha256sum here")
    for name, data in {**FILES, "SHA256SUMS": render_checksums(FILES).encode()}.items():
        (tmp_path / name).write_bytes(data)

    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (0, "milepost.yml: OK\nmilestone.json: OK\n") == (found.returncode, found.stdout)


def test_whole_files_have_no_problem() -> None:
    """Files that nobody lists, such as a wheel of a later job, are nobody's business."""
    sums = read_checksums(render_checksums(FILES))

    assert sums is not None
    assert () == judge_checksums(sums, {**FILES, "widgets.whl": b"PK"}, FILES)


@pytest.mark.parametrize(
    ("files", "rule", "said"),
    [
        ({**FILES, "milepost.yml": b"version: 2\n"}, "checksum-differs", "milepost.yml has the SHA-256"),
        ({"milestone.json": b"{}\n"}, "checksum-missing", "a checksum of milepost.yml, which is not there"),
        ({**FILES, "environment.json": b"{}"}, "checksum-missing", "environment.json has no checksum"),
    ],
)
def test_what_was_changed_since_is_told(files: dict[str, bytes], rule: str, said: str) -> None:
    """A file that differs, one that is gone, one that came later."""
    sums = read_checksums(render_checksums(FILES))
    assert sums is not None

    (problem,) = judge_checksums(sums, files, files)

    assert rule == problem.rule
    assert said in problem.summary


ONE = "a" * 64


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"{ONE} one\n",
        f"{ONE.upper()}  one\n",
        f"{ONE}  ../one\n",
        f"{ONE}  /etc/passwd\n",
        f"{ONE}  -one\n",
        f"{ONE}  .\n",
        f"{ONE}  one\r\n",
        f"{ONE}  one\n\n",
        f"{ONE}  one\n{ONE}  one\n",
        f"\\{ONE}  one\n",
        "".join(f"{ONE}  f{number}\n" for number in range(21)),
    ],
)
def test_what_is_no_list_of_checksums_is_none(text: str) -> None:
    """Names are plain, each stands once, and a release has few files."""
    assert read_checksums(text) is None


@given(st.text())
def test_reading_never_raises(text: str) -> None:
    """Whatever others have written there."""
    found = read_checksums(text)

    assert found is None or found


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,20}", fullmatch=True), st.binary(), min_size=1, max_size=20
    )
)
def test_what_is_written_is_read_back_and_holds(files: dict[str, bytes]) -> None:
    """For every set of files."""
    sums = read_checksums(render_checksums(files))

    assert sums is not None
    assert sorted(files) == list(sums)
    assert () == judge_checksums(sums, files, files)
