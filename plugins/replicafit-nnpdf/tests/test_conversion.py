"""``replicafit nnpdf-file``: files for other uses than the dataset type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from replicafit.data import read_dataset
from replicafit.data.dataset_file import read_observable
from replicafit.errors import ReplicafitError


def test_a_dataset(workshop: Any, toy: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = workshop.table("A", 3)
    workshop.measured(3, {"FK_tables": [["A"]]})
    output = run(workshop, "TOY_NC_10GEV_SIGMA", "--data", str(workshop.data))
    assert str(output) in capsys.readouterr().out
    np.testing.assert_allclose(toy.predicted(read_dataset(output)), toy.convolved(path), rtol=1e-10)


def test_a_positivity_observable(workshop: Any, toy: Any) -> None:
    """One of NNPDF's, with a table of the name that its metadata give."""
    path = workshop.table("NNPDF_POS_F2U_40", 20)
    observable = read_observable(run(workshop, "NNPDF_POS_2P24GEV_F2U"))
    assert observable.name == "NNPDF_POS_2P24GEV_F2U"
    np.testing.assert_allclose(toy.predicted(observable), toy.convolved(path), rtol=1e-10)


def test_cuts_act_on_observables(workshop: Any, toy: Any) -> None:
    """NNPDF4.0 has some of them in parts of x alone."""
    path = workshop.table("NNPDF_POS_F2U_40", 20)
    name = "NNPDF_POS_2P24GEV_F2U"
    observable = read_observable(run(workshop, name, "--cut", "x > 0.1", "--cut", "x < 0.9"))
    whole = toy.convolved(path)
    assert 0 < observable.n_data < 20
    np.testing.assert_allclose(
        toy.predicted(observable), whole[-observable.n_data - 1 : -1], rtol=1e-10
    )


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("NNPDF_POS_2P24GEV_F2V", (), "no dataset 'NNPDF_POS_2P24GEV_F2V'"),
        ("NNPDF_POS_2P24GEV_F2U", ("--cut", "x >"), "no condition"),
        ("NNPDF_POS_2P24GEV_F2U", ("--cut", "pT > 1"), "does not have"),
        ("NNPDF_POS_2P24GEV_F2U", ("--cut", "x > 9"), "leave none of the 20"),
    ],
)
def test_mistakes_are_told(workshop: Any, name: str, options: tuple[str, ...], words: str) -> None:
    workshop.table("NNPDF_POS_F2U_40", 20)
    with pytest.raises(ReplicafitError, match=words):
        run(workshop, name, *options)


def test_a_fault_of_the_data_is_none_of_the_cut(workshop: Any) -> None:
    workshop.table("A", 3)
    workshop.measured(3, {"FK_tables": [["A"]]})
    file = workshop.data / "TOY_NC_10GEV" / "metadata.yaml"
    file.write_bytes(file.read_bytes() + b"# M\xfcller\n")
    with pytest.raises(ReplicafitError, match="nnpdf-data cannot read"):
        run(workshop, "TOY_NC_10GEV_SIGMA", "--data", str(workshop.data))


def run(workshop: Any, name: str, *options: str) -> Any:
    from replicafit_nnpdf.commands import nnpdf_file

    where = ("--tables", str(workshop.tables), "--output", str(workshop.root / "out"))
    nnpdf_file.main([name, *where, *options], standalone_mode=False)
    return workshop.root / "out" / f"{name}.npz"
