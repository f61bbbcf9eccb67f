"""Built-in dataset readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    Field,
    PositiveFloat,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from replicafit.components import ComponentSettings, DatasetReader
from replicafit.components.hookspecs import hookimpl


class FileSettings(ComponentSettings):
    """A dataset in the native format, ``replicafit-dataset``."""

    path: Path = Field(description="A replicafit-dataset file (.npz), relative to the runcard.")


class GivenSettings(ComponentSettings):
    """A dataset given from Python, which the fit keeps in a file of its own folder."""

    name: str = Field(min_length=1, description="Its name in data of replicafit.fit.")


class CsvSettings(ComponentSettings):
    """A function measured at known x, in columns of text; no tables."""

    path: Path = Field(
        description="The file, relative to the runcard: names of columns, then a line for each "
        "datum."
    )
    name: str | None = Field(
        default=None, description="Name of the dataset; by default that of the file."
    )
    x: str | tuple[str, ...] = Field(
        default="x",
        description="The column of x, or those of several inputs, which are their names.",
        examples=["angle", ["energy", "angle"]],
    )
    y: str = Field(default="y", description="The column of measured values.")
    error: str | None = Field(
        default=None, description="The column of uncorrelated errors, absolute; this or covariance."
    )
    covariance: Path | None = Field(
        default=None,
        description="In place of error: a file with the covariance matrix, a line for each datum, "
        "without names.",
    )
    systematics: Mapping[str, Literal["absolute", "percent"]] = Field(
        default={},
        description="Columns of correlated errors, each the shifts of its source, absolute or in "
        "percent of the value. Sources of the same name are one, in all datasets.",
        examples=[{"LUMI": "percent"}],
    )
    flavour: str = Field(default="f", description="Which of model.flavours was measured.")
    q0: PositiveFloat | None = Field(
        default=None,
        description="The scale that the function belongs to, where functions have one; then all "
        "datasets have the same.",
    )

    @model_serializer(mode="wrap")
    def _without_a_scale_that_is_none(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = whole(self)
        return content if self.q0 is not None else {k: v for k, v in content.items() if k != "q0"}

    @field_validator("x")
    @classmethod
    def _columns_that_differ(cls, x: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if isinstance(x, str):
            return x
        if not x or len(set(x)) < len(x):
            raise ValueError("give at least one column, each once")
        return x[0] if len(x) == 1 else x

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns of the inputs, length m."""
        return (self.x,) if isinstance(self.x, str) else self.x

    @model_validator(mode="after")
    def _errors_in_one_way(self) -> CsvSettings:
        if (self.error is None) == (self.covariance is None):
            raise ValueError("give either error, a column, or covariance, a file")
        return self


@hookimpl
def replicafit_datasets() -> Sequence[DatasetReader]:
    """The dataset readers of replicafit itself."""
    return [
        DatasetReader(
            name="file",
            settings=FileSettings,
            read="replicafit.data.dataset_file:read_from_settings",
            summary="a replicafit-dataset file (.npz)",
        ),
        DatasetReader(
            name="given",
            settings=GivenSettings,
            read="replicafit.data.given:read_given",
            summary="arrays or a frame given to replicafit.fit",
        ),
        DatasetReader(
            name="csv",
            settings=CsvSettings,
            read="replicafit.data.csv_file:read_csv",
            summary="columns x, y, error: a function measured directly",
        ),
    ]
