"""The key ``closure``: how a method is tested with data made from a known function."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from replicafit.plugin import FunctionPath, Settings


class ClosureStudySettings(Settings):
    """A closure test of many fits: replicafit closure."""

    truth: FunctionPath | None = Field(
        default=None,
        description="What makes the data: a fit's folder, a function.npz, or what a plugin knows "
        "or reads. By default data.closure.truth.",
    )
    level: Literal[0, 1, 2] | None = Field(
        default=None,
        description="As data.closure.level, which it is by default; 2 where neither is given.",
    )
    fits: int = Field(
        default=10,
        ge=1,
        description="How many fits, each with a seed of its own: other noise in the data, other "
        "pseudodata, splits and starts.",
    )
