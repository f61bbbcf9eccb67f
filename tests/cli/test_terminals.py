"""What commands print: on terminals that know few letters, and of what is easily overlooked."""

from __future__ import annotations

import pytest
from commands import call
from local_plugin import LOCAL

from replicafit.errors import ExecutionError
from replicafit.execution.executors import executor_for

CARD = """
seed: 1
replicas: 2
data:
  datasets:
    - {type: csv, path: a.csv, name: Müller, error: stat, systematics: {LUMI: percent}}
    - {type: csv, path: a.csv, name: Nähe, error: stat, systematics: {LUMY: percent}}
model:
  flavours: [f]
  layers:
    - {type: x}
    - {type: multi_dense, units: 3, activation: tanh}
    - {type: multi_dense, units: 1}
training:
  optimizer: {type: adam, learning_rate: 1.0e-2}
  max_steps: 50
"""


@pytest.fixture
def card(tmp_path):
    rows = (f"{0.1 * i},{0.3 * i},0.05,2,2" for i in range(1, 10))
    (tmp_path / "a.csv").write_text("\n".join(["x,y,stat,LUMI,LUMY", *rows]))
    card = tmp_path / "own.yml"
    card.write_text(CARD, encoding="utf-8")
    return card


def test_a_terminal_of_ascii_gets_escapes(card):
    """And misspelt names of uncertainties are told before the fit."""
    code, out, err = call("run", card, cwd=card.parent, encoding="ascii")
    assert "Traceback" not in err
    assert r"M\xfcller" in out
    assert r"'LUMI' (M\xfcller) and 'LUMY' (N\xe4he) count as different" in " ".join(out.split())
    assert code == 0, err


def test_an_executor_without_a_name(registry):
    with (
        pytest.raises(ExecutionError, match="Invalid value for --executor: ''"),
        executor_for("", registry, print),
    ):
        pass


def test_plugins_may_be_set_by_an_option(card):
    (card.parent / "my_layers.py").write_text(LOCAL)
    arguments = ("check", card, "--set", "model.layers.2={type: triple}")
    code, _, err = call(*arguments, cwd=card.parent)
    assert code == 2
    assert "No installed plugin provides the layer 'triple'" in err
    code, _, err = call(*arguments, "--set", "plugins=[./my_layers.py]", cwd=card.parent)
    assert code == 0, err
    code, _, err = call("check", card, "--set", "plugins=[./nowhere.py]", cwd=card.parent)
    assert code == 2
    assert "--set plugins=[./nowhere.py]" in err
    assert "cannot be read" in err
