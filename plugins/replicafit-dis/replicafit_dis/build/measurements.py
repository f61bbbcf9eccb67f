"""Measured values and uncertainties, from the package nnpdf-data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from nnpdf_data.commondataparser import load_commondata, parse_new_metadata
from nnpdf_data.utils import DEFAULT_PATH_VPDATA

from replicafit_dis.catalogue import Cuts, DatasetInfo

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Systematics:
    """Systematic shifts, one column a source: values (d, s) and the sources' names (s,)."""

    values: Array
    names: tuple[str, ...]


@dataclass(frozen=True)
class Measurement:
    """Data that passed the cuts, each array (d,) unless said otherwise.

    Attributes:
        central: measured values.
        stat: uncorrelated statistical error, absolute.
        additive: systematic shifts, absolute.
        multiplicative: systematic shifts, per cent of the value they multiply.
        x, q2, y: kinematics, q2 in GeV2; y is 0 where the experiment gives none. x is the one that
            was measured, not the nominal one of its bin, where the experiment gives both (NMC:
            up to 7 per cent apart, which changes the cross section by up to 16 per cent).
    """

    central: Array
    stat: Array
    additive: Systematics
    multiplicative: Systematics
    x: Array
    q2: Array
    y: Array


def load_measurement(info: DatasetInfo) -> Measurement:
    """The data of one dataset after its cuts."""
    folder, observable = info.nnpdf_name.rsplit("_", 1)
    metadata = parse_new_metadata(
        DEFAULT_PATH_VPDATA / folder / "metadata.yaml", observable, variant=info.variant
    )
    kinematics = _midpoints(metadata.load_kinematics(drop_minmax=True))
    nominal_x, q2, y = (kinematics[name].to_numpy(dtype=float) for name in ("x", "Q2", "y"))
    x = kinematics["xraw"].to_numpy(dtype=float) if "xraw" in kinematics else nominal_x
    kept = passes(info.cuts, nominal_x, q2)
    data = load_commondata(metadata).with_cuts(list(np.flatnonzero(kept)))
    return Measurement(
        central=data.central_values.to_numpy(dtype=float),
        stat=data.stat_errors.to_numpy(dtype=float),
        additive=_systematics(data.additive_errors),
        multiplicative=_systematics(data.multiplicative_errors),
        x=x[kept],
        q2=q2[kept],
        y=y[kept],
    )


def passes(cuts: Cuts, x: Array, q2: Array) -> npt.NDArray[np.bool_]:
    """Which data are kept, (d,); W2 without the nucleon mass, as NNPDF cuts."""
    w2 = q2 * (1.0 - x) / x
    return np.asarray((q2 >= cuts.q2_min) & (w2 >= cuts.w2_min))


def _midpoints(kinematics: pd.DataFrame) -> pd.DataFrame:
    return kinematics.droplevel(1, axis=1) if kinematics.columns.nlevels > 1 else kinematics


def _systematics(frame: pd.DataFrame) -> Systematics:
    """Columns that are zero for every datum that is kept stay: they name a source."""
    return Systematics(frame.to_numpy(dtype=float), tuple(str(name) for name in frame.columns))
