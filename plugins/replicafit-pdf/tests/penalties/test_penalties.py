"""Penalties against a slow twin in numpy: values, gradients, schedules, verdicts, independence."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from keras import ops
from replicafit_pdf.penalties import integrability, observables, positivity, small_x
from replicafit_pdf.penalties.settings import IntegrabilitySettings, PositivitySettings
from toy import FLAVOURS, observable_arrays

from replicafit.components import Penalty, PenaltyContext
from replicafit.data.fit_data import join_grids
from replicafit.errors import DataError, ModelError
from replicafit.training.backend import backend

FITTED = ("sigma", "g", "v", "v3", "v8", "t3", "t8", "t15")
DATA_GRID = np.geomspace(1e-3, 1, 9)
MAX_STEPS = 100
STEPS = np.array([0, 50, 100, 1000], np.int32)


@pytest.fixture(scope="module", autouse=True)
def float64():
    backend().prepare("float64")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("positivity")
    for name, seed in (("UP", 1), ("DOWN", 2)):
        np.savez(folder / f"{name}.npz", **observable_arrays(name, seed))
    return folder


@pytest.fixture(scope="module")
def pos(folder):
    settings = PositivitySettings(path=folder, initial=2.0, maximum=200.0, alpha=0.1)
    return settings, context(settings, folder, observables.requested_grid)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Observables of one and of two hadrons, as Drell-Yan is, which come first in the folder."""
    folder = tmp_path_factory.mktemp("both")
    np.savez(folder / "UP.npz", **observable_arrays("UP", 1))
    np.savez(folder / "DRELL_YAN.npz", **two_hadrons("DRELL_YAN"))
    settings = PositivitySettings(path=folder, initial=2.0, maximum=200.0, alpha=0.1)
    return settings, context(settings, folder, observables.requested_grid)


def two_hadrons(name):
    arrays = observable_arrays(name, 3)
    table = np.random.default_rng(4).uniform(0.1, 1, (4, 3, 6, 5))
    channels = np.array([[0, 1], [1, 0], [2, 2]])
    places = {"fk_0_x1": np.arange(2, 8), "fk_0_x2": np.arange(3, 8)}
    return arrays | {"fk_0": table, "fk_0_channels": channels} | places


@pytest.fixture(scope="module")
def integ(folder):
    settings = IntegrabilitySettings(flavours=("v", "v15", "t8"), initial=1.0, bound=2.0)
    return settings, context(settings, folder, small_x.requested_grid)


def context(settings, folder, requested, flavours=FITTED):
    before = PenaltyContext(folder, DATA_GRID, flavours, {"q0": 1.65}, MAX_STEPS)
    return replace(before, x_grid=join_grids([DATA_GRID, requested(settings, before)]))


def alone(folder):
    return PenaltyContext(folder, DATA_GRID, FITTED, {"q0": 1.65}, MAX_STEPS)


def some_functions(at: PenaltyContext, r: int = 4) -> np.ndarray:
    return np.random.default_rng(3).normal(0, 1, (r, len(at.x_grid), len(FITTED)))


def slow_multiplier(settings, steps):
    share = min(steps / (settings.growth_steps or MAX_STEPS), 1.0)
    return settings.initial ** (1 - share) * settings.maximum**share


def in_evolution_basis(values, name):
    return values[:, FITTED.index({"v15": "v"}.get(name, name))]


def slow_predictions(file, grid, values):
    """One replica's predictions, element by element: values (n, f)."""
    with np.load(file) as arrays:
        table, x, names = arrays["fk_0"], arrays["x_grid"], arrays["flavours"].tolist()
        if "fk_0_channels" in arrays:
            channels, x1, x2 = (arrays[f"fk_0_{key}"] for key in ("channels", "x1", "x2"))
            return slow_pairs(table, channels, x[x1], x[x2], names, grid, values)
    at = [int(np.abs(grid - point).argmin()) for point in x]
    return [
        sum(
            table[d, f, n] * in_evolution_basis(values, name)[at[n]]
            for f, name in enumerate(names)
            for n in range(len(x))
        )
        for d in range(len(table))
    ]


