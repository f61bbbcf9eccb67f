"""Predictions of the Les Houches toy PDF look like the structure functions they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from replicafit_dis.catalogue import DATASETS
from replicafit_dis.theory import FLAVOURS

from replicafit.data.dataset import Dataset

Shipped = dict[str, Dataset]
Predictions = dict[str, np.ndarray]


TAGGED = [name for name, info in DATASETS.items() if info.tagged is not None]


@pytest.mark.parametrize("name", TAGGED)
def test_toy_pdf_is_not_far_from_charm_and_bottom_data(
    shipped: Shipped, toy_predictions: Predictions, name: str
) -> None:
    """The toy PDF was made without them, has half the light sea as strangeness, and no charm."""
    ratio = toy_predictions[name] / shipped[name].central
    assert np.all(toy_predictions[name] > 0)
    assert 0.6 < np.median(ratio) < 1.25


@pytest.mark.parametrize("name", [name for name in DATASETS if name not in TAGGED])
def test_toy_pdf_is_near_the_data(
    shipped: Shipped, toy_predictions: Predictions, name: str
) -> None:
    ratio = toy_predictions[name] / shipped[name].central
    assert np.all(toy_predictions[name] > 0)
    assert 0.8 < np.median(ratio) < 1.25


LOW_Q2 = 15.0  # GeV2
REACH_LOW_Q2 = [
    name
    for name, info in DATASETS.items()
    if "_NC_" in name and "318GEV_EM" not in name and info.tagged is None
]


@pytest.mark.parametrize("name", REACH_LOW_Q2)
def test_leading_order_photon_exchange(shipped: Shipped, name: str) -> None:
    """A flat x sigma gives about the mean squared charge times it, (4 + 1 + 1 + 4)/9/4 = 5/18.

    Evolution moves partons to smaller x and the Z adds to this at high Q2.
    """
    table = shipped[name].tables[0][:, FLAVOURS.index("sigma")]
    total = table[shipped[name].kinematics["q2"] < LOW_Q2].sum(axis=1)
    assert len(total) > 0
    assert np.all((total > 0.5 * 5 / 18) & (total < 1.8 * 5 / 18))


def test_deuteron_over_proton_falls_with_x(shipped: Shipped, toy_predictions: Predictions) -> None:
    name = "NMC_NC_EM_D_OVER_P-F2"
    x, ratio = shipped[name].kinematics["x"], toy_predictions[name]
    assert np.all((ratio > 0.6) & (ratio < 1.05))
    assert ratio[x < 0.03].mean() > ratio[(x > 0.1) & (x < 0.2)].mean() > ratio[x > 0.5].mean()


def test_charged_current_sees_the_right_valence_quark(
    shipped: Shipped, toy_predictions: Predictions
) -> None:
    """Electrons hit up quarks, positrons down quarks times (1 - y)2 (arXiv:1506.06042, eq. 13)."""
    at = {
        lepton: _by_kinematics(shipped[name], toy_predictions[name])
        for lepton, name in (
            ("electron", "HERA_CC_318GEV_EM-SIGMARED"),
            ("positron", "HERA_CC_318GEV_EP-SIGMARED"),
        )
    }
    large_x = [key for key in at["electron"] if key in at["positron"] and key[0] >= 0.13]
    assert len(large_x) > 5
    assert all(at["electron"][key] > 1.5 * at["positron"][key] for key in large_x)


def test_interference_raises_electrons_above_positrons(
    shipped: Shipped, toy_predictions: Predictions
) -> None:
    """At high Q2, xF3 adds to the cross section of electrons (arXiv:1506.06042, eq. 2)."""
    electron, positron = (
        _by_kinematics(shipped[name], toy_predictions[name])
        for name in ("HERA_NC_318GEV_EM-SIGMARED", "HERA_NC_318GEV_EP-SIGMARED")
    )
    high_q2 = [key for key in electron if key in positron and key[1] >= 3000]
    assert len(high_q2) > 5
    assert all(electron[key] > positron[key] for key in high_q2)


def _by_kinematics(dataset: Dataset, values: np.ndarray) -> dict[tuple[float, float], float]:
    keys = zip(dataset.kinematics["x"], dataset.kinematics["q2"], strict=True)
    return dict(zip(keys, values, strict=True))
