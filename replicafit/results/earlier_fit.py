"""The plain networks of an earlier fit, for those who start from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from replicafit.errors import OutputError
from replicafit.results.folder import FitFolder
from replicafit.runcard.models import StartFrom


def networks_to_start_from(
    start: StartFrom | None, folder: Path, numbers: Sequence[int]
) -> dict[int, Path]:
    """For each of ``numbers`` the file of the network that it starts from; nothing without a start.

    Args:
        start: ``model.start_from`` of the runcard.
        folder: the runcard's.
        numbers: the replica numbers of the fit.

    Raises:
        OutputError: a network is not there.
    """
    if start is None:
        return {}
    earlier = FitFolder(folder / start.fit)
    return {number: _network(earlier, start.replica or number) for number in numbers}


def _network(earlier: FitFolder, number: int) -> Path:
    earlier.result(number)
    file = earlier.replica(number) / "network.keras"
    if not file.exists():
        raise OutputError(
            f"Replica {number} of '{earlier.path}' cannot be started from: it was written without "
            "network.keras. Add 'network' to export in its runcard and fit again."
        )
    return file
