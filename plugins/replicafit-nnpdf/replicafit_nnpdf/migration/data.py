"""Datasets, cuts, splits, pseudodata and closure tests."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from replicafit.plugin import condition
from replicafit_nnpdf.catalogue import Successor, is_observable
from replicafit_nnpdf.migration.source import (
    ANYTHING,
    FLAG,
    NUMBER,
    POSITIVE,
    SHARE,
    TEXT,
    TEXT_BY_NAME,
    TEXT_OR_TEXTS,
    TEXTS,
    Section,
)
from replicafit_nnpdf.migration.writing import Noted

W2 = "q2 * (1 - x) / x"
"""W^2 as NNPDF cuts on it: without the mass of the proton."""

OLD_CUTS = (
    *("combocuts", "jetptcut_tev", "jetptcut_lhc", "wptcut_lhc", "jetycut_tev", "jetycut_lhc"),
    *("dymasscut_min", "dymasscut_max", "jetcfactcut"),
)


OTHER_NAMES = {"NMC_NC_NOTFIXED_EM-F2": "NMC_NC_EM_D_OVER_P-F2"}
"""Of datasets of type ``dis``, beside those that lack ``_NOTFIXED`` alone."""

SCORING = "of the hyperparameter scan"
SECOND_THEORY = "compares two theories, which no condition can"


@dataclass(frozen=True)
class Theory:
    """Where data and predictions come from.

    Attributes:
        number: what NNPDF calls it.
        tables: the folder of FK tables, as the runcard writes it.
        shipped: names of the dataset type ``dis`` to use where they fit; none if the user has
            tables.
        old_names: names from before nnpdf-data.
        without: datasets to leave out, with the reason, by their names in our runcard.
    """

    number: str
    tables: str
    shipped: tuple[str, ...]
    old_names: Mapping[str, Successor]
    without: Mapping[str, str]

    def today(self, name: str) -> str:
        """The name in nnpdf-data."""
        new = self.old_names.get(name)
        return new.name if new else name

    def name(self, name: str) -> str:
        """The name in our runcard."""
        new = self.today(name)
        shipped = OTHER_NAMES.get(new, new.replace("_NOTFIXED_", "_"))
        return shipped if shipped in self.shipped else new


def data_section(source: Section, theory: Theory) -> dict[str, Any]:
    """``data`` of our runcard."""
    entries = [entry for entry in _entries(source) if _is_kept(entry, theory)]
    cuts = _kinematic_cuts(source)
    datasets = [_dataset(entry, theory) for entry in entries]
    _tell_of_theory(source.section("theory"), datasets, theory)
    whole = all(is_dis(d["name"]) for d in datasets)
    rules = _filter_rules(source, theory, [d["name"] for d in datasets])
    listed = [
        _with_cuts(d, ([] if whole or not is_dis(d["name"]) else cuts) + rules.get(d["name"], []))
        for d in datasets
    ]
    data: dict[str, Any] = {
        "datasets": [
            _noted(d, e.take("dataset", TEXT)) for d, e in zip(listed, entries, strict=True)
        ]
    }
    if cuts and whole:
        data["cuts"] = Noted(cuts, "from datacuts.q2min and datacuts.w2min")
    data |= _reference(source) | _split(source, entries) | _pseudodata(source)
    return data | _folds(source, theory, [d["name"] for d in datasets])


def is_dis(name: str) -> bool:
    """Whether a dataset is of deep-inelastic scattering, by its process in the new names."""
    return bool(re.match(r"[A-Z0-9]+_(NC|CC)_", name))


def all_shipped(source: Section, theory: Theory) -> bool:
    """Whether all datasets are of type ``dis``."""
    names = [entry.take("dataset", TEXT, "") for entry in _entries(source)]
    return all(theory.name(name) in theory.shipped for name in names)


def _entries(source: Section) -> list[Section]:
    """Of ``dataset_inputs``, or of the ``experiments`` of older cards."""
    entries = list(source.items("dataset_inputs"))
    for experiment in source.items("experiments"):
        experiment.leave("experiment", "metadata of the datasets say what they belong to")
        entries += experiment.items("datasets")
    return entries


def _is_kept(entry: Section, theory: Theory) -> bool:
    given = entry.take("dataset", TEXT)
    reason = theory.without.get(theory.name(given)) if given else "an entry without a name"
    if reason is None:
        return True
    for key in ("variant", "frac", "cfac", "weight", "sys", "custom_group"):
        entry.take(key, ANYTHING)
    entry.drop("dataset", f"{given}: {reason}" if given else reason)
    return False


def _dataset(entry: Section, theory: Theory) -> dict[str, Any]:
    given = entry.take("dataset", TEXT)
    name, old = theory.name(given), theory.old_names.get(given)
    if old:
        entry.changed("dataset", "a name of the old format; that of today stands in its place")
    ours: dict[str, Any] = {"type": "nnpdf", "name": name}
    if name in theory.shipped:
        ours["type"] = "dis"
        entry.leave("variant", "datasets of type dis have one variant")
        entry.leave("cfac", "tables of type dis have no C-factors")
    else:
        variant = entry.take("variant", TEXT_OR_TEXTS, old.variant if old else None)
        ours |= {"variant": variant} if variant else {}
        ours["tables"] = theory.tables
        factors = entry.take("cfac", TEXTS)
        ours |= {"cfactors": factors} if factors else {}
    if (weight := entry.take("weight", POSITIVE, 1)) != 1:
        ours["weight"] = float(weight)
    entry.leave("sys", "systematics of the old format; a variant of the dataset has them now")
    entry.leave("custom_group", "grouping in reports")
    return ours


def _tell_of_theory(
    section: Section, datasets: Sequence[Mapping[str, Any]], theory: Theory
) -> None:
    """That predictions may be others than NNPDF's."""
    types, words = {dataset["type"] for dataset in datasets}, []
    if "dis" in types:
        which = "all datasets are" if types == {"dis"} else "datasets"
        words += [
            f"{which} of type dis, with predictions of replicafit-dis: another theory than "
            f"{theory.number}"
        ]
    if theory.shipped and "nnpdf" in types:
        words += [f"type nnpdf looks for tables in {theory.tables}"]
    if words:
        section.changed("theoryid", "; ".join(words))


