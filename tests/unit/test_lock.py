"""Locks: which of their lines hold for an interpreter, and whether its packages are those."""

from __future__ import annotations

from pathlib import Path

import pytest
from lock import applies, find_lock, holds, read_lock


@pytest.mark.parametrize(
    ("marker", "is_true"),
    [
        ("", True),
        ("python_version >= '3.10'", True),
        ("python_full_version < '3.10'", False),
        ("python_version == '3'", False),
        ("sys_platform == 'win32' or os_name == 'posix'", True),
        ("(sys_platform == 'win32' or os_name == 'posix') and python_version < '3'", False),
        ("'posix' in os_name and implementation_name not in 'pypy'", True),
        ("platform_python_implementation != 'PyPy'", True),
    ],
)
def test_markers_are_understood(marker: str, is_true: bool) -> None:
    """As uv writes them."""
    assert is_true == applies(marker)


@pytest.mark.parametrize(
    "marker",
    ["extra == 'x'", "os_name == 'posix' python_version", "(os_name == 'posix'", "os_name", "os_name @ 'posix'", "or"],
)
def test_other_markers_are_not_guessed(marker: str) -> None:
    """They raise: a lock of ours has none."""
    with pytest.raises(ValueError, match="not understood"):
        applies(marker)


def test_the_first_folder_of_a_path_is_the_one_that_counts(tmp_path: Path) -> None:
    """As it does for imports; two versions in one folder are not the pinned one."""
    for name in ("a/tiny-1.0", "b/tiny-2.0", "c/Tiny_Tool-1.0", "d/tiny-1.0", "d/tiny-2.0"):
        folder = tmp_path / f"{name}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text("")
    (tmp_path / "e" / "tiny-1.0.dist-info").mkdir(parents=True)
    a, b, c, d, e = (str(tmp_path / name) for name in "abcde")

    assert holds([a, b], {"tiny": "1.0"})
    assert not holds([b, a], {"tiny": "1.0"})
    assert holds([str(tmp_path / "absent"), c], {"tiny-tool": "1.0"})
    assert not holds([d], {"tiny": "1.0"})
    assert not holds([e], {"tiny": "1.0"})  # without its metadata a package is half removed


def test_a_command_without_a_lock_has_that_of_all_declarations() -> None:
    """So that `--help` can look at every one; a name that is none never becomes a path."""
    assert ["release", "validate", "release", "release"] == [
        find_lock(name).stem for name in ("", "validate", "--help", "../../etc/passwd")
    ]


def test_pins_are_read_with_their_names_made_plain(tmp_path: Path) -> None:
    """Only those for this interpreter."""
    (tmp_path / "x.txt").write_text(
        "# by uv\nPyYAML==6.0.3 \\\n    --hash=sha256:00\nold_one==1 ; python_version < '3' \\\n    --hash=sha256:00\n"
    )

    assert {"pyyaml": "6.0.3"} == read_lock(tmp_path / "x.txt").pins
