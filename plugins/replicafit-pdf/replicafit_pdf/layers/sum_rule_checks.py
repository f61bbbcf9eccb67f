"""Which sum rules are imposed, and whether their integrals can converge; no Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from replicafit.plugin import ModelError
from replicafit_pdf.fit_bases import FIT_BASES
from replicafit_pdf.layers.settings import PreprocessingSettings, RotationSettings, SumRulesSettings
from replicafit_pdf.preprocessing_ranges import ALPHA

MOMENTUM, OPEN_CHARM = "momentum", "v_open_charm"
STEEPEST_TRAINED = 0.95
"""Up to this alpha weights for the end of a range serve all of it."""
STEEPEST_MOMENTUM = 1.9
"""Up to this alpha the nodes follow x^(1 - alpha)."""
NEEDS = {MOMENTUM: ("sigma", "g"), OPEN_CHARM: ("v", "v15")}


def imposed(rules: Any, flavours: Sequence[str]) -> tuple[str, ...]:
    """The rules that ``rules`` of a runcard stand for.

    Raises:
        ModelError: two exclude each other, or a flavour is missing.
    """
    if rules == "all":
        rules = (MOMENTUM, "v", "v3", "v8", *(("v15",) if "v15" in flavours else ()))
    if OPEN_CHARM in rules and ("v" in rules or "v15" in rules):
        raise ModelError(
            f"The sum rule '{OPEN_CHARM}' takes the place of 'v' and 'v15'; the runcard gives "
            f"{', '.join(rules)}. Leave out either."
        )
    for rule in rules:
        for flavour in NEEDS.get(rule, (rule,)):
            if flavour not in flavours:
                raise ModelError(
                    f"The sum rule '{rule}' needs the flavour '{flavour}'; those that reach "
                    f"sum_rules are {', '.join(flavours)}. Add it, or leave the rule out of rules."
                )
    return tuple(rules)


def over_x(rules: Sequence[str]) -> tuple[str, ...]:
    """The flavours whose x f, over x, some rule integrates."""
    return tuple(f for rule in rules if rule != MOMENTUM for f in NEEDS.get(rule, (rule,)))


def check(
    settings: SumRulesSettings,
    flavours: tuple[str, ...],
    before: Sequence[tuple[Any, tuple[str, ...]]],
) -> None:
    """Refuses rules whose integrals are infinite: of x f over x, where f rises as 1/x or faster.

    Raises:
        ModelError: naming the exponent.
    """
    known, rules = _highest_alpha(before), imposed(settings.rules, flavours)
    for name in NEEDS[MOMENTUM] if MOMENTUM in rules else ():
        highest, _ = known.get(name, (0.0, False))
        if highest > STEEPEST_MOMENTUM:
            raise ModelError(
                f"The momentum sum rule cannot be imposed while preprocessing allows alpha = "
                f"{highest:g} for '{name}': above {STEEPEST_MOMENTUM:g} the integral would be "
                "wrong by more than 0.1 %. Give preprocessing a lower alpha, or leave the rule out "
                "of sum_rules.rules."
            )
    for name in over_x(rules):
        highest, trained = known.get(name, (0.0, False))
        if highest >= 1:
            raise ModelError(
                f"The sum rule of '{name}' has an infinite integral: preprocessing allows alpha = "
                f"{highest:g} for it, and the integral of x^-alpha down to 0 needs alpha "
                f"below 1. Give preprocessing a lower alpha, or leave the rule out of "
                "sum_rules.rules."
            )
        if trained and highest > STEEPEST_TRAINED:
            raise ModelError(
                f"The sum rule of '{name}' cannot be imposed while preprocessing trains its alpha "
                f"up to {highest:g}: above {STEEPEST_TRAINED:g} the integral would be wrong by "
                f"more than 1 %. Give a lower alpha, or leave '{name}' out of trained."
            )


def _highest_alpha(layers: Sequence[tuple[Any, tuple[str, ...]]]) -> dict[str, tuple[float, bool]]:
    """The most that alpha may be of each function that leaves ``layers``, where that is known, and
    whether it is trained.

    After a rotation it is for functions that are one fitted flavour alone.
    """
    known: dict[str, tuple[float, bool]] = {}
    for item, names in layers:
        if isinstance(item, PreprocessingSettings):
            given = {name: item.alpha.get(name, ALPHA.get(name)) for name in names}
            most = {n: max(a) if isinstance(a, tuple) else a for n, a in given.items() if a}
            trained = item.trained
            known = {n: (a, trained is True or n in (trained or ())) for n, a in most.items()}
        elif isinstance(item, RotationSettings):
            basis = FIT_BASES[item.basis]
            sources = {c: [f for f in basis.rows if basis.rows[f].get(c)] for c in basis.columns}
            known = {c: known[f[0]] for c, f in sources.items() if len(f) == 1 and f[0] in known}
        else:
            known = {}
    return known
