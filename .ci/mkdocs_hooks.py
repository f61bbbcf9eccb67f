"""What the site needs beyond docs: two pages from the top folder, and links out of docs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
LINK = re.compile(r"\[([^\]]+)\]\(([^)#:\s]+)(#[^)]*)?\)")


def on_config(config: Any) -> None:
    """Lists the decisions, so that a new one needs no line in the configuration."""
    decisions = next(entry for entry in config.nav if "Decisions" in entry)
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    decisions["Decisions"] = [f"decisions/{page.name}" for page in pages]


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
    if target.is_relative_to(ROOT / "docs") and target.exists():
        return link[0]
    found = [path for path in (target, ROOT / link[2]) if path.exists()]
    return f"{link[1]} (`{found[0].relative_to(ROOT)}`)" if found else link[0]
