"""A whole runcard: from the keys of n3fit to ours, with a report on every key."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from replicafit.plugin import DataError, DatasetReader, OptimizerType, Registry, RuncardError
from replicafit_nnpdf.catalogue import Successor, package_folder, successors
from replicafit_nnpdf.migration.data import Theory, data_section
from replicafit_nnpdf.migration.model import model_section
from replicafit_nnpdf.migration.source import (
    FLAG,
    NUMBER_OF_THEORY,
    SEED,
    TEXT,
    Remark,
    Remarks,
    Section,
    grouped,
    read_source,
)
from replicafit_nnpdf.migration.training import penalties_section, training_section
from replicafit_nnpdf.migration.writing import Noted, one_line, plain, yaml_lines

_SCAN = "no scan: numbers of the optimizer and model.choice can be drawn per replica"
_SIMILARITY = "of cuts that compare two theories, which no condition can"
_RULES = "NNPDF's own cuts are no part of a card; give conditions under cuts"

LEFT_OUT: Mapping[str, str] = {
    "debug": "no counterpart is needed: messages tell what went wrong",
    "maxcores": "the backend uses the cores it finds",
    "parallel_models": "the replicas of a batch always train in one model",
    "tensorboard": "progress.jsonl and history.npz have the course of a fit",
    "profiling": "see replicafit check --time",
    **dict.fromkeys(("save", "savepseudodata"), "every replica leaves network.keras and data.npz"),
    **dict.fromkeys(
        ("load", "load_weights_from_fit"),
        "weights of n3fit are not read; model.start_from takes an earlier fit of ours",
    ),
    **dict.fromkeys(("hyperscan_config", "hyperscan", "hyperopt", "trial_specs"), _SCAN),
    "theorycovmatconfig": "compute the matrix, and give its file under data.extra_covariances",
    "fiatlux": "there is no photon",
    "positivity_bound": "polarised functions are bounded by no penalty",
    **dict.fromkeys(("filter_rules", "filter_defaults", "drop_internal_rules"), _RULES),
    **dict.fromkeys(("LODatasets", "NLODatasets", "NNLODatasets"), _SIMILARITY),
    **dict.fromkeys(("do_not_require_similarity_for", "cut_similarity_threshold"), _SIMILARITY),
    "stopping": "of the genetic algorithm that n3fit replaced",
    "lhagrid": "the exporter lhapdf has a grid of its own",
}
"""Keys without a counterpart, and what is there instead."""


@dataclass(frozen=True)
class Options:
    """What the translation depends on beside the card.

    Attributes:
        theory_folder: holds ``fastkernel`` with the FK tables; None: ``dis`` is used where it has
            the data, and the folder of the theory's number elsewhere.
        shipped: the datasets of type ``dis`` that are installed.
        optimizers: the settings of each optimizer that is installed.
        old_names: datasets from before nnpdf-data.
        without: datasets and observables to leave out, with the reason, by their names in our
            runcard.
    """

    theory_folder: str | None
    shipped: tuple[str, ...]
    optimizers: Mapping[str, Sequence[str]]
    old_names: Mapping[str, Successor] = field(default_factory=dict)
    without: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Migration:
    """A runcard of ours, and what became of each key of theirs that has no exact counterpart.

    Attributes:
        card: with comments, as ``Noted``.
        changed: carried over, but not exactly.
        left_out: not carried over.
        name: of the file it was made from.
    """

    card: Mapping[str, Any]
    changed: tuple[Remark, ...]
    left_out: tuple[Remark, ...]
    name: str

    @property
    def plain(self) -> dict[str, Any]:
        """The card without comments."""
        found: dict[str, Any] = plain(self.card)
        return found

    def text(self) -> str:
        """The runcard as YAML, with the report as a comment at its head."""
        head = [f"# Made by replicafit migrate from {one_line(self.name)}."]
        for title, remarks in (
            ("Not carried over exactly", self.changed),
            ("Left out", self.left_out),
        ):
            head += [f"# {title}:"] if remarks else []
            head += [f"#   {remark.key}: {remark.words}" for remark in remarks]
        return "\n".join([*head, *yaml_lines(self.card), ""])


def options_for(registry: Registry, theory_folder: str | None = None) -> Options:
    """With the datasets and optimizers that are installed."""
    return Options(
        theory_folder=theory_folder,
        shipped=_shipped(registry) if theory_folder is None else (),
        optimizers={
            kind.name: tuple(kind.settings.model_fields) for kind in registry.all(OptimizerType)
        },
        old_names=_old_names(),
    )


def migrated(text: str, name: str, options: Options) -> Migration:
    """The runcard ``text`` of n3fit as one of ours.

    Args:
        name: of its file, for messages.

    Raises:
        RuncardError: it is no runcard, or has no dataset.
    """
    remarks = Remarks()
    source = Section(read_source(text, name), "", remarks)
    theory = _theory(source, options)
    card = {
        "title": one_line(source.take("description", TEXT, "")),
        **_seed(source),
        "replicas": Noted({"good": 100}, "until as many are selected; NNPDF runs each by number"),
        **_precision(source),
        "data": Noted(
            data_section(source, theory),
            "dataset_inputs or experiments, datacuts, theory, sampling, closuretest",
        ),
        "model": Noted(model_section(source), "parameters and fitting"),
        "penalties": Noted(penalties_section(source, theory), "positivity and integrability"),
        "training": Noted(training_section(source, options.optimizers), "parameters"),
    }
    for key, words in LEFT_OUT.items():
        source.leave(key, words)
    source.report_unknown()
    if not plain(card["data"])["datasets"]:
        raise RuncardError(
            f"'{name}' has no dataset that can be fitted. Give it dataset_inputs, or a theory "
            "folder with their tables."
        )
    kept = {key: value for key, value in card.items() if plain(value) not in ([], {}, "")}
    return Migration(kept, grouped(remarks.changed), grouped(remarks.left_out), name)


def _seed(source: Section) -> dict[str, Any]:
    """One seed starts every random number here; the numbers are others in any case."""
    fitting = source.section("fitting")
    keys = ("mcseed", "nnseed", "trvlseed")
    given = {key: owner for owner in (fitting, source) for key in keys if key in owner}
    if not given:
        return {}
    first = next(key for key in keys if key in given)
    for key, owner in given.items():
        if key != first:
            owner.leave(key, f"one seed is for all random numbers: that of {first}")
    return {"seed": Noted(abs(given[first].take(first, SEED, 0)), first)}


def _precision(source: Section) -> dict[str, Any]:
    return {"precision": "float64"} if source.take("double_precision", FLAG, False) else {}


def _theory(source: Section, options: Options) -> Theory:
    section = source.section("theory")
    number = section.take(
        "theoryid", NUMBER_OF_THEORY, source.take("theoryid", NUMBER_OF_THEORY, "ID")
    )
    folder = options.theory_folder or f"theories/theory_{number}"
    return Theory(
        number=str(number),
        tables=f"{folder}/fastkernel",
        shipped=options.shipped,
        old_names=options.old_names,
        without=options.without,
    )


def _old_names() -> Mapping[str, Successor]:
    try:
        return successors(package_folder() / "commondata")
    except DataError:
        return {}  # nnpdf-data is not installed


def _shipped(registry: Registry) -> tuple[str, ...]:
    """The names that the dataset type ``dis`` takes, if it is installed."""
    if "dis" not in registry.names(DatasetReader):
        return ()
    field = registry.get(DatasetReader, "dis").settings.model_fields.get("name")
    names = typing.get_args(field.annotation) if field else ()
    return tuple(str(name) for name in names)
