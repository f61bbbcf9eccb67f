"""What is in the files that a fit leaves, key by key; the reference is made of it.

Shapes: s datasets, d fitted data in the order of the runcard, n grid points, f functions.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One key of a file.

    Attributes:
        key: dotted where it is inside another; ``*`` stands for names that depend on the fit.
        meaning: of its value, with the unit.
        shape: of an array.
    """

    key: str
    meaning: str
    shape: str | None = None


@dataclass(frozen=True)
class FileLayout:
    """One file.

    Attributes:
        name: of the file.
        entries: all its keys.
        growing: whether there may be more, from layers that tell of themselves.
    """

    name: str
    entries: tuple[Entry, ...]
    growing: bool = False


RUN = FileLayout(
    "run.json",
    (
        Entry("runcard", "the runcard with all defaults filled in"),
        Entry("hash", "SHA-256 of that; equal for cards that mean the same fit"),
        Entry(
            "extends",
            "the cards that the runcard extends, the nearest first: path, relative to the runcard, "
            "and sha256",
        ),
        Entry("runcard_folder", "where its relative paths begin"),
        Entry(
            "data_hash",
            "SHA-256 of the data, their tables and errors; a fit is not resumed with others",
        ),
        Entry("versions", "of replicafit, keras, numpy, scipy and Python"),
        Entry(
            "plugins",
            "for every plugin that was loaded, its distribution and version; for a file that the "
            "runcard names, its sha256",
        ),
        Entry("backend", "name, version and device"),
        Entry("timing.setup_s", "reading and contracting data, seconds"),
        Entry("timing.first_step_s", "the first compiled call with its compilation, seconds"),
        Entry(
            "timing.ms_per_step_and_replica",
            "all later calls, milliseconds for one step of one replica; null if there were none",
        ),
        Entry(
            "chi2_forms",
            "for each architecture: parameters, grid points, slots, batches, memory, and how chi2 "
            "of which datasets is computed",
        ),
        Entry(
            "execution",
            "who trained: executor, as given to --executor; with others than this process also "
            "workers (name, backend, batches), what happened, and failures, of the last run",
        ),
        Entry(
            "selection",
            "null until the fit is complete; then the numbers selected, those not_selected with "
            "the reasons, and how many rounds that took",
        ),
    ),
)

RESULT = FileLayout(
    "result.json",
    (
        Entry("number", "the replica number"),
        Entry(
            "status",
            "stopped: no better validation chi2 for patience steps. completed: took all max_steps. "
            "diverged: its loss or gradient was not finite; what is written are its best weights "
            "before that",
        ),
        Entry("steps", "steps taken"),
        Entry("best_step", "the step that the weights are of"),
        Entry("n_data", "how many data the fit has"),
        Entry(
            "chi2_per_datum.training",
            "of this replica's pseudodata that train, with the covariance of that part; near 2 for "
            "a perfect function, because pseudodata fluctuate twice",
        ),
        Entry(
            "chi2_per_datum.validation",
            "the same of the data that validate; null without such data",
        ),
        Entry("chi2_per_datum.all", "of the measured values, with the covariance of all data"),
        Entry("n_data_per_dataset", "how many data each dataset has"),
        Entry(
            "per_dataset",
            "chi2 per datum of the measured values, with the covariance of each dataset",
        ),
        Entry(
            "per_experiment",
            "the same for all datasets of an experiment together, with the correlations between "
            "them",
        ),
        Entry("n_training", "how many data, or directions of the diagonal basis, train"),
        Entry(
            "split_per_dataset",
            "for each dataset: training and validation, chi2 per datum of this replica's "
            "pseudodata with the covariance of each part, as it is minimised (null for a part "
            "without data), and n_training. Empty in the diagonal basis",
        ),
        Entry(
            "split_per_experiment",
            "the same for all data of an experiment together, with the correlations between its "
            "datasets",
        ),
        Entry("held_out", "as per_dataset, for datasets that were not fitted (data.hold_out)"),
        Entry(
            "penalties",
            "for each penalty that judges: value, the bound it must not exceed, and passed",
        ),
        Entry(
            "arc_length",
            "of each function of function.npz: the length of the curve x f over x from 1e-6 to 1",
        ),
        Entry("seeds.runcard", "the runcard's seed"),
        Entry("seeds.layers", "the seed of each layer with seeded initializers"),
        Entry(
            "architecture",
            "which of model.choice the replica drew, from 1; null without a choice",
        ),
        Entry("hyperparameters", "the optimizer's, as used for this replica"),
        Entry(
            "exponents",
            "alpha and beta of each flavour that reaches preprocessing, if the network has it",
        ),
        Entry(
            "selection",
            "once the fit is complete: selected, the reasons if not, and the figures (chi2 per "
            "datum of all data, arc lengths), each with its value and the limit of the ensemble",
        ),
    ),
    growing=True,
)

