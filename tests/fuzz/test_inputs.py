"""Mutated cards, options and data: a message or a plan, never a traceback, never a hang.

A few hundred cases run with all other tests; ``REPLICAFIT_FUZZ=20000 pytest tests/fuzz`` runs as
many of each test. What fails is printed with a line that reproduces it.
"""

from __future__ import annotations

import copy
import os
import random
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toy import observable_arrays, toy_dataset

from replicafit.data import write_dataset
from replicafit.errors import ReplicafitError
from replicafit.forward.assembly import load_data
from replicafit.forward.planning import plan_networks
from replicafit.runcard import Override, canonical_hash, load_setup

CASES = int(os.environ.get("REPLICAFIT_FUZZ", "60"))
MOST_SECONDS = 10

fuzzed = settings(
    max_examples=CASES,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
seeds = st.integers(0, 2**32 - 1)

PLAIN: dict[str, Any] = {
    "title": "a card",
    "seed": 1,
    "replicas": "1-3",
    "data": {"datasets": [{"type": "csv", "path": "a.csv", "error": "error"}]},
    "model": {
        "flavours": ["f"],
        "layers": [
            {"type": "x"},
            {"type": "multi_dense", "units": 4, "activation": "tanh", "use_bias": True},
            {"type": "multi_dense", "units": 1},
        ],
    },
    "training": {
        "optimizer": {"type": "adam", "learning_rate": {"uniform": [1e-3, 1e-2]}},
        "max_steps": 100,
        "check_every": 10,
        "patience": 50,
    },
    "export": ["network", "function"],
}
RICH: dict[str, Any] = {
    **PLAIN,
    "precision": "float64",
    "replicas": {"good": 4, "at_most": 6},
    "data": {
        "datasets": [
            {"type": "file", "path": "A.npz", "cuts": ["x > 0.02"], "weight": 2.0},
            {"type": "file", "path": "BB.npz"},
        ],
        "cuts": ["x < 0.9 and q2 > 1"],
        "closure": {"truth": "toy_les_houches", "level": 1},
        "t0": "toy_les_houches",
        "extra_covariances": [{"path": "extra.npz", "sampled": True}],
        "norm_threshold": 4,
        "split": {"basis": "diagonal", "shared": True},
        "folds": [["A"], ["BB"]],
        "hold_out": 2,
        "training_fraction": 0.5,
    },
    "model": {
        "flavours": ["sigma", "g", "v", "v3", "v8", "t3", "t8", "t15"],
        "layers": [
            {"type": "x_logx"},
            {"type": "multi_dense", "units": 8, "kernel_initializer": "glorot_normal"},
            {"type": "preprocessing"},
            {"type": "sum_rules"},
        ],
    },
    "penalties": [{"type": "positivity", "path": ["pos.npz"]}],
    "theory": {"alpha_s": 0.118},
}
ODD: list[Any] = [
    *(True, False, None, 0, -1, 1, 2, 0.5, 1e308, 1e-320, float("inf"), float("nan")),
    *(
        10**9,
        10**18,
        -(10**30),
        "",
        "x",
        "A",
        "[/red]",
        "$\\frac",
        "a b",
        "é\n",
        "1-2",
        "\U0001f600",
    ),
    *(
        "/dev/zero",
        "..",
        ".",
        "~",
        "a.csv",
        "A.npz",
        "x" * 2000,
        "x > 1",
        "not " * 150 + "x",
        "1e5",
    ),
    *(
        [],
        {},
        [[]],
        [None],
        {"type": "x"},
        {"type": []},
        {"choice": []},
        {"a": {"b": [1]}},
        [1] * 50,
    ),
]
TEXT = [
    "!!int ",
    "&a ",
    "*a",
    "<<: ",
    "\t",
    "\x00",
    "\ud800",
    "[",
    "}",
    "- ",
    ": ",
    "'",
    "|",
    "%",
    "@",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Data that all cards may name."""
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "a.csv").write_text("x,y,error\n" + "".join(f"0.{i},{i},0.5\n" for i in range(1, 9)))
    for name in ("A", "BB"):
        write_dataset(folder / f"{name}.npz", toy_dataset(name, 10))
    np.savez(folder / "pos.npz", **observable_arrays("pos", 1))
    np.savez(folder / "extra.npz", **extra())
    return folder


def extra() -> dict[str, np.ndarray]:
    return {"matrix": np.eye(10), "dataset": np.array(["A"] * 10), "datum": np.arange(10)}


@contextmanager
def within_bounds() -> Iterator[None]:
    """Errors of ours are fine; anything else, or more than a few seconds, is not."""

    def late(*_: Any) -> None:
        raise AssertionError(f"nothing for {MOST_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(MOST_SECONDS)
    try:
        with suppress(ReplicafitError):
            yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def check(card: Path, registry: Any, options: tuple[str, ...] = ()) -> None:
    """What ``replicafit check`` does."""
    with within_bounds():
        setup = load_setup(card, [Override.setting(given) for given in options], registry)
        canonical_hash(setup.runcard)
        plan_networks(setup, load_data(setup), setup.runcard.replicas.numbers)


def places(content: Any) -> list[tuple[Any, Any]]:
    """All containers with each of their keys or positions."""
    keys = content.keys() if isinstance(content, dict) else range(len(content))
    found = [(content, key) for key in keys]
    for key in keys:
        if isinstance(content[key], dict | list):
            found += places(content[key])
    return found


def mutated(card: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """``card`` with a few of its values changed, removed, added or exchanged."""
    content = copy.deepcopy(card)
    for _ in range(rng.randint(1, 3)):
        where, key = rng.choice(places(content))
        match rng.randint(0, 5):
            case 0:
                del where[key]
            case 1 if isinstance(where, dict):
                where[rng.choice(["type", "path", "layers", "wrong", 1, "", "extends"])] = (
                    rng.choice(ODD)
                )
            case 2:
                other, name = rng.choice(places(content))
                where[key] = copy.deepcopy(other[name])
            case 3 if isinstance(where, list):
                where.append(copy.deepcopy(where[key]))
            case _:
                where[key] = rng.choice(ODD)
        if not content:
            return {}
    return content


@pytest.mark.parametrize("card", [PLAIN, RICH], ids=["plain", "rich"])
def test_what_is_mutated_is_right(folder, registry, card):
    (folder / "card.yml").write_text(yaml.safe_dump(card))
    setup = load_setup(folder / "card.yml", (), registry)
    plan_networks(setup, load_data(setup), setup.runcard.replicas.numbers)


@fuzzed
@given(seeds)
def test_values_of_cards(folder, registry, seed):
    rng = random.Random(seed)
    card = folder / "card.yml"
    card.write_text(yaml.safe_dump(mutated(rng.choice([PLAIN, RICH]), rng), allow_unicode=True))
    check(card, registry)


@fuzzed
@given(seeds)
def test_text_of_cards(folder, registry, seed):
    rng = random.Random(seed)
    text = yaml.safe_dump(rng.choice([PLAIN, RICH]), sort_keys=False)
    for _ in range(rng.randint(1, 4)):
        at, to = rng.randint(0, len(text)), rng.randint(0, 3)
        text = text[:at] + rng.choice(TEXT) + text[at + to :]
    card = folder / "card.yml"
    card.write_bytes(text.encode(errors="surrogatepass") + rng.randbytes(rng.choice([0, 0, 2])))
    check(card, registry)


@fuzzed
@given(seeds)
def test_options(folder, registry, seed):
    rng = random.Random(seed)
    base = rng.choice([PLAIN, RICH])
    card = folder / "card.yml"
    card.write_text(yaml.safe_dump(base))
    options = []
    for _ in range(rng.randint(1, 2)):
        key, content = [], base
        while isinstance(content, dict | list) and content and rng.random() < 0.9:
            names = list(content) if isinstance(content, dict) else range(len(content) + 1)
            key.append(rng.choice([*names]))
            content = (
                content[key[-1]]
                if key[-1] in (content if isinstance(content, dict) else ())
                else (
                    content[key[-1]]
                    if isinstance(content, list) and key[-1] < len(content)
                    else None
                )
            )
        value = yaml.safe_dump(rng.choice(ODD), default_flow_style=True).removesuffix("...\n")
        value = rng.choice([value, rng.choice(TEXT) + value, rng.choice(TEXT)])
        options.append(f"{'.'.join(map(str, key))}{rng.choice(['=', '=', '=', '.', ''])}{value}")
    check(card, registry, tuple(options))


def odd_array(array: np.ndarray, rng: random.Random) -> np.ndarray:
    """An array that is not what ``array`` was."""
    numbers = [0.0, -1.0, 1e300, -1e300, 1e-300, np.nan, np.inf, 1e160]
    match rng.randint(0, 8):
        case 0:
            return np.array(rng.choice(["text", True, 1, 1.5, 2j, b"x", "[" * 3000]))
        case 1:
            return array[..., :-1] if array.ndim else array.reshape(1, 1)
        case 2:
            return array[None]
        case 3:
            with np.errstate(all="ignore"):
                return array.astype(rng.choice(["U8", "bool", "complex64", "float16", "M8[s]"]))
        case 4 if array.dtype.kind == "f":
            return np.full(array.shape, rng.choice(numbers))
        case 5 if array.dtype.kind == "f":
            with np.errstate(all="ignore"):
                return array * rng.choice(numbers)
        case _ if array.dtype.kind == "f" and array.size:
            changed = array.copy()
            for _ in range(rng.randint(1, 3)):
                changed.flat[rng.randrange(array.size)] = rng.choice(numbers)
            return changed
    return np.zeros(rng.choice([(0,), (0, 0), (3,), (10, 0), (2, 2, 2, 2)]))


def write_odd(path: Path, arrays: dict[str, np.ndarray], rng: random.Random) -> None:
    """``arrays`` in a file, with some of them odd, missing or too many, or bytes that are wrong."""
    content = dict(arrays)
    for _ in range(rng.randint(1, 2)):
        key = rng.choice([*content])
        if rng.random() < 0.1:
            del content[key]
        else:
            with suppress(ValueError, TypeError, IndexError):
                content[rng.choice([key, key, key, "t", "fk_1", "fk_x"])] = odd_array(
                    content[key], rng
                )
    np.savez(path, **content)
    if rng.random() < 0.3:
        whole = bytearray(path.read_bytes())
        for _ in range(rng.randint(1, 8)):
            whole[rng.randrange(len(whole))] = rng.randrange(256)
        path.write_bytes(whole[: rng.choice([len(whole), rng.randrange(len(whole))])])


@fuzzed
@given(seeds)
def test_files_of_arrays(folder, registry, tmp_path_factory, seed):
    rng = random.Random(seed)
    own = tmp_path_factory.mktemp("case")
    for file in ("A.npz", "BB.npz", "pos.npz", "extra.npz"):
        (own / file).symlink_to(folder / file)
    name = rng.choice(["A.npz", "A.npz", "pos.npz", "extra.npz"])
    (own / name).unlink()
    with np.load(folder / name) as archive:
        write_odd(own / name, dict(archive), rng)
    card = copy.deepcopy(RICH)
    if rng.random() < 0.7:
        card["data"] = {key: card["data"][key] for key in ("datasets", "extra_covariances", "cuts")}
    (own / "card.yml").write_text(yaml.safe_dump(card))
    check(own / "card.yml", registry)
    shutil.rmtree(own)


@fuzzed
@given(seeds)
def test_columns(folder, registry, tmp_path_factory, seed):
    rng = random.Random(seed)
    own = tmp_path_factory.mktemp("case")
    words = [
        "0",
        "1",
        "-1",
        "0.5",
        "1e300",
        "-1e300",
        "1e-160",
        "1e-320",
        "nan",
        "inf",
        "",
        "a",
        '"',
    ]
    odd = rng.random()
    rows = [
        [f"0.{i + 1}", "1", "0.1", "2"] if rng.random() > odd else rng.choices(words, k=4)
        for i in range(6)
    ]
    lines = [",".join(row[: rng.choice([4, 4, 4, 4, 3])]) for row in [["x", "y", "e", "s"], *rows]]
    (own / "a.csv").write_text("\n".join(lines))
    matrix = [
        [rng.choice(words[:9]) if rng.random() < odd / 3 else str(int(i == j)) for i in range(6)]
        for j in range(6)
    ]
    (own / "c.csv").write_text("\n".join(map(",".join, matrix)))
    errors = rng.choice([{"error": "e"}, {"covariance": "c.csv"}])
    entry = {
        "type": "csv",
        "path": "a.csv",
        **errors,
        "systematics": {"s": rng.choice(["percent", "absolute"])},
    }
    card = {
        **PLAIN,
        "data": {
            "datasets": [entry],
            **rng.choice([{}, {"norm_threshold": 4}, {"split": {"basis": "diagonal"}}]),
        },
    }
    (own / "card.yml").write_text(yaml.safe_dump(card))
    check(own / "card.yml", registry)
    shutil.rmtree(own)
