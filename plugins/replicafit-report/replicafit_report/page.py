"""From a fit folder to one self-contained HTML file."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.figure import Figure as Canvas

from replicafit import Fit, __version__
from replicafit.plugin import (
    OutputError,
    Registry,
    ReplicafitError,
    ReportSection,
    appearing,
    is_there,
    load_registry,
    load_target,
)
from replicafit_report.agreement import agreement_section
from replicafit_report.coverage import coverage_section
from replicafit_report.files import named, write_files
from replicafit_report.functions import function_sections, plain_opening
from replicafit_report.quality import quality_section
from replicafit_report.record import Record
from replicafit_report.replicas import replica_section
from replicafit_report.section import Figure, Notice, Section
from replicafit_report.sides import SAME, SectionContext, fit_side, side_beside
from replicafit_report.summary import provenance_section, runcard_section, summary_section
from replicafit_report.surfaces import surface_section
from replicafit_report.training import training_section

_log = logging.getLogger("replicafit")

ORDER = (
    *("summary", "chi2", "functions", "distances"),
    "",
    *("coverage", "data", "training", "replicas", "correlations", "runcard", "provenance"),
)
"""Sections of a page; those of plugins with other ids stand in the place of the empty one."""
FIT = "run.json"
"""The file by which fits are known."""


def write_report(
    folder: Path,
    output: Path | None = None,
    reference: Path | None = None,
    scales: Sequence[float] = (),
    registry: Registry | None = None,
    figures: Path | None = None,
) -> Path:
    """Writes the report of the fit in ``folder``; gives where.

    Args:
        output: the file; by default ``report.html`` in the folder.
        reference: another fit, or what a plugin reads, which the functions are compared with.
        scales: where functions are shown beside that of the fit.
        registry: of the plugins.
        figures: a folder for all figures and tables as files.

    Raises:
        OutputError: there is no fit, or what is there has nothing to be compared.
    """
    path, page = output or folder / "report.html", _page(folder, reference, scales, registry)
    save(path, page.title, page.subtitle, page.sections, page.notes)
    if figures is not None:
        write_files(page.sections, figures)
    return path


def figures(
    fit: Fit | str | Path,
    reference: str | Path | None = None,
    scales: Sequence[float] = (),
) -> dict[str, Canvas]:
    """The figures of the report of ``fit``, as matplotlib has them, by section and title.

    They are those that ``replicafit report --figures`` writes.

    Args:
        fit: one, or its folder.
        reference: the folder of another fit, or what a plugin reads, as for ``--reference``.
        scales: where functions are shown beside that of the fit, as for ``--at-q``.
    """
    beside = None if reference is None else Path(reference)
    folder = fit.folder if isinstance(fit, Fit) else Path(fit)
    page = _page(folder, beside, scales, load_registry())
    return {name: made.canvas for name, made in named(page.sections) if isinstance(made, Figure)}


@dataclass(frozen=True)
class _Page:
    """What is written about a folder; ``notes`` are of its replicas, by number."""

    title: str
    subtitle: str
    sections: Sequence[Section]
    notes: Mapping[int, str] = field(default_factory=dict)


def _page(
    folder: Path, reference: Path | None, scales: Sequence[float], registry: Registry | None
) -> _Page:
    registry = registry or Registry()
    context = SectionContext((), (), registry, folder=folder)
    if found := list(of_plugins(context, mark=_mark(context))):
        if reference is not None or scales:
            raise OutputError(
                f"'{folder}' holds no single fit, which --reference and --at-q are for. Leave them "
                "away, or give the folder of a fit."
            )
        name = folder.resolve().name
        title = next((section.page for section in found if section.page), "")
        return _Page(title or name, f"Report of {name}" if title else "Report", found)
    ours = fit_side(folder, registry)
    record = ours.record
    assert record is not None
    known = record.attributes
    sides = [ours] if reference is None else [ours, side_beside(reference, registry, known)]
    context = replace(
        context, sides=tuple(sides), scales=apart(scales, known), scale=known.get("q0")
    )
    sections = report_sections(context, record)
    return _Page(record.title, f"Fit {record.name}", sections, replica_notes(record))


def _mark(context: SectionContext) -> str:
    """The file by which a plugin knows that the folder is its own; nothing for that of a fit."""
    marks = {component.marked_by for component in context.registry.all(ReportSection)} - {FIT}
    return next((mark for mark in sorted(marks) if is_there(context.folder / mark)), "")


def apart(scales: Sequence[float], attributes: Mapping[str, float]) -> tuple[float, ...]:
    """``scales`` rising, without repetitions and without that of the fitted functions."""
    own = attributes.get("q0", 0.0)
    return tuple(q for q in sorted(set(scales)) if not np.isclose(q, own, rtol=SAME, atol=0))


def report_sections(context: SectionContext, record: Record) -> list[Section]:
    """All sections in reading order."""
    sections = [
        quality_section(record),
        coverage_section(record),
        agreement_section(record),
        training_section(record),
        replica_section(record),
        runcard_section(record),
        provenance_section(record),
    ]
    each = {section.id: section for section in [*sections, *about_functions(context)]}
    sections = in_order(list(each.values()))
    return [summary_section(record, sections), *sections]


def about_functions(context: SectionContext) -> list[Section]:
    """The functions as plugins show them, or else as they are; and what else plugins show."""
    found = list(of_plugins(context))
    if not any(section.id == "functions" for section in found):
        if context.functions[0].x.ndim > 1:
            return [surface_section(context), *found]
        opening = () if context.compares else plain_opening(context, context.functions[0])
        found += function_sections(context, context.functions, opening=opening)
    if context.scales and not any(section.id.startswith("functions-") for section in found):
        for q in context.scales:
            title, place = f"Functions at {q:g}", f"functions-{q:g}"
            found += function_sections(context, context.at(q), id=place, title=title)
    return found


def of_plugins(context: SectionContext, mark: str = FIT) -> Iterable[Section]:
    """What plugins show (``replicafit_report_sections``) of folders that have the file ``mark``."""
    for component in context.registry.all(ReportSection):
        if component.marked_by != mark:
            continue
        with component.at_fault("when it was built"):
            try:
                made = load_target(component.build)(context)
                found = [made] if isinstance(made, Section) else list(made or ())
                if not all(isinstance(section, Section) for section in found):
                    raise TypeError(f"{made!r} is no replicafit_report.Section")
            except (ReplicafitError, KeyboardInterrupt):
                raise
            except BaseException as cause:  # costs its section, not the page
                failure = component.failure("when it was built", cause)
                _log.warning("Warning: %s", failure)
                found = [Section(f"failed-{component.name}", component.name, [Notice(failure)])]
        yield from found


def in_order(sections: Sequence[Section]) -> list[Section]:
    """``sections`` in reading order, without empty ones."""
    places = {id: place for place, id in enumerate(ORDER)}
    return sorted(
        (section for section in sections if section.blocks),
        key=lambda section: places.get(section.id, places[""]),
    )


def replica_notes(record: Record) -> Mapping[int, str]:
    """What is said of each replica where a reader points at it."""
    notes = {}
    for result, chi2 in zip(record.fit.results, record.fit.chi2_per_datum, strict=True):
        why = record.reasons.get(result.number)
        words = result.status if why is None else f"does not count: {why}"
        notes[result.number] = f"replica {result.number}: chi2 per datum {chi2:.3f}, {words}"
    return notes


def save(
    path: Path,
    title: str,
    subtitle: str,
    sections: Sequence[Section],
    notes: Mapping[int, str] | None = None,
) -> None:
    """Renders ``sections`` as the page at ``path``, which appears whole."""
    environment = Environment(
        loader=PackageLoader("replicafit_report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = breakable
    page = environment.get_template("page.html.j2").render(
        title=title,
        subtitle=subtitle,
        sections=[_named(section) for section in sections],
        version=__version__,
        notes=Markup(json.dumps(notes or {}, ensure_ascii=False).replace("<", "\\u003c")),
    )
    with appearing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _named(section: Section) -> Section:
    return section if section.short else replace(section, short=section.title)


def breakable(text: str) -> Markup:
    """``text`` with places where a long name may go on in the next line."""
    return Markup("_<wbr>").join(escape(part) for part in text.split("_"))
