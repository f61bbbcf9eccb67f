"""Learning rates judged by closure tests: ten fits of 40 replicas for each setting.

    python tests/benchmarks/learning_rate.py [runcards/closure_level2.yml] -o FOLDER \
        [--fits 10 --replicas 40 --cores 16 --limit 400]

Settings take turns, so that a time limit leaves all of them with about as many fits. Each fit is
trained on one core, one fit per core at a time; fits of the same seed have the same data, whatever
the setting, so that differences between settings are known better than what each gives. FOLDER gets
``fits.jsonl``, a line for each fit as it ends, and ``summary.json`` and ``summary.txt``.

Of each fit: bias and variance per datum, the share of positions at which the truth lies within one
sigma, chi2 per datum of the selected replicas and of their mean, arc lengths over that of the truth
(mean over functions), and how many replicas are stuck: diverged, or a chi2 per datum more than
half above the median of the fit.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from queue import Empty
from typing import Any

import numpy as np

STUCK = 1.5
"""Times the median chi2 per datum of a fit."""


def cosine(rate: float, steps: int) -> dict[str, Any]:
    """Nadam whose learning rate falls to zero in ``steps``."""
    return {
        "training.optimizer.learning_rate": rate,
        "training.optimizer.schedule": {"type": "cosine", "decay_steps": steps},
        "training.max_steps": steps,
        "training.patience": steps,
    }


SETTINGS: dict[str, dict[str, Any]] = {
    "card": {},
    "0.02 cosine 4000": cosine(0.02, 4000),
    "0.02 cosine 2000": cosine(0.02, 2000),
    "0.04 cosine 4000": cosine(0.04, 4000),
    "0.04 cosine 2000": cosine(0.04, 2000),
    "0.01 cosine 4000": cosine(0.01, 4000),
}

Figures = dict[str, float]


def pin(cores: Any) -> None:
    """This process, and all its threads, on a core of its own."""
    with contextlib.suppress(Empty):
        os.sched_setaffinity(0, {cores.get_nowait()})


def closure(card: str, name: str, seed: int, replicas: int) -> dict[str, Any]:
    """Trains one fit and judges it."""
    from replicafit_closure.judging import judged, setup_of

    from replicafit import fit
    from replicafit.plugin import known_function, load_registry, on_flavours
    from replicafit.results.selection import arc_lengths

    begun, used = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "fit"
        settings = {**SETTINGS[name], "seed": seed, "export": ["function", "predictions"]}
        fitted = fit(
            card,
            output=output,
            replicas=replicas,
            settings=settings,
            executor="lanes:1",
            observer=(),
        )
        registry = load_registry()
        told = judged(output, setup_of(output, registry))
        everything = fitted.all
        truth = known_function(
            fitted.run.runcard["data"]["closure"]["truth"],
            Path(fitted.run.runcard_folder),
            fitted.attributes,
            registry,
        )
        columns = [fitted.flavours.index(flavour) for flavour in told.flavours]
        lengths = arc_lengths(fitted.x, fitted.values[:, :, columns])
        true_lengths = arc_lengths(fitted.x, on_flavours(truth, fitted.x, told.flavours, registry))
        chi2 = everything.chi2_per_datum
        stuck = (chi2 > STUCK * np.median(chi2)) | (np.array(everything.statuses) == "diverged")
        steps = sum(result.steps for result in everything.results)
        each_step = fitted.run.timing.ms_per_step_and_replica or float("nan")
        return {
            "setting": name,
            "seed": seed,
            "bias": told.bias,
            "variance": told.variance,
            "within": float(told.within.mean()),
            "within_per_flavour": dict(zip(told.flavours, told.within.mean(axis=0), strict=True)),
            "chi2_per_datum": told.chi2_per_datum,
            "median_chi2_per_datum": float(np.median(chi2)),
            "arc_length": float((lengths.mean(axis=0) / true_lengths).mean()),
            "arc_length_per_flavour": dict(
                zip(told.flavours, (lengths.mean(axis=0) / true_lengths).tolist(), strict=True)
            ),
            "stuck": int(stuck.sum()),
            "not_selected": len(everything) - len(fitted),
            "replicas": len(everything),
            "steps": steps / len(everything),
            "training_seconds": 1e-3 * each_step * steps,
            "processor_seconds": time.process_time() - used,
            "seconds": time.perf_counter() - begun,
        }


def summary(fits: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """For each setting means over fits with their errors, and paired differences from the card."""
    found: dict[str, dict[str, Any]] = {}
    card = {each["seed"]: each for each in fits if each["setting"] == "card"}
    for name in SETTINGS:
        own = [each for each in fits if each["setting"] == name]
        if not own:
            continue
        bias, variance = (np.array([f[key] for f in own]) for key in ("bias", "variance"))
        replicas = sum(f["replicas"] for f in own)
        paired = [(f, card[f["seed"]]) for f in own if f["seed"] in card]
        found[name] = {
            "fits": len(own),
            "r_bv": r_bv(bias, variance),
            **{key: mean([value(f) for f in own]) for key, value in FIGURES.items()},
            "stuck": sum(f["stuck"] for f in own) / replicas,
            "not_selected": sum(f["not_selected"] for f in own) / replicas,
            "minus_card": {
                key: mean([value(one) - value(other) for one, other in paired])
                for key, value in FIGURES.items()
            },
        }
    return found


FIGURES = {
    "bias": lambda f: f["bias"],
    "variance": lambda f: f["variance"],
    "bias_and_variance": lambda f: f["bias"] + f["variance"],
    "within": lambda f: f["within"],
    "chi2_per_datum": lambda f: f["chi2_per_datum"],
    "arc_length": lambda f: f["arc_length"],
    "steps": lambda f: f["steps"],
    "training_seconds": lambda f: f["training_seconds"],
    "processor_seconds": lambda f: f["processor_seconds"],
}


def mean(values: Sequence[float]) -> tuple[float, float]:
    """The mean and its standard error; nan for less than two."""
    array = np.array(values)
    if not len(array):
        return float("nan"), float("nan")
    error = array.std(ddof=1) / len(array) ** 0.5 if len(array) > 1 else float("nan")
    return float(array.mean()), float(error)


def r_bv(bias: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    """sqrt(mean bias / mean variance), and its error by leaving out each fit in turn."""
    n, value = len(bias), float((bias.mean() / variance.mean()) ** 0.5)
    if n < 2:
        return value, float("nan")
    without = ((bias.sum() - bias) / (variance.sum() - variance)) ** 0.5
    return value, float(((n - 1) / n * ((without - without.mean()) ** 2).sum()) ** 0.5)


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The summary for people."""
    lines = [
        f"{'setting':18s} fits  bias + variance   R_bv            within 1 sigma   chi2 per datum"
        "    arc length       stuck   steps  training s"
    ]
    for name, of in found.items():
        percent = tuple(100 * part for part in of["within"])
        lines.append(
            f"{name:18s} {of['fits']:4d}  {_pm(of['bias_and_variance'], 4)}  {_pm(of['r_bv'], 3)}"
            f"   {_pm(percent, 1)} %    {_pm(of['chi2_per_datum'], 4)}  {_pm(of['arc_length'], 3)}"
            f"   {100 * of['stuck']:5.1f} %  {of['steps'][0]:5.0f}  {of['training_seconds'][0]:.0f}"
        )
    lines.append("\nminus the card, same data:")
    for name, of in found.items():
        less = of["minus_card"]
        lines.append(
            f"{name:18s}       {_pm(less['bias_and_variance'], 4)}  bias {_pm(less['bias'], 4)}"
            f"  within {_pm(less['within'], 3)}  chi2 {_pm(less['chi2_per_datum'], 4)}"
            f"  arc length {_pm(less['arc_length'], 3)}"
        )
    return "\n".join(lines)


