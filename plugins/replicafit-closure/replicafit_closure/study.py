"""A closure test of many fits: each is a fit of the runcard with another seed.

The fits stand side by side in lanes that they share, and each is, bit for bit, what ``replicafit
run`` gives with its seed: its folder is one of a fit, which can be reported, loaded and resumed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from replicafit import fit
from replicafit.plugin import (
    FitFolder,
    Observer,
    OutputError,
    Override,
    Registry,
    RuncardError,
    Seeds,
    Setup,
    import_engine_quietly,
    is_there,
    load_registry,
    load_setup,
    one_blas_thread,
    write_json,
)
from replicafit_closure.estimators import ClosureFit, summary
from replicafit_closure.judging import judged
from replicafit_closure.settings import ClosureStudySettings

FORMAT = "replicafit-closure/1"


@dataclass(frozen=True)
class Study:
    """Fits of one runcard to data made from one truth.

    Attributes:
        card: the runcard.
        overrides: what is said in its place.
        folder: of the study; the folders of its fits are in it.
        installed: the plugins, without those that the runcard brings along.
        base: the runcard as it would be fitted without the study.
        settings: its section ``closure``.
    """

    card: Path
    overrides: tuple[Override, ...]
    folder: Path
    installed: Registry
    base: Setup
    settings: ClosureStudySettings

    @classmethod
    def of(cls, card: Path, overrides: Sequence[Override], folder: Path) -> Study:
        """The study that ``card`` asks for.

        Raises:
            RuncardError: it has no truth, or cannot be used.
        """
        installed = load_registry()
        base = load_setup(card, overrides, installed)
        settings = getattr(base.runcard, "closure", None) or ClosureStudySettings()
        given = base.runcard.data.closure
        truth = settings.truth or (given.truth if given else None)
        if truth is None:
            raise RuncardError(
                f"'{card}' names no truth. Give it closure: {{truth: FIT}}, the folder of a fit, a "
                "function.npz, or a function that a plugin knows or reads."
            )
        level = (given.level if given else 2) if settings.level is None else settings.level
        if given is None or (truth, level) != (given.truth, given.level):
            beside = card.parent / truth
            where = str(beside.resolve()) if is_there(beside) else truth
            text = json.dumps({"truth": where, "level": level})
            overrides = [*overrides, Override.yaml("closure", "data.closure", text)]
        return cls(card, tuple(overrides), folder, installed, base, settings)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the fits: their folders in that of the study."""
        return tuple(f"fit_{i:03d}" for i in range(1, self.settings.fits + 1))

    def seed(self, name: str) -> int:
        """Of a fit: as ``replicafit run --seed`` takes it."""
        return Seeds(self.base.runcard.seed).integer(int(name.removeprefix("fit_")), "closure fit")

    def setup(self, name: str) -> Setup:
        """What ``replicafit run`` would fit with that seed."""
        seed = Override.yaml("--seed", "seed", str(self.seed(name)))
        recorded = FitFolder(self.folder / name).plugin_files()
        return load_setup(self.card, (*self.overrides, seed), self.installed, recorded)

    def refuse_unless_free(self) -> None:
        """Raises OutputError if there is something in the folder."""
        if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise OutputError(
                f"'{self.folder}' is there already. Continue its study with --resume, or choose "
                "another folder with -o."
            )


@dataclass(frozen=True)
class Outcome:
    """What became of a fit: what it says of its truth, or why it says nothing."""

    name: str
    seed: int
    fit: ClosureFit | None
    reason: str = ""


def carried_out(
    study: Study,
    lanes: int | None,
    observer: Callable[[str], Observer],
    ended: Callable[[Outcome], None],
) -> list[Outcome]:
    """Fits what is not fitted yet, and judges all.

    As many fits are under way as it takes to fill all slots, and one more.

    Args:
        study: what is to be done; its folder holds it so far.
        lanes: how many; as many as there are cores or GPUs if None.
        observer: who is told of a fit, by its name.
        ended: called with each fit that has ended.

    Raises:
        ReplicafitError: a fit cannot be made.
        KeyboardInterrupt: with all that is finished kept in the folder.
    """
    setups = {name: study.setup(name) for name in study.names}  # plugins load in one thread
    import_engine_quietly()
    from replicafit_closure.together import SharedLanes

    shared, found = SharedLanes(lanes), dict[str, Outcome]()
    runcard = study.base.runcard
    in_slots = shared.lanes * runcard.training.slots
    at_once = 1 + -(-in_slots // max(1, runcard.replicas.wanted))

    def one(name: str) -> Outcome:
        folder, setup = FitFolder(study.folder / name), setups[name]
        there = folder.run_file.exists() or (folder.path / "replicas").exists()
        fit(setup, output=folder.path, observer=observer(name), executor=shared, resume=there)
        try:
            return Outcome(name, setup.runcard.seed, judged(folder.path, setup))
        except OutputError as reason:  # too few of its replicas are selected
            return Outcome(name, setup.runcard.seed, None, str(reason))

    with one_blas_thread(), ThreadPoolExecutor(at_once) as threads:
        running = [threads.submit(one, name) for name in study.names]
        try:
            for future in as_completed(running):
                outcome = future.result()
                found[outcome.name] = outcome
                _write(study, setups[outcome.name], list(found.values()))
                ended(outcome)
        except BaseException:
            for future in running:
                future.cancel()
            shared.stop()
            raise
        shared.close()
    return [found[name] for name in study.names]


def _write(study: Study, setup: Setup, outcomes: Sequence[Outcome]) -> None:
    """``closure.json``: each fit that has ended, and what they say together."""
    ordered = sorted(outcomes, key=lambda each: each.name)
    fits = [each.fit for each in ordered if each.fit is not None]
    closure = setup.runcard.data.closure
    assert closure is not None
    write_json(
        study.folder / "closure.json",
        {
            "format": FORMAT,
            "title": study.base.runcard.title,
            "card": str(study.card),
            "closure": closure.model_dump(mode="json"),
            "wanted": study.settings.fits,
            "fits": [
                {"name": each.name, "seed": each.seed, "reason": each.reason}
                | {"judged": each.fit.plain() if each.fit else None}
                for each in ordered
            ],
            "together": summary(fits).plain() if fits else None,
        },
    )
