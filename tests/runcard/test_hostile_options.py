"""Options and names from outside that are no numbers, no text or too much: told, exit code 2."""

from __future__ import annotations

import pytest
import yaml
from click.testing import CliRunner
from small_fit import CARD, write_data

from replicafit.cli import commands
from replicafit.errors import OutputError, ReplicafitError
from replicafit.reading import no_text
from replicafit.runcard.yaml_source import parse


@pytest.fixture
def card(tmp_path):
    write_data(tmp_path)
    (tmp_path / "card.yml").write_text(CARD)
    return tmp_path / "card.yml"


@pytest.mark.parametrize(
    "options",
    [
        ("run", "--checkpoint-every", "nan"),
        ("run", "--checkpoint-every", "-1"),
        ("run", "--refit", "1000000000000"),
        ("verify", "--replicas", "1000000000"),
        ("verify", "--steps", "9" * 5000),
    ],
)
def test_numbers_of_options_have_bounds(card, options):
    command, *rest = options
    result = CliRunner().invoke(commands, [command, str(card), *rest])
    assert result.exit_code == 2
    assert "Invalid value" in result.output


def test_only_replicas_of_the_runcard_are_fitted_again(card):
    result = CliRunner().invoke(commands, ["run", str(card), "--refit", "7", "-q"])
    assert isinstance(result.exception, OutputError)
    assert "Replica 7 cannot be fitted again: the runcard has 1 to 6" in str(result.exception)


@pytest.mark.parametrize("name", ["/", ".", ""])
def test_a_folder_is_no_runcard_to_write(name):
    result = CliRunner().invoke(commands, ["init", name])
    assert isinstance(result.exception, OutputError)


@pytest.mark.parametrize(
    "key", ["plugins: [loop]", "extends: loop", "penalties: []\ntitle: loop"], ids=lambda k: k[:7]
)
def test_links_in_a_circle_are_refused(card, key):
    (card.parent / "loop").symlink_to("loop")
    text = CARD.replace("title: to be killed", key)
    if "title" in key:
        text = text.replace("mine.csv", "loop")
    card.write_text(text)
    result = CliRunner().invoke(commands, ["check", str(card), "--set", "data.t0=loop"])
    assert isinstance(result.exception, ReplicafitError)
    assert "loop" in str(result.exception)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("a\x1bb", "U+001B"),
        ("\u202e\x00", "U+0000"),
        ("\ud800", "U+D800"),
        ("é\n\t[/red]$\\", None),
    ],
)
def test_what_is_no_text(text, wrong):
    assert no_text(text) == wrong


def test_a_control_behind_another_odd_character_is_refused():
    with pytest.raises(yaml.YAMLError, match=r"U\+001B"):
        parse('title: "\\u202e\\x1b"', "card.yml")
