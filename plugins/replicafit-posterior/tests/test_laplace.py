"""The Laplace approximation against closed forms, what it leaves, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from replicafit_posterior import read_posterior
from replicafit_posterior.laplace import Laplace, begun, gaussian, laplace
from replicafit_posterior.sampling import sample

from replicafit import Fit, fit, load_fit
from replicafit.cli import commands
from replicafit.plugin import DataError, ExecutionError, OutputError, Override, ReplicafitError

LAST = ({"type": "multi_dense", "units": 1},)
NO_PRIOR = (Override.setting("posterior.prior=null"),)


def test_without_a_prior_a_linear_model_has_the_closed_form(
    line: SimpleNamespace, flat: Laplace
) -> None:
    mean, std = line.posterior(None)
    np.testing.assert_allclose(flat.posterior.mean[:, 0], mean, atol=1e-5 * std.min())
    np.testing.assert_allclose(flat.posterior.std[:, 0], std, rtol=1e-6)


def test_a_prior_is_the_gaussian_it_says(line: SimpleNamespace) -> None:
    narrow = (Override.setting("posterior.prior=0.3"),)
    found = laplace(line.folder, overrides=narrow).posterior
    mean, std = line.posterior(0.3)
    np.testing.assert_allclose(found.mean[:, 0], mean, atol=1e-3 * std.min())
    np.testing.assert_allclose(found.std[:, 0], std, rtol=1e-6)
    assert found.record["determined"] < 1.9


def test_the_width_of_largest_evidence(line: SimpleNamespace) -> None:
    """The evidence of a linear model is a Gaussian density; its maximum is looked for on a grid."""
    width = laplace(line.folder).posterior.record["prior_width"]
    widths = np.geomspace(width / 2, width * 2, 401)
    evidence = [line.evidence(each) for each in widths]
    assert widths[np.argmax(evidence)] == pytest.approx(width, rel=0.01)


def test_replicas_of_all_data_have_the_same_band(line: SimpleNamespace) -> None:
    """In a linear model their distribution is the posterior without a prior."""
    replicas, (mean, std) = load_fit(line.folder), line.posterior(None)
    error = 5 / len(replicas) ** 0.5
    assert np.abs(replicas.mean()[:, 0] - mean).max() < error * std.max()
    np.testing.assert_allclose(replicas.std()[:, 0], std, rtol=error / 2**0.5)


def test_eigenvectors_and_draws_make_up_the_band(flat: Laplace) -> None:
    found, distances = flat.posterior, flat.eigenvectors - flat.posterior.mean
    assert len(distances) == 2
    np.testing.assert_allclose(np.sqrt((distances**2).sum(axis=0)), found.std, rtol=1e-6)
    draws = found.replicas()
    error = 5 / len(draws) ** 0.5
    assert (np.abs(draws.mean(axis=0) - found.mean) < error * found.std).all()
    np.testing.assert_allclose(draws.std(axis=0), found.std, rtol=error)


def test_one_sigma_may_be_another_growth_of_chi2(line: SimpleNamespace, flat: Laplace) -> None:
    wider = laplace(line.folder, overrides=(*NO_PRIOR, Override.setting("posterior.delta_chi2=4")))
    np.testing.assert_allclose(wider.posterior.std, 2 * flat.posterior.std, rtol=1e-6)


def test_what_is_written_is_what_is_read_and_compared_with(
    line: SimpleNamespace, flat: Laplace, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    again = laplace(line.folder, folder, overrides=NO_PRIOR).posterior
    assert again.replicas().tobytes() == flat.posterior.replicas().tobytes()
    read = read_posterior(folder)
    for name in ("mean", "std", "x"):
        np.testing.assert_array_equal(getattr(read, name), getattr(again, name))
    np.testing.assert_array_equal(read.replicas(), again.replicas())
    assert read.record["warnings"] == []
    assert read.record["replica"] in load_fit(line.folder).numbers
    np.testing.assert_allclose(read(read.x[10:20]), read.mean[10:20], rtol=1e-9)
    report = pytest.importorskip("replicafit_report", reason="the report is not installed")
    assert report
    page = tmp_path / "page.html"
    done = CliRunner().invoke(commands, ["compare", str(line.folder), str(folder), "-o", str(page)])
    assert done.exit_code == 0, done.output
    assert "Laplace approximation" in page.read_text(encoding="utf-8")


def test_a_network_stands_where_nothing_is_left_to_gain(curve: Fit) -> None:
    width = (Override.setting("posterior.prior=1.5"),)
    objective, settings, _ = begun(curve.folder, (), width, lambda line: None)
    each = curve.all.only(objective.plan.network.numbers[0])
    assert objective.chi2(objective.start) == pytest.approx(float(each.chi2()[0]), rel=1e-4)
    found = gaussian(objective, settings)
    assert found.converged
    assert found.steps > 3
    precision = 1.5**-2

    def loss(weights: np.ndarray) -> float:
        return objective.chi2(weights) + precision * float((weights**2).sum())

    best = loss(found.weights)
    assert best < loss(objective.start) - 0.1
    for direction in found.directions.T[:4]:  # one sigma along each raises chi2 by about one
        both = [loss(found.weights + sign * 0.3 * direction) - best for sign in (1, -1)]
        assert np.mean(both) == pytest.approx(0.09, rel=0.2)
    assert 2 < found.determined < 10
    np.testing.assert_allclose(
        objective.jacobian(objective.residuals, found.weights),
        _one_by_one(objective, found.weights),
        atol=1e-4,
    )


def _one_by_one(objective: object, weights: np.ndarray) -> np.ndarray:
    """The Jacobian, slowly and with larger steps."""
    columns = []
    for place in range(len(weights)):
        moved = np.zeros_like(weights)
        moved[place] = 1e-4
        up, down = (
            objective.of_one(objective.residuals, weights + sign * moved)  # type: ignore[attr-defined]
            for sign in (1, -1)
        )
        columns.append((up - down) / 2e-4)
    return np.stack(columns, axis=1)


def test_weights_without_effect_are_held_fixed(tmp_path: Path) -> None:
    """All units are cut off by relu, wherever x is: of 13 weights one means something."""
    x = np.linspace(0, 1, 12)
    bias = {"class_name": "Constant", "config": {"value": -50.0}}
    hidden = {"type": "multi_dense", "units": 4, "activation": "relu", "bias_initializer": bias}
    card = {
        "replicas": 1,
        "model": {
            "flavours": ["f"],
            "layers": [{"type": "x"}, hidden, {"type": "multi_dense", "units": 1}],
        },
        "training": {"max_steps": 20},
    }
    fit(card, data={"flat": (x, 2 + 0 * x, 0.1)}, output=tmp_path / "fit", observer=())
    found = laplace(tmp_path / "fit", overrides=NO_PRIOR).posterior
    assert found.record["determined"] == len(found.record["eigenvalues"]) == 1
    np.testing.assert_allclose(found.mean, 2, atol=1e-3)
    np.testing.assert_allclose(found.std, 0.1 / 12**0.5, rtol=1e-4)


def test_what_is_left_out_of_the_band_is_told(tmp_path: Path) -> None:
    layers = [{"type": "x"}, {"type": "multi_dense", "units": 1, "kernel_constraint": "non_neg"}]
    card = {
        "replicas": 1,
        "model": {"flavours": ["f"], "layers": layers},
        "penalties": [{"type": "integrability", "flavours": ["f"], "x": [0.1]}],
        "training": {"max_steps": 5},
    }
    x, lines = np.linspace(0.1, 1, 12), list[str]()
    fit(card, data={"line": (x, 1 + x, 0.1)}, output=tmp_path / "fit", observer=())
    _, _, record = begun(tmp_path / "fit", (), (), lines.append)
    for words in ("penalties of the runcard are left out", "Constraints of weights"):
        assert any(line.startswith("Warning: ") and words in line for line in lines)
    assert len(record["warnings"]) == 2


def test_a_replica_of_a_choice_has_its_own_architecture(tmp_path: Path) -> None:
    layers = [[{"type": "x"}, {"type": "multi_dense", "units": units}, *LAST] for units in (2, 3)]
    choice = [{"layers": layers[0], "training": {"max_steps": 30}}, {"layers": layers[1]}]
    card = {
        "replicas": 6,
        "model": {"flavours": ["f"], "choice": choice},
        "training": {"max_steps": 20},
    }
    x = np.linspace(0, 1, 12)
    made = fit(card, data={"line": (x, 1 + x, 0.1)}, output=tmp_path / "fit", observer=())
    sizes = set()
    for each in made.finished:
        number = (Override.setting(f"posterior.replica={each.number}"),)
        found = laplace(made.folder, overrides=number).posterior
        sizes.add((each.architecture, found.record["weights"]))
    assert sizes == {(1, 7), (2, 10)}


def test_with_no_steps_it_is_around_the_replica(curve: Fit) -> None:
    settings = ["posterior.steps=0", "posterior.replica=2", "posterior.prior=1.0"]
    found = laplace(curve.folder, overrides=tuple(map(Override.setting, settings))).posterior
    np.testing.assert_allclose(found.mean, curve.all.only(2).values[0], atol=1e-5)


def test_the_section_of_the_card_counts_and_is_no_part_of_the_fit(curve: Fit) -> None:
    _, settings, _ = begun(curve.folder, (), (), lambda line: None)
    assert settings.draws == 7
    other = (Override.setting("posterior.draws=9"),)
    assert begun(curve.folder, (), other, lambda line: None)[1].draws == 9
    assert "posterior" not in curve.run.runcard


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nowhere",), "holds no fit"),
        (("LINE", "--set", "training.max_steps=3"), "would change the fit"),
        (("LINE", "--set", "posterior.prior=-1"), "posterior.prior"),
        (("LINE", "--set", "posterior.prior=wide"), "posterior.prior"),
        (("LINE", "--set", "posterior.replica=77"), "has no replica 77"),
        (("LINE", "-o", "LINE"), "is there already"),
        (("LINE", "--lhapdf", "my set"), "LHAPDF"),
        (("LINE", "--lhapdf", "myset"), "LHAPDF"),
    ],
)
def test_what_cannot_be_is_refused(
    line: SimpleNamespace, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    words = [str(line.folder) if word == "LINE" else word for word in arguments]
    done = CliRunner().invoke(
        commands, ["laplace", *words, *(() if "-o" in words else ("-o", str(tmp_path / "out")))]
    )
    assert isinstance(done.exception, ReplicafitError), done.output
    assert says in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_sampling_says_what_it_needs(line: SimpleNamespace) -> None:
    """This process computes with TensorFlow, and where it does not, JAX may be missing."""
    import keras

    if keras.backend.backend() == "jax":
        pytest.skip("Keras runs on JAX")
    with pytest.raises(ExecutionError, match="Sampling needs"):
        sample(line.folder)


def test_damaged_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no posterior"):
        read_posterior(tmp_path)
    own = '"format": "replicafit-posterior/1"'
    for text in ("{", "[]", '{"format": "other"}', f"{{{own}}}", "[" * 100_000, ""):
        (tmp_path / "posterior.json").write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match=r"damaged|holds no posterior"):
            read_posterior(tmp_path)
    (tmp_path / "functions.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match="damaged"):
        read_posterior(tmp_path)


def test_a_fit_of_which_no_replica_counts_is_refused(tmp_path: Path, line: SimpleNamespace) -> None:
    card = {**line.card, "replicas": 2, "selection": {"chi2_per_datum": 0.01}}
    refused = fit(card, data=line.data, output=tmp_path / "bad", observer=())
    assert not len(refused)
    with pytest.raises(OutputError, match="No replica"):
        laplace(tmp_path / "bad")