def _noted(dataset: dict[str, Any], given: str) -> Any:
    words = [] if given == dataset["name"] else [given]
    words += ["predictions of replicafit-dis"] if dataset["type"] == "dis" else []
    return Noted(dataset, ", ".join(words)) if words else dataset


def _with_cuts(dataset: dict[str, Any], cuts: Sequence[str]) -> dict[str, Any]:
    return {**dataset, "cuts": list(cuts)} if cuts else dataset


def _kinematic_cuts(source: Section) -> list[str]:
    """For data of deep-inelastic scattering."""
    cuts = source.section("datacuts")
    found = []
    if (q2 := cuts.take("q2min", NUMBER)) is not None:
        found.append(f"q2 >= {float(q2):g}")
    if (w2 := cuts.take("w2min", NUMBER)) is not None:
        found.append(f"{W2} >= {float(w2):g}")
    for key in OLD_CUTS:
        cuts.leave(key, "give a condition under cuts of the datasets it is for")
    for owner in (cuts, source):
        if (used := owner.take("use_cuts", TEXT, "internal")) != "internal":
            owner.drop("use_cuts", f"'{used}' {SECOND_THEORY}")
        owner.leave("cuts_intersection_spec", SECOND_THEORY)
    cuts.leave("unpolarized_bc", "unpolarised functions enter in no prediction")
    source.changed("datacuts", "NNPDF's own filter rules are in its code; add them as cuts")
    return found


def _filter_rules(source: Section, theory: Theory, names: Sequence[str]) -> dict[str, list[str]]:
    """``added_filter_rules`` for single datasets, where they are plain conditions."""
    found: dict[str, list[str]] = {}
    for rule in source.items("added_filter_rules"):
        given, text = rule.take("dataset", TEXT, ""), rule.take("rule", TEXT, "")
        whom = given or rule.take("process_type", TEXT, "no dataset of the card")
        name = theory.name(given)
        rule.take("reason", TEXT)
        ours = _in_our_words(text, rule.take("local_variables", TEXT_BY_NAME, {}))
        if is_observable(name) and _is_condition(ours):
            rule.drop("rule", f"it is for an observable: make its file with --cut '{ours}'")
        elif name in theory.without:
            rule.drop("rule", f"'{text}' for {given}, which is left out")
        elif name not in names or not _is_condition(ours):
            rule.drop("rule", f"'{text}' for {whom} is no condition on a dataset of the card")
        else:
            found.setdefault(name, []).append(ours)
            rule.changed("rule", f"'{ours}' is a cut on {name}; its kinematics must have the names")
        for key in ("FNS", "PTO", "ic"):
            rule.leave(key, "a rule for some theories only")
    return found


def _in_our_words(rule: str, variables: Mapping[str, str]) -> str:
    """``rule`` as a condition on kinematics: ``variables``, each of earlier ones, written out."""
    words = {"Q2": "q2", "W2": f"({W2})", "fabs": "abs"}

    def written(text: str) -> str:
        return re.sub(r"[A-Za-z_]\w*", lambda found: words.get(found[0], found[0]), text)

    for name, meaning in variables.items():
        words[name] = f"({written(meaning)})"
    return written(rule)


def _is_condition(text: str) -> bool:
    try:
        condition(text)
    except ValueError:
        return False
    return True


