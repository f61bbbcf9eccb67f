"""What is read of a fit's files: those of this release, of the first format, and of none."""

from __future__ import annotations

import json

import pytest

from replicafit.errors import OutputError
from replicafit.results.records import ReplicaRecord, RunRecord, read_record, write_record


def test_keys_that_a_later_release_adds_count_as_their_defaults(tmp_path):
    file = tmp_path / "result.json"
    first = {"number": 3, "status": "stopped", "chi2_per_datum": {"all": 1.5}}
    file.write_text(json.dumps({**first, "exponents": {"g": 1}}))
    record = read_record(ReplicaRecord, file)
    assert (record.format, record.number, record.chi2_per_datum.all) == (1, 3, 1.5)
    assert record.held_out == {}
    assert record.selection is None
    assert record.model_dump()["exponents"] == {"g": 1}  # of a layer, kept


def test_a_later_format_is_refused_by_name(tmp_path):
    file = tmp_path / "run.json"
    file.write_text('{"format": 99}')
    with pytest.raises(OutputError, match="has format 99; this release reads up to 3"):
        read_record(RunRecord, file)


def test_names_that_are_no_text_are_refused(tmp_path):
    record = RunRecord(runcard_folder="caf\udce9")  # of Latin-1
    with pytest.raises(OutputError, match=r"run\.json' cannot be written: .* no UTF-8"):
        write_record(tmp_path / "run.json", record)


@pytest.mark.parametrize("text", ["", "[1]", '{"timing": 3}'])
def test_what_is_damaged_is_named(tmp_path, text):
    file = tmp_path / "run.json"
    file.write_text(text)
    with pytest.raises(OutputError, match=r"run\.json' is damaged"):
        read_record(RunRecord, file)


@pytest.mark.parametrize(
    "content",
    [
        {"runcard": {"replicas": [1, 10**12]}},
        {"runcard": {"replicas": {"first": 1, "good": 2, "at_most": 10**12}}},
        {"runcard": {"replicas": "many"}},
        {"replicas": [[1, 10**12]]},
        {"replicas": [[1, 10**9]]},
        {"replicas": [[5, 1]]},
    ],
)
def test_replica_numbers_that_no_fit_has_are_refused_at_once(tmp_path, content):
    file = tmp_path / "run.json"
    file.write_text(json.dumps(content))
    with pytest.raises(OutputError, match=r"run\.json' is damaged"):
        read_record(RunRecord, file)
