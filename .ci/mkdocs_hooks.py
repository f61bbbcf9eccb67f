"""What the site needs beyond docs: two pages from the top folder, and links out of docs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
LINK = re.compile(r"\[([^\]]+)\]\(([^)#:\s]+)(#[^)]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages that a reader of the repository finds in its top folder."""
    for name, source in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links to files that are not in docs become their text and path."""
    folder = ROOT / "docs" / Path(page.file.src_uri).parent
    return LINK.sub(lambda link: _in_site(link, folder), markdown)


def _in_site(link: re.Match[str], folder: Path) -> str:
    target = (folder / link[2]).resolve()
    for name, source in PAGES.items():
        if target == ROOT / source:
            return f"[{link[1]}]({name})"
    outside = not target.is_relative_to(ROOT / "docs")
    if not outside or not (target.exists() or (ROOT / link[2]).exists()):
        return link[0]
    path = target if target.exists() else ROOT / link[2]
    return f"{link[1]} (`{path.relative_to(ROOT)}`)"
