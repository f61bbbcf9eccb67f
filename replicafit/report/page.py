"""From a fit folder to one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from replicafit.export.files import appearing
from replicafit.loading import load_fit
from replicafit.report.agreement import agreement_section
from replicafit.report.functions import function_section
from replicafit.report.quality import quality_section
from replicafit.report.record import Record, read_record
from replicafit.report.replicas import (
    correlation_section,
    distribution_section,
    selection_section,
)
from replicafit.report.section import Section
from replicafit.report.summary import provenance_section, runcard_section, summary_section
from replicafit.report.training import training_section


def write_report(folder: Path, output: Path | None = None, reference: Path | None = None) -> Path:
    """Writes the report of the fit in ``folder``; gives where.

    Args:
        output: the file; by default ``report.html`` in the folder.
        reference: another fit, which the functions are compared with.
    """
    record = read_record(folder)
    sections = report_sections(record, reference)
    path = output or folder / "report.html"
    save(path, record.title, f"Fit {record.name}", sections)
    return path


def report_sections(record: Record, reference: Path | None) -> list[Section]:
    """All sections in reading order."""
    other = None if reference is None else load_fit(reference).sound()
    return [
        summary_section(record),
        quality_section(record),
        function_section(record.sound, other),
        agreement_section(record),
        training_section(record),
        distribution_section(record),
        correlation_section(record),
        selection_section(record),
        runcard_section(record),
        provenance_section(record),
    ]


def save(path: Path, title: str, subtitle: str, sections: Sequence[Section]) -> None:
    """Renders ``sections`` as the page at ``path``, which appears whole."""
    from replicafit import __version__

    environment = Environment(
        loader=PackageLoader("replicafit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = breakable
    page = environment.get_template("page.html.j2").render(
        title=title, subtitle=subtitle, sections=sections, version=__version__
    )
    with appearing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def breakable(text: str) -> Markup:
    """``text`` with places where a long name may go on in the next line."""
    return Markup("_<wbr>").join(escape(part) for part in text.split("_"))
