"""Hyperparameters per replica: what a runcard may say, and what each replica draws."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from replicafit.components.builtin.optimizers import (
    Choice,
    LionSettings,
    LogUniform,
    NadamSettings,
    SgdSettings,
    Uniform,
)
from replicafit.seeds import Seeds
from replicafit.training.hyperparameters import draw_hyperparameters
from replicafit.training.optimizers import nadam

SEEDS = Seeds(20240601)
MANY = range(1, 2001)
HYPER = {
    "learning_rate": LogUniform(log_uniform=(1e-4, 1e-2)),
    "beta_1": Uniform(uniform=(0.5, 0.9)),
    "clipnorm": Choice(choice=(1.0, 2.0, 5.0)),
    "epsilon": 1e-7,
}


def test_each_kind_is_drawn_from_its_distribution():
    drawn = draw_hyperparameters(HYPER, SEEDS, MANY)
    rate, beta = np.log10(drawn["learning_rate"]), drawn["beta_1"]
    assert rate.min() >= -4
    assert rate.max() <= -2
    assert rate.mean() == pytest.approx(-3, abs=0.05)
    assert beta.min() >= 0.5
    assert beta.max() <= 0.9
    assert beta.mean() == pytest.approx(0.7, abs=0.01)
    values, counts = np.unique(drawn["clipnorm"], return_counts=True)
    np.testing.assert_array_equal(values, [1.0, 2.0, 5.0])
    np.testing.assert_allclose(counts / len(MANY), 1 / 3, atol=0.04)
    np.testing.assert_array_equal(drawn["epsilon"], np.full(len(MANY), 1e-7))


def test_a_draw_depends_on_the_number_alone():
    together = draw_hyperparameters(HYPER, SEEDS, range(1, 11))
    for number in range(1, 11):
        alone = draw_hyperparameters(HYPER, SEEDS, [number])
        for name, values in together.items():
            assert alone[name][0] == values[number - 1]
    backwards = draw_hyperparameters(HYPER, SEEDS, range(10, 0, -1))
    for name, values in together.items():
        np.testing.assert_array_equal(backwards[name][::-1], values)


def test_a_draw_does_not_depend_on_other_hyperparameters():
    together = draw_hyperparameters(HYPER, SEEDS, range(1, 11))
    for name, value in HYPER.items():
        alone = draw_hyperparameters({name: value}, SEEDS, range(1, 11))
        np.testing.assert_array_equal(alone[name], together[name])


def test_names_and_seeds_give_other_draws():
    same = dict.fromkeys(("learning_rate", "beta_1"), Uniform(uniform=(0.1, 0.9)))
    drawn = draw_hyperparameters(same, SEEDS, range(1, 11))
    assert not np.any(drawn["learning_rate"] == drawn["beta_1"])
    other = draw_hyperparameters(same, Seeds(1), range(1, 11))
    assert not np.any(drawn["beta_1"] == other["beta_1"])


@pytest.mark.parametrize("kind", [Uniform, LogUniform])
def test_a_range_of_one_value_gives_that_value(kind):
    value = kind(**dict.fromkeys(kind.model_fields, (0.3, 0.3)))
    drawn = draw_hyperparameters({"x": value}, SEEDS, range(1, 101))
    np.testing.assert_array_equal(drawn["x"], 0.3)


def test_a_runcard_gives_numbers_or_draws():
    settings = NadamSettings.model_validate(
        {
            "learning_rate": {"log_uniform": [1e-4, 1e-2]},
            "beta_1": {"choice": [0.9, 0.99]},
            "clipnorm": {"uniform": [1, 2]},
        }
    )
    hyper = nadam(settings).hyper
    assert hyper == {
        "learning_rate": LogUniform(log_uniform=(1e-4, 1e-2)),
        "beta_1": Choice(choice=(0.9, 0.99)),
        "beta_2": 0.999,
        "epsilon": 1e-7,
        "clipnorm": Uniform(uniform=(1.0, 2.0)),
    }
    assert NadamSettings.model_validate(settings.model_dump(mode="json")) == settings


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (0, "must be greater than 0, and 0.0 is not"),
        ("fast", "valid number"),
        (float("nan"), "finite number"),
        (True, "give a number"),
        ([1, 2], "valid number"),
        ({}, "give a number, {choice: "),
        ({"choise": [1]}, "give a number, {choice: "),
        ({"choice": [1], "uniform": [1, 2]}, "give a number, {choice: "),
        ({"choice": []}, "at least 1 item"),
        ({"choice": [1, -1]}, "must be greater than 0, and -1.0 is not"),
        ({"uniform": [2, 1]}, "from low to high, not from 2.0 to 1.0"),
        ({"uniform": [0, 1]}, "must be greater than 0, and 0.0 is not"),
        ({"uniform": [1, float("inf")]}, "finite number"),
        ({"log_uniform": [2, 1]}, "from low to high, not from 2.0 to 1.0"),
        ({"log_uniform": [0, 1]}, "a logarithmic range starts above 0, not at 0.0"),
    ],
)
def test_what_a_learning_rate_cannot_be(value, complaint):
    with pytest.raises(ValidationError, match=complaint) as error:
        SgdSettings(learning_rate=value)
    assert len(error.value.errors()) == 1


@pytest.mark.parametrize("value", [1.0, -0.1, {"choice": [0.9, 1.0]}, {"uniform": [0.5, 1.0]}])
def test_a_momentum_is_less_than_one(value):
    with pytest.raises(ValidationError, match="must be from 0 to less than 1"):
        SgdSettings(momentum=value)


@pytest.mark.parametrize("value", [0.0, 1.0, {"uniform": [0.0, 0.9]}])
def test_lion_needs_some_of_the_mean(value):
    with pytest.raises(ValidationError, match="must be between 0 and 1"):
        LionSettings(beta_1=value)


def test_a_switch_cannot_be_drawn():
    with pytest.raises(ValidationError, match="valid boolean"):
        SgdSettings(nesterov={"choice": [True, False]})
