"""The job summary: the page that people look at after a run."""

from __future__ import annotations

from pathlib import Path

from milepost.views.markdown import cut

# Over 1 MiB the runner drops the whole summary of the step (actions/runner, FileCommandManager.cs).
MOST_BYTES = 1024 * 1024


def emit_summary(markdown: str, path: str) -> None:
    """The job summary ends with the Markdown, cut at a line end when the runner would drop it."""
    if not path:
        return
    file = Path(path)
    present = file.stat().st_size if file.exists() else 0
    with file.open("a", encoding="utf-8", newline="\n") as summary:
        summary.write(cut(markdown, MOST_BYTES - present))
