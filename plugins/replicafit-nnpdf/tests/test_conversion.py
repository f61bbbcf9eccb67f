"""``python -m replicafit_nnpdf``: files for other uses than the dataset type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from replicafit.data import read_dataset
from replicafit.data.observable_file import read_observable


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


def test_mistakes_are_one_line(workshop: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(workshop, "NNPDF_POS_2P24GEV_F2V")
    assert "no dataset 'NNPDF_POS_2P24GEV_F2V'" in capsys.readouterr().err


def run(workshop: Any, name: str, *options: str) -> Any:
    from replicafit_nnpdf.__main__ import main

    main([name, "--tables", str(workshop.tables), "--output", str(workshop.root / "out"), *options])
    return workshop.root / "out" / f"{name}.npz"