def slow_pairs(table, channels, x1, x2, names, grid, values):
    total = np.zeros(len(table))
    for c, (f, g) in enumerate(channels):
        for u, first in enumerate(x1):
            for v, second in enumerate(x2):
                a = in_evolution_basis(values, names[f])[int(np.abs(grid - first).argmin())]
                b = in_evolution_basis(values, names[g])[int(np.abs(grid - second).argmin())]
                total += table[:, c, u, v] * a * b
    return total.tolist()


def slow_positivity(settings, at, values, steps):
    total = 0.0
    for file in sorted(at.folder.glob("*.npz")):
        for p in slow_predictions(file, at.x_grid, values):
            total += -p if p < 0 else settings.alpha * np.expm1(-p)
    return slow_multiplier(settings, steps) * total


def slow_integrability(settings, at, values, steps):
    total = 0.0
    for x in settings.x:
        n = int(np.abs(at.x_grid - x).argmin())
        total += sum(in_evolution_basis(values, name)[n] ** 2 for name in settings.flavours)
    return slow_multiplier(settings, steps) * total


CASES = [
    ("pos", positivity.build, slow_positivity),
    ("both", positivity.build, slow_positivity),
    ("integ", integrability.build, slow_integrability),
]


@pytest.mark.parametrize(("fixture", "build", "slow"), CASES)
def test_values_equal_the_slow_ones(request, fixture, build, slow):
    settings, at = request.getfixturevalue(fixture)
    values = some_functions(at)
    found = ops.convert_to_numpy(build(settings, at)(ops.convert_to_tensor(values), STEPS))
    expected = [slow(settings, at, v, int(s)) for v, s in zip(values, STEPS, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(("fixture", "build", "slow"), CASES)
def test_gradients_equal_the_slow_ones(request, fixture, build, slow):
    settings, at = request.getfixturevalue(fixture)
    values = some_functions(at)
    penalty = build(settings, at)
    steps = ops.convert_to_tensor(STEPS)

    def loss(weights):
        each = penalty(weights[0], steps)
        return ops.sum(each), each

    _, (gradient,) = backend().value_and_grad(loss)((ops.convert_to_tensor(values),))
    gradient = ops.convert_to_numpy(gradient)
    generator = np.random.default_rng(5)
    for slot in range(len(STEPS)):
        shift = 1e-6 * generator.normal(size=values[slot].shape)
        up, down = (slow(settings, at, values[slot] + s, int(STEPS[slot])) for s in (shift, -shift))
        along = 2 * (gradient[slot] * shift).sum()
        assert along == pytest.approx(up - down, rel=1e-5, abs=1e-12)


@pytest.mark.parametrize(("fixture", "build", "slow"), CASES)
def test_a_neighbour_that_is_not_a_number_changes_no_bit(request, fixture, build, slow):
    settings, at = request.getfixturevalue(fixture)
    values = some_functions(at).astype(np.float32)
    penalty = build(settings, at)
    compiled = backend().compiled(lambda v, s: penalty(v, s))
    before = ops.convert_to_numpy(compiled(ops.convert_to_tensor(values), STEPS))
    values[2] = np.nan
    steps = STEPS.copy()
    steps[2] = 7
    after = ops.convert_to_numpy(compiled(ops.convert_to_tensor(values), steps))
    assert np.isnan(after[2])
    np.testing.assert_array_equal(np.delete(before, 2), np.delete(after, 2))


def test_the_multiplier_follows_the_steps_of_each_replica(pos):
    settings, at = pos
    same = np.repeat(some_functions(at, 1), 4, axis=0)
    found = ops.convert_to_numpy(positivity.build(settings, at)(same, STEPS))
    np.testing.assert_allclose(found / found[0], [1, 10, 100, 100], rtol=1e-12)


def test_growth_steps_end_the_growth_earlier(pos):
    settings, at = pos
    early = settings.model_copy(update={"growth_steps": 50})
    same = np.repeat(some_functions(at, 1), 4, axis=0)
    found = ops.convert_to_numpy(positivity.build(early, at)(same, STEPS))
    np.testing.assert_allclose(found / found[0], [1, 100, 100, 100], rtol=1e-12)


def test_positive_functions_pass_positivity_and_a_little_negative_ones_do_not(pos):
    settings, at = pos
    positive = np.abs(some_functions(at))
    verdict = positivity.verdict(settings, at)
    assert verdict.at_checks
    assert judged(verdict, positive).tolist() == [True] * 4
    negative = positive.copy()
    negative[1] *= -1
    negative[3] *= -1e-12
    assert judged(verdict, negative).tolist() == [True, False, True, True]


@pytest.mark.parametrize("fixture", ["pos", "both"])
def test_the_violation_is_that_of_the_worst_observable(request, fixture):
    settings, at = request.getfixturevalue(fixture)
    values = some_functions(at)
    files = sorted(at.folder.glob("*.npz"))
    worst = [
        max(sum(max(-p, 0) for p in slow_predictions(file, at.x_grid, v)) for file in files)
        for v in values
    ]
    measure = positivity.verdict(settings, at).measure
    np.testing.assert_allclose(ops.convert_to_numpy(measure(values)), worst, rtol=1e-12)


def test_integrability_is_judged_by_the_worst_flavour(integ):
    settings, at = integ
    values = np.zeros((3, len(at.x_grid), len(FITTED)))
    values[1, :3, FITTED.index("t8")] = [0.9, -0.8, 0.7]
    values[2, 0, FITTED.index("sigma")] = 99.0
    verdict = integrability.verdict(settings, at)
    assert not verdict.at_checks
    np.testing.assert_allclose(ops.convert_to_numpy(verdict.measure(values)), [0, 2.4, 0])
    assert judged(verdict, values).tolist() == [True, False, True]


def judged(verdict, values):
    return ops.convert_to_numpy(verdict.measure(ops.convert_to_tensor(values))) <= verdict.bound


def test_one_file_a_folder_and_a_list_mean_the_same(folder):
    one_by_one = PositivitySettings(path=["DOWN.npz", "UP.npz"])
    whole = PositivitySettings(path=folder)
    names = [
        [o.name for o in observables.read_observables(s.path, folder)] for s in (one_by_one, whole)
    ]
    assert names == [["DOWN", "UP"], ["DOWN", "UP"]]
    assert PositivitySettings(path="UP.npz").path == (Path("UP.npz"),)


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({}, "none.npz", "no dataset file at .*Check the path"),
        ({}, "empty", "holds no .npz file"),
        ({"central": np.ones(5)}, "bad.npz", "measured values.*data.datasets"),
        ({"fk_0": None}, "bad.npz", "no table"),
        ({"operation": "RATIO"}, "bad.npz", "one table and the operation NULL"),
        ({"flavours": np.array(["sigma", "t24", "h"])}, "bad.npz", "observable BAD.*'h'"),
        ({"fk_0": np.ones((5, 2, 8))}, "bad.npz", "shape"),
        ({"q0": np.array(2.0)}, "bad.npz", "BAD acts at q0 = 2.0, the data .* at 1.65"),
        (
            {"format": "other"},
            "bad.npz",
            "is not a replicafit-dataset/1 or .*/2 file",
        ),
    ],
)
def test_bad_observables_are_refused_with_the_reason(tmp_path, change, path, words):
    (tmp_path / "empty").mkdir()
    arrays = observable_arrays("BAD", 1) | change
    np.savez(tmp_path / "bad.npz", **{k: v for k, v in arrays.items() if v is not None})
    with pytest.raises((DataError, ModelError), match=words):
        observables.requested_grid(PositivitySettings(path=path), alone(tmp_path))


