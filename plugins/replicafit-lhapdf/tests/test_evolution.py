"""The evolution, against what others computed: NNPDF4.0's own grids, and eko (slow)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from replicafit_lhapdf import Member, read_set
from replicafit_lhapdf.files import CENTRAL, About, replica_head
from replicafit_lhapdf.functions import Function
from replicafit_lhapdf.grid import X_KNOTS
from replicafit_pdf.evolution_basis import EVOLUTION, PARTONS, partons_from
from replicafit_pdf.theory import TheorySettings

THEORY = TheorySettings(m_z=91.2)
LIGHT = (-2, -1, 21, 1, 2)
ALL = (-5, -4, -3, *LIGHT, 3, 4, 5)


@pytest.fixture
def evolve(tmp_path: Path, toy: SimpleNamespace) -> Callable[..., Member]:
    """From functions at q0 to the member of a set, as the exporter does it."""
    pytest.importorskip("hoppet", reason="hoppet, which evolves, is not installed")
    from replicafit_lhapdf.sets import write_set

    def make(values: np.ndarray, flavours: tuple[str, ...]) -> Member:
        function = Function(X_KNOTS, values, flavours, toy.q0)
        members = [(CENTRAL, function), (replica_head(1), function)]
        about = About("one", "one member", {})
        write_set(tmp_path / "one", about, members, THEORY, lambda done, total: None)
        return read_set(tmp_path / "one").member(1)

    return make


def distance(ours: np.ndarray, theirs: np.ndarray, pids: tuple[int, ...] = ALL) -> float:
    """The largest relative difference where |x f| > 1e-3, of arrays (n, k)."""
    columns = [PARTONS.index(pid) for pid in pids]
    a, b = ours[:, columns], theirs[:, columns]
    large = np.abs(b) > 1e-3
    return float(np.abs(a[large] / b[large] - 1).max())


def test_nnpdf_evolved_from_its_own_start_is_nnpdf(
    evolve: Callable[..., Member], reference: Path
) -> None:
    """NNPDF4.0 solves the same equations truncated in alpha_s, hoppet exactly."""
    nnpdf = read_set(reference).member(0)
    ours = evolve(nnpdf(X_KNOTS, 1.65), EVOLUTION)
    for q in (100.0, 1e4):
        for low, high, quarks, gluon in ((1e-3, 0.5, 0.01, 0.01), (1e-5, 0.7, 0.012, 0.02)):
            x = np.geomspace(low, high, 200)
            a, b = ours.partons(x, q), nnpdf.partons(x, q)
            assert distance(a, b, (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)) < quarks
            assert distance(a, b, (21,)) < gluon


@pytest.mark.slow
@pytest.mark.parametrize("end", [(4.9, 4), (20.0, 5)], ids=["below bottom", "above bottom"])
def test_eko_evolves_the_same(
    evolve: Callable[..., Member], tmp_path: Path, toy: SimpleNamespace, end: tuple[float, int]
) -> None:
    """eko's exact solution, arXiv:2202.02338; takes ten to thirty minutes for each scale."""
    pytest.importorskip("eko", reason="eko, the independent evolution, is not installed")
    ours = evolve(toy.functions(X_KNOTS, 1), toy.flavours)
    for q, theirs in eko_partons(toy, tmp_path / "eko.tar", (end,)).items():
        small, large = (np.geomspace(1e-4, 1e-2, 40), np.geomspace(1e-2, 0.5, 40))
        a = {
            name: distance(ours.partons(x, q), theirs(x))
            for name, x in (("s", small), ("l", large))
        }
        assert a["s"] < 2.5e-3
        assert a["l"] < 5e-3


def eko_partons(
    toy: SimpleNamespace, file: Path, ends: tuple[tuple[float, int], ...]
) -> dict[float, Callable[..., np.ndarray]]:
    """x f (n, k) of the toy at each scale of ``ends`` (Q in GeV, flavours), as functions of x."""
    import eko
    from eko.interpolation import InterpolatorDispatcher
    from ekobox.cards import example

    theory, operator = example.raw_theory(), example.raw_operator()
    masses = [[mass, float("nan")] for mass in (THEORY.m_charm, THEORY.m_bottom, THEORY.m_top)]
    grid = np.unique(np.concatenate([np.geomspace(1e-5, 0.1, 21), np.linspace(0.1, 1, 16)]))
    theory |= {"order": [3, 0], "matching_order": [2, 0]}
    theory["heavy"] = {**theory["heavy"], "masses": masses}
    operator |= {"init": [toy.q0, 4], "mugrid": [list(end) for end in ends], "xgrid": grid.tolist()}
    eko.solve(
        eko.io.runcards.TheoryCard.from_dict(theory),
        eko.io.runcards.OperatorCard.from_dict(operator),
        file,
    )
    start = toy.functions(grid, 1) @ partons_from(toy.flavours) / grid[:, None]
    pids = eko.basis_rotation.flavor_basis_pids
    columns = [PARTONS.index(pid) if pid in PARTONS else None for pid in pids]
    begin = np.array([np.zeros(len(grid)) if c is None else start[:, c] for c in columns])
    found: dict[float, np.ndarray] = {}
    with eko.EKO.read(file) as evolution:
        for (q2, _), operator_ in evolution.items():
            end = np.einsum("ajbk,bk->aj", operator_.operator, begin)
            found[float(np.sqrt(q2))] = end[[pids.index(pid) for pid in PARTONS]].T
        between = InterpolatorDispatcher(evolution.xgrid, 4, mode_N=False)
    return {
        q: lambda x, end=end: between.get_interpolation(x) @ end * x[:, None]
        for q, end in found.items()
    }
