"""The commands as a user types them: a whole fit, and every kind of bad input."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from commands import COMMAND, call, call_anew

import replicafit
from replicafit.data import replica_data
from replicafit.errors import OutputError
from replicafit.seeds import Seeds


@pytest.fixture(scope="module")
def fitted(tmp_path_factory, toy_folder) -> Path:
    from toy import TOY_CARD

    card = toy_folder / "whole.yml"
    (toy_folder / "beneath.yml").write_text("precision: float32\n")
    card.write_text("extends: beneath.yml\n" + TOY_CARD)
    output = tmp_path_factory.mktemp("out") / "fit"
    more = ["--tensorboard"] if find_spec("tensorboard") else []
    code, out, err = call_anew("run", card, "-o", output, *more, cwd=toy_folder)
    assert code == 0, err
    assert "3 completed" in out
    assert "RATIO" in out
    return output


def test_a_fit_leaves_what_the_contract_says(fitted):
    assert (fitted / "runcard.yml").exists()
    run = json.loads((fitted / "run.json").read_text())
    assert set(run) >= {"runcard", "hash", "versions", "plugins", "backend", "timing", "chi2_forms"}
    extended, *presets = [card["path"] for card in run["extends"]]
    assert extended == "beneath.yml"
    assert all(":" in preset for preset in presets)  # those that plugins take the card to imply
    assert set(run["timing"]) == {
        *("setup_s", "first_step_s", "ms_per_step_and_replica", "total_s")
    }
    for number in (1, 2, 3):
        folder = fitted / "replicas" / f"replica_{number:04d}"
        assert {f.name for f in folder.iterdir()} == {
            "result.json",
            "network.keras",
            "function.npz",
            "history.npz",
            "data.npz",
            "predictions.npz",
        }
        result = json.loads((folder / "result.json").read_text())
        assert (result["number"], result["status"], result["steps"]) == (number, "completed", 60)
        assert set(result["chi2_per_datum"]) == {"training", "validation", "all"}
        assert set(result["per_dataset"]) == {"A", "BB", "RATIO"}
        assert 0.7504 <= result["exponents"]["g"]["alpha"] <= 1.098
    assert not list(fitted.rglob(".*"))


def test_the_files_agree_with_each_other(fitted):
    folder = fitted / "replicas" / "replica_0002"
    replica = replicafit.load_replica(fitted, 2)
    result = json.loads((folder / "result.json").read_text())
    with np.load(folder / "function.npz") as function:
        np.testing.assert_allclose(replica(function["x"]), function["values"], rtol=1e-4, atol=1e-6)
        assert replica.flavours == tuple(function["flavours"])
        assert function["q0"] == replica.q0 == 1.65
    with np.load(folder / "history.npz") as history:
        best = history["chi2_validation"].argmin()
        assert history["step"][best] == result["best_step"]
        assert len(history["step"]) == 6


def test_the_data_a_replica_was_fitted_to_are_saved(fitted, toy_data):
    with np.load(fitted / "replicas" / "replica_0002" / "data.npz") as saved:
        own = replica_data(toy_data, Seeds(7), (2,), 0.75)
        np.testing.assert_array_equal(saved["values"], own.values[0])
        np.testing.assert_array_equal(saved["training"], own.training[0])
        assert list(saved["dataset"]) == ["A"] * 40 + ["BB"] * 25 + ["RATIO"] * 12
        assert saved["basis"] == "data"


DATA_KEYS = """
  pseudodata: multiplicative
  cuts: [x > 0.05]
  split: {basis: diagonal}
  folds: [[BB], [A]]
  hold_out: 1
