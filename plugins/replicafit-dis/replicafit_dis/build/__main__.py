"""``python -m replicafit_dis.build [--only NAME ...] [--output DIR] [--force]``.

Writes one file for each dataset as it goes; files that are there already are kept unless
``--force`` is given, so an interrupted build goes on where it stopped. ``--positivity`` writes the
positivity observables instead, and ``--mean FIT_DIR`` the known function ``dis_fit``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

import replicafit
from replicafit.plugin import write_observable
from replicafit_dis.build import files
from replicafit_dis.build.corrections import PartonTable, parton_table, relevant, term_of
from replicafit_dis.build.evolution import Evolution
from replicafit_dis.build.measurements import Measurement, load_measurement
from replicafit_dis.build.nuclei import per_nucleon
from replicafit_dis.build.observables import (
    Combination,
    couplings,
    neutrino_cross_section,
    reduced_cross_section,
)
from replicafit_dis.build.positivity import positivity_observables
from replicafit_dis.build.tables import fk_table, flavours_of
from replicafit_dis.build.target_mass import FEW_NODES, QUADRATURE_NODES, TargetMass
from replicafit_dis.catalogue import (
    DATA_FOLDER,
    DATASETS,
    FIT_FILE,
    POSITIVITY_FOLDER,
    DatasetInfo,
    dataset_path,
)
from replicafit_dis.grid import X_MIN, common_grid, first_needed
from replicafit_dis.theory import TheoryParameters

Array = npt.NDArray[np.float64]


def observables(
    info: DatasetInfo, data: Measurement, theory: TheoryParameters, nodes: int = QUADRATURE_NODES
) -> Combination:
    """What was measured, for a proton target, in terms of structure functions."""
    current = couplings(info, data.q2, theory)
    massive = TargetMass.at(data.x, data.q2, theory.nucleon_mass, nodes)
    f2 = massive.f2(current)
    if info.observable == "F2_EM":
        return f2
    fl, xf3 = massive.fl(current), massive.xf3(current)
    if info.observable == "SIGMA_NU_CHARM":
        return neutrino_cross_section(f2, fl, xf3, data.x, data.y, info, theory)
    return reduced_cross_section(f2, fl, xf3, data.y, info)


def build(
    info: DatasetInfo, theory: TheoryParameters, evolution: Evolution, path: Path, bar: Progress
) -> None:
    """Computes and writes one dataset."""
    data = load_measurement(info)
    combination = observables(info, data, theory)
    grid = common_grid()
    first = first_needed(grid, float(np.min(combination.x)))
    parts: list[Combination | PartonTable] = [combination] if info.tagged is None else []
    if info.masses:
        parts.append(heavy_quark_part(info, data, theory, evolution, grid[first:], bar))
    task = bar.add_task(info.name, total=len(flavours_of(parts)) * (len(grid) - first))
    proton = fk_table(evolution, parts, grid, first, lambda done: bar.advance(task, done))
    tables = [per_nucleon(proton, target) for target in info.targets]
    files.write(path, info, theory, data, grid[first:], tables)


def heavy_quark_part(
    info: DatasetInfo,
    data: Measurement,
    theory: TheoryParameters,
    evolution: Evolution,
    grid: Array,
    bar: Progress,
) -> PartonTable:
    """What heavy quarks add to the massless structure functions, or all of it where one is seen."""
    terms = observables(info, data, theory, FEW_NODES)
    task = bar.add_task(f"{info.name}, masses", total=int(np.sum(relevant(terms))))
    return parton_table(
        terms,
        grid,
        term_of(info, theory),
        evolution.alpha_s,
        lambda done: bar.advance(task, done),
    )


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m replicafit_dis.build",
        description="Compute the dataset files of replicafit-dis from published data and theory.",
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=list(DATASETS), default=None)
    parser.add_argument("--positivity", action="store_true", help="positivity observables instead")
    parser.add_argument("--mean", type=Path, metavar="FIT_DIR", help="the mean of a fit instead")
    parser.add_argument("--output", type=Path, metavar="DIR", default=DATA_FOLDER)
    parser.add_argument("--force", action="store_true", help="replace files that are there already")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Builds what is missing, or everything named with ``--force``."""
    options = parse_arguments(arguments)
    if options.positivity:
        build_positivity()
        return
    if options.mean:
        write_mean(replicafit.load_fit(options.mean))
        return
    options.output.mkdir(parents=True, exist_ok=True)
    names = options.only or list(DATASETS)
    wanted = [n for n in names if options.force or not dataset_path(n, options.output).exists()]
    console = Console()
    console.print(f"{len(names) - len(wanted)} of {len(names)} datasets are there already")
    if wanted:
        build_all(wanted, options.output, console)


def build_positivity() -> None:
    """Builds all positivity observables and writes them where they are shipped, in a minute."""
    theory = TheoryParameters()
    for observable in positivity_observables(theory, Evolution(theory, X_MIN)):
        write_observable(POSITIVITY_FOLDER / f"{observable.name}.npz", observable)


def write_mean(fit: replicafit.Fit) -> None:
    """Writes the mean of the selected replicas where it is shipped, as a ``function.npz``."""
    grid = common_grid()
    names = np.array(fit.flavours, dtype=np.str_)
    np.savez_compressed(
        FIT_FILE, x=grid, flavours=names, values=fit.mean(grid), q0=fit.attributes["q0"]
    )


def build_all(names: list[str], output: Path, console: Console) -> None:
    """Builds the datasets one after the other, with a progress bar each."""
    theory = TheoryParameters()
    columns = (
        TextColumn("{task.description:30s}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    evolution = Evolution(theory, X_MIN)  # greets on standard output: not under a progress bar
    with Progress(*columns, console=console) as bar:
        for name in names:
            build(DATASETS[name], theory, evolution, dataset_path(name, output), bar)


if __name__ == "__main__":
    main()
