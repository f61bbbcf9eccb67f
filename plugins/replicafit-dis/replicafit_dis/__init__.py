"""Dataset type ``dis``, known function ``dis_fit``: deep-inelastic scattering, for replicafit.

In a runcard::

    data:
      datasets:
        - {type: dis, name: BCDMS_NC_P_EM-F2}
      t0: dis_fit
    penalties:
      - {type: positivity, package: replicafit_dis}

This module is what replicafit loads to learn what the plugin provides, so it stays cheap to import.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from replicafit.plugin import ComponentSettings, DatasetReader, FunctionSource, hookimpl
from replicafit_dis.catalogue import DatasetName


class DisSettings(ComponentSettings):
    """Settings of a ``dis`` dataset in a runcard."""

    type: Literal["dis"] = "dis"
    name: DatasetName = Field(description="Which of the shipped datasets to read.")


@hookimpl
def replicafit_datasets() -> Sequence[DatasetReader]:
    """The one dataset type of this plugin: measured values with NNLO theory."""
    return [
        DatasetReader(
            name="dis",
            settings=DisSettings,
            read="replicafit_dis.reader:read",
            summary="Deep-inelastic scattering: real data with NNLO theory, shipped.",
        )
    ]


FIT = "dis_fit"


@hookimpl
def replicafit_function_sources() -> Sequence[FunctionSource]:
    """The mean of a fit to all shipped data."""
    return [
        FunctionSource(
            name=FIT,
            recognizes=lambda text, folder: text == FIT,
            read="replicafit_dis.known:read",
            form=FIT,
            summary="the mean of a fit to all data of replicafit-dis, for t0",
        )
    ]
