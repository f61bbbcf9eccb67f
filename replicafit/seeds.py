"""Every random number starts here, from (runcard seed, replica number, purpose).

Streams are numpy ``SeedSequence`` children keyed by the three, so that what a replica draws for
one purpose depends neither on other replicas nor on what it draws for another purpose
(the independence law, docs/concepts.md).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Seeds:
    """The source of all randomness of a fit.

    Attributes:
        runcard_seed: ``seed`` of the runcard, a non-negative integer.
    """

    runcard_seed: int

    def _sequence(self, number: int, purpose: str) -> np.random.SeedSequence:
        digest = hashlib.sha256(purpose.encode()).digest()
        words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
        return np.random.SeedSequence([self.runcard_seed, number, *words])

    def generator(self, number: int, purpose: str) -> np.random.Generator:
        """A fresh generator for replica ``number`` and ``purpose``."""
        return np.random.Generator(np.random.PCG64(self._sequence(number, purpose)))

    def integer(self, number: int, purpose: str) -> int:
        """An integer seed in [0, 2**31) for tools that want one, such as Keras initializers."""
        return int(self._sequence(number, purpose).generate_state(1)[0] >> 1)
