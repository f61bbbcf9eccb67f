"""FK tables as PineAPPL writes them, one file each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pineappl.fk_table import FkTable as PineapplTable
from pineappl.pids import PidBasis

from replicafit.plugin import DataError, did_you_mean
from replicafit_nnpdf.theory import MissingFileError

EXTENSION = ".pineappl.lz4"
PROTON = 2212
EVOLUTION_BASIS = {
    **{22: "photon", 100: "sigma", 21: "g"},
    **{200: "v", 203: "v3", 208: "v8", 215: "v15", 224: "v24", 235: "v35"},
    **{103: "t3", 108: "t8", 115: "t15", 124: "t24", 135: "t35"},
}
"""The numbers that PineAPPL and EKO give to the functions of the evolution basis."""

Channel = tuple[str, ...]


@dataclass(frozen=True)
class FkTable:
    """One table, acting on x f(x, q0), or on the product of two of them.

    Attributes:
        name: of the file, without its extension.
        values: (d, c, n) for one hadron, (d, c, n, n) for two.
        channels: the flavour of each hadron, length c.
        x: grid points, (n,).
        q0: in GeV.
        polarised: whether it acts on polarised functions.
    """

    name: str
    values: np.ndarray
    channels: tuple[Channel, ...]
    x: np.ndarray
    q0: float
    polarised: bool

    @property
    def hadronic(self) -> bool:
        """Whether two hadrons collide."""
        return self.values.ndim == 4


def find_table(dataset: str, name: str, folder: Path) -> Path:
    """The file of the table ``name``, which ``dataset`` needs.

    Raises:
        MissingFileError: there is none in the folder.
        DataError: there is no such folder.
    """
    path = folder / f"{name}{EXTENSION}"
    if path.is_file():
        return path
    if not folder.is_dir():
        raise DataError(
            f"There is no folder of FK tables at '{folder}'. Set 'tables' of the dataset {dataset} "
            "to the folder that has them, in NNPDF's theories the one called fastkernel."
        )
    there = [file.name.removesuffix(EXTENSION) for file in folder.glob(f"*{EXTENSION}")]
    hint = did_you_mean(name, there, f" The nearest is '{{}}{EXTENSION}'.")
    raise MissingFileError(
        path.name,
        f"Dataset {dataset} needs the FK table '{path.name}', which is not among the {len(there)} "
        f"in '{folder}'.{hint} Copy it there, or take another theory.",
    )


def read_table(path: Path) -> FkTable:
    """The table at ``path``, without bin normalizations, ready for x f instead of f.

    Raises:
        DataError: the file is damaged, or its functions are not the proton's in the evolution
            basis.
    """
    table = _open(path)
    polarised = _polarised(path, table)
    if table.pid_basis != PidBasis.Evol:
        raise DataError(
            f"The FK table '{path}' is not in the evolution basis, on which the functions of a fit "
            "are known. Rotate it: pineappl write --rotate-pid-basis=EVOL."
        )
    x, values = np.asarray(table.x_grid()), np.asarray(table.table(), dtype=np.float64)
    channels = tuple(_channel(path, pids) for pids in table.channels())
    used = np.flatnonzero(values.reshape(len(values), len(channels), -1).any(axis=(0, 2)))
    if not len(used):
        raise DataError(f"The FK table '{path}' is zero everywhere. Take another theory.")
    kept = tuple(channels[c] for c in used)
    if any("photon" in channel for channel in kept):
        raise DataError(f"The FK table '{path}' needs a photon distribution; a fit has none.")
    of_bins = np.asarray(table.bin_normalizations()).reshape(-1, *[1] * (values.ndim - 1))
    return FkTable(
        name=path.name.removesuffix(EXTENSION),
        values=values[:, used] / of_bins / _momenta(x, values.ndim),
        channels=kept,
        x=x,
        q0=float(np.sqrt(table.fac0())),
        polarised=polarised,
    )


def _open(path: Path) -> PineapplTable:
    try:
        return PineapplTable.read(path)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as cause:  # a panic of Rust is no Exception
        first = str(cause).split("\n", 1)[0]  # a list of Rust's stack follows
        reason = f"'{path}' is damaged or no FK table of PineAPPL ({first})."
        raise DataError(f"{reason} Copy it again.") from None


def _polarised(path: Path, table: PineapplTable) -> bool:
    """Whether all functions are polarised; refuses what a fit has no function for."""
    convolutions = list(table.convolutions)
    kinds = {each.convolution_types.polarized for each in convolutions}
    if len(convolutions) > 2 or any(each.convolution_types.time_like for each in convolutions):
        raise DataError(f"The FK table '{path}' needs fragmentation functions; a fit has none.")
    other = [each.pid for each in convolutions if each.pid != PROTON]
    if other:
        raise DataError(
            f"The FK table '{path}' acts on the functions of the hadron {other[0]}; those of a fit "
            f"are the proton's ({PROTON})."
        )
    if len(kinds) > 1:
        raise DataError(
            f"The FK table '{path}' multiplies polarised and unpolarised functions; a fit has "
            "one kind."
        )
    return bool(kinds.pop())


def _channel(path: Path, pids: list[int]) -> Channel:
    unknown = [pid for pid in pids if pid not in EVOLUTION_BASIS]
    if unknown:
        raise DataError(
            f"The FK table '{path}' has the flavour {unknown[0]}; the evolution basis has "
            f"{', '.join(f'{pid} ({name})' for pid, name in EVOLUTION_BASIS.items())}."
        )
    return tuple(EVOLUTION_BASIS[pid] for pid in pids)


def _momenta(x: np.ndarray, dimensions: int) -> np.ndarray:
    """What turns f into x f: x (n,), or x1 x2 (n, n)."""
    return np.outer(x, x) if dimensions == 4 else x
