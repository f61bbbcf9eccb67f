"""The network, the fit basis, preprocessing and sum rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from replicafit_pdf.fit_bases import FIT_BASES

from replicafit_nnpdf.migration.source import (
    COUNT,
    COUNTS,
    FLAG,
    FLAG_OR_TEXT,
    NUMBERS,
    RANGE,
    RATE,
    TEXT,
    TEXTS,
    Section,
)
from replicafit_nnpdf.migration.writing import Noted

FLAVOURS = {"sng": "sigma"}
"""Names of flavours that differ."""

GENETIC = "of the genetic algorithm that n3fit replaced"


def parameters(source: Section) -> Section:
    """``parameters``, which older cards have in ``fitting``."""
    fitting = source.section("fitting")
    return (
        fitting.section("parameters") if "parameters" in fitting else source.section("parameters")
    )


def model_section(source: Section) -> dict[str, Any]:
    """``model`` of our runcard."""
    fitting, given = source.section("fitting"), parameters(source)
    basis = [entry for entry in fitting.items("basis") if entry.take("fl", TEXT)]
    flavours = [FLAVOURS.get(f, f) for f in (str(entry.take("fl", TEXT)) for entry in basis)]
    scaled = given.take("feature_scaling_points", COUNT, given.take("interpolation_points", COUNT))
    given.leave("feature_scaling", "give the layer feature_scaling")
    layers = [_input(scaled), *_network(given, len(flavours))]
    layers += [{"type": "vanish_at_one"}] if scaled else []
    layers += [_preprocessing(basis, flavours, bool(scaled))] if basis else []
    rotated = _rotation(fitting, flavours)
    layers += rotated + _sum_rules(source, fitting, flavours)
    for key in ("nmutants", "ngen", "paramtype", "nnodes", "fitmethod"):
        fitting.leave(key, GENETIC)
    for key in ("seed", "rngalgo"):
        fitting.leave(key, "all random numbers come from seed")
    for key in ("load", "save"):
        fitting.leave(key, "weights of n3fit are not read; every replica leaves network.keras")
    fitting.leave("savepseudodata", "every replica leaves data.npz, unless export says otherwise")
    model: dict[str, Any] = {"flavours": flavours} if flavours else {}
    return {**model, "layers": layers}


def _input(scaled: int | None) -> Any:
    if not scaled:
        return {"type": "x_logx"}
    return Noted({"type": "feature_scaling", "knots": max(scaled, 2)}, "interpolation points")


def _network(given: Section, outputs: int) -> list[Any]:
    nodes = list(given.take("nodes_per_layer", COUNTS, []))
    names = [_activation(name) for name in given.take("activation_per_layer", TEXTS, [])]
    if not nodes:
        nodes, names = [25, 20, outputs or 8], ["tanh", "tanh", None]
        given.changed("nodes_per_layer", "not in the card; those of NNPDF4.0: 25, 20 (tanh)")
    if outputs and nodes[-1] != outputs:
        given.changed("nodes_per_layer", f"the last layer has a unit for each flavour, {outputs}")
        nodes[-1] = outputs
    if len(names) != len(nodes):
        given.changed("activation_per_layer", "one for each layer; those without one are linear")
        names = [*names, *[None] * len(nodes)][: len(nodes)]
    common = _initializer(given) | _regularizer(given)
    rate = float(given.take("dropout", RATE, 0.0))
    if (kind := given.take("layer_type", TEXT, "dense")) == "dense_per_flavour":
        return [_per_flavour(given, nodes, names, common, rate)]
    if kind != "dense":
        given.drop("layer_type", f"'{kind}' is none of dense, dense_per_flavour; dense")
    layers: list[Any] = [
        {"type": "multi_dense", "units": units} | ({"activation": name} if name else {}) | common
        for units, name in zip(nodes, names, strict=True)
    ]
    return [*layers[:-1], *([{"type": "dropout", "rate": rate}] if rate else []), layers[-1]]


def _activation(name: str) -> str | None:
    return None if name == "linear" else name


def _per_flavour(
    given: Section, nodes: Sequence[int], names: Sequence[Any], common: dict[str, Any], rate: float
) -> dict[str, Any]:
    if len(nodes) < 2:
        given.changed("nodes_per_layer", "networks of single flavours have a hidden layer")
        nodes, names = [nodes[0], *nodes], [None, *names]
    if len(set(names[:-1])) > 1:
        given.changed("activation_per_layer", f"one for all hidden layers: {names[0]}")
    if rate:
        given.drop("dropout", "networks of single flavours have none")
    layer = {"type": "dense_per_flavour", "units": nodes[-1], "hidden": list(nodes[:-1])}
    return {**layer, "activation": names[0], "output_activation": names[-1], **common}


def _initializer(given: Section) -> dict[str, Any]:
    name = given.take("initializer", TEXT, "glorot_normal")
    return {} if name == "glorot_normal" else {"kernel_initializer": name}


_REGULARIZERS = {"l1": "L1", "l2": "L2", "l1_l2": "L1L2"}


def _regularizer(given: Section) -> dict[str, Any]:
    name = given.take("regularizer", TEXT)
    config = given.take("regularizer_args", NUMBERS, {})
    if name is None:
        return {}
    if name not in _REGULARIZERS:
        given.drop("regularizer", f"'{name}' is none of {', '.join(_REGULARIZERS)}")
        return {}
    return {"kernel_regularizer": {"class_name": _REGULARIZERS[name], "config": dict(config)}}


def _preprocessing(basis: Sequence[Section], flavours: Sequence[str], scaled: bool) -> Any:
    """x^(1-alpha) (1-x)^beta; with scaled features NN(x) - NN(1) takes the place of (1-x)^beta."""
    alpha: dict[str, Any] = {}
    beta: dict[str, Any] = {}
    trained = []
    for entry, flavour in zip(basis, flavours, strict=True):
        if (small := entry.take("smallx", RANGE)) is not None:
            alpha[flavour] = [float(end) for end in small]
        if scaled:
            beta[flavour] = 0.0
            entry.leave(
                "largex", "with feature scaling NN(x) - NN(1) takes the place of (1 - x)^beta"
            )
        elif (large := entry.take("largex", RANGE)) is not None:
            beta[flavour] = [float(end) for end in large]
        if entry.take("trainable", FLAG, True):
            trained.append(flavour)
        if entry.take("pos", FLAG, False):
            entry.drop("pos", "no squared networks; penalties keep observables positive")
        for key in ("mutsize", "mutprob"):
            entry.leave(key, GENETIC)
    found: dict[str, Any] = {"type": "preprocessing", "alpha": alpha, "beta": beta}
    ranges = [
        flavour for flavour in trained if flavour in alpha or isinstance(beta.get(flavour), list)
    ]
    return Noted({**found, "trained": ranges} if ranges else found, "fitting.basis")


SAME_BASIS = {"POLARIZED_EVOL_CMP": "POLARIZED_EVOL"}
"""Bases whose functions mean the same."""


def _rotation(fitting: Section, flavours: Sequence[str]) -> list[Any]:
    """From the fit basis to the evolution basis."""
    given = fitting.take("fitbasis", TEXT)
    if given is None:
        return []
    for name, table in FIT_BASES.items():
        same = table.field_name.split(",")[0] == SAME_BASIS.get(given, given)
        if same and sorted(table.rows) == sorted(flavours):
            identity = set(table.rows) == set(table.columns)
            if identity:
                return []
            return [Noted({"type": "rotation", "basis": name}, f"fitbasis {given}")]
    known = ", ".join((*(table.field_name for table in FIT_BASES.values()), *SAME_BASIS))
    fitting.drop(
        "fitbasis", f"'{given}' with {', '.join(flavours) or 'no basis'} is none of {known}"
    )
    return []


def _sum_rules(source: Section, fitting: Section, flavours: Sequence[str]) -> list[Any]:
    """The layer that imposes them; those of VSR and ALLBUTCSR depend on the charm asymmetry."""
    owner = fitting if "sum_rules" in fitting else source
    given = owner.take("sum_rules", FLAG_OR_TEXT, True)
    asymmetric = "v15" in flavours
    known: dict[Any, list[str] | None] = {
        **{True: None, "ALL": None, False: [], "NONE": []},
        "MSR": ["momentum"],
        "VSR": ["v", "v3", "v8", *(["v15"] if asymmetric else [])],
        "TSR": ["t3", "t8"],
        "ALLBUTCSR": ["momentum", "v_open_charm" if asymmetric else "v", "v3", "v8"],
    }
    key = given.upper() if isinstance(given, str) else given
    if key not in known:
        owner.drop("sum_rules", f"'{given}' is not known; the default rules are imposed")
    rules = known.get(key)
    if rules is None and str(fitting.take("fitbasis", TEXT)).startswith("POLARIZED"):
        fitting.changed("fitbasis", "polarised functions obey no momentum rule: t3 and t8, as TSR")
        rules = ["t3", "t8"]
    if rules is None:
        return [{"type": "sum_rules"}]
    return [{"type": "sum_rules", "rules": rules}] if rules else []
