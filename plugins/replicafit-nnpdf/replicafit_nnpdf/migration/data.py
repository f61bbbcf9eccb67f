"""Datasets, cuts, splits, pseudodata and closure tests."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from replicafit.runcard.expressions import condition
from replicafit_nnpdf.migration.source import Section
from replicafit_nnpdf.migration.writing import Noted

W2 = "q2 * (1 - x) / x"
"""W^2 as NNPDF cuts on it: without the mass of the proton."""

OLD_CUTS = (
    *("combocuts", "jetptcut_tev", "jetptcut_lhc", "wptcut_lhc", "jetycut_tev", "jetycut_lhc"),
    *("dymasscut_min", "dymasscut_max", "jetcfactcut"),
)


@dataclass(frozen=True)
class Theory:
    """Where predictions come from.

    Attributes:
        tables: the folder of FK tables, as the runcard writes it.
        shipped: names of the dataset type ``dis`` to use where they fit; none if the user has
            tables.
    """

    tables: str
    shipped: tuple[str, ...]


def data_section(source: Section, theory: Theory) -> dict[str, Any]:
    """``data`` of our runcard."""
    entries = _entries(source)
    cuts = _kinematic_cuts(source)
    datasets = [_dataset(entry, theory) for entry in entries]
    whole = all(is_dis(d["name"]) for d in datasets)
    rules = _filter_rules(source, [d["name"] for d in datasets])
    listed = [
        _with_cuts(d, ([] if whole or not is_dis(d["name"]) else cuts) + rules.get(d["name"], []))
        for d in datasets
    ]
    data: dict[str, Any] = {"datasets": [_noted(d, theory) for d in listed]}
    if cuts and whole:
        data["cuts"] = Noted(cuts, "from datacuts.q2min and datacuts.w2min")
    data |= _reference(source) | _split(source, entries) | _pseudodata(source)
    return data | _folds(source, [d["name"] for d in datasets])


def is_dis(name: str) -> bool:
    """Whether a dataset is of deep-inelastic scattering, by its process in the new names."""
    return bool(re.match(r"[A-Z0-9]+_(NC|CC)_", name))


def _entries(source: Section) -> list[Section]:
    """Of ``dataset_inputs``, or of the ``experiments`` of older cards."""
    entries = source.items("dataset_inputs")
    for experiment in source.items("experiments"):
        experiment.leave("experiment", "metadata of the datasets say what they belong to")
        entries += experiment.items("datasets")
    return entries


def _dataset(entry: Section, theory: Theory) -> dict[str, Any]:
    name = str(entry.take("dataset", ""))
    shipped = name.replace("_NOTFIXED_", "_")
    ours: dict[str, Any] = {"type": "nnpdf", "name": name}
    if shipped in theory.shipped:
        ours = {"type": "dis", "name": shipped}
        entry.leave("variant", f"the dataset {shipped} of type dis has one variant")
        entry.leave("cfac", "tables of type dis have no C-factors")
    elif variant := entry.take("variant"):
        ours["variant"] = variant
    if ours["type"] == "nnpdf":
        ours["tables"] = theory.tables
        if factors := entry.take("cfac"):
            ours["cfactors"] = factors
    if (weight := entry.take("weight", 1)) != 1:
        ours["weight"] = float(weight)
    entry.leave("sys", "systematics of the old format; a variant of the dataset has them now")
    entry.leave("custom_group", "grouping in reports")
    if "_" not in name:
        entry.changed("dataset", f"'{name}' is a name of the old format: give the one of today")
    return ours


def _noted(dataset: dict[str, Any], theory: Theory) -> Any:
    if dataset["type"] == "dis":
        return Noted(dataset, "NNPDF's data, tables of replicafit-dis")
    return dataset


def _with_cuts(dataset: dict[str, Any], cuts: Sequence[str]) -> dict[str, Any]:
    return {**dataset, "cuts": list(cuts)} if cuts else dataset


def _kinematic_cuts(source: Section) -> list[str]:
    """For data of deep-inelastic scattering."""
    cuts = source.section("datacuts")
    found = []
    if (q2 := cuts.take("q2min")) is not None:
        found.append(f"q2 >= {float(q2):g}")
    if (w2 := cuts.take("w2min")) is not None:
        found.append(f"{W2} >= {float(w2):g}")
    for key in OLD_CUTS:
        cuts.leave(key, "give a condition under cuts of the datasets it is for")
    if cuts.take("use_cuts", source.take("use_cuts", "internal")) == "internal":
        source.changed("datacuts", "NNPDF's own filter rules are in its code; add them as cuts")
    return found


def _filter_rules(source: Section, names: Sequence[str]) -> dict[str, list[str]]:
    """``added_filter_rules`` for single datasets, where they are plain conditions."""
    found: dict[str, list[str]] = {}
    for rule in source.items("added_filter_rules"):
        name, text = rule.take("dataset"), str(rule.take("rule", ""))
        rule.take("reason")
        ours = re.sub(r"\bQ2\b", "q2", re.sub(r"\bW2\b", f"({W2})", text))
        if name not in names or not _is_condition(ours):
            for_whom = name or rule.take("process_type", "no dataset of the card")
            rule.drop("rule", f"'{text}' for {for_whom} is no condition on a dataset of the card")
        else:
            found.setdefault(name, []).append(ours)
            rule.changed("rule", f"'{ours}' is a cut on {name}; its kinematics must have the names")
        for key in ("FNS", "PTO", "ic"):
            rule.leave(key, "a rule for some theories only")
    return found


def _is_condition(text: str) -> bool:
    try:
        condition(text)
    except ValueError:
        return False
    return True


def _reference(source: Section) -> dict[str, Any]:
    """What predicts the values that multiplicative errors multiply."""
    cuts, found = source.section("datacuts"), {}
    if name := cuts.take("t0pdfset"):
        found["t0"] = Noted(name, "an LHAPDF set; give its folder, relative to this card")
    if (threshold := source.take("norm_threshold")) is not None:
        found["norm_threshold"] = threshold
    return found


def _split(source: Section, entries: Sequence[Section]) -> dict[str, Any]:
    """Fraction and basis; NNPDF4.1 splits in the diagonal basis where nothing else is said."""
    fractions = [float(entry.take("frac", 1.0)) for entry in entries]
    given = source.take("diagonal_frac")
    diagonal = bool(source.take("diagonal_basis", given is not None))
    usual = Counter(fractions).most_common(1)[0][0] if fractions else 0.75
    if not diagonal:
        if given is not None:
            source.drop("diagonal_frac", "the split is not in the diagonal basis")
        for entry, fraction in zip(entries, fractions, strict=True):
            if fraction != usual:
                words = f"{fraction:g}; one fraction is for all: {usual:g}, that of most datasets"
                entry.changed("frac", words)
    fraction = float(given) if diagonal and given is not None else usual
    found: dict[str, Any] = {"training_fraction": fraction}
    split: dict[str, Any] = {"basis": "diagonal"} if diagonal else {}
    if source.take("same_trvl_per_replica", False):
        split["shared"] = True
    return found | ({"split": split} if split else {})


def _pseudodata(source: Section) -> dict[str, Any]:
    """Pseudodata, or a closure test."""
    replicas = bool(source.section("fitting").take("genrep", source.take("genrep", True)))
    sampling = source.section("sampling")
    apart = sampling.take("separate_multiplicative", True) and source.take(
        "separate_multiplicative", True
    )
    sampling.leave("use_t0", "pseudodata fluctuate with the experimental errors")
    closure = _closure(source, replicas)
    if closure is not None and closure["level"] < 2:
        return {"closure": closure}
    how: Any = ("multiplicative" if apart else True) if replicas else False
    found = {"pseudodata": Noted(how, "from genrep and separate_multiplicative")}
    return found if closure is None else {**found, "closure": closure}


def _closure(source: Section, replicas: bool) -> dict[str, Any] | None:
    given = source.section("closuretest")
    keys = ("filterseed", "rngalgo", "errorsize", "rancutprob", "rancutmethod", "rancuttrnval")
    for key in (*keys, "printpdf4gen"):
        given.leave(key, "noise comes from seed, and data are those of the cuts")
    fake, noise = given.take("fakedata", False), given.take("fakenoise", False)
    truth = given.take("fakepdf", source.take("fakepdf"))
    if not fake:
        if truth:
            key, owner = ("fakepdf", given) if "fakepdf" in given else ("fakepdf", source)
            owner.drop(key, "no closure test: fakedata is false")
        return None
    level = (2 if replicas else 1) if noise else 0
    if replicas and not noise:
        given.changed("fakenoise", "pseudodata around exact data are no level of ours; level 0")
    words = "an LHAPDF set; give its folder, relative to this card"
    return {"truth": Noted(truth, words), "level": level}


def _folds(source: Section, names: Sequence[str]) -> dict[str, Any]:
    """The partitions of ``kfold``; how they are scored is of the hyperparameter scan."""
    given = source.section("kfold")
    folds = []
    for partition in given.items("partitions"):
        chosen = [str(name) for name in partition.take("datasets", [])]
        missing = [name for name in chosen if name not in names]
        if missing:
            partition.drop(
                "datasets", f"{', '.join(missing)}: not under this name in data.datasets"
            )
        folds.append([name for name in chosen if name in names])
        for key in ("overfit", "weight", "partition"):
            partition.leave(key, "of the hyperparameter scan")
    for key in ("loss_type", "penalties", "penalties_in_loss", "threshold", "fold_statistic"):
        given.leave(key, "of the hyperparameter scan")
    for key in ("replica_statistic", "target"):
        given.leave(key, "of the hyperparameter scan")
    kept = [fold for fold in folds if fold]
    return {"folds": kept} if kept else {}
