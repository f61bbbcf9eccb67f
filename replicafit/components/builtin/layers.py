"""The built-in layers: what they are called, where their code is and how large they are."""

from __future__ import annotations

from collections.abc import Sequence

from replicafit.components import LayerType
from replicafit.components.builtin.layer_settings import (
    DropoutSettings,
    FeatureScalingSettings,
    KerasSettings,
    MultiDenseSettings,
    XLogXSettings,
    XSettings,
)
from replicafit.components.hookspecs import hookimpl


def _x_logx_size(settings: XLogXSettings, features: int) -> tuple[int, int]:
    return 2 * features, 0


def _multi_dense_size(settings: MultiDenseSettings, features: int) -> tuple[int, int]:
    return settings.units, settings.units * (features + settings.use_bias)


def _keras_size(settings: KerasSettings, features: int) -> tuple[int, int]:
    """Of the layers that people use most; others count as changing nothing."""
    config = settings.config
    if settings.layer == "Dense":
        units = int(config.get("units", features))
        return units, units * (features + config.get("use_bias", True))
    if settings.layer == "LayerNormalization":
        return features, features * (config.get("center", True) + config.get("scale", True))
    return features, features if settings.layer in ("PReLU", "RMSNormalization") else 0


@hookimpl
def replicafit_layers() -> Sequence[LayerType]:
    """The layers of replicafit itself."""
    return [*_inputs(), *_networks()]


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