def test_an_observable_given_twice_is_refused(folder):
    settings = PositivitySettings(path=[folder, folder / "UP.npz"])
    with pytest.raises(DataError, match="UP is given twice"):
        observables.requested_grid(settings, alone(folder))


def test_integrability_of_an_undetermined_flavour_is_refused(folder):
    settings = IntegrabilitySettings(flavours=("t3", "u"))
    with pytest.raises(ModelError, match=r"integrability.*'u'"):
        small_x.requested_grid(settings, alone(folder))


def test_a_multiplier_that_shrinks_is_refused():
    with pytest.raises(ValueError, match="above maximum"):
        IntegrabilitySettings(initial=10, maximum=1)


def test_both_come_through_the_hooks(registry):
    assert {"positivity", "integrability"} <= set(registry.names(Penalty))


@pytest.fixture(scope="module")
def nnpdf40(reference):
    """NNPDF4.0's central member on the grid of the positivity tables, (1, n, f), and their names.

    Read from the grid file, whose first subgrid begins at q0 = 1.65 GeV; cubic in log x.
    """
    from scipy.interpolate import CubicSpline

    name = "NNPDF40_nnlo_as_01180"
    text = (reference / "lhapdf" / name / f"{name}_0000.dat").read_text()
    head, values = text.split("---")[1].strip().split("\n", 3)[:3], text.split("---")[1]
    x, q, ids = (np.array(line.split(), dtype=float) for line in head)
    rows = np.array(values.strip().split("\n", 3)[3].split(), dtype=float)
    at_q0 = rows.reshape(len(x), len(q), len(ids))[:, 0]
    assert q[0] == pytest.approx(1.65)
    spline = CubicSpline(np.log(x), at_q0)
    return lambda points: evolution(spline(np.log(points)), ids.astype(int).tolist())