model:
"""


@pytest.mark.slow
def test_t0_from_an_earlier_fit_with_a_fold_held_out(fitted, toy_folder, tmp_path):
    from toy import TOY_CARD

    card = toy_folder / "again.yml"
    card.write_text(TOY_CARD.replace("\nmodel:\n", DATA_KEYS))
    code, out, err = call("check", card, cwd=toy_folder)
    assert code == 0, err
    assert re.search(r"BB +\d+ of 25 data, held out", out)
    output = tmp_path / "fit"
    code, _, err = call("run", card, "--t0", fitted, "--replicas", 2, "-o", output, cwd=toy_folder)
    assert code == 0, err
    run = json.loads((output / "run.json").read_text())
    assert run["runcard"]["data"]["t0"] == str(fitted)
    result = json.loads((output / "replicas" / "replica_0001" / "result.json").read_text())
    assert set(result["per_dataset"]) == {"A", "RATIO"}
    assert set(result["held_out"]) == {"BB"}
    assert result["held_out"]["BB"] > 0
    with np.load(output / "replicas" / "replica_0001" / "data.npz") as saved:
        assert saved["basis"] == "diagonal"
        assert len(saved["values"]) == result["n_data"]


def test_t0_that_is_not_there(toy_card, tmp_path):
    code, _, err = call("run", toy_card, "--t0", "nowhere", cwd=tmp_path)
    assert code == 2
    assert "data.t0: There is no function at" in err


def test_result_chi2_equals_that_of_the_function_on_the_data(fitted, toy_data, registry):
    from replicafit.forward.predictions import chi2, predict_all

    replica = replicafit.load_replica(fitted, 1)
    values = replica(toy_data.x_grid)
    residual = predict_all(toy_data, registry, values) - toy_data.central
    result = json.loads((fitted / "replicas/replica_0001/result.json").read_text())
    found = chi2(residual, toy_data.covariance) / toy_data.n_data
    assert found == pytest.approx(result["chi2_per_datum"]["all"], rel=1e-3)


def test_predictions_shifts_and_splits_agree_with_the_results(fitted, toy_data):
    with np.load(fitted / "measured.npz") as data:
        assert list(data["datasets"]) == ["A", "BB", "RATIO"]
        assert list(data["n_data"]) == [40, 25, 12]
        np.testing.assert_array_equal(data["central"], toy_data.central)
        np.testing.assert_allclose(data["uncertainty"] ** 2, np.diag(toy_data.covariance))
        own, shared = np.diag(data["uncorrelated"] ** 2), data["shifts"] @ data["shifts"].T
        np.testing.assert_allclose(own + shared, toy_data.covariance, atol=1e-15)
        assert data["sources"].shape == data["shifts"].shape[1:]
    folder = fitted / "replicas" / "replica_0003"
    result = json.loads((folder / "result.json").read_text())
    with np.load(folder / "predictions.npz") as arrays:
        residual = toy_data.central - arrays["prediction"]
        everything, _, datasets = residual * arrays["weighted_residual"]
        prediction = arrays["prediction"]
    with np.load(folder / "data.npz") as own_data:
        pseudodata, training = own_data["values"], own_data["training"]
    assert result["n_training"] == training.sum()
    assert everything.sum() / 77 == pytest.approx(result["chi2_per_datum"]["all"])
    assert datasets[40:65].sum() / 25 == pytest.approx(result["per_dataset"]["BB"])
    own = np.flatnonzero(training[40:65]) + 40
    part = (prediction - pseudodata)[own]
    chi2 = part @ np.linalg.solve(toy_data.fit_covariance[np.ix_(own, own)], part)
    assert result["split_per_experiment"]["BB"] == result["split_per_dataset"]["BB"]
    split = result["split_per_dataset"]["BB"]
    assert split["n_training"] == len(own)
    assert chi2 / len(own) == pytest.approx(split["training"])


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="tensorboard is not installed")
def test_tensorboard_is_written_on_request(fitted):
    for part in ("train", "validation"):
        assert list((fitted / "tensorboard" / part).glob("events*"))


def test_load_fit_evaluates_the_networks(fitted):
    fit = replicafit.load_fit(fitted)
    assert fit.numbers == (1, 2, 3)
    np.testing.assert_allclose(fit(fit.x), fit.values, rtol=1e-4, atol=1e-6)
    assert fit[2].number == 2
    assert fit.mean([0.1, 0.2]).shape == (2, 9)


@pytest.mark.parametrize("policy", ["float64", "mixed_float16"])
def test_a_replica_is_its_network_whatever_the_global_policy(fitted, policy):
    import keras

    x = np.array([1e-9, 0.1, 0.9, 0.99999])
    expected = replicafit.load_replica(fitted, 1)(x)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        replica = replicafit.load_replica(fitted, 1)
        np.testing.assert_array_equal(replica(x), expected)
        np.testing.assert_array_equal(np.asarray(replica.network(x[:, None])), expected)
    finally:
        keras.config.set_dtype_policy(before)


def test_what_was_not_trained_is_not_trainable_in_the_network(fitted):
    network = replicafit.load_replica(fitted, 1).network
    assert len(network.trainable_variables) == 4  # kernels and biases of two layers
    assert {v.path.partition("/")[0] for v in network.trainable_variables} == {
        *("multi_dense_1", "multi_dense_2")
    }


def test_progress_is_written_down(fitted):
    lines = [json.loads(line) for line in (fitted / "progress.jsonl").read_text().splitlines()]
    assert lines[-1]["completed"] == 3
    assert lines[-1]["steps_done"] == lines[-1]["steps_total"] == 180


def test_sum_rules_hold_for_what_was_exported(fitted):
    from replicafit_pdf.quadrature import sum_rule_nodes

    nodes = sum_rule_nodes(400)
    replica = replicafit.load_replica(fitted, 3)
    values = replica(np.maximum(nodes.x, 1e-30))
    integral = dict(zip(replica.flavours, nodes.weights @ values, strict=True))
    assert integral["sigma"] + integral["g"] == pytest.approx(1, abs=1e-4)
    valence = dict(zip(replica.flavours, (nodes.weights / nodes.x) @ values, strict=True))
    assert [valence[v] for v in ("v", "v3", "v8")] == pytest.approx([3, 1, 3], rel=1e-3)


def test_the_network_opens_without_replicafit(fitted):
    code = (
        "import sys; sys.modules['replicafit'] = None\n"
        "import keras, numpy\n"
        "net = keras.models.load_model(sys.argv[1])\n"
        "print(keras.ops.convert_to_numpy(net(numpy.array([[0.1], [0.5]]))).shape)"
    )
    network = fitted / "replicas" / "replica_0001" / "network.keras"
    done = subprocess.run(
        [sys.executable, "-c", code, network], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "(2, 9)"


def test_load_replica_says_what_is_there(fitted, tmp_path):
    with pytest.raises(OutputError, match="no replica 9; there are: 1 to 3"):
        replicafit.load_replica(fitted, 9)
    with pytest.raises(OutputError, match="holds no fit"):
        replicafit.load_replica(tmp_path, 1)
    with pytest.raises(ValueError, match=r"\(0, 1\]"):
        replicafit.load_replica(fitted, 1)([0.0, 0.5])


def test_an_output_folder_that_holds_another_fit(fitted, toy_card):
    before = sorted(fitted.rglob("*"))
    code, _, err = call("run", toy_card, "-o", fitted, cwd=toy_card.parent)
    assert code == 2
    assert "already holds a fit" in err
    assert sorted(fitted.rglob("*")) == before


def refused(card: Path, tmp_path: Path, *words: str) -> None:
    output = tmp_path / "out"
    code, _, err = call("run", card, "-o", output, cwd=card.parent)
    assert code == 2, err
    assert err.startswith("Error: ")
    assert "Traceback" not in err
    for word in words:
        assert word in err
    assert not list(output.rglob("result.json"))


@pytest.mark.slow
def test_bad_input_is_one_message_and_exit_code_2(toy_folder, toy_card, tmp_path):
    text = toy_card.read_text()
    bad = toy_folder / "bad.yml"
    bad.write_text(text.replace("seed", "sed"))
    refused(bad, tmp_path, "bad.yml:2:1", "'seed'")
    bad.write_text(text.replace("A.npz", "none.npz"))
    refused(bad, tmp_path, "none.npz", "Check the path")
    (toy_folder / "cut.npz").write_bytes((toy_folder / "A.npz").read_bytes()[:500])
    bad.write_text(text.replace("A.npz", "cut.npz"))
    refused(bad, tmp_path, "cut.npz", "damaged")
    bad.write_text(text.replace("units: 8", "units: 7"))
    refused(bad, tmp_path, "puts out 7 functions", "model.flavours names 8", "units: 8")
    shallow = bad.read_text().replace("    - {type: preprocessing}\n    - {type: sum_rules}\n", "")
    bad.write_text(shallow)
    refused(bad, tmp_path, "7 functions", "units: 8")
    bad.write_text(text.replace("tanh", "tanhh"))
    refused(bad, tmp_path, "'model.layers.1.multi_dense.activation'", "no activation 'tanhh'")
    bad.write_text(text.replace("- {type: x_logx}", "- {type: x_logx}\n    - {type: x_logx}"))
    refused(bad, tmp_path, "Layer 1 of the runcard (x_logx) does not fit", "must come first")
    refused(toy_folder / "no.yml", tmp_path, "no.yml")


@pytest.mark.parametrize(
    ("given", "reason"), [("abc", "a count such as 100"), ("3-1", "below the first")]
)
def test_a_bad_option_is_not_blamed_on_the_runcard(toy_card, tmp_path, given, reason):
    code, _, err = call("run", toy_card, "--replicas", given, "-o", tmp_path / "o", cwd=tmp_path)
    assert code == 2
    assert "'--replicas'" in err
    assert f"'{given}'" in err
    assert reason in err
    assert "toy.yml" not in err


def test_nothing_is_left_behind_by_a_refused_fit(toy_folder, toy_card, tmp_path):
    bad = toy_folder / "bad2.yml"
    bad.write_text(toy_card.read_text().replace("A.npz", "none.npz"))
    output = tmp_path / "fit"
    assert call("run", bad, "-o", output, cwd=toy_folder)[0] == 2
    assert not output.exists()


def test_a_folder_that_cannot_be_made(toy_card, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = call("run", toy_card, "-o", tmp_path / "file" / "fit", cwd=tmp_path)
    assert code == 2
    assert "Choose another" in err


def test_interrupting_keeps_finished_replicas(toy_folder, toy_card, tmp_path):
    text = toy_card.read_text().replace("replicas: 3", "replicas: 400").replace("60", "1000")
    long = toy_folder / "long.yml"
    long.write_text(text)
    output = tmp_path / "fit"
    process = subprocess.Popen(
        [*COMMAND, "run", str(long), "-o", str(output)],
        cwd=toy_folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # run in the background of a shell, tests ignore SIGINT, and what they start inherits that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 90
    while not list(output.rglob("result.json")) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Interrupted" in out
    assert "Traceback" not in err
    finished = sorted(p.parent for p in output.rglob("result.json"))
    assert finished
    number = int(finished[0].name.removeprefix("replica_"))
    assert np.isfinite(replicafit.load_replica(output, number)([0.1])).all()
    assert not list(output.rglob(".replica*"))


def test_check_plugins_and_schema(toy_card):
    code, out, _ = call("check", toy_card, cwd=toy_card.parent)
    assert code == 0
    assert "77 data" in out
    code, out, _ = call("plugins", "--json", cwd=toy_card.parent)
    assert code == 0
    assert "builtin" in {plugin["name"] for plugin in json.loads(out)}
    code, out, _ = call("schema", cwd=toy_card.parent)
    assert code == 0
    assert set(json.loads(out)["properties"]) >= {"data", "model", "training"}


@pytest.mark.parametrize("arguments", [("--help",), ("plugins",), ("schema",)])
def test_light_commands_answer_fast_because_keras_stays_out(arguments, tmp_path):
    code = (
        "import sys; sys.argv = ['replicafit', *sys.argv[1:]]\n"
        "from replicafit.cli import main\n"
        "try: main()\n"
        "finally: sys.stderr.write('keras' if 'keras' in sys.modules else 'light')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stderr.endswith("light")


@pytest.mark.slow
def test_replicas_on_the_command_line(toy_card, tmp_path, fitted):
    output = tmp_path / "some"
    code, out, _ = call("run", toy_card, "-o", output, "--replicas", "2-3", cwd=tmp_path)
    assert code == 0, out
    names = sorted(p.name for p in (output / "replicas").iterdir())
    assert names == ["replica_0002", "replica_0003"]
    for name in names:
        ours, theirs = (np.load(d / "replicas" / name / "function.npz") for d in (output, fitted))
        np.testing.assert_allclose(ours["values"], theirs["values"], rtol=2e-3, atol=1e-5)
        ours.close()
        theirs.close()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("network", "'network' writes each replica while a fit runs"),
        ("lhapdff", "No installed plugin provides the exporter 'lhapdff'"),
    ],
)
def test_a_format_that_cannot_be_exported_is_refused(tmp_path, name, words):
    code, _, err = call("export", tmp_path, "--format", name, cwd=tmp_path)
    assert code == 2
    assert words in err
    assert "Formats for --format: " in err
