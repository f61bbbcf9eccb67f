"""The data of a fit, from what the runcard says of them.

Datasets are read and cut; in a closure test a known function's predictions take the place of what
was measured; some datasets may be held out; and the covariance of the chi2 that is minimised comes
from the experimental one by t0, extra matrices, regularization and weights, in this order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from replicafit.components import LayerType
from replicafit.components.inputs import Input, described, outside
from replicafit.data import Dataset, FitData, read_datasets, stack
from replicafit.data.covariance import Covariance, cholesky, covariance
from replicafit.data.cuts import NothingLeftError, by_fold, passing, select
from replicafit.data.extra_covariance import ExtraCovariance, read_extra_covariance
from replicafit.data.fit_data import all_grids, inputs_of, join_grids
from replicafit.data.known_functions import known_function, on_flavours
from replicafit.data.replica_data import ALL_REPLICAS, fluctuated
from replicafit.errors import DataError, ModelError
from replicafit.forward.penalties import with_penalty_grids
from replicafit.forward.predictions import predict
from replicafit.reading import MOST_ARRAYS, UnreadableError, is_folder, is_there, read_bytes
from replicafit.runcard import Setup
from replicafit.runcard.relocation import paths_in
from replicafit.seeds import Seeds


def load_data(setup: Setup) -> FitData:
    """The data of a fit, on a grid that holds what its penalties need, too.

    Raises:
        DataError: data, cuts, functions or covariances that cannot be used, or do not go together.
    """
    data = _Assembly(setup).data()
    return with_penalty_grids(replace(data, also=tuple(_other_files(setup))), setup)


def _other_files(setup: Setup) -> Iterator[tuple[str, str]]:
    """SHA-256 of the files beside the datasets' that the runcard names, and of the fit that it
    starts from, by their keys.
    """
    card, folder = setup.runcard, setup.folder
    for key, path in paths_in(card).items():
        if key.startswith(("data.datasets", "data.t0", "data.closure", "extends")):
            continue  # read into arrays, or known otherwise
        file = folder / path
        if is_folder(file):
            file = file / "run.json"
        if is_there(file) and file.is_file():
            yield key, hashlib.sha256(_content(file)).hexdigest()


def _content(file: Path) -> bytes:
    """What is in ``file``; of a run.json what makes the fit that fit, unlike its times."""
    try:
        content = read_bytes(file, MOST_ARRAYS)
    except (FileNotFoundError, UnreadableError) as cause:
        raise DataError(f"'{file}' cannot be used: {cause}. Check the path.") from None
    if file.name == "run.json":
        with suppress(ValueError, AttributeError):
            run = json.loads(content)
            return repr((run.get("hash"), run.get("data_hash"))).encode()
    return content


def _ranges(datasets: Sequence[Dataset], setup: Setup) -> tuple[Input, ...]:
    """The inputs of the functions: of the data, in the range that the runcard gives, as all layers
    of all architectures take them.

    Raises:
        DataError: the data do not lie in the range, or are not told apart on the device.
        ModelError: a layer takes other inputs only.
    """
    inputs = inputs_of(datasets, setup.runcard.data.x_range)
    for network in setup.runcard.model.networks:
        for position, item in enumerate(network.layers):
            kind = setup.registry.get(LayerType, item.type)
            with kind.at_fault("when asked for its inputs"):
                try:
                    inputs = tuple(kind.inputs(item, inputs)) if kind.inputs else inputs
                except ModelError as cause:
                    which = f"Layer {position} of the runcard ({kind.name})"
                    raise ModelError(f"{which} {cause}.") from None
    grids = all_grids(datasets)
    beyond = grids[outside(grids, inputs)]
    if len(beyond):
        raise DataError(
            f"The layers of the runcard take {described(inputs)}, but the data have a grid point "
            f"at {', '.join(map(str, beyond[0].tolist()))}. Begin with {{type: x}}, or leave such "
            "data out."
        )
    for one, column in zip(inputs, grids.T, strict=True):
        points = join_grids([column])
        with np.errstate(over="ignore"):
            known = points.astype(setup.runcard.precision)
        if not np.isfinite(known).all():
            raise DataError(
                f"Some grid points of {one} are larger than any number in "
                f"{setup.runcard.precision}. Give {one.name} in another unit, or precision: "
                "float64."
            )
        if len(np.unique(known)) < len(points):
            raise DataError(
                f"Some grid points of {one} are the same number in {setup.runcard.precision}. "
                f"Subtract from {one.name} what all data have in common, or give precision: "
                "float64."
            )
    return inputs


class _Assembly:
    """What the steps of ``load_data`` share."""

    def __init__(self, setup: Setup) -> None:
        self.setup, self.settings, self.seed = setup, setup.runcard.data, setup.runcard.seed
        self.registry, self.folder = setup.registry, setup.folder
        items = self.settings.extra_covariances
        self.extra = [(read_extra_covariance(self.folder / i.path), i.sampled) for i in items]

    def data(self) -> FitData:
        settings = self.settings
        whole = read_datasets(settings.datasets, self.registry, self.folder, self.setup.given)
        self.inputs = _ranges(whole, self.setup)
        self.kept = self._kept(whole)
        for extra, _ in self.extra:
            extra.refuse_unless_used(tuple(self.kept))
        datasets = self._as_closure([select(d, self.kept[d.name]) for d in whole])
        fitted, held_out = by_fold(datasets, settings.folds, settings.hold_out)
        data = self._sampled(stack(fitted, self.inputs))
        final = self._fit_errors(data)
        return replace(
            data,
            fit_errors=final,
            whitening=final.whitening() if settings.split.basis == "diagonal" else None,
            shared_split=settings.split.shared,
            held_out=stack(held_out, self.inputs) if held_out else None,
            n_measured={dataset.name: dataset.n_data for dataset in whole},
        )

    def _kept(self, datasets: Sequence[Dataset]) -> Mapping[str, np.ndarray]:
        """Which data of each dataset pass the cuts; names all datasets of which nothing is left."""
        kept, empty = {}, []
        for dataset, own in zip(datasets, self.settings.datasets, strict=True):
            try:
                cuts = (*self.settings.cuts, *own.cuts)
                kept[dataset.name] = passing(dataset, cuts, self.settings.derived)
            except NothingLeftError as error:
                empty.append(str(error))
        if empty:
            raise DataError("\n".join(empty))
        return kept

    def _as_closure(self, datasets: Sequence[Dataset]) -> Sequence[Dataset]:
        """``datasets`` with a known function's predictions as central values (arXiv:1410.8849,
        section 4), fluctuated once from level 1 on. Errors in per cent multiply the predictions.
        """
        closure = self.settings.closure
        if closure is None:
            return datasets
        referred = self._referred("data.closure.truth", closure.truth, datasets)
        exact = [replace(dataset, central=dataset.multiplied) for dataset in referred]
        if closure.level == 0:
            return exact
        data = self._sampled(stack(exact, self.inputs))
        generator = Seeds(self.seed).generator(ALL_REPLICAS, "closure")
        values = fluctuated(data, generator, True, self.settings.redraw_negative)
        places = zip(exact, data.slices, strict=True)
        return [replace(dataset, central=values[place]) for dataset, place in places]

    def _sampled(self, data: FitData) -> FitData:
        """``data`` with the extra covariances that pseudodata fluctuate with."""
        extra = [self._extra(each, data.datasets) for each, sampled in self.extra if sampled]
        return replace(data, sampled_extra=np.sum(extra, axis=0)) if extra else data

    def _fit_errors(self, data: FitData) -> Covariance:
        settings, errors = self.settings, data.errors
        if settings.t0 is not None:
            errors = covariance(self._referred("data.t0", settings.t0, data.datasets))
        for each, _ in self.extra:
            errors = errors.plus(self._extra(each, data.datasets))
        if settings.norm_threshold is not None:
            errors = errors.regularized(settings.norm_threshold)
        weights = dict(zip(self.kept, (d.weight for d in settings.datasets), strict=True))
        if any(weights[d.name] != 1 for d in data.datasets):  # w times chi2: errors over sqrt(w)
            roots = [np.full(d.n_data, weights[d.name] ** 0.5) for d in data.datasets]
            errors = errors.scaled(1 / np.concatenate(roots))
        if errors is not data.errors:
            cholesky(errors, data.datasets)  # not positive definite: found here
        return errors

    def _extra(self, extra: ExtraCovariance, datasets: Sequence[Dataset]) -> np.ndarray:
        return extra.of({dataset.name: self.kept[dataset.name] for dataset in datasets})

    def _referred(self, key: str, name: str, datasets: Sequence[Dataset]) -> list[Dataset]:
        """``datasets`` with what the known function at ``key`` predicts as their reference."""
        attributes = dict(pair for dataset in datasets for pair in dataset.attributes.items())
        try:
            function = known_function(name, self.folder, attributes, self.registry)
        except DataError as error:
            raise DataError(f"{key}: {error}") from None
        found = []
        for dataset in datasets:
            try:
                values = on_flavours(function, dataset.x_grid, dataset.flavours, self.registry)
            except DataError as error:
                raise DataError(f"Dataset {dataset.name}: {error}") from None
            prediction = predict(dataset, self.registry, values)
            if not np.isfinite(prediction).all():
                raise DataError(f"Dataset {dataset.name}: some predictions are not finite.")
            found.append(replace(dataset, reference=prediction))
        return found
