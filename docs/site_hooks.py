"""What the site needs besides the pages of docs: README and its like as pages, links out of docs as links to copies.

Called by mkdocs (``mkdocs.yml``). The texts are written to be read in the checkout, where links go to files outside of
docs too: those are copied into the site, below ``files``.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
"""Of the top folder; links within README are relative to it."""
_LINK = re.compile(r"(\]\()([^)#\s]+)((?:#[^)\s]*)?\))")


def _place(path: str) -> str:
    """Where a file of the project is in the site, by its path from the top folder."""
    if path in PAGES:
        return path
    return path.removeprefix("docs/") if path.startswith("docs/") else f"files/{path}"


def _linked(text: str, folder: str) -> set[str]:
    """Files outside of docs that a text in ``folder`` links to, by their paths from the top folder."""
    targets = (match[1] for match in _LINK.findall(text) if "://" not in match[1])
    paths = (posixpath.normpath(posixpath.join(folder, target)) for target in targets)
    return {path for path in paths if not path.startswith("docs/") and path not in PAGES and (ROOT / path).is_file()}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the top folder, and what the texts link to outside of docs."""
    for name in PAGES:
        files.append(File.generated(config, name, content=(ROOT / name).read_text(encoding="utf-8")))
    texts, copied = [*map(ROOT.joinpath, PAGES), *sorted((ROOT / "docs").rglob("*.md"))], set[str]()
    while texts:
        text = texts.pop()
        folder = text.parent.relative_to(ROOT).as_posix()
        for path in sorted(_linked(text.read_text(encoding="utf-8"), folder) - copied):
            copied.add(path)
            files.append(File.generated(config, _place(path), abs_src_path=str(ROOT / path)))
            if path.endswith(".md"):  # a page that may link further
                texts.append(ROOT / path)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links go to where their targets are in the site."""
    source = page.file.src_uri
    folder = "" if source in PAGES else posixpath.dirname(f"docs/{source}")
    if source.startswith("files/"):
        folder = posixpath.dirname(source.removeprefix("files/"))

    def moved(match: re.Match[str]) -> str:
        before, target, after = match.groups()
        if "://" in target:
            return match[0]
        place = _place(posixpath.normpath(posixpath.join(folder, target)))
        return f"{before}{posixpath.relpath(place, posixpath.dirname(source) or '.')}{after}"

    return _LINK.sub(moved, markdown)
