"""Covariances against nnpdf-data's own numbers and the definitions, written out plainly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from replicafit_nnpdf import NnpdfSettings
from replicafit_nnpdf.catalogue import package_folder
from replicafit_nnpdf.reader import read

from replicafit.data import Dataset
from replicafit.data.covariance import covariance

REAL = (
    ("SLAC_NC_NOTFIXED_P_EM-F2", "legacy_dw", "SLAC_NC_EM_P_F2", 211),
    ("SLAC_NC_NOTFIXED_D_EM-F2", "legacy_dw", "SLAC_NC_EM_D_F2", 211),
    ("HERA_CC_318GEV_EM-SIGMARED", "legacy", "HERA_CC_318GEV_EM_SIGMARED", 42),
    ("HERA_CC_318GEV_EP-SIGMARED", "legacy", "HERA_CC_318GEV_EP_SIGMARED", 39),
)
"""Dataset, variant, table and number of data."""


@pytest.fixture(scope="module")
def real(toy: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Dataset]:
    """Data as they are, with random tables."""
    folder = tmp_path_factory.mktemp("real")
    for _, _, table, n_data in REAL:
        toy.make(folder / f"{table}.pineappl.lz4", n_data, x=toy.x[-2:])
    return [
        read(NnpdfSettings(name=name, variant=variant, tables=".", cache="cache"), folder)
        for name, variant, _, _ in REAL
    ]


def close(found: np.ndarray, expected: np.ndarray) -> None:
    """To 1e-12 of the standard deviations, element by element."""
    errors = np.sqrt(np.diag(expected))
    np.testing.assert_allclose(
        found / np.outer(errors, errors), expected / np.outer(errors, errors), rtol=0, atol=1e-12
    )


def test_as_nnpdf_data_has_it(real: list[Dataset]) -> None:
    """All together: sources with a name of their own join datasets."""
    import pandas as pd
    from nnpdf_data.commondataparser import load_commondata, parse_new_metadata

    own, shared = [], []
    for name, variant, _, _ in REAL:
        set_name, observable = name.rsplit("_", 1)
        file = package_folder() / "commondata" / set_name / "metadata.yaml"
        data = load_commondata(parse_new_metadata(file, observable, variant=variant))
        shifts = data.systematic_errors()
        alone = shifts.loc[:, shifts.columns.isin(("UNCORR", "THEORYUNCORR"))].to_numpy()
        within = shifts.loc[:, shifts.columns.isin(("CORR", "THEORYCORR"))].to_numpy()
        variance = data.stat_errors.to_numpy() ** 2 + (alone**2).sum(axis=1)
        own.append(np.diag(variance) + within @ within.T)
        anonymous = ("UNCORR", "THEORYUNCORR", "CORR", "THEORYCORR")
        shared.append(shifts.loc[:, ~shifts.columns.isin(anonymous)])
    named = pd.concat(shared).fillna(0.0).to_numpy()
    expected = named @ named.T
    start = 0
    for block in own:
        expected[start : start + len(block), start : start + len(block)] += block
        start += len(block)
    found = covariance(real).dense
    close(found, expected)
    errors = np.sqrt(np.diag(found))
    between = (found / np.outer(errors, errors))[:211, 211:422]
    assert np.abs(between).max() > 0.1  # SLAC's proton and deuteron share normalizations


def test_as_the_files_have_it(real: list[Dataset]) -> None:
    """One dataset from its YAML, number by number."""
    folder = package_folder() / "commondata" / "SLAC_NC_NOTFIXED_D"
    errors = _yaml(folder / "uncertainties_legacy_dw_EM-F2.yaml")
    central = _yaml(folder / "data_legacy_EM-F2.yaml")["data_central"]
    expected = np.zeros((len(central), len(central)))
    for key, source in errors["definitions"].items():
        shift = np.array([each[key] for each in errors["bins"]])  # absolute, ADD and MULT alike
        if source["type"] in ("UNCORR", "THEORYUNCORR"):
            expected += np.diag(shift**2)
        elif source["type"] != "SKIP":
            expected += np.outer(shift, shift)
    close(covariance([real[1]]).dense, expected)
    np.testing.assert_array_equal(real[1].central, central)


def test_every_kind_of_source(workshop: Any) -> None:
    workshop.table("A", 3)
    workshop.measured(3, {"FK_tables": [["A"]]})
    dataset = workshop.read()
    bias, lumi = np.array([0.0, 0.01, 0.02]), np.full(3, 0.03)
    expected = np.diag([0.1**2 + 0.2**2] * 3) + np.outer(bias, bias) + np.outer(lumi, lumi)
    close(covariance([dataset]).dense, expected)
    assert dataset.sys_add_names == ("CORR",)
    assert dataset.sys_mult_names == ("UNCORR", "TOYLUMI")
    np.testing.assert_allclose(dataset.sys_mult_percent[:, 1], 3 / dataset.central, rtol=1e-15)


def test_a_variant_is_applied(workshop: Any) -> None:
    """Twice the central values; multiplicative errors are absolute in the files."""
    workshop.table("A", 3)
    workshop.measured(3, {"FK_tables": [["A"]]})
    plain, shifted = workshop.read(), workshop.read(variant="shifted")
    np.testing.assert_array_equal(shifted.central, 2 * plain.central)
    np.testing.assert_allclose(2 * shifted.sys_mult_percent, plain.sys_mult_percent, rtol=1e-15)
    close(covariance([shifted]).dense, covariance([plain]).dense)


def _yaml(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
