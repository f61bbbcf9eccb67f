"""The commands as a user types them: a whole fit, and every kind of bad input."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import replicafit
from replicafit.errors import OutputError

COMMAND = [sys.executable, "-c", "from replicafit.cli import main; main()"]


def call(*arguments, cwd: Path, timeout: float = 120.0):
    """Runs ``replicafit``; gives exit code, standard output and standard error."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def fitted(tmp_path_factory, toy_folder) -> Path:
    from toy import TOY_CARD

    card = toy_folder / "whole.yml"
    card.write_text(TOY_CARD)
    output = tmp_path_factory.mktemp("out") / "fit"
    code, out, err = call("run", card, "-o", output, cwd=toy_folder)
    assert code == 0, err
    assert "3 completed" in out
    assert "RATIO" in out
    return output


def test_a_fit_leaves_what_the_contract_says(fitted):
    assert (fitted / "runcard.yml").exists()
    run = json.loads((fitted / "run.json").read_text())
    assert set(run) >= {"runcard", "hash", "versions", "plugins", "backend", "timing", "chi2_forms"}
    assert set(run["timing"]) == {"setup_s", "first_step_s", "ms_per_step_and_replica"}
    for number in (1, 2, 3):
        folder = fitted / "replicas" / f"replica_{number:04d}"
        assert {f.name for f in folder.iterdir()} == {
            "result.json",
            "network.keras",
            "function.npz",
            "history.npz",
        }
        result = json.loads((folder / "result.json").read_text())
        assert (result["number"], result["status"], result["steps"]) == (number, "completed", 60)
        assert set(result["chi2_per_datum"]) == {"training", "validation", "all"}
        assert set(result["per_dataset"]) == {"A", "BB", "RATIO"}
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


def test_result_chi2_equals_that_of_the_function_on_the_data(fitted, toy_data, registry):
    from replicafit.forward.predictions import chi2, predict_all

    replica = replicafit.load_replica(fitted, 1)
    values = replica(toy_data.x_grid)
    residual = predict_all(toy_data, registry, values) - toy_data.central
    result = json.loads((fitted / "replicas/replica_0001/result.json").read_text())
    found = chi2(residual, toy_data.covariance) / toy_data.n_data
    assert found == pytest.approx(result["chi2_per_datum"]["all"], rel=1e-3)


def test_sum_rules_hold_for_what_was_exported(fitted):
    from replicafit.pdf.quadrature import sum_rule_nodes

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
    refused(bad, tmp_path, "Layer 3", "one for each flavour", "(None, 10, None, 7)")
    shallow = bad.read_text().replace("    - {type: preprocessing}\n    - {type: sum_rules}\n", "")
    bad.write_text(shallow)
    refused(bad, tmp_path, "7 functions", "units: 8")
    bad.write_text(text.replace("tanh", "tanhh"))
    refused(bad, tmp_path, "Layer 1 of the runcard (multi_dense) cannot be built", "tanhh")
    bad.write_text(text.replace("- {type: x_logx}", "- {type: x_logx}\n    - {type: x_logx}"))
    refused(bad, tmp_path, "Layer 1 of the runcard (x_logx) does not fit", "must come first")
    refused(toy_folder / "no.yml", tmp_path, "no.yml")


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
    text = toy_card.read_text().replace("replicas: 3", "replicas: 40").replace("60", "4000")
    long = toy_folder / "long.yml"
    long.write_text(text)
    output = tmp_path / "fit"
    process = subprocess.Popen(
        [*COMMAND, "run", str(long), "-o", str(output)],
        cwd=toy_folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
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
