"""Cards and options that come from anywhere: one message with its place, at once."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from replicafit.errors import RuncardError
from replicafit.plugins import Choice, load_registry
from replicafit.runcard import Override, load_runcard

CARD = """\
title: a title
data:
  datasets: [{type: csv, path: a.csv, error: sigma}]
  cuts: [x > 0]
model:
  flavours: [f]
  layers: [{type: x}, {type: multi_dense, units: 1, use_bias: true}]
training: {max_steps: 7, optimizer: {type: adam, learning_rate: 0.1}}
"""
DOUBLED = "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}' if i else 'x'] * 9)}]\n" for i in range(12)
)


@pytest.fixture(scope="module")
def registry():
    return load_registry(choice=Choice(names=frozenset()))


@pytest.fixture
def refused(tmp_path: Path, registry):
    """The message about a card, and that it comes at once."""

    def of(text: str | bytes, *options: Override) -> str:
        path = tmp_path / "card.yml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        start = time.process_time()
        with pytest.raises(RuncardError) as error:
            load_runcard(path, registry, options)
        assert time.process_time() - start < 2
        return str(error.value)

    return of


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("a title", "!!bool maybe", ":1:8:", "no tags such as !!bool"),
        ("a title", "!!python/object/apply:os.getcwd []", ":1:8:", "no tags"),
        ("a title", "! x", ":1:8:", "no tags"),
        ("a title", "&a [*a]", ":1:12:", "'a' contains itself"),
        ("a title", "[" * 3000, ":1:57:", "more than 50"),
        ("a title", "9" * 5000, ":1:8:", "has 5000 digits"),
        ("a title", '"a\\x00b"', ":1:8:", "U+0000"),
        ("a title", '"\\ud800"', ":1:8:", "U+D800"),
        ("a title", "a\x07b", ":1:9:", "U+0007"),
        ("title", "? [a, b]\n", ":1:3:", "a key is a word"),
        ("title: a title", "title: a\n" + DOUBLED, ":", "more than 100000 values"),
        ("max_steps: 7", "max_steps: true", ":8:23:", "an integer, not true or false"),
        ("learning_rate: 0.1", "learning_rate: true", ":8:", "learning_rate' is true"),
        ("learning_rate: 0.1", "learning_rate: .inf", ":8:", "finite"),
        ("use_bias: true", "use_bias: 1", ":7:63:", "boolean"),
        ("units: 1", "units: false", ":7:50:", "an integer, not true or false"),
        ("title:", "data2: 1\nreplicas: 1000000000\ntitle:", ":2:11:", "at most 100000"),
        ("title:", "replicas: [1, 99999999999999999999]\ntitle:", ":1:", "less than or equal"),
        ("x > 0", "x > 0 and " * 100 + "x > 0", ":4:10:", "has more than 200 terms"),
        ("x > 0", "x > " + "9" * 380 + "and", ":4:10:", "no condition"),
        ("x > 0", "(" * 3000 + "x" + ")" * 90, ":4:10:", "no condition"),
    ],
)
def test_one_message_with_its_place(refused, old, new, place, words):
    message = refused(CARD.replace(old, new, 1))
    assert f"card.yml{place}" in message
    assert words in message
    assert len(message) < 1500


@pytest.mark.parametrize(
    "expression", ["x > " + "9" * 300, "not " * 98 + "x > 1", "-" * 150 + "x > 1", "x**9**9**9 > 1"]
)
def test_conditions_that_look_odd_are_conditions(tmp_path, registry, expression):
    (tmp_path / "card.yml").write_text(CARD.replace("x > 0", expression))
    assert load_runcard(tmp_path / "card.yml", registry).data.cuts == (expression,)


def test_a_choice_of_numbers_takes_no_boolean(refused):
    text = CARD.replace("  cuts", "  closure: {truth: a.npz, level: true}\n  cuts")
    assert "not true or false" in refused(text)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("title=a\x00b", "U+0000"),
        ("title=\udcff\udcfe", "U+DCFF"),
        ("title=!!int x", "no tags"),
        ("title=[" + "[" * 2000, "more than 50"),
        ("seed=" + "9" * 5000, "5000 digits"),
        ("model.layers.99999999999999999999.units=1", "a list of 2"),
    ],
)
def test_options_are_read_as_cards_are(refused, setting, words):
    with pytest.raises(RuncardError) as error:
        raise RuncardError(refused(CARD, Override.setting(setting)))
    assert words in str(error.value)


def test_text_that_is_none(refused):
    assert "its byte 0 is not UTF-8" in refused(b"\xff\xfe\x00title: a")
    assert "longer than 0.262144 MB" in refused(b"a: b\n" * 10**5)


@pytest.mark.parametrize("name", ["/dev/zero", "/proc/self/mem", "a\0b", "x" * 5000, "."])
def test_paths_that_are_no_files(registry, name):
    with pytest.raises(RuncardError):
        load_runcard(Path(name), registry)


def test_many_mistakes_are_counted(refused):
    message = refused(CARD + "".join(f"wrong{i}: {i}\n" for i in range(3000)))
    assert message.count("not a key here") == 20
    assert "more." in message


def test_a_pipe_without_a_writer_is_empty(tmp_path, registry):
    os.mkfifo(tmp_path / "pipe.yml")
    with pytest.raises(RuncardError, match="is empty"):
        load_runcard(tmp_path / "pipe.yml", registry)


def test_a_card_may_come_from_a_pipe(tmp_path, registry):
    reading, writing = os.pipe()
    writer = threading.Thread(target=lambda: (os.write(writing, CARD.encode()), os.close(writing)))
    writer.start()
    card = load_runcard(Path(f"/dev/fd/{reading}"), registry)
    writer.join()
    os.close(reading)
    assert card.training.max_steps == 7


@pytest.mark.parametrize("path", ["a" * 300, "a" * 5000, "a/" * 3000], ids=len)
def test_a_path_that_the_system_does_not_take_is_not_there(refused, path: str):
    assert "There is no runcard at" in refused(f"extends: {path}\n{CARD}")
