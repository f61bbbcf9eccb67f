"""The multiplier of a penalty, from the steps that each replica has taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from keras import ops

from replicafit_pdf.penalties.settings import GrowingSettings


def multiplier(settings: GrowingSettings, max_steps: int) -> Callable[[Any, Any], Any]:
    """Grows geometrically from ``initial`` to ``maximum`` and stays there.

    As the Lagrange multipliers of arXiv:2109.02653, section 3.1.3, but at every step, where NNPDF
    multiplies every hundred.

    Returns:
        ``(steps taken (r,), dtype) -> (r,)``.
    """
    length = settings.growth_steps or max_steps
    rate = math.log(settings.maximum / settings.initial) / length

    def at(steps: Any, dtype: Any) -> Any:
        return settings.initial * ops.exp(rate * ops.cast(ops.minimum(steps, length), dtype))

    return at
