"""Folds: groups of datasets of which one is held out of a fit."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from replicafit.data.dataset import Dataset
from replicafit.errors import DataError


def by_fold(
    datasets: Sequence[Dataset], folds: Sequence[Sequence[str]], hold_out: int | None
) -> tuple[tuple[Dataset, ...], tuple[Dataset, ...]]:
    """The datasets to fit and those held out; datasets in no fold are always fitted.

    Args:
        folds: dataset names.
        hold_out: which fold is held out, from 1.

    Raises:
        DataError: a fold names a dataset that is not there, or nothing is left to fit.
    """
    names = [dataset.name for dataset in datasets]
    for name in (name for fold in folds for name in fold):
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise DataError(f"data.folds names '{name}', which is no dataset of the fit.{hint}")
    out = set(folds[hold_out - 1]) if hold_out is not None else set()
    fitted = tuple(dataset for dataset in datasets if dataset.name not in out)
    if not fitted:
        raise DataError(f"Fold {hold_out} holds all datasets; nothing is left to fit.")
    return fitted, tuple(dataset for dataset in datasets if dataset.name in out)
