"""The output folder of a fit (DESIGN of its files: docs/reference/output.md)."""

from __future__ import annotations

import os
import re
import reprlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from replicafit.components import Exporter, RuncardSection, WholeFit, load_target
from replicafit.data import FitData
from replicafit.errors import DamagedError, OutputError, ReplicafitError
from replicafit.plugins import Registry, with_files
from replicafit.reading import is_there
from replicafit.results.data_file import write_data_file
from replicafit.results.files import appearing, checksum, is_of_the_disk
from replicafit.results.jobs import entries, living_jobs
from replicafit.results.records import (
    ReplicaRecord,
    RunRecord,
    identity,
    read_record,
    write_record,
)
from replicafit.results.replica import ReplicaResult
from replicafit.results.selection import Selection, select, selected_replicas
from replicafit.runcard import Setup, canonical, canonical_hash, compared, runcard_type
from replicafit.runcard.models import SelectionSettings

_REPLICA = re.compile(r"replica_(\d{4}|[1-9]\d{4,})")

SHOWN = 4
"""Of the keys that differ, with their former values."""


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
    def jobs(self) -> Path:
        """Who works here, with claims and checkpoints; only while somebody does, or was killed."""
        return self.path / "jobs"

    def replica(self, number: int) -> Path:
        """The folder of one replica."""
        return self.path / "replicas" / f"replica_{number:04d}"

    def finished(self) -> tuple[int, ...]:
        """The replica numbers that are here, whole."""
        files = (self.path / "replicas").glob("replica_*/result.json")
        found = (_REPLICA.fullmatch(file.parent.name) for file in files)
        return tuple(sorted(int(name[1]) for name in found if name))

    def strangers(self) -> list[Path]:
        """What lies among the replicas and is none, such as ``replica_0003 (copy)``."""
        there = (p for p in entries(self.path / "replicas") if not p.name.startswith("."))
        return [path for path in there if not _REPLICA.fullmatch(path.name)]

    def refuse_lost(self) -> None:
        """Raises DamagedError if a replica that was written is not here any more, or in part."""
        here, selection = self.finished(), self.run().selection
        names = (_REPLICA.fullmatch(path.name) for path in entries(self.path / "replicas"))
        known = {int(name[1]) for name in names if name}
        for number in sorted(known.union(selection.selected if selection else ()).difference(here)):
            raise DamagedError(self._result_file(number), "it is missing")

    def faults(self, number: int) -> str | None:
        """What is wrong with the files of a replica that is here; None if nothing is."""
        try:
            record = self.result(number)
            for name, known in record.files.items():
                _refuse_other(self.replica(number) / name, known)
        except DamagedError as error:
            return f"'{error.file}' is damaged ({error.why})"
        if record.not_exported:
            return f"it lacks what {', '.join(record.not_exported)} writes"
        return None

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
        if self.path.is_file():
            raise OutputError(f"'{self.path}' is a file. Give the folder of a fit.")
        try:
            return read_record(RunRecord, self.run_file)
        except FileNotFoundError:
            if self.finished():
                raise DamagedError(self.run_file, "it is missing") from None
            raise OutputError(
                f"'{self.path}' holds no fit: there is no run.json. Check the path."
            ) from None

    def plugin_files(self) -> dict[str, str] | None:
        """The SHA-256 of each plugin file that the fit here was begun with; None if none is known:
        without a fit, or a ``run.json`` that can be read.
        """
        try:
            run = read_record(RunRecord, self.run_file)
        except (FileNotFoundError, DamagedError):
            return None
        return {name: p.sha256 for name, p in run.plugins.items() if p.sha256}

    def setup(self, registry: Registry, plugins: Sequence[Path] = ()) -> Setup:
        """What was fitted here.

        Args:
            registry: of the installed plugins.
            plugins: Python files that the fit's runcard named; their code runs, if they are the
                ones that the fit was made with.

        Raises:
            OutputError: there is no fit, or its runcard cannot be read here.
        """
        run = self.run()
        registry = with_files(registry, map(str, plugins), Path(), self.plugin_files() or {})
        known = registry.names(RuncardSection)
        sections = {name: own for name, own in run.sections.items() if name in known}
        try:
            runcard = runcard_type(registry).model_validate({**run.runcard, **sections})
        except ValidationError as cause:
            first = cause.errors()[0]
            files = ", ".join(map(str, run.runcard.get("plugins", ()))) or "none"
            raise OutputError(
                f"The runcard of '{self.path}' cannot be read here "
                f"({'.'.join(map(str, first['loc']))}: {first['msg']}). It named these plugin "
                f"files: {files}. Reading a fit runs no code that it names: give those you trust "
                "with --plugin FILE."
            ) from None
        return Setup(runcard, registry, Path(run.runcard_folder))

    def exported(self, number: int, name: str) -> Path:
        """The file ``name`` of one replica, which an exporter wrote.

        Raises:
            OutputError: the replica was written without it, or it is damaged.
        """
        file, known = self.replica(number) / name, self.result(number).files.get(name)
        if known is not None:
            _refuse_other(file, known)
        if not file.exists():
            raise OutputError(
                f"Replica {number} of '{self.path}' was written without {name}. Add '{file.stem}' "
                "to export in its runcard and fit again."
            )
        return file

    def has(self, number: int, name: str) -> bool:
        """Whether the replica was written with the file ``name``."""
        return name in self.result(number).files or (self.replica(number) / name).exists()

    def common(self, name: str) -> Path | None:
        """The file ``name`` that all replicas share; None if there never was one.

        Raises:
            DamagedError: it is not what was written.
        """
        file, known = self.path / name, self.run().files.get(name)
        if known is not None and not _is(file, known):
            raise DamagedError(file, "its content is not what run.json says")
        return file if file.exists() else None

    def absence(self, number: int) -> str:
        """Why there is no such replica.

        Raises:
            OutputError: there is no fit here at all.
        """
        self.run()
        here = self.finished()
        known = f"{here[0]} to {here[-1]} ({len(here)} of them)" if here else "none yet"
        return f"'{self.path}' has no replica {number}; there are: {known}."

    def refuse_if_taken(self, numbers: Iterable[int]) -> None:
        """Raises OutputError unless a fit of ``numbers`` may begin here, or join the one here.

        It may join with replicas that nobody was asked for yet, or while others work on them.
        """
        try:
            holds_fit = self.run_file.exists()
            taken = self.path.exists() and (not self.path.is_dir() or any(self._others_files()))
        except OSError as cause:
            raise OutputError(
                f"The folder '{self.path}' cannot be used ({cause.strerror}). Choose another "
                "with -o."
            ) from None
        if holds_fit:
            if self.run().asked.issuperset(numbers) and not living_jobs(self.jobs):
                raise OutputError(
                    f"'{self.path}' already holds a fit. Continue it with --resume (in Python "
                    "resume=True), give replica numbers that it lacks, or choose another folder."
                )
        elif taken:
            raise OutputError(
                f"'{self.path}' exists and is not empty. Choose another with -o; if it is a fit "
                "that lost its run.json, give --resume."
            )

    def _others_files(self) -> Iterator[Path]:
        """What a fit that was killed as it began does not leave."""
        own = {"data", "runcard.yml", self.jobs.name, self.data_file.name, self.progress_file.name}
        return (p for p in self.path.iterdir() if p.name not in own and not p.name.startswith("."))

    def refuse_if_empty(self) -> None:
        """Raises OutputError unless something of a fit is here to go on with."""
        parts = ("run.json", "runcard.yml", "replicas", self.jobs.name)
        if not any(is_there(self.path / name) for name in parts):
            raise OutputError(
                f"'{self.path}' holds no fit to continue. Leave --resume away to begin one."
            )

    def create(self) -> None:
        """Makes the folder.

        Raises:
            OutputError: it cannot be made or written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as cause:
            raise OutputError(
                f"The folder '{self.path}' cannot be made ({cause.strerror}). Choose another "
                "with -o."
            ) from None
        if not os.access(self.path, os.W_OK):
            raise OutputError(f"The folder '{self.path}' is read-only. Choose another with -o.")

    def copy_from(self, other: FitFolder) -> None:
        """Copies the fit in ``other`` here, without what it keeps for going on while it trains.

        Raises:
            OutputError: something is here already, or it cannot be written.
        """
        self.refuse_if_taken(())
        run = other.run()
        with appearing(self.path) as temporary:
            try:
                shutil.copytree(other.path, temporary, ignore=shutil.ignore_patterns("jobs", ".*"))
            except shutil.Error as cause:  # of every file that could not be copied
                raise OSError(cause.args[0][0][-1]) from None
        if run.runcard_folder == str(other.path.resolve()):  # the card came with its data
            moved = run.model_copy(update={"runcard_folder": str(self.path.resolve())})
            write_record(self.run_file, moved)

    def write_common(
        self, runcard: bytes, data: FitData, known: Mapping[str, str] | None
    ) -> dict[str, str]:
        """Writes what all replicas share, unless it is here with the checksums that are ``known``;
        all of it if a fit begins. Gives the checksums.
        """
        card = self.path / "runcard.yml"
        if known is None or not _is(card, known.get(card.name)):
            with appearing(card) as temporary:
                temporary.write_bytes(runcard)
        if known is None or not _is(self.data_file, known.get(self.data_file.name)):
            write_data_file(self.data_file, data)
        return {file.name: checksum(file) for file in (card, self.data_file)}

    def joined(self, setup: Setup, data: FitData) -> RunRecord | None:
        """``run.json`` of the fit here, which is the one of ``setup`` and ``data``; None if there
        is none yet, or it is lost and the replicas here are those of this fit.

        Raises:
            OutputError: it is another fit.
        """
        own = identity(canonical_hash(setup.runcard), data.digest)
        try:
            run = read_record(RunRecord, self.run_file)
        except (FileNotFoundError, DamagedError):
            for number in self.finished():
                if self.faults(number) is None and self.result(number).fit != own:
                    raise OutputError(
                        f"'{self.replica(number)}' is of another fit, or of a release that did not "
                        "say of which, and run.json is lost. Choose another folder with -o."
                    ) from None
            return None
        then, now = (
            {key: value for key, value in card.items() if key != "replicas"}
            for card in (_with_defaults(run.runcard, setup), canonical(setup.runcard))
        )
        found = compared(then, now)
        changed = sorted(each.key for each in found)
        files = {p.name: p.sha256 for p in setup.registry.plugins if p.sha256}
        known = {name: plugin.sha256 for name, plugin in run.plugins.items()}
        changed += [f"the plugin file {n}" for n, sha in files.items() if known.get(n) != sha]
        if changed:
            was = "; ".join(f"{each.key} was {reprlib.repr(each.ours)}" for each in found[:SHOWN])
            raise OutputError(
                f"The fit in '{self.path}' was begun with another runcard; different: "
                f"{', '.join(changed)}. Undo the changes, in the card or with --set"
                f"{was and f' ({was})'}, or choose another folder with -o."
            )
        if run.data_hash != data.digest:
            others = [n for n, sha in data.digests.items() if run.datasets.get(n, sha) != sha]
            what = ", ".join(others) or "a file or a function that the runcard names"
            raise OutputError(
                f"The fit in '{self.path}' was begun with other data; changed since: {what}. Bring "
                "the files back as they were, or choose another folder with -o."
            )
        return run

    def selection(self, numbers: Iterable[int], settings: SelectionSettings) -> Selection:
        """The selection among the replicas ``numbers``, all of which are here."""
        return select([self.result(number) for number in sorted(numbers)], settings)

    def judge(self, numbers: Iterable[int], settings: SelectionSettings) -> Selection:
        """The same, written into each ``result.json`` where it is not there already."""
        selection = self.selection(numbers, settings)
        for number in selection.numbers:
            result, verdict = self.result(number), selection.verdict(number)
            if result.selection != verdict:
                update = {"selection": verdict}
                write_record(self._result_file(number), result.model_copy(update=update))
        return selection

    def _result_file(self, number: int) -> Path:
        return self.replica(number) / "result.json"

    def write_replica(
        self, replica: ReplicaResult, network: Any, exporters: Sequence[Exporter], fit: str = ""
    ) -> dict[str, str]:
        """Writes one replica of the ``fit`` of that identity; it appears whole.

        Returns:
            For each exporter that failed, the reason; the replica is written without it.
        """
        if not self.data_file.exists():
            write_data_file(self.data_file, replica.predictions.data)
        with appearing(self.replica(replica.number)) as temporary:
            temporary.mkdir()
            told = {e.name: _write_part(e, replica, network, temporary) for e in exporters}
            failed = {name: why for name, why in told.items() if why is not None}
            files = {
                path.relative_to(temporary).as_posix(): checksum(path)
                for path in sorted(temporary.rglob("*"))
                if path.is_file()
            }
            update = {"fit": fit, "files": files, "not_exported": sorted(failed)}
            write_record(temporary / "result.json", replica.record.model_copy(update=update))
        return failed

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
        self.refuse_lost()
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
        self,
        exporter: Exporter,
        name: str | None,
        progress: Callable[[int, int], None],
        sections: Mapping[str, Any] | None = None,
    ) -> Path:
        """Writes the whole fit with ``exporter``; gives what it wrote.

        Args:
            exporter: one with ``finish``.
            name: what the export is called; by default as the folder.
            progress: told how much of how much is done.
            sections: of the runcard, in place of those that the fit had.
        """
        assert exporter.finish is not None
        name = name or self.path.resolve().name
        card = {**self.run().runcard, **(sections or {})}
        fit = WholeFit(self.path, self.selected(), name, progress, card)
        return exporter.call("finish", fit, when="for the whole fit")

    def finish(self, exporter: Exporter, progress: Callable[[int, int], None]) -> str | None:
        """Writes the whole fit with ``exporter``; gives the message of a failure, if any."""
        try:
            self.export(exporter, None, progress)
        except ReplicafitError as failure:  # the fit is kept
            return str(failure)
        return None


def _refuse_other(file: Path, known: str) -> None:
    """Raises DamagedError unless ``file``, of a replica, is there with the checksum ``known``."""
    try:
        same = checksum(file) == known
    except OSError as cause:
        raise DamagedError(file, cause.strerror) from None
    if not same:
        raise DamagedError(file, "its content is not what result.json says")


def _is(file: Path, known: str | None) -> bool:
    """Whether ``file`` is there as ``known``; as far as that is known."""
    try:
        return (known is None and file.exists()) or checksum(file) == known
    except OSError:
        return False


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
            taken = {"result.json", *(other.name for other in folder.iterdir())}
            for written in Path(part).iterdir():
                if written.name in taken:
                    raise FileExistsError(f"'{written.name}' comes from elsewhere already")
        except KeyboardInterrupt:
            raise
        except BaseException as cause:  # a plugin's exporter may fail in any way
            if isinstance(cause, OSError | MemoryError) and is_of_the_disk(cause):
                raise
            if is_of_the_disk(cause):
                raise MemoryError(str(cause)) from cause
            return exporter.failure(f"for replica {replica.number}", cause)
        for written in Path(part).iterdir():
            written.replace(folder / written.name)
    return None
