"""Sections of reports about functions at other scales than they were fitted at."""

from __future__ import annotations

from collections.abc import Sequence

from replicafit_pdf.report_sections import NEEDED, SYMBOLS, parton_sections
from replicafit_report import Section, SectionContext, Text

from replicafit.plugin import ReplicafitError

USUAL = 100.0
"""GeV: where everybody looks at parton distributions."""


def scales(context: SectionContext) -> Sequence[Section]:
    """The functions at each scale asked for; in a report by default at 100 GeV.

    Raises:
        ReplicafitError: functions are not known at a scale that is asked for.
    """
    if context.scales:
        return [section for q in context.scales for section in _at(context, q)]
    ours = context.functions[0].names
    if context.compares or not set(NEEDED) <= set(ours) <= set(SYMBOLS):
        return []
    try:
        return _at(context, USUAL)
    except ReplicafitError as cause:
        text = Text(f"Not shown at {USUAL:g} GeV: {cause}")
        return [Section(f"functions-{USUAL:g}", f"Functions at {USUAL:g}\u00a0GeV", [text])]


def _at(context: SectionContext, q: float) -> list[Section]:
    return parton_sections(context, context.at(q), f"at Q = {q:g}\u00a0GeV", q)
