"""Draws the pictures of the README: job summaries of real runs, as a browser shows them.

python3 scripts/pictures.py                 writes docs/images/*.png
python3 scripts/pictures.py --only gate     only that one

Needs npm, for a renderer of Markdown and one of charts, and Chromium on PATH. Nothing else needs either of them.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
IMAGES = SCRIPTS.parent / "docs" / "images"
sys.path.insert(0, str(SCRIPTS))

from folder import NotInstalled  # noqa: E402
from packages import find_packages  # noqa: E402

# name, version, checksum of the package, and the one file of it that the page loads
RENDERERS = {
    "marked": (
        "18.2.1",
        "sha512-ii4bxCTCqqwpT86XZWgJNs+ZnAIZksmLGYMViWA7PDIXYIeNo1x6cDdX3JOip9NM/cI6p8z57FxliACboTruMA==",
        "package/lib/marked.umd.js",
    ),
    "mermaid": (
        "11.17.2",
        "sha512-V6K3C8EBdEsPFZXSKMJe6ppQOENxuHARr9GvHX4hh47lAbhMRD9qf4oEK7LoaRQxULMa80/qt5gHO73aCleBBg==",
        "package/dist/mermaid.min.js",
    ),
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH = 980
# Nothing of a picture is below this; the rest of a long summary is left out.
MOST_HEIGHT = 1200
MOST_BYTES = 150_000
PAGE = """\
<!doctype html><meta charset="utf-8"><title></title>
<style>
body {margin: 0; padding: 16px; width: WIDTHpx; box-sizing: border-box; background: #fff; color: #1f2328;
  font: 14px/1.5 -apple-system, "Segoe UI", "Noto Sans", "Liberation Sans", Helvetica, Arial, "Noto Sans CJK SC",
  "Noto Color Emoji", sans-serif; overflow: hidden}
article {border: 1px solid #d1d9e0; border-radius: 6px; padding: 8px 24px 16px}
header {font-weight: 600; border-bottom: 1px solid #d1d9e0; margin: 0 -24px 12px; padding: 4px 24px 10px; color: #59636e}
h1, h2, h3, h4 {line-height: 1.25; margin: 18px 0 12px} h2 {font-size: 1.5em; border-bottom: 1px solid #d1d9e0; padding-bottom: .3em}
h3 {font-size: 1.25em} p, ul, ol, table, pre, blockquote, details {margin: 0 0 12px}
table {border-collapse: collapse; display: block; width: max-content; max-width: 100%}
th, td {border: 1px solid #d1d9e0; padding: 5px 12px; text-align: left; vertical-align: top} tr:nth-child(even) td {background: #f6f8fa}
code, pre {font: 85% ui-monospace, "SF Mono", "Liberation Mono", monospace; background: #eff1f3; border-radius: 6px}
code {padding: .2em .4em} pre {padding: 12px; overflow: hidden} pre code {padding: 0; background: none; font-size: 100%}
a {color: #0969da; text-decoration: none} blockquote {border-left: 4px solid #d1d9e0; padding-left: 14px; color: #59636e}
.mermaid {text-align: center; margin-bottom: 12px}
</style>
<article><header>HEAD</header><div id="text"></div></article>
<script src="marked.js"></script><script src="mermaid.js"></script>
<script>
const text = document.getElementById("text");
text.innerHTML = marked.parse(SUMMARY);
for (const each of text.querySelectorAll("code.language-mermaid")) {
  const chart = document.createElement("div");
  chart.className = "mermaid";
  chart.textContent = each.textContent;
  each.parentElement.replaceWith(chart);
}
mermaid.initialize({startOnLoad: false, deterministicIds: true});
mermaid.run().finally(() => { document.title = "height " + document.documentElement.offsetHeight; });
</script>
"""


def main(argv: list[str]) -> int:
    """Every picture that was asked for is drawn; the value is the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME", help="draw only this picture")
    parser.add_argument("--texts", metavar="FOLDER", type=Path, help="also keep the Markdown of each there")
    given = parser.parse_args(argv)
    browser, npm = next(filter(None, map(shutil.which, BROWSERS)), None), shutil.which("npm")
    if browser is None or npm is None:
        print("pictures: npm and Chromium are needed, and must be on PATH", file=sys.stderr)
        return 2
    try:
        packages = find_packages("dev")
    except NotInstalled as trouble:
        print(f"pictures: {trouble}", file=sys.stderr)
        return 3
    sys.path[1:1] = [packages] if packages else []
    with tempfile.TemporaryDirectory(prefix="milepost-pictures-") as folder:
        return _draw_all(Path(folder), browser, npm, given.only, given.texts)


def _draw_all(folder: Path, browser: str, npm: str, only: str | None, texts: Path | None) -> int:
    from picture_scenes import write_summaries

    _fetch_renderers(folder, npm)
    too_large = []
    for name, summary in write_summaries(folder).items():
        if texts:
            texts.mkdir(parents=True, exist_ok=True)
            (texts / f"{name}.md").write_text(summary, encoding="utf-8")
        if only in (None, name):
            size = _draw(folder, browser, name, summary)
            print(f"wrote docs/images/{name}.png, {size} bytes")
            too_large += [name] if size > MOST_BYTES else []
    for name in too_large:
        print(f"docs/images/{name}.png is larger than {MOST_BYTES} bytes: shorten its scene", file=sys.stderr)
    return 1 if too_large else 0


def _fetch_renderers(folder: Path, npm: str) -> None:
    """The one file of each renderer is in the folder; raises RuntimeError for other bytes than the checksum's."""
    for name, (version, checksum, member) in RENDERERS.items():
        command = [npm, "pack", "--silent", "--pack-destination", str(folder), f"{name}@{version}"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        archive = folder / f"{name}-{version}.tgz"
        found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != checksum:
            raise RuntimeError(f"{name} {version} of the npm registry is not the one that was reviewed: {found}")
        with tarfile.open(archive) as held:
            source = held.extractfile(member)
            assert source is not None
            (folder / f"{name}.js").write_bytes(source.read())


def _draw(folder: Path, browser: str, name: str, summary: str) -> int:
    """The picture is written; the value is its size in bytes."""
    page, target = folder / f"{name}.html", IMAGES / f"{name}.png"
    text = json.dumps(summary).replace("</", "<\\/")
    filled = PAGE.replace("WIDTH", str(WIDTH)).replace("HEAD", f"{name} summary").replace("SUMMARY", text)
    page.write_text(filled, encoding="utf-8")
    # Charts are drawn after the page is loaded, so its height is known only then.
    shown = _browse(browser, folder, page, "--dump-dom", WIDTH, MOST_HEIGHT)
    found = re.search(r"<title>height (\d+)</title>", shown)
    if found is None:
        raise RuntimeError(f"the page of {name} was not drawn to its end")
    IMAGES.mkdir(parents=True, exist_ok=True)
    _browse(browser, folder, page, f"--screenshot={target}", WIDTH, min(int(found[1]), MOST_HEIGHT))
    return target.stat().st_size


def _browse(browser: str, folder: Path, page: Path, what: str, width: int, height: int) -> str:
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--lang=en"]
    command += [f"--user-data-dir={folder / 'browser'}", "--virtual-time-budget=20000"]
    command += [f"--window-size={width},{height}", what, page.as_uri()]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
