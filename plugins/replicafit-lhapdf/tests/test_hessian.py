"""Sets of eigenvectors: their files, and the band that they hold."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from replicafit_lhapdf import read_set, write_hessian_set
from replicafit_pdf.evolution_basis import partons_from

from replicafit.plugin import GridFunctions, OutputError

PROVENANCE = {"Runcard": "0" * 64}


def test_a_set_of_eigenvectors(toy: SimpleNamespace, tmp_path: Path) -> None:
    pytest.importorskip("hoppet", reason="hoppet, which evolves, is not installed")
    members = [toy.functions(toy.x, number) for number in (0, 1, 2)]
    like = GridFunctions(toy.x, toy.flavours, members[0], {"q0": toy.q0})
    folder = tmp_path / "toy_hessian"
    write_hessian_set(folder, members, like, {}, description="toy", provenance=PROVENANCE)
    found = read_set(folder)
    assert len(found) == 3
    assert found.info["ErrorType"] == "symmhessian"
    assert found.info["ErrorConfLevel"] == pytest.approx(68.27, abs=0.01)
    assert "mem=1-2 => eigenvectors" in found.info["SetDesc"]
    assert [member.head["PdfType"] for member in found] == ["central", "error", "error"]
    for member, values in zip(found, members, strict=True):
        expected = values @ partons_from(toy.flavours)
        np.testing.assert_allclose(member.partons(toy.x, toy.q0), expected, rtol=1e-6, atol=1e-6)


def test_what_is_no_parton_distribution_is_refused(toy: SimpleNamespace, tmp_path: Path) -> None:
    values = toy.functions(toy.x)
    for attributes, flavours in (({}, toy.flavours), ({"q0": toy.q0}, ("f",) * 9)):
        like = GridFunctions(toy.x, flavours, values, attributes)
        with pytest.raises(OutputError):
            write_hessian_set(
                tmp_path / "set", [values], like, {}, description="", provenance=PROVENANCE
            )
    inside = (toy.x > 0.01) & (toy.x < 0.9)  # as of data.x_range
    like = GridFunctions(toy.x[inside], toy.flavours, values[inside], {"q0": toy.q0})
    with pytest.raises(OutputError, match=r"from x = 1e-09 to 1, but .* data\.x_range"):
        write_hessian_set(
            tmp_path / "set", [values[inside]], like, {}, description="", provenance=PROVENANCE
        )
    assert not list(tmp_path.iterdir())
