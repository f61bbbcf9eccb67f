"""What Keras has, by name, without importing it: so that a misspelt name is found in the card."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator

from replicafit.errors import did_you_mean

_OWN = {"activations": ("square", "square_singlet", "modified_tanh")}
"""Of ours (``replicafit.layers.activations``)."""
_ALIASES = {"initializers": ("normal", "uniform", "one", "zero"), "regularizers": ("l1l2",)}
"""That Keras takes and does not list."""


@cache
def keras_names(kind: str) -> frozenset[str] | None:
    """The names in ``keras.activations``, ``initializers`` ... as the installed Keras lists them.

    None if it cannot be read: then only a fit can tell.
    """
    keras = importlib.util.find_spec("keras")
    if keras is None or keras.origin is None:
        return None
    try:
        text = (Path(keras.origin).parent / kind / "__init__.py").read_text(encoding="utf-8")
        imported = [node for node in ast.parse(text).body if isinstance(node, ast.ImportFrom)]
    except (OSError, SyntaxError):
        return None
    names = {alias.asname or alias.name for node in imported for alias in node.names}
    names -= {"get", "serialize", "deserialize"}
    return frozenset(names | {*_OWN.get(kind, ()), *_ALIASES.get(kind, ())}) if names else None


def _known(kind: str, given: Any) -> Any:
    """Refuses the name of something that Keras does not have; what is registered has a ``>``."""
    name = given.get("class_name") if isinstance(given, Mapping) else given
    names = keras_names(kind)
    if not isinstance(name, str) or names is None or name in names or ">" in name:
        return given
    if isinstance(given, Mapping) and given.get("registered_name"):
        return given
    if isinstance(given, Mapping) and not str(given.get("module", "keras.")).startswith("keras."):
        return given
    hint = did_you_mean(name, names, "; did you mean '{}'") or f", see keras.{kind}"
    raise ValueError(f"there is no {kind.removesuffix('s')} '{name}'{hint}")


KerasObject = str | Mapping[str, Any]
"""The name of something of Keras, or its config: ``{class_name: L2, config: {l2: 1.0e-4}}``."""
Activation = Annotated[str, AfterValidator(partial(_known, "activations"))]
Initializer = Annotated[KerasObject, AfterValidator(partial(_known, "initializers"))]
Regularizer = Annotated[KerasObject, AfterValidator(partial(_known, "regularizers"))]
Constraint = Annotated[KerasObject, AfterValidator(partial(_known, "constraints"))]
Layer = Annotated[str, AfterValidator(partial(_known, "layers"))]
