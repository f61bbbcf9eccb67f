"""A small network of its own for each flavour and replica: no weight belongs to two flavours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import keras
import numpy as np
from keras import ops

from replicafit.plugin import (
    LayerContext,
    MultiInitializer,
    PerReplicaConstraint,
    PerReplicaRegularizer,
    as_seeds,
    named_activation,
    plain_dense,
)
from replicafit_pdf.layers.settings import DensePerFlavourSettings

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="replicafit")
class DensePerFlavour(keras.layers.Layer):
    """For each flavour a stack of dense layers that ends in one output, computed together.

    All of them see the same input. Output g of replica r is that of plain ``Dense`` layers, where
    layer l has the seed ``replica_seeds[r] + l units + g``.

    Input shape: ``(b, n, f)`` if ``is_first_layer``, else ``(b, r, n, f)``.
    Output shape: ``(b, r, n, units)``.
    Weights: for each layer kernel ``(r, units, in, out)`` and bias ``(r, units, 1, out)``.

    Args:
        units: how many outputs, each with a network of its own.
        hidden: units of the hidden layers of each network.
        replica_seeds: one integer per replica.
        is_first_layer: the input has no replica axis yet.
        activation, output_activation: of the hidden layers and of the output.
        kernel_initializer, bias_initializer: as for ``Dense``; their seeds are replaced.
        kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint: as for ``Dense``,
            for each network alone.
    """

    def __init__(
        self,
        units: int,
        hidden: Sequence[int],
        replica_seeds: Iterable[int],
        is_first_layer: bool = False,
        activation: Any = "tanh",
        output_activation: Any = None,
        kernel_initializer: Any = "glorot_normal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units, self.hidden = units, tuple(hidden)
        self.replica_seeds = as_seeds(replica_seeds)
        self.is_first_layer = is_first_layer
        self.activation = keras.activations.get(activation)
        self.output_activation = keras.activations.get(output_activation)
        self.initializers = tuple(
            map(keras.initializers.get, (kernel_initializer, bias_initializer))
        )
        self.regularizers = tuple(
            map(keras.regularizers.get, (kernel_regularizer, bias_regularizer))
        )
        self.constraints = tuple(map(keras.constraints.get, (kernel_constraint, bias_constraint)))

    def build(self, input_shape: Shape) -> None:
        """Makes the weights for inputs of ``input_shape``."""
        self.compute_output_shape(input_shape)
        widths = (input_shape[-1], *self.hidden, 1)
        self.kernels, self.biases = [], []
        for layer, (a, b) in enumerate(pairwise(widths)):
            self.kernels.append(self._weight(layer, "kernel", 0, (a, b), (a, b)))
            self.biases.append(self._weight(layer, "bias", 1, (b,), (1, b)))
        self.built = True

    def _weight(
        self, layer: int, name: str, which: int, single: tuple[Any, ...], stored: tuple[Any, ...]
    ) -> Any:
        """A weight (r, units, *stored); one network's initializer and so on see ``single``."""
        first = layer * self.units
        seeds = [seed + first + g for seed in self.replica_seeds for g in range(self.units)]
        initial = MultiInitializer(self.initializers[which], seeds)
        regularizer, constraint = self.regularizers[which], self.constraints[which]
        if regularizer is not None:
            regularizer = PerReplicaRegularizer(PerReplicaRegularizer(regularizer, single))
        if constraint is not None:
            constraint = PerReplicaConstraint(
                PerReplicaConstraint(constraint, single), (self.units, *stored)
            )
        return self.add_weight(
            name=f"{name}_{layer}",
            shape=(len(self.replica_seeds), self.units, *stored),
            initializer=lambda shape, dtype: ops.reshape(
                initial((len(seeds), *single), dtype=dtype), shape
            ),
            regularizer=regularizer,
            constraint=constraint,
        )

    def call(self, inputs: Any) -> Any:
        """``(b, r, n, units)``."""
        x = ops.expand_dims(ops.expand_dims(inputs, 1), 1)
        if not self.is_first_layer:
            x = ops.expand_dims(inputs, 2)  # (b, r, 1, n, f): the second axis counts networks
        for i, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            x = self._activation(i)(ops.matmul(x, kernel) + bias)
        return ops.swapaxes(ops.squeeze(x, -1), 2, 3)

    def _activation(self, layer: int) -> Any:
        return self.activation if layer < len(self.hidden) else self.output_activation

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """``(b, r, n, units)``."""
        r, wanted = len(self.replica_seeds), 3 if self.is_first_layer else 4
        if len(input_shape) != wanted or (wanted == 4 and input_shape[1] != r):
            axes = "(b, n, f)" if self.is_first_layer else f"(b, {r}, n, f)"
            raise ValueError(
                f"dense_per_flavour takes features {axes}. Received: {tuple(input_shape)}"
            )
        return (input_shape[0], r, input_shape[-2], self.units)

    def split(self, slot: int, features: Any = None) -> keras.Model:
        """Plain Keras: the networks side by side, ``(b, f) -> (b, units)``."""
        weights = [
            (ops.convert_to_numpy(k)[slot], ops.convert_to_numpy(b)[slot, :, 0])
            for k, b in zip(self.kernels, self.biases, strict=True)
        ]
        inputs = keras.Input((weights[0][0].shape[1],), dtype=self.compute_dtype)
        outputs = [self._single(inputs, g, weights) for g in range(self.units)]
        if self.units > 1:
            outputs = [keras.layers.Concatenate(dtype=self.dtype_policy)(outputs)]
        return keras.Model(inputs, outputs[0], name=self.name)

    def _single(self, inputs: Any, g: int, weights: Sequence[Any]) -> Any:
        x = inputs
        for i, (kernel, bias) in enumerate(weights):
            name = f"{self.name}_{g}_{i}"
            parts = [kernel[g], bias[g]]
            x = plain_dense(parts, self._activation(i), self.dtype_policy, name)(x)
        return x

    def trained_from(self, plain: keras.Model) -> list[np.ndarray]:
        """The trained weights of one slot that ``split`` turned into ``plain``.

        Raises:
            ValueError: it has other networks than this layer.
        """
        if len(plain.weights) != self.units * len(self.weights):
            raise ValueError(f"'{self.name}' has other networks there")
        stacked = []
        for layer in range(len(self.kernels)):
            networks = [plain.get_layer(f"{plain.name}_{g}_{layer}") for g in range(self.units)]
            pairs = [list(map(ops.convert_to_numpy, one.weights)) for one in networks]
            stacked.append(np.stack([kernel for kernel, _ in pairs]))
            stacked.append(np.stack([bias for _, bias in pairs])[:, None])
        return stacked

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal layer."""
        names = ("kernel", "bias")
        pairs = [
            ("initializer", keras.initializers, self.initializers),
            ("regularizer", keras.regularizers, self.regularizers),
            ("constraint", keras.constraints, self.constraints),
        ]
        return {
            **super().get_config(),
            "units": self.units,
            "hidden": list(self.hidden),
            "replica_seeds": list(self.replica_seeds),
            "is_first_layer": self.is_first_layer,
            "activation": keras.activations.serialize(self.activation),
            "output_activation": keras.activations.serialize(self.output_activation),
            **{
                f"{name}_{kind}": module.serialize(given[i])
                for kind, module, given in pairs
                for i, name in enumerate(names)
            },
        }


def build(settings: DensePerFlavourSettings, context: LayerContext) -> DensePerFlavour:
    """The layer a runcard asks for."""
    return DensePerFlavour(
        units=settings.units,
        hidden=settings.hidden,
        replica_seeds=context.replica_seeds,
        is_first_layer=not context.has_replica_axis,
        activation=named_activation(settings.activation),
        output_activation=named_activation(settings.output_activation),
        kernel_initializer=settings.kernel_initializer,
        bias_initializer=settings.bias_initializer,
        kernel_regularizer=settings.kernel_regularizer,
        bias_regularizer=settings.bias_regularizer,
        kernel_constraint=settings.kernel_constraint,
        bias_constraint=settings.bias_constraint,
        name=f"dense_per_flavour_{context.position}",
    )
