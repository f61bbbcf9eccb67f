"""Dataset type ``dis``: real deep-inelastic scattering data with NNLO theory, for replicafit.

In a runcard::

    data:
      datasets:
        - {type: dis, name: BCDMS_NC_P_EM-F2}

This module is what replicafit loads to learn what the plugin provides, so it stays cheap to import.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from replicafit.plugin import ComponentSettings, DatasetReader, hookimpl
from replicafit_dis.catalogue import DatasetName


class DisSettings(ComponentSettings):
    """Settings of a ``dis`` dataset in a runcard."""

    type: Literal["dis"] = "dis"
    name: DatasetName = Field(description="Which of the shipped datasets to read.")


@hookimpl
def replicafit_datasets() -> Sequence[DatasetReader]:
    """The one dataset type of this plugin."""
    return [
        DatasetReader(
            name="dis",
            settings=DisSettings,
            read="replicafit_dis.reader:read",
            summary="Deep-inelastic scattering: real data with NNLO theory, shipped.",
        )
    ]
