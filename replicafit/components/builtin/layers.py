"""The built-in layers: what they are called, where their code is and how large they are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from replicafit.components.builtin.layer_settings import (
    DensePerFlavourSettings,
    DropoutSettings,
    FeatureScalingSettings,
    KerasSettings,
    MultiDenseSettings,
    PreprocessingSettings,
    RotationSettings,
    SumRulesSettings,
    VanishAtOneSettings,
    XLogXSettings,
    XSettings,
)
from replicafit.components import LayerType
from replicafit.components.hookspecs import hookimpl
from replicafit_pdf.bases import basis_flavours
from replicafit_pdf.basis_tables import BASIS_TABLES
from replicafit_pdf.quadrature import sum_rule_nodes


def _sum_rule_grid(settings: SumRulesSettings) -> np.ndarray:
    return sum_rule_nodes(settings.nodes).x


def _at_one(settings: VanishAtOneSettings) -> np.ndarray:
    return np.ones(1)


def _x_logx_size(settings: XLogXSettings, features: int) -> tuple[int, int]:
    return 2 * features, 0


def _multi_dense_size(settings: MultiDenseSettings, features: int) -> tuple[int, int]:
    return settings.units, settings.units * (features + settings.use_bias)


def _dense_per_flavour_size(settings: DensePerFlavourSettings, features: int) -> tuple[int, int]:
    each = sum((a + 1) * b for a, b in pairwise((features, *settings.hidden, 1)))
    return settings.units, settings.units * each


def _keras_size(settings: KerasSettings, features: int) -> tuple[int, int]:
    """Of the layers that people use most; others count as changing nothing."""
    config = settings.config
    if settings.layer == "Dense":
        units = int(config.get("units", features))
        return units, units * (features + config.get("use_bias", True))
    if settings.layer == "LayerNormalization":
        return features, features * (config.get("center", True) + config.get("scale", True))
    return features, features if settings.layer in ("PReLU", "RMSNormalization") else 0


def _preprocessing_size(settings: PreprocessingSettings, features: int) -> tuple[int, int]:
    trained = settings.trained
    return features, 2 * (features if trained is True else len(trained or ()))


def _rotation_size(settings: RotationSettings, features: int) -> tuple[int, int]:
    return len(BASIS_TABLES[settings.basis].columns), 0


def _rotated(settings: RotationSettings, flavours: tuple[str, ...]) -> tuple[str, ...]:
    return basis_flavours(settings.basis, flavours)


@hookimpl
def replicafit_layers() -> Sequence[LayerType]:
    """The layers of replicafit itself."""
    return [*_inputs(), *_networks(), *_physics()]


def _inputs() -> list[LayerType]:
    return [
        LayerType(
            name="x",
            settings=XSettings,
            build="replicafit.layers.x_logx:build_x",
            summary="x as it is",
        ),
        LayerType(
            name="x_logx",
            settings=XLogXSettings,
            build="replicafit.layers.x_logx:build",
            size=_x_logx_size,
            summary="x -> (x, log x)",
        ),
        LayerType(
            name="feature_scaling",
            settings=FeatureScalingSettings,
            build="replicafit.layers.feature_scaling:build",
            summary="x -> its place among the data, from -1 to 1",
        ),
    ]


def _networks() -> list[LayerType]:
    return [
        LayerType(
            name="multi_dense",
            settings=MultiDenseSettings,
            build="replicafit.layers.multi_dense:build",
            size=_multi_dense_size,
            summary="a dense layer for each replica",
        ),
        LayerType(
            name="dense_per_flavour",
            settings=DensePerFlavourSettings,
            build="replicafit_pdf.layers.dense_per_flavour:build",
            size=_dense_per_flavour_size,
            summary="a small network for each flavour",
        ),
        LayerType(
            name="dropout",
            settings=DropoutSettings,
            build="replicafit.layers.dropout:build",
            summary="random features set to zero in training",
        ),
        LayerType(
            name="keras",
            settings=KerasSettings,
            build="replicafit.layers.replicate:build",
            size=_keras_size,
            summary="any layer of Keras, for each replica",
        ),
    ]


def _physics() -> list[LayerType]:
    return [
        LayerType(
            name="vanish_at_one",
            settings=VanishAtOneSettings,
            build="replicafit_pdf.layers.vanish_at_one:build",
            extra_grid=_at_one,
            summary="NN(x) - NN(1)",
        ),
        LayerType(
            name="preprocessing",
            settings=PreprocessingSettings,
            build="replicafit_pdf.layers.preprocessing:build",
            needs_x=True,
            size=_preprocessing_size,
            summary="times x^(1-alpha) (1-x)^beta",
        ),
        LayerType(
            name="rotation",
            settings=RotationSettings,
            build="replicafit_pdf.layers.rotation:build",
            size=_rotation_size,
            flavours=_rotated,
            summary="from a fit basis to the evolution basis",
        ),
        LayerType(
            name="sum_rules",
            settings=SumRulesSettings,
            build="replicafit_pdf.layers.sum_rules:build",
            extra_grid=_sum_rule_grid,
            summary="momentum, valence, triplet and octet sum rules",
        ),
    ]
