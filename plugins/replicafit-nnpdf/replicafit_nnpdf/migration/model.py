"""The network, the fit basis, preprocessing and sum rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from replicafit_pdf.basis_tables import BASIS_TABLES

from replicafit_nnpdf.migration.source import Section
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
    basis = fitting.items("basis")
    flavours = [FLAVOURS.get(str(f := entry.take("fl")), str(f)) for entry in basis]
    scaled = given.take("feature_scaling_points", given.take("interpolation_points"))
    given.leave("feature_scaling", "give the layer feature_scaling")
    layers = [_input(scaled), *_network(given, len(flavours))]
    layers += [{"type": "vanish_at_one"}] if scaled else []
    layers += [_preprocessing(basis, flavours, bool(scaled))] if basis else []
    layers += _rotation(fitting, flavours) + _sum_rules(source, fitting)
    for key in ("nmutants", "ngen", "paramtype", "nnodes", "fitmethod"):
        fitting.leave(key, GENETIC)
    for key in ("seed", "rngalgo"):
        fitting.leave(key, "all random numbers come from seed")
    for key in ("load", "save"):
        fitting.leave(key, "weights of n3fit are not read; every replica leaves network.keras")
    fitting.leave("savepseudodata", "every replica leaves data.npz, unless export says otherwise")
    model: dict[str, Any] = {"flavours": flavours} if flavours else {}
    return {**model, "layers": layers}


def _input(scaled: Any) -> Any:
    if not scaled:
        return {"type": "x_logx"}
    return Noted({"type": "feature_scaling", "knots": max(int(scaled), 2)}, "interpolation points")


def _network(given: Section, outputs: int) -> list[Any]:
    nodes = [int(units) for units in given.take("nodes_per_layer", [])]
    names = [_activation(name) for name in given.take("activation_per_layer", [])]
    if not nodes:
        nodes, names = [25, 20, outputs or 8], ["tanh", "tanh", None]
        given.changed("nodes_per_layer", "not in the card; those of NNPDF4.0: 25, 20 (tanh)")
    if outputs and nodes[-1] != outputs:
        given.changed("nodes_per_layer", f"the last layer has a unit for each flavour, {outputs}")
        nodes[-1] = outputs
    names += [None] * (len(nodes) - len(names))
    common = _initializer(given) | _regularizer(given)
    rate = float(given.take("dropout", 0.0))
    if given.take("layer_type", "dense") == "dense_per_flavour":
        return [_per_flavour(given, nodes, names, common, rate)]
    layers: list[Any] = [
        {"type": "multi_dense", "units": units} | ({"activation": name} if name else {}) | common
        for units, name in zip(nodes, names, strict=True)
    ]
    return [*layers[:-1], *([{"type": "dropout", "rate": rate}] if rate else []), layers[-1]]


def _activation(name: Any) -> str | None:
    return None if name in (None, "linear") else str(name)


def _per_flavour(
    given: Section, nodes: Sequence[int], names: Sequence[Any], common: dict[str, Any], rate: float
) -> dict[str, Any]:
    if len(set(names[:-1])) > 1:
        given.changed("activation_per_layer", f"one for all hidden layers: {names[0]}")
    if rate:
        given.drop("dropout", "networks of single flavours have none")
    layer = {"type": "dense_per_flavour", "units": nodes[-1], "hidden": list(nodes[:-1])}
    return {**layer, "activation": names[0], "output_activation": names[-1], **common}


def _initializer(given: Section) -> dict[str, Any]:
    name = given.take("initializer")
    return {} if name in (None, "glorot_normal") else {"kernel_initializer": str(name)}


_REGULARIZERS = {"l1": "L1", "l2": "L2", "l1_l2": "L1L2"}


def _regularizer(given: Section) -> dict[str, Any]:
    name, config = given.take("regularizer"), given.take("regularizer_args", {})
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
        if (small := entry.take("smallx")) is not None:
            alpha[flavour] = [float(end) for end in small]
        if (large := entry.take("largex")) is not None and not scaled:
            beta[flavour] = [float(end) for end in large]
        elif scaled:
            beta[flavour] = 0.0
        if entry.take("trainable", True):
            trained.append(flavour)
        if entry.take("pos", False):
            entry.drop("pos", "no squared networks; penalties keep observables positive")
        for key in ("mutsize", "mutprob"):
            entry.leave(key, GENETIC)
    found: dict[str, Any] = {"type": "preprocessing", "alpha": alpha, "beta": beta}
    ranges = [
        flavour for flavour in trained if flavour in alpha or isinstance(beta.get(flavour), list)
    ]
    return Noted({**found, "trained": ranges} if ranges else found, "fitting.basis")


def _rotation(fitting: Section, flavours: Sequence[str]) -> list[Any]:
    """From the fit basis to the evolution basis."""
    given = fitting.take("fitbasis")
    if given is None:
        return []
    for name, table in BASIS_TABLES.items():
        if table.field_name.split(",")[0] == given and sorted(table.rows) == sorted(flavours):
            identity = set(table.rows) == set(table.columns)
            if identity:
                return []
            return [Noted({"type": "rotation", "basis": name}, f"fitbasis {given}")]
    known = ", ".join(table.field_name for table in BASIS_TABLES.values())
    fitting.drop(
        "fitbasis", f"'{given}' with {', '.join(flavours) or 'no basis'} is none of {known}"
    )
    return []


_RULES: dict[Any, list[str] | str] = {
    **dict.fromkeys((True, "ALL"), "all"),
    "MSR": ["momentum"],
    "VSR": ["v", "v3", "v8"],
}


def _sum_rules(source: Section, fitting: Section) -> list[Any]:
    given = fitting.take("sum_rules", source.take("sum_rules", True))
    key = given.upper() if isinstance(given, str) else given
    if key in (False, "NONE"):
        return []
    if key not in _RULES:
        fitting.drop("sum_rules", f"'{given}' is not known; the default rules are imposed")
    rules = _RULES.get(key, "all")
    return [{"type": "sum_rules"} if rules == "all" else {"type": "sum_rules", "rules": rules}]
