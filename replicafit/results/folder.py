"""The output folder of a fit (DESIGN of its files: docs/reference/output.md)."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from replicafit.components import Exporter, WholeFit, load_target
from replicafit.errors import OutputError, ReplicafitError
from replicafit.results.data_file import write_data_file
from replicafit.results.files import appearing, is_of_the_disk, write_json
from replicafit.results.records import ReplicaRecord, RunRecord, read_record
from replicafit.results.replica import ReplicaResult
from replicafit.results.selection import Selection, select, selected_replicas
from replicafit.runcard import Setup, canonical, differences


@dataclass(frozen=True)
class FitFolder:
    """Where a fit is written."""

    path: Path

    @property
    def run_file(self) -> Path:
        """Provenance, timing and the canonical runcard."""
        return self.path / "run.json"

    @property
    def data_file(self) -> Path:
        """What was measured; comes with the first replica."""
        return self.path / "measured.npz"

    @property
    def progress_file(self) -> Path:
        """How the fit went on, one line now and then."""
        return self.path / "progress.jsonl"

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

    def result(self, number: int) -> ReplicaRecord:
        """``result.json`` of one replica.

        Raises:
            OutputError: it is not there, or damaged.
        """
        try:
            return read_record(ReplicaRecord, self._result_file(number))
        except FileNotFoundError:
            raise OutputError(self.absence(number)) from None

    def run(self) -> RunRecord:
        """``run.json``.

        Raises:
            OutputError: it is not there, or damaged.
        """
        try:
            return read_record(RunRecord, self.run_file)
        except FileNotFoundError:
            raise OutputError(
                f"'{self.path}' holds no fit: there is no run.json. Check the path."
            ) from None

    def plugin_files(self) -> dict[str, str] | None:
        """The SHA-256 of each plugin file that the fit here was begun with; None without a fit."""
        if not self.run_file.exists():
            return None
        return {name: p.sha256 for name, p in self.run().plugins.items() if p.sha256}

    def exported(self, number: int, name: str) -> Path:
        """The file ``name`` of one replica, which an exporter wrote.

        Raises:
            OutputError: the replica was written without it.
        """
        file = self.replica(number) / name
        if not file.exists():
            raise OutputError(
                f"Replica {number} of '{self.path}' was written without {name}. Add '{file.stem}' "
                "to export in its runcard and fit again."
            )
        return file

    def absence(self, number: int) -> str:
        """Why there is no such replica.

        Raises:
            OutputError: there is no fit here at all.
        """
        self.run()
        here = self.finished()
        known = f"{here[0]} to {here[-1]} ({len(here)} of them)" if here else "none yet"
        return f"'{self.path}' has no replica {number}; there are: {known}."

    def refuse_if_taken(self) -> None:
        """Raises OutputError if something is here already, or nothing may be written."""
        try:
            holds_fit = self.run_file.exists()
            taken = self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir()))
        except OSError as cause:
            raise OutputError(
                f"The folder '{self.path}' cannot be used ({cause.strerror}). Choose another "
                "with -o."
            ) from None
        if holds_fit:
            raise OutputError(
                f"'{self.path}' already holds a fit. Continue it with --resume, or choose another "
                "folder with -o."
            )
        if taken:
            raise OutputError(f"'{self.path}' exists and is not empty. Choose another with -o.")

    def create(self, runcard: bytes) -> None:
        """Makes the folder and writes the text of the runcard into it.

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
            temporary.write_bytes(runcard)

    def copy_from(self, other: FitFolder) -> None:
        """Copies the fit in ``other`` here, without what it keeps for going on while it trains.

        Raises:
            OutputError: something is here already, or it cannot be written.
        """
        self.refuse_if_taken()
        run = other.run()
        with appearing(self.path) as temporary:
            shutil.copytree(other.path, temporary)
        if run.runcard_folder == str(other.path.resolve()):  # the card came with its data
            moved = run.model_copy(update={"runcard_folder": str(self.path.resolve())})
            write_json(self.run_file, moved)

    def refuse_unless_same(self, setup: Setup, data_hash: str) -> None:
        """Raises OutputError unless the fit here is of the runcard of ``setup`` and its data."""
        if not self.run_file.exists():
            raise OutputError(
                f"'{self.path}' holds no fit to continue. Leave --resume away to begin one."
            )
        run = self.run()
        changed = differences(_with_defaults(run.runcard, setup), canonical(setup.runcard))
        files = {p.name: p.sha256 for p in setup.registry.plugins if p.sha256}
        known = {name: plugin.sha256 for name, plugin in run.plugins.items()}
        changed += [f"the plugin file {n}" for n, own in files.items() if known.get(n) != own]
        if changed:
            raise OutputError(
                f"The fit in '{self.path}' was begun with another runcard; different: "
                f"{', '.join(changed)}. Undo the changes (DIR/runcard.yml is the one it was begun "
                "with), or choose another folder with -o."
            )
        if run.data_hash != data_hash:
            raise OutputError(
                f"The fit in '{self.path}' was begun with other data: a dataset, a table or a "
                "function that the runcard names has changed since. Bring the files back as they "
                "were, or choose another folder with -o."
            )

    def selection(self, numbers: Iterable[int]) -> Selection:
        """The selection among the replicas ``numbers``, all of which are here."""
        return select([self.result(number) for number in sorted(numbers)])

    def judge(self, numbers: Iterable[int]) -> Selection:
        """The same, written into each ``result.json`` where it is not there already."""
        selection = self.selection(numbers)
        for number in selection.numbers:
            result, verdict = self.result(number), selection.verdict(number)
            if result.selection != verdict:
                update = {"selection": verdict}
                write_json(self._result_file(number), result.model_copy(update=update))
        return selection

    def _result_file(self, number: int) -> Path:
        return self.replica(number) / "result.json"

    def write_replica(
        self, replica: ReplicaResult, network: Any, exporters: Sequence[Exporter]
    ) -> tuple[str, ...]:
        """Writes one replica; it appears whole.

        Returns:
            One message for each exporter that failed; the replica is written without it.
        """
        if not self.data_file.exists():
            write_data_file(self.data_file, replica.predictions.data)
        with appearing(self.replica(replica.number)) as temporary:
            temporary.mkdir()
            told = [_write_part(exporter, replica, network, temporary) for exporter in exporters]
            write_json(temporary / "result.json", replica.record)
        return tuple(message for message in told if message)

    def complete(self) -> bool:
        """Whether the fit went to its end, where its replicas are selected."""
        return self.run().selection is not None

    def selected(self) -> tuple[int, ...]:
        """The replicas to use: those selected, or of an incomplete fit all that did not diverge.

        Raises:
            OutputError: there is no fit here, or none of its replicas can be used.
        """
        finished = self.finished()
        run = self.run()
        if not finished:
            raise OutputError(self.absence(1))
        numbers = selected_replicas(run, [self.result(n) for n in finished])
        if not numbers:
            raise OutputError(
                f"No replica of '{self.path}' can be used: of {len(finished)} none is selected, or "
                "all diverged. Fit again with other settings."
            )
        return numbers

    def export(
        self, exporter: Exporter, name: str | None, progress: Callable[[int, int], None]
    ) -> Path:
        """Writes the whole fit with ``exporter``; gives what it wrote.

        Args:
            exporter: one with ``finish``.
            name: what the export is called; by default as the folder.
            progress: told how much of how much is done.
        """
        assert exporter.finish is not None
        name = name or self.path.resolve().name
        fit = WholeFit(self.path, self.selected(), name, progress)
        written: Path = exporter.call("finish", fit, when="for the whole fit")
        return written

    def finish(self, exporter: Exporter, progress: Callable[[int, int], None]) -> str | None:
        """Writes the whole fit with ``exporter``; gives the message of a failure, if any."""
        try:
            self.export(exporter, None, progress)
        except ReplicafitError as failure:  # the fit is kept
            return str(failure)
        return None


def _with_defaults(runcard: dict[str, Any], setup: Setup) -> dict[str, Any]:
    """``runcard`` as this release would write it: keys that it did not know have their defaults."""
    try:
        return canonical(type(setup.runcard).model_validate(runcard))
    except ValidationError:  # of other plugins: the differences say so
        return runcard


def _write_part(
    exporter: Exporter, replica: ReplicaResult, network: Any, folder: Path
) -> str | None:
    """All that ``exporter`` writes into ``folder``, or nothing and why."""
    if exporter.write is None:
        return None
    with tempfile.TemporaryDirectory(dir=folder) as part:
        try:
            load_target(exporter.write)(replica, network, Path(part))
        except Exception as cause:  # a plugin's exporter may fail in any way
            if is_of_the_disk(cause):
                raise
            return exporter.failure(f"for replica {replica.number}", cause)
        for written in Path(part).iterdir():
            written.replace(folder / written.name)
    return None
