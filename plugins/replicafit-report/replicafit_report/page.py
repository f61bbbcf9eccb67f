"""From a fit folder to one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from replicafit.plugins import Registry
from replicafit.results.files import appearing
from replicafit_report.agreement import agreement_section
from replicafit_report.quality import quality_section
from replicafit_report.record import read_record
from replicafit_report.replicas import (
    correlation_section,
    distribution_section,
    selection_section,
)
from replicafit_report.scales import function_sections
from replicafit_report.section import Section
from replicafit_report.sources import FitSource, Source, source
from replicafit_report.summary import provenance_section, runcard_section, summary_section
from replicafit_report.training import training_section


def write_report(
    folder: Path,
    output: Path | None = None,
    reference: Path | None = None,
    scales: Sequence[float] = (),
    registry: Registry | None = None,
) -> Path:
    """Writes the report of the fit in ``folder``; gives where.

    Args:
        output: the file; by default ``report.html`` in the folder.
        reference: another fit or an LHAPDF set, which the functions are compared with.
        scales: in GeV, where functions are shown beside q0; by default 100 where a plugin of
            ``registry`` evolves them.
    """
    ours = FitSource(read_record(folder), registry or Registry())
    theirs = None if reference is None else source(reference, ours.registry)
    sections = report_sections(ours, theirs, scales)
    path = output or folder / "report.html"
    save(path, ours.record.title, f"Fit {ours.name}", sections)
    return path


def report_sections(
    ours: FitSource, theirs: Source | None, scales: Sequence[float]
) -> list[Section]:
    """All sections in reading order."""
    record = ours.record
    sections = [
        summary_section(ours),
        quality_section(record),
        *function_sections(ours, theirs, scales),
        agreement_section(record),
        training_section(record),
        distribution_section(record),
        correlation_section(ours.fitted),
        selection_section(record),
        runcard_section(record),
        provenance_section(record),
    ]
    return [section for section in sections if section.blocks]


def save(path: Path, title: str, subtitle: str, sections: Sequence[Section]) -> None:
    """Renders ``sections`` as the page at ``path``, which appears whole."""
    from replicafit import __version__

    environment = Environment(
        loader=PackageLoader("replicafit_report"),
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
