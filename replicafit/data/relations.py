"""From the functions that are there to those that are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np

from replicafit.components import Relation
from replicafit.errors import ModelError
from replicafit.plugins import Registry


def combination(given: Sequence[str], wanted: Sequence[str], registry: Registry) -> np.ndarray:
    """The matrix (f, g) that takes ``given`` functions (..., f) to ``wanted`` ones (..., g).

    A function that is not given may be, by construction, a combination of those that are: plugins
    know (``replicafit_relations``).

    Raises:
        ModelError: the given functions do not determine a wanted one.
    """
    names, matrix = tuple(given), np.zeros((len(given), len(wanted)))
    relations = registry.all(Relation)
    for column, name in enumerate(wanted):
        known = (relation.express(name, names) for relation in relations)
        found = {name: 1.0} if name in names else next(filter(None, known), None)
        if found is None:
            raise ModelError(_undetermined(name, names))
        for source, coefficient in found.items():
            matrix[names.index(source), column] = coefficient
    return matrix


def _undetermined(name: str, given: Sequence[str]) -> str:
    near = get_close_matches(name, given, n=1)
    hint = f" Did you mean '{name}' where the runcard says '{near[0]}'?" if near else ""
    return (
        f"The data need the flavour '{name}', which model.flavours ({', '.join(given)}) do not "
        f"determine. Add it there.{hint}"
    )