def _reference(source: Section) -> dict[str, Any]:
    """What predicts the values that multiplicative errors multiply."""
    cuts, found = source.section("datacuts"), {}
    if name := cuts.take("t0pdfset", TEXT):
        found["t0"] = Noted(name, "an LHAPDF set; give its folder, relative to this card")
        cuts.changed("t0pdfset", "data.t0 takes the folder of the set, relative to the new card")
    if (threshold := source.take("norm_threshold", POSITIVE)) is not None:
        found["norm_threshold"] = threshold
    return found


def _split(source: Section, entries: Sequence[Section]) -> dict[str, Any]:
    """Fraction and basis; NNPDF4.1 splits in the diagonal basis where nothing else is said."""
    fractions = [float(entry.take("frac", SHARE, 1.0)) for entry in entries]
    given = source.take("diagonal_frac", SHARE)
    diagonal = source.take("diagonal_basis", FLAG, given is not None)
    usual = Counter(fractions).most_common(1)[0][0] if fractions else 0.75
    if not diagonal:
        if given is not None:
            source.drop("diagonal_frac", "the split is not in the diagonal basis")
        for entry, fraction in zip(entries, fractions, strict=True):
            if fraction != usual:
                words = f"{fraction:g}; one fraction is for all: {usual:g}, that of most datasets"
                entry.changed("frac", words)
    elif any(fraction not in (1.0, given) for fraction in fractions):
        source.changed("diagonal_basis", "one fraction is for all data, not one for each dataset")
    fraction = float(given) if diagonal and given is not None else usual
    found: dict[str, Any] = {"training_fraction": fraction}
    split: dict[str, Any] = {"basis": "diagonal"} if diagonal else {}
    if source.take("same_trvl_per_replica", FLAG, False):
        split["shared"] = True
    return found | ({"split": split} if split else {})


def _pseudodata(source: Section) -> dict[str, Any]:
    """Pseudodata, or a closure test."""
    replicas = source.section("fitting").take("genrep", FLAG, source.take("genrep", FLAG, True))
    sampling = source.section("sampling")
    apart = sampling.take("separate_multiplicative", FLAG, True) and source.take(
        "separate_multiplicative", FLAG, True
    )
    sampling.leave("use_t0", "pseudodata fluctuate with the experimental errors")
    redraw = source.take("resample_negative_pseudodata", FLAG, True)
    closure = _closure(source, replicas)
    if closure is not None and closure["level"] < 2:
        return {"closure": closure}
    how: Any = ("multiplicative" if apart else True) if replicas else False
    found = {"pseudodata": Noted(how, "from genrep and separate_multiplicative")}
    if replicas and redraw:
        found["redraw_negative"] = Noted(True, "from resample_negative_pseudodata, true in n3fit")
    return found if closure is None else {**found, "closure": closure}


def _closure(source: Section, replicas: bool) -> dict[str, Any] | None:
    given = source.section("closuretest")
    keys = ("filterseed", "rngalgo", "errorsize", "rancutprob", "rancutmethod", "rancuttrnval")
    for key in (*keys, "printpdf4gen"):
        given.leave(key, "noise comes from seed, and data are those of the cuts")
    given.leave("faketheoryid", "truth and fit have one theory")
    fake = given.take("fakedata", FLAG, False)
    noise = given.take("fakenoise", FLAG, False)
    owner = given if "fakepdf" in given else source
    truth = owner.take("fakepdf", TEXT)
    if not fake or not truth:
        if truth:
            owner.drop("fakepdf", "no closure test: fakedata is false")
        if fake:
            given.drop("fakedata", "no closure test: fakepdf names no truth")
        return None
    level = (2 if replicas else 1) if noise else 0
    if replicas and not noise:
        given.changed("fakenoise", "pseudodata around exact data are no level of ours; level 0")
    words = "an LHAPDF set; give its folder, relative to this card"
    return {"truth": Noted(truth, words), "level": level}


def _folds(source: Section, theory: Theory, names: Sequence[str]) -> dict[str, Any]:
    """The partitions of ``kfold``; how they are scored is of the hyperparameter scan."""
    given = source.section("kfold")
    folds = []
    for partition in given.items("partitions"):
        chosen = [theory.name(name) for name in partition.take("datasets", TEXTS, [])]
        if missing := [name for name in chosen if name not in names]:
            words = f"{', '.join(missing)}: not among the datasets of the new card"
            partition.drop("datasets", words)
        folds.append([name for name in chosen if name in names])
        for key in ("overfit", "weight", "partition"):
            partition.leave(key, SCORING)
    for key in ("loss_type", "penalties", "penalties_in_loss", "threshold", "fold_statistic"):
        given.leave(key, SCORING)
    for key in ("replica_statistic", "reduce_proportion", "target"):
        given.leave(key, SCORING)
    kept = [fold for fold in folds if fold]
    return {"folds": kept} if kept else {}