def evolution(values, ids):
    """x f in the evolution basis, from flavours by their PDG numbers."""

    def f(i):
        return values[:, ids.index(i)] if i in ids else 0.0

    u, d, s, c = (f(i) + f(-i) for i in (2, 1, 3, 4))
    um, dm, sm, cm = (f(i) - f(-i) for i in (2, 1, 3, 4))
    combinations = {
        "sigma": u + d + s + c,
        "g": f(21),
        "v": um + dm + sm + cm,
        "v3": um - dm,
        "v8": um + dm - 2 * sm,
        "v15": um + dm + sm - 3 * cm,
        "t3": u - d,
        "t8": u + d - 2 * s,
        "t15": u + d + s - 3 * c,
    }
    return np.stack([combinations[name] for name in FLAVOURS], axis=1)


def test_nnpdf40_is_positive_and_integrable(reference, nnpdf40):
    folder = reference / "dis" / "positivity"
    settings = PositivitySettings(path=folder)
    at = context(settings, folder, observables.requested_grid, FLAVOURS)
    values = nnpdf40(at.x_grid)[None]
    assert judged(positivity.verdict(settings, at), values).all()
    swapped = values.copy()
    swapped[..., FLAVOURS.index("g")] *= -1
    assert not judged(positivity.verdict(settings, at), swapped).any()
    small = IntegrabilitySettings(flavours=("v", "v3", "v8", "t3", "t8"))
    at = context(small, folder, small_x.requested_grid, FLAVOURS)
    assert judged(integrability.verdict(small, at), nnpdf40(at.x_grid)[None]).all()


def test_the_interpolated_member_is_the_stored_one(reference, nnpdf40):
    with np.load(reference / "dis" / "nnpdf40_golden.npz") as golden:
        stored, x = golden["xf_member_0"].T, golden["x_grid"]
    np.testing.assert_allclose(nnpdf40(x), stored, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("module", ["settings", "observables", "small_x"])
def test_mistakes_are_found_without_keras(module):
    code = f"import sys, replicafit_pdf.penalties.{module}; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_package_that_is_installed_ships_observables(folder, tmp_path, monkeypatch):
    """Its folder is found without importing it."""
    package = tmp_path / "ships_some"
    (package / "positivity").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError", encoding="utf-8")
    (package / "positivity" / "UP.npz").write_bytes((folder / "UP.npz").read_bytes())
    monkeypatch.syspath_prepend(tmp_path)
    found = observables.read_observables([Path("DOWN.npz")], folder, "ships_some")
    assert [each.name for each in found] == ["DOWN", "UP"]


@pytest.mark.parametrize("package", ["no_such_package", "json", "os.path", "a b"])
def test_a_package_without_observables_is_refused(package, folder):
    with pytest.raises(DataError, match=f"no installed package '{package}' that ships"):
        observables.read_observables([], folder, package)


def test_positivity_of_nothing_is_refused():
    with pytest.raises(ValueError, match="give path, files or folders of them, or package"):
        PositivitySettings()
