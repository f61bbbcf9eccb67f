"""The hook, the settings and the reader, as replicafit uses them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pluggy
import pytest
import replicafit_dis
from pydantic import ValidationError
from replicafit_dis import DisSettings, reader
from replicafit_dis.catalogue import DATASETS

from replicafit.components import DatasetReader, hookspecs, load_target
from replicafit.data import read_datasets, stack
from replicafit.errors import DataError
from replicafit.plugins import Plugin, Registry


@pytest.fixture
def component() -> DatasetReader:
    """What the hook provides, collected by pluggy."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(replicafit_dis)
    [[only]] = manager.hook.replicafit_datasets()
    assert isinstance(only, DatasetReader)
    return only


def test_hook_returns_the_reader(component: DatasetReader) -> None:
    assert component.name == "dis"
    assert component.settings is DisSettings
    assert component.summary
    assert load_target(component.read) is reader.read


def test_load_data_uses_it(component: DatasetReader) -> None:
    plugin = Plugin("dis", "replicafit-dis", "0.1.0", "replicafit_dis", (component,))
    settings = [DisSettings(name="SLAC_NC_P_EM-F2"), DisSettings(name="SLAC_NC_D_EM-F2")]
    data = stack(read_datasets(settings, Registry(plugins=(plugin,)), Path()))
    assert [dataset.name for dataset in data.datasets] == [item.name for item in settings]
    assert data.n_data == 67


@pytest.mark.parametrize("name", DATASETS)
def test_every_name_is_accepted(name: str) -> None:
    assert DisSettings(type="dis", name=name).name == name


def test_a_wrong_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValidationError, match="BCDMS_NC_P_EM-F2"):
        DisSettings(name="BCDMS_P")


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="forbidden"):
        DisSettings(name="BCDMS_NC_P_EM-F2", cut=3)


def test_a_missing_file_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "dataset_path", lambda name: tmp_path / f"{name}.npz")
    with pytest.raises(DataError, match=r"replicafit_dis\.build --only SLAC_NC_P_EM-F2"):
        reader.read(DisSettings(name="SLAC_NC_P_EM-F2"), tmp_path)


def test_import_is_cheap() -> None:
    """Listing plugins loads neither Keras nor what only the build needs."""
    heavy = ("keras", "tensorflow", "hoppet", "nnpdf_data", "yadism", "pandas")
    code = f"import sys, replicafit_dis; print([m for m in {heavy} if m in sys.modules])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