def _pm(estimate: tuple[float, float], digits: int) -> str:
    return f"{estimate[0]:.{digits}f} +- {estimate[1]:.{digits}f}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("card", nargs="?", default="runcards/closure_level2.yml")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--fits", type=int, default=10)
    parser.add_argument("--replicas", type=int, default=40)
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--limit", type=float, default=float("inf"), help="seconds")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    given = parser.parse_args()
    begun = time.perf_counter()
    given.output.mkdir(parents=True, exist_ok=True)
    spawn = multiprocessing.get_context("spawn")
    cores: Any = spawn.Queue()
    for core in sorted(os.sched_getaffinity(0))[: given.cores]:
        cores.put(core)
    fits: list[dict[str, Any]] = []
    pool = ProcessPoolExecutor(given.cores, mp_context=spawn, initializer=pin, initargs=(cores,))
    jobs = {
        pool.submit(closure, given.card, name, seed, given.replicas): (name, seed)
        for seed in range(1, given.fits + 1)
        for name in given.settings
    }
    try:
        for done in as_completed(jobs, timeout=given.limit):
            if done.exception() is not None:
                print(f"{jobs[done]} failed: {done.exception()!r}", flush=True)
                continue
            fits.append(done.result())
            with (given.output / "fits.jsonl").open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(fits[-1]) + "\n")
            took = time.perf_counter() - begun
            one = {key: round(value(fits[-1]), 4) for key, value in FIGURES.items()}
            print(f"{took:6.0f} s  {len(fits):3d} of {len(jobs)}  {jobs[done]}  {one}", flush=True)
            (given.output / "summary.json").write_text(json.dumps(summary(fits), indent=1) + "\n")
            (given.output / "summary.txt").write_text(table(summary(fits)) + "\n")
    except TimeoutError:
        print(f"{given.limit:.0f} s are over", flush=True)
    print(table(summary(fits)), flush=True)
    pool.shutdown(wait=False, cancel_futures=True)
    for process in multiprocessing.active_children():  # what the limit cut off
        process.kill()


if __name__ == "__main__":
    main()