FUNCTION = FileLayout(
    "function.npz",
    (
        Entry("x", "from 1e-9 to 1, logarithmic below 0.1 and linear above", "(n,)"),
        Entry("flavours", "names of the functions", "(f,)"),
        Entry("values", "of the functions", "(n, f)"),
        Entry("q0", "or another attribute that characterizes them, if the data name one", "()"),
    ),
)

HISTORY = FileLayout(
    "history.npz",
    (
        Entry("step", "at which the check was", "(checks,)"),
        Entry(
            "chi2_training",
            "of this replica's pseudodata that train, not divided by their number",
            "(checks,)",
        ),
        Entry("chi2_validation", "the same of those that validate", "(checks,)"),
    ),
)

DATA = FileLayout(
    "data.npz",
    (
        Entry("dataset", "the dataset of each datum", "(d,)"),
        Entry("values", "pseudodata; the measured values with pseudodata: false", "(d,)"),
        Entry("training", "true for training, false for validation", "(d,)"),
        Entry("basis", "what training counts: data, or the directions of the diagonal basis", "()"),
    ),
)

PREDICTIONS = FileLayout(
    "predictions.npz",
    (
        Entry("prediction", "of the functions this replica is written with", "(d,)"),
        Entry(
            "weighted_residual",
            "C^-1 (D - T), D measured and T predicted, with C the covariance of all data, of each "
            "experiment, and of each dataset",
            "(3, d)",
        ),
    ),
)

MEASURED = FileLayout(
    "measured.npz",
    (
        Entry("datasets", "the name of each dataset", "(s,)"),
        Entry(
            "experiments",
            "its experiment: as its file says, else the first part of its name",
            "(s,)",
        ),
        Entry("n_data", "how many data each has; they follow each other in this order", "(s,)"),
        Entry("central", "measured values", "(d,)"),
        Entry("uncertainty", "square root of the diagonal of the covariance", "(d,)"),
        Entry("uncorrelated", "the part of it that is uncorrelated", "(d,)"),
        Entry(
            "kinematics_*",
            "one for each variable of the dataset files, such as kinematics_x; not a number where "
            "a dataset has none",
            "(d,)",
        ),
    ),
)

PROGRESS = FileLayout(
    "progress.jsonl",
    (
        Entry("time", "UTC, ISO 8601"),
        Entry("step", "of the replica that is furthest among those that train"),
        Entry("steps_done", "over all replicas; a replica that is over counts as max_steps"),
        Entry("steps_total", "replicas times max_steps"),
        Entry("replicas", "how many the fit has"),
        Entry("running", "how many of them train"),
        Entry("stopped", "how many have stopped, those of earlier runs included"),
        Entry("completed", "how many took all max_steps, likewise"),
        Entry("diverged", "how many have diverged, likewise"),
        Entry("waiting", "how many are still to come"),
        Entry(
            "chi2_training",
            "median, p16 and p84 (percentiles) of chi2 per datum of the pseudodata that train, at "
            "the last check, over the replicas of the batch that trains; null where there is none",
        ),
        Entry("chi2_validation", "the same of those that validate"),
    ),
)

FILES = (RUN, RESULT, FUNCTION, HISTORY, DATA, PREDICTIONS, MEASURED, PROGRESS)
