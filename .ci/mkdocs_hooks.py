"""What the site needs beyond docs: pages from other folders, links out of docs, and formulas."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    **{
        f"plugins/{readme.parent.name}.md": str(readme.relative_to(ROOT))
        for readme in sorted((ROOT / "plugins").glob("*/README.md"))
    },
}
"""Pages of the site that are files of other folders."""
SOURCES = {source: page for page, source in PAGES.items()}
LINK = re.compile(r"\[([^\]]+)\]\(([^)#:\s]+)(#[^)]*)?\)")
CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.S)
FORMULA = re.compile(r"\$\$(.+?)\$\$|(?<![\w$])\$(?=\S)([^$\n]+?)(?<=\S)\$(?!\w)", re.S)


def on_config(config: Any) -> None:
    """Lists decisions and plugins, so that a new one needs no line in the configuration."""
    for entry in config.nav:
        if "Decisions" in entry:
            pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
            entry["Decisions"] = [f"decisions/{page.name}" for page in pages]
        if "Plugins" in entry:
            entry["Plugins"] = [page for page in PAGES if page.startswith("plugins/")]


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages of other folders."""
    for name, source in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links lead within the site, or become text and path; formulas become MathML."""
    own = page.file.src_uri
    source = ROOT / PAGES[own] if own in PAGES else ROOT / "docs" / own
    text = LINK.sub(lambda link: _in_site(link, source.parent, Path(own).parent), markdown)
    parts = CODE.split(text)
    parts[::2] = [FORMULA.sub(_mathml, part) for part in parts[::2]]
    return "".join(parts)


def _in_site(link: re.Match[str], folder: Path, page_folder: Path) -> str:
    target = (folder / link[2]).resolve()
    inside = str(target.relative_to(ROOT)) if target.is_relative_to(ROOT) else ""
    if inside.startswith("docs/") and target.exists():
        page = inside.removeprefix("docs/")
    elif inside in SOURCES:
        page = SOURCES[inside]
    else:
        found = [path for path in (target, ROOT / link[2]) if path.exists()]
        return f"{link[1]} (`{found[0].relative_to(ROOT)}`)" if found else link[0]
    return f"[{link[1]}]({Path(os.path.relpath(page, page_folder)).as_posix()}{link[3] or ''})"


def _mathml(formula: re.Match[str]) -> str:
    text = convert(formula[1] or formula[2], display="block" if formula[1] else "inline")
    return f"\n\n<div>{text}</div>\n\n" if formula[1] else f"<span>{text}</span>"
