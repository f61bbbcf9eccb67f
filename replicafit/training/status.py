"""What becomes of a replica; imports nothing heavy."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """What became of a replica; the names are what users read."""

    running = 0
    stopped = 1  # no better validation chi2 for `patience` steps
    completed = 2  # took all `max_steps`
    diverged = 3  # its loss or gradient was not finite; last good weights kept
    empty = 4  # a slot that no replica uses
    undrawn = 5  # no pseudodata without negative cross sections were found
