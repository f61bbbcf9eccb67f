"""The output folder of a fit (DESIGN of its files: docs/reference/output.md)."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replicafit.components import Exporter, load_target
from replicafit.errors import OutputError
from replicafit.export.files import appearing, write_json
from replicafit.results import ReplicaResult
from replicafit.runcard import differences


@dataclass(frozen=True)
class FitFolder:
    """Where a fit is written."""

    path: Path

    @property
    def run_file(self) -> Path:
        """Provenance, timing and the canonical runcard."""
        return self.path / "run.json"

    @property
    def checkpoint(self) -> Path:
        """The state of the batch that trains, while it does."""
        return self.path / "checkpoint"

    def replica(self, number: int) -> Path:
        """The folder of one replica."""
        return self.path / "replicas" / f"replica_{number:04d}"

    def finished(self) -> tuple[int, ...]:
        """The replica numbers that are here, whole."""
        found = (self.path / "replicas").glob("replica_*/result.json")
        return tuple(sorted(int(file.parent.name.removeprefix("replica_")) for file in found))

    def result(self, number: int) -> dict[str, Any]:
        """``result.json`` of one replica.

        Raises:
            OutputError: it is not there.
        """
        file = self.replica(number) / "result.json"
        try:
            content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise OutputError(self.absence(number)) from None
        return content

    def absence(self, number: int) -> str:
        """Why there is no such replica."""
        if not self.run_file.exists():
            return f"'{self.path}' holds no fit: there is no run.json. Check the path."
        here = self.finished()
        known = f"{here[0]} to {here[-1]} ({len(here)} of them)" if here else "none yet"
        return f"'{self.path}' has no replica {number}; there are: {known}."

    def refuse_if_taken(self) -> None:
        """Raises OutputError if something is here already, or nothing may be written."""
        try:
            self._refuse_if_taken()
        except OSError as cause:
            raise OutputError(
                f"The folder '{self.path}' cannot be used ({cause.strerror}). Choose another "
                "with -o."
            ) from None

    def _refuse_if_taken(self) -> None:
        if self.run_file.exists():
            raise OutputError(
                f"'{self.path}' already holds a fit. Continue it with --resume, or choose another "
                "folder with -o."
            )
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise OutputError(f"'{self.path}' exists and is not empty. Choose another with -o.")

    def create(self, runcard: Path) -> None:
        """Makes the folder and copies the runcard into it.

        Raises:
            OutputError: it holds something already, or cannot be written.
        """
        self.refuse_if_taken()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as cause:
            raise OutputError(
                f"The folder '{self.path}' cannot be made ({cause.strerror}). Choose another "
                "with -o."
            ) from None
        if not os.access(self.path, os.W_OK):
            raise OutputError(f"The folder '{self.path}' is read-only. Choose another with -o.")
        with appearing(self.path / "runcard.yml") as temporary:
            temporary.write_bytes(runcard.read_bytes())

    def refuse_unless_same(self, runcard: dict[str, Any]) -> None:
        """Raises OutputError unless the fit here is of the canonical ``runcard``."""
        if not self.run_file.exists():
            raise OutputError(
                f"'{self.path}' holds no fit to continue. Leave --resume away to begin one."
            )
        before = json.loads(self.run_file.read_text(encoding="utf-8"))["runcard"]
        changed = differences(before, runcard)
        if changed:
            raise OutputError(
                f"The fit in '{self.path}' was begun with another runcard; different: "
                f"{', '.join(changed)}. Undo the changes (DIR/runcard.yml is the one it was begun "
                "with), or choose another folder with -o."
            )

    def write_replica(
        self, replica: ReplicaResult, network: Any, exporters: Sequence[Exporter]
    ) -> tuple[str, ...]:
        """Writes one replica; it appears whole.

        Returns:
            One message for each exporter that failed; the replica is written without it.
        """
        failures: list[str] = []
        with appearing(self.replica(replica.number)) as temporary:
            temporary.mkdir()
            for exporter in exporters:
                try:
                    load_target(exporter.write)(replica, network, temporary)
                except OSError:
                    raise
                except Exception as cause:  # a plugin's exporter may fail in any way
                    failures.append(
                        f"The exporter '{exporter.name}' failed for replica {replica.number}: "
                        f"{type(cause).__name__}: {cause}"
                    )
            write_json(temporary / "result.json", replica.summary())
        return tuple(failures)
