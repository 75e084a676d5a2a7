"""The job summary: the page that people look at after a run."""

from __future__ import annotations

from pathlib import Path

# Over 1 MiB the runner drops the whole summary of the step (actions/runner, FileCommandManager.cs).
MOST_BYTES = 1024 * 1024
ROOM_FOR_NOTE = 400


def emit_summary(markdown: str, path: str) -> None:
    """The job summary ends with the Markdown, cut at a line end when the runner would drop it."""
    if not path:
        return
    file = Path(path)
    present = file.stat().st_size if file.exists() else 0
    with file.open("a", encoding="utf-8", newline="\n") as summary:
        summary.write(cut(markdown, MOST_BYTES - present))


def cut(markdown: str, most_bytes: int) -> str:
    """The Markdown, or as many whole lines of it as fit with a note that says so."""
    data = markdown.encode("utf-8")
    if len(data) <= most_bytes:
        return markdown
    kept = data[: max(0, most_bytes - ROOM_FOR_NOTE)].rpartition(b"\n")[0].decode("utf-8", "ignore")
    missing = markdown.count("\n") - kept.count("\n")
    return (
        f"{kept}\n\n**Cut here: {missing:,} more lines do not fit into a job summary; the log has them.**\n"
    )
