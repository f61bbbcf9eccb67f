"""Certifies a forward map."""

from __future__ import annotations

import numpy as np

from replicafit.components import ForwardMap
from replicafit.plugins import Registry, load_registry
from replicafit.testing.conformance import array, certifies, close, compiled, require, same, tensor


@certifies
def check_forward_map(name: str, registry: Registry | None = None, data: int = 7) -> None:
    """Checks every rule that a forward map must keep.

    It gives one prediction for each datum; on tensors, compiled, the same as on numpy arrays; each
    datum, and each replica, depends on its own table predictions alone, a NaN too; ``linear`` says
    what ``combine`` does. Two ways of computing may differ by 2e-5 |value| + 1e-6; what must not
    depend on something is bitwise the same.

    Args:
        name: the ``operation`` of a dataset file.
        registry: where to look; by default all installed plugins.
        data: how many data to try.

    Raises:
        ConformanceError: naming the rule that is broken.
    """
    kind = (registry or load_registry()).get(ForwardMap, name)
    generator = np.random.default_rng(1)
    tables = [generator.uniform(0.5, 1.5, (3, data)) for _ in range(kind.n_tables)]
    whole = np.asarray(kind.combine(*tables))
    require(whole.shape == (3, data), "shapes", f"tables (3, {data}) became {whole.shape}.")
    on_device = compiled("tensors and arrays agree", kind.combine, *map(tensor, tables))
    close("tensors and arrays agree", array(on_device), whole)
    for slot in range(3):
        close("stack equals singles", kind.combine(*(t[slot] for t in tables)), whole[slot])
    for rule, value in (("data do not mix", 2.0), ("a NaN stays in its place", np.nan)):
        changed = [table.copy() for table in tables]
        for table in changed:
            table[0, 0] *= value
        found = np.asarray(kind.combine(*changed))
        same(f"{rule} (replicas)", found[1:], whole[1:])
        same(f"{rule} (data)", found[0, 1:], whole[0, 1:])
    if kind.linear is not None:
        count = len(kind.linear)
        require(count == kind.n_tables, "linear", f"{count} numbers for {kind.n_tables} tables.")
        sums = sum(c * table for c, table in zip(kind.linear, tables, strict=True))
        close("linear", sums, whole)
