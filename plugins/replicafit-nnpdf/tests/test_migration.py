"""Runcards in n3fit's format become ours, and every key of them is accounted for."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import shlex
from dataclasses import replace

import pytest
import yaml
from commands import call
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from replicafit_nnpdf.migration import migrated, options_for, without_theory
from replicafit_nnpdf.migration.source import UNKNOWN, read_source

from replicafit.components import DatasetReader
from replicafit.errors import DataError, RuncardError
from replicafit.plugins import load_registry, with_files
from replicafit.runcard import load_runcard

NEW = """
description: A fit in the style of 4.0
dataset_inputs:
- {dataset: NMC_NC_NOTFIXED_P_EM-SIGMARED, frac: 0.75, variant: legacy}
- {dataset: BCDMS_NC_NOTFIXED_P_EM-F2, frac: 0.75, variant: legacy_dw, weight: 2}
- {dataset: DYE605_Z0_38P8GEV_DW_PXSEC, frac: 0.5, cfac: [QCD], variant: [one, two]}
- {dataset: CMS_Z0J_8TEV_PT-Y, frac: 0.75, cfac: [QCD, NRM], variant: sys_10}
datacuts:
  t0pdfset: A_set
  q2min: 3.49
  w2min: 12.5
theory:
  theoryid: 40_000_000
trvlseed: 591866982
nnseed: 945709987
mcseed: 519562661
genrep: true
parameters:
  nodes_per_layer: [25, 20, 8]
  activation_per_layer: [tanh, tanh, linear]
  initializer: glorot_normal
  optimizer: {clipnorm: 6.073e-6, learning_rate: 2.621e-3, optimizer_name: Nadam}
  epochs: 17000
  positivity: {initial: 184.8, multiplier: }
  integrability: {initial: 10, multiplier: }
  stopping_patience: 0.1
  layer_type: dense
  dropout: 0.1
  threshold_chi2: 3.5
fitting:
  fitbasis: NN31IC
  savepseudodata: true
  basis:
  - {fl: sng, trainable: false, smallx: [1.089, 1.119], largex: [1.475, 3.119]}
  - {fl: g, trainable: false, smallx: [0.7504, 1.098], largex: [2.814, 5.669]}
  - {fl: v, trainable: false, smallx: [0.479, 0.7384], largex: [1.549, 3.532]}
  - {fl: v3, trainable: false, smallx: [0.1073, 0.4397], largex: [1.733, 3.458]}
  - {fl: v8, trainable: false, smallx: [0.5507, 0.7837], largex: [1.516, 3.356]}
  - {fl: t3, smallx: [-0.4506, 0.9305], largex: [1.745, 3.424]}
  - {fl: t8, trainable: false, smallx: [0.5877, 0.8687], largex: [1.522, 3.515]}
  - {fl: cp, pos: true, mutsize: [15], smallx: [1.1, 1.2], largex: [1.5, 3.2]}
positivity:
  posdatasets:
  - {dataset: NNPDF_POS_2P24GEV_F2U, maxlambda: 1e6}
  - {dataset: NNPDF_POS_2P24GEV_XSQ, maxlambda: 1e6}
  - {dataset: NNPDF_POS_2P24GEV_DYU, maxlambda: 1e10}
integrability:
  integdatasets:
  - {dataset: NNPDF_INTEG_3GEV_XT8, maxlambda: 1e2}
  - {dataset: NNPDF_INTEG_3GEV_XT3, maxlambda: 1e2}
  - {dataset: NNPDF_INTEG_3GEV_XGL, maxlambda: 1e2}
added_filter_rules:
- {dataset: CMS_Z0J_8TEV_PT-Y, reason: resummation, rule: pT >= 30}
- {process_type: EWK_RAP, reason: any, rule: "M < 10"}
kfold:
  partitions: [{datasets: [CMS_Z0J_8TEV_PT-Y]}]
  loss_type: chi2
parallel_models: true
same_trvl_per_replica: true
debug: false
maxcores: 8
a_new_key: {nobody: knows}
"""

OLD = """
description: A fit in the style of 3.1
experiments:
- experiment: NMC
  datasets: [{dataset: NMCPD, frac: 0.5}, {dataset: NMC, frac: 0.5, sys: 10}]
datacuts: {t0pdfset: old, q2min: 3.49, w2min: 12.5, combocuts: NNPDF31, jetptcut_lhc: 0}
theory: {theoryid: 53}
fitting:
  trvlseed: 1
  nnseed: 2
  mcseed: 3
  genrep: false
  fitmethod: NGA
  ngen: 30000
  parameters:
    nodes_per_layer: [50, 8]
    activation_per_layer: [sigmoid, linear]
    optimizer: {learning_rate: 1.0, optimizer_name: Adadelta}
    epochs: 5000
    positivity: {multiplier: 1.09, initial: 10.0}
    stopping_patience: 0.3
    regularizer: l1_l2
    regularizer_args: {l1: 0.0, l2: 1.0}
  fitbasis: EVOL
  basis:
  - {fl: sng, smallx: [1.04, 1.20], largex: [1.45, 2.64]}
  - {fl: g, smallx: [0.82, 1.31], largex: [0.20, 6.17]}
  - {fl: v, smallx: [0.51, 0.71], largex: [1.24, 2.80]}
  - {fl: v3, smallx: [0.23, 0.63], largex: [1.02, 3.14]}
  - {fl: v8, smallx: [0.53, 0.75], largex: [0.70, 3.31]}
  - {fl: t3, smallx: [-0.45, 1.41], largex: [1.78, 3.21]}
  - {fl: t8, smallx: [0.49, 1.32], largex: [1.42, 3.13]}
  - {fl: t15, smallx: [1.07, 1.13], largex: [1.73, 3.37]}
stopping: {stopmethod: LOOKBACK}
positivity: {posdatasets: [{dataset: POSF2U, poslambda: 1e6}]}
closuretest: {fakedata: true, fakepdf: MSTW, fakenoise: true, filterseed: 3, errorsize: 1.0}
lhagrid: {nx: 150}
"""

NEWEST = """
description: A fit in the style of 4.1
dataset_inputs:
- {dataset: HERA_NC_318GEV_EM-SIGMARED}
- {dataset: HERA_CC_318GEV_EP-SIGMARED, variant: legacy}
diagonal_frac: 0.75
datacuts: {q2min: 3.49, w2min: 12.5}
theory: {theoryid: 41_000_000}
theorycovmatconfig: {point_prescriptions: [7 point]}
trial_specs: {hyperscan: some, number_of_trials: 10}
mcseed: 440487600
parameters:
  feature_scaling_points: 5
fitting:
  fitbasis: CCBAR_ASYMM
  basis:
  - {fl: sng, trainable: false, smallx: [1.023, 1.153]}
  - {fl: g, trainable: false, smallx: [0.8591, 1.148]}
  - {fl: v, trainable: false, smallx: [0.4141, 0.6628]}
  - {fl: v3, trainable: false, smallx: [0.09623, 0.5375]}
  - {fl: v8, trainable: false, smallx: [0.5572, 0.7787]}
  - {fl: t3, trainable: false, smallx: [-0.559, 1.0]}
  - {fl: t8, trainable: false, smallx: [0.5409, 0.9899]}
  - {fl: t15, trainable: false, smallx: [1.044, 1.148]}
  - {fl: v15, trainable: false, smallx: [0.4547, 0.7577]}
drop_internal_rules: [CMS_Z0_7TEV_DIMUON_2D]
"""


PLUGIN = '''
from typing import Literal
from replicafit.components import ComponentSettings, DatasetReader
from replicafit.components.hookspecs import hookimpl

class NnpdfSettings(ComponentSettings):
    """The keys of replicafit-nnpdf that a migrated card writes."""
    type: Literal["nnpdf"] = "nnpdf"
    name: str
    variant: str | tuple[str, ...] | None = None
    tables: str
    cfactors: tuple[str, ...] = ()

@hookimpl
def replicafit_datasets():
    return [DatasetReader(name="nnpdf", settings=NnpdfSettings, read="nowhere:read")]
'''


PLUGINS = "plugins: [nnpdf_settings.py]\n"


@functools.cache
def options(theory_folder):
    return options_for(load_registry(), theory_folder)


def translate(text, registry, theory_folder="theory"):
    return migrated(text, "n3fit.yml", options(theory_folder))


@pytest.fixture(scope="module")
def load(registry, tmp_path_factory):
    """Our loader; where replicafit-nnpdf is not installed, with its settings alone."""
    folder, extra = tmp_path_factory.mktemp("migrated"), ""
    if "nnpdf" not in registry.names(DatasetReader):
        (folder / "nnpdf_settings.py").write_text(PLUGIN)
        registry, extra = with_files(registry, ["nnpdf_settings.py"], folder), PLUGINS

    def load(done):
        (folder / "card.yml").write_text(done.text() + extra)
        return load_runcard(folder / "card.yml", registry)

    return load


@pytest.mark.parametrize("text", [NEW, OLD, NEWEST], ids=["4.0", "3.1", "4.1"])
def test_what_is_written_loads_and_means_the_same(text, registry, load):
    done = translate(text, registry)
    card = load(done)
    assert read_source(done.text(), "migrated").keys() == done.plain.keys()
    assert len(card.data.datasets) == len(done.plain["data"]["datasets"])


def test_a_card_of_4_0(registry, load):
    done = translate(NEW, registry)
    card = load(done)
    assert (card.seed, card.replicas.good) == (519562661, 100)
    dis, weighted, drell_yan, cms = card.data.datasets
    assert dis.cuts == ("q2 >= 3.49", "q2 * (1 - x) / x >= 12.5")
    assert (weighted.weight, str(weighted.tables)) == (2.0, "theory/fastkernel")
    assert (drell_yan.cfactors, drell_yan.cuts) == (("QCD",), ())
    assert drell_yan.variant == ("one", "two")
    assert cms.cuts == ("pT >= 30",)
    assert card.data.t0 == "A_set"
    assert card.data.training_fraction == 0.75
    assert card.data.split.shared
    assert card.data.pseudodata == "multiplicative"
    assert card.data.folds == (("CMS_Z0J_8TEV_PT-Y",),)
    types = [layer.type for layer in card.model.layers]
    assert types == [
        *("x_logx", "multi_dense", "multi_dense", "dropout", "multi_dense"),
        *("preprocessing", "rotation", "sum_rules"),
    ]
    assert card.model.flavours == ("sigma", "g", "v", "v3", "v8", "t3", "t8", "cp")
    assert card.model.layers[5].trained == ("t3", "cp")
    assert card.model.layers[6].basis == "evolution_charm"
    assert card.training.optimizer.type == "nadam"
    assert card.training.optimizer.clipnorm == 6.073e-6
    assert (card.training.max_steps, card.training.patience) == (17000, 1700)
    first, second, small = card.penalties
    assert (first.initial, first.maximum, len(first.path)) == (184.8, 1e6, 2)
    assert (second.maximum, small.flavours, small.maximum) == (1e10, ("t8", "t3"), 100.0)


def keys_of(remarks):
    return {remark.key for remark in remarks}


def test_every_key_of_a_card_is_accounted_for(registry):
    done = translate(NEW, registry)
    left = {remark.key: remark.words for remark in done.left_out}
    assert left["a_new_key"] == UNKNOWN
    assert {"nnseed", "trvlseed", "parallel_models", "debug", "maxcores"} <= left.keys()
    assert {"fitting.basis[7].pos", "fitting.basis[7].mutsize"} <= left.keys()
    assert {"added_filter_rules[1].rule", "kfold.loss_type"} <= left.keys()
    assert "XGL" in left["integrability.integdatasets"]
    assert {"dataset_inputs[2].frac", "datacuts"} <= keys_of(done.changed)
    for key in (*left, *keys_of(done.changed)):
        assert f"#   {key}: " in done.text()


def test_no_key_disappears(registry):
    """Each key of each card, misspelt, is reported as unknown."""
    for text in (NEW, OLD, NEWEST):
        for key in set(re.findall(r"^([a-z_0-9]+):", text, re.M)) - {
            "dataset_inputs",
            "experiments",
        }:
            done = translate(re.sub(rf"^{key}:", f"{key}_x:", text, flags=re.M), registry)
            assert f"{key}_x" in {r.key for r in done.left_out if r.words == UNKNOWN}, key


def test_keys_of_sections_do_not_disappear_either(registry):
    text = NEW.replace("epochs:", "epoch:").replace("q2min", "q2_min").replace("weight:", "wait:")
    text = text.replace("fl: g, trainable", "fl: g, treinable").replace("clipnorm", "clip")
    done = translate(text, registry)
    unknown = {r.key for r in done.left_out if r.words == UNKNOWN}
    assert {"parameters.epoch", "datacuts.q2_min", "dataset_inputs[1].wait"} <= unknown
    assert {"fitting.basis[1].treinable", "parameters.optimizer.clip"} <= unknown


def test_a_card_of_3_1(installed, registry, load):
    done = translate(OLD, registry)
    card = load(done)
    first, second = card.data.datasets
    assert (first.name, first.variant) == ("NMC_NC_NOTFIXED_EM-F2", "legacy")
    assert (second.name, second.variant) == ("NMC_NC_NOTFIXED_P_EM-SIGMARED", "legacy")
    assert [str(path) for path in card.penalties[0].path] == [
        "positivity/NNPDF_POS_2P24GEV_F2U.npz"
    ]
    assert (card.data.training_fraction, card.data.closure.level) == (0.5, 1)
    assert card.data.closure.truth == "MSTW"
    assert card.data.pseudodata is False
    assert [layer.type for layer in card.model.layers][-1] == "sum_rules"
    assert card.model.layers[1].kernel_regularizer["class_name"] == "L1L2"
    assert card.penalties[0].maximum == pytest.approx(10 * 1.09**50)
    left = keys_of(done.left_out)
    assert {"datacuts.combocuts", "fitting.ngen", "stopping", "lhagrid"} <= left
    assert {"closuretest.filterseed", "closuretest.errorsize"} <= left
    old = [r for r in done.changed if r.key == "experiments[0].datasets[0].dataset"]
    assert "old format" in old[0].words


def test_a_card_of_4_1(registry, load):
    done = translate(NEWEST, registry)
    card = load(done)
    assert (card.data.split.basis, card.data.training_fraction) == ("diagonal", 0.75)
    assert card.data.cuts == ("q2 >= 3.49", "q2 * (1 - x) / x >= 12.5")
    first, *_, vanishing, preprocessing, _ = card.model.layers
    assert (first.type, first.knots, vanishing.type) == ("feature_scaling", 5, "vanish_at_one")
    assert set(preprocessing.beta.values()) == {0.0}
    assert len(card.model.flavours) == 9
    assert {"theorycovmatconfig", "trial_specs", "drop_internal_rules"} <= keys_of(done.left_out)


def test_shipped_data_are_used_where_no_theory_is_given(registry):
    if "dis" not in registry.names(DatasetReader):
        pytest.skip("replicafit-dis is not installed")
    done = translate(NEW, registry, theory_folder=None)
    entries = done.plain["data"]["datasets"]
    assert [e["type"] for e in entries] == ["dis", "dis", "nnpdf", "nnpdf"]
    assert entries[0]["name"] == "NMC_NC_P_EM-SIGMARED"
    assert entries[2]["tables"] == "theories/theory_40000000/fastkernel"


@pytest.mark.parametrize(
    ("fake", "noise", "genrep", "level"),
    [(True, False, False, 0), (True, True, False, 1), (True, True, True, 2)],
)
def test_levels_of_closure_tests(fake, noise, genrep, level, registry, load):
    test = f"closuretest: {{fakedata: {fake}, fakepdf: A_set, fakenoise: {noise}}}\n"
    done = translate(NEW.replace("genrep: true", f"genrep: {genrep}") + test, registry)
    assert load(done).data.closure.level == level


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a list", "no runcard"),
        ("a: [1", "no YAML"),
        ("debug: true\ndebug: false", "the key 'debug' is given twice"),
        ("parameters: 3", "'parameters' .* should be a section"),
        ("dataset_inputs: [NMC]", "'dataset_inputs' .* should be a list of sections"),
    ],
)
def test_what_is_no_runcard(text, words, registry):
    with pytest.raises(RuncardError, match=words):
        translate(text, registry)


def test_the_command(tmp_path):
    (tmp_path / "n3fit.yml").write_text(NEWEST)
    code, out, err = call("migrate", "n3fit.yml", "--theory-folder", "th", cwd=tmp_path)
    assert code == 0, err
    assert "Written: n3fit-migrated.yml" in out
    assert "  theorycovmatconfig: compute the matrix" in out
    assert "tables: th/fastkernel" in (tmp_path / "n3fit-migrated.yml").read_text()
    code, _, err = call("migrate", "n3fit.yml", cwd=tmp_path)
    assert code == 2
    assert "exists already" in err


FOLDS = """
dataset_inputs:
- {dataset: BCDMS_NC_NOTFIXED_P_EM-F2, frac: 0.75, variant: legacy_dw}
- {dataset: NMC_NC_NOTFIXED_EM-F2, frac: 0.75, variant: legacy_dw, weight: 3}
- {dataset: BCDMSD, frac: 0.75}
datacuts: {q2min: 3.49, w2min: 12.5}
theory: {theoryid: 40_000_000}
kfold:
  partitions:
  - datasets: [BCDMS_NC_NOTFIXED_P_EM-F2, BCDMS_NC_NOTFIXED_D_EM-F2]
  - datasets: [NMCPD, nowhere]
positivity: {posdatasets: [{dataset: NNPDF_POS_2P24GEV_F2U, maxlambda: 1e6}]}
"""


def test_new_names_are_followed_everywhere(installed, registry, load):
    """With data that are shipped: in folds and weights; and no word of tables that nobody needs."""
    done = translate(FOLDS, registry, theory_folder=None)
    card = load(done)
    assert [(d.type, d.name) for d in card.data.datasets] == [
        ("dis", "BCDMS_NC_P_EM-F2"),
        ("dis", "NMC_NC_EM_D_OVER_P-F2"),
        ("dis", "BCDMS_NC_D_EM-F2"),
    ]
    assert card.data.datasets[1].weight == 3
    assert card.data.folds == (
        ("BCDMS_NC_P_EM-F2", "BCDMS_NC_D_EM-F2"),
        ("NMC_NC_EM_D_OVER_P-F2",),
    )
    left = {remark.key: remark.words for remark in done.left_out}
    assert left["kfold.partitions[1].datasets"].startswith("nowhere: not among")
    assert "fastkernel" not in done.text()
    assert "positivity.posdatasets" in left
    changed = {remark.key: remark.words for remark in done.changed}
    assert "another theory than 40000000" in changed["theory.theoryid"]


def test_every_other_name_is_that_of_the_same_data(registry):
    """The catalogue of replicafit-dis tells where its data come from."""
    catalogue = pytest.importorskip("replicafit_dis.catalogue")
    theory = options_for(registry, None)
    for info in catalogue.DATASETS.values():
        card = f"dataset_inputs: [{{dataset: {info.nnpdf_name}}}]\ntheory: {{theoryid: 1}}"
        (entry,) = migrated(card, "card", theory).plain["data"]["datasets"]
        assert entry == {"type": "dis", "name": info.name}


BASIS = ["sng", "g", "v", "v3", "v8", "t3", "t8", "t15"]


@pytest.mark.parametrize(
    ("rules", "fitbasis", "functions", "imposed"),
    [
        ("TSR", "POLARIZED_EVOL_CMP", ["sng", "g", "v", "v3", "t3", "t8"], ("t3", "t8")),
        ("true", "POLARIZED_EVOL", ["sng", "g", "v", "v3", "t3", "t8"], ("t3", "t8")),
        ("true", "NN31PC", BASIS[:-1], "all"),
        ("ALLBUTCSR", "CCBAR_ASYMM", [*BASIS, "v15"], ("momentum", "v_open_charm", "v3", "v8")),
        ("ALLBUTCSR", "EVOL", BASIS, ("momentum", "v", "v3", "v8")),
        ("VSR", "CCBAR_ASYMM", [*BASIS, "v15"], ("v", "v3", "v8", "v15")),
        ("vsr", "EVOL", BASIS, ("v", "v3", "v8")),
        ("MSR", "EVOL", BASIS, ("momentum",)),
        ("true", "EVOL", BASIS, "all"),
        ("false", "EVOL", BASIS, None),
    ],
)
def test_sum_rules(rules, fitbasis, functions, imposed, registry, load):
    basis = ", ".join(f"{{fl: {f}, smallx: [0.5, 0.9], largex: [1, 2]}}" for f in functions)
    card = (
        f"dataset_inputs: [{{dataset: SLAC_NC_NOTFIXED_P_EM-F2}}]\n"
        f"parameters: {{nodes_per_layer: [9, {len(functions)}]}}\n"
        f"fitting: {{fitbasis: {fitbasis}, sum_rules: {rules}, basis: [{basis}]}}\n"
    )
    done = translate(card, registry)
    last = load(done).model.layers[-1]
    assert (last.rules if last.type == "sum_rules" else None) == imposed
    assert "fitting.sum_rules" not in keys_of(done.left_out)
    rotated = {"POLARIZED_EVOL_CMP", "POLARIZED_EVOL", "NN31PC"} & {fitbasis}
    assert ("rotation" in [e["type"] for e in done.plain["model"]["layers"]]) == bool(rotated)


@pytest.mark.parametrize("given", [None, True, False])
def test_negative_pseudodata_are_drawn_anew_as_n3fit_does(registry, load, given):
    text = NEW
    if given is not None:
        text += f"\nresample_negative_pseudodata: {str(given).lower()}\n"
    done = translate(text, registry, theory_folder=None)
    assert load(done).data.redraw_negative == (given is not False)
    assert "resample_negative_pseudodata" not in [remark.key for remark in done.left_out]


def test_what_became_of_the_theory_is_said_once(installed, registry):
    """Of a card with shipped data and with others, in one remark."""
    done = translate(NEW, registry, theory_folder=None)
    [words] = [remark.words for remark in done.changed if remark.key == "theory.theoryid"]
    assert "another theory than 40000000; type nnpdf looks for tables in" in words


def test_what_belongs_to_data_that_are_left_out(registry):
    """Rules for them and settings of positivity, too, are said to be left out."""
    card = CARD + "parameters: {positivity: {initial: 2, threshold: 1.e-7}}\n"
    names = ("SLAC_NC_NOTFIXED_D_EM-F2", "NNPDF_POS_2P24GEV_F2D", "NNPDF_POS_2P24GEV_F2U")
    options = options_for(registry, "theory")
    done = migrated(card, "card", replace(options, without=dict.fromkeys(names, "missing")))
    left = {remark.key: remark.words for remark in done.left_out}
    rule = left["added_filter_rules[0].rule"]
    assert rule == "'Q2 > 100' for SLAC_NC_NOTFIXED_D_EM-F2, which is left out"
    assert left["parameters.positivity.threshold"] == "no penalty positivity is left"


def test_rules_with_variables_of_their_own_become_cuts(registry, load):
    """As NNPDF writes those of fixed-target Drell-Yan data."""
    rule = """
added_filter_rules:
- dataset: DYE866_Z0_800GEV_PXSEC
  local_variables: {tau: M2 / sqrts**2, ymax: -0.5 * log(tau)}
  rule: "tau <= 0.08 and fabs(y / ymax) <= 0.663"
- {dataset: DYE866_Z0_800GEV_PXSEC, local_variables: {tau: 3}, rule: y > 0}
"""
    card = "dataset_inputs: [{dataset: DYE866_Z0_800GEV_PXSEC}]" + rule
    done = translate(card, registry)
    cut, other = load(done).data.datasets[0].cuts
    tau = "(M2 / sqrts**2)"
    assert cut == f"{tau} <= 0.08 and abs(y / (-0.5 * log({tau}))) <= 0.663"
    assert other == "y > 0"
    left = {remark.key: remark.words for remark in done.left_out}
    assert "is not texts by name" in left["added_filter_rules[1].local_variables"]


def test_what_is_left_out_is_said_once(registry):
    text = NEW.replace("epochs: 17000", "epochs: 17000\n  feature_scaling_points: 5")
    text = text.replace("debug: false", "debug: false\nanother_new_key: 1")
    done = translate(text, registry, theory_folder=None)
    left = [remark.key for remark in done.left_out]
    assert "fitting.basis[0-7].largex" in left
    assert done.plain["training"]["restart_above"] == 3.5  # threshold_chi2
    everything = [*left, *(remark.key for remark in done.changed)]
    assert len({re.sub(r"\[[\d, -]+\]", "[]", key) for key in left}) == len(left)
    assert len(set(everything)) > 20


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("epochs: 1.5", "parameters.epochs"),
        ("epochs: true", "parameters.epochs"),
        ("nodes_per_layer: [25, many]", "parameters.nodes_per_layer"),
        ("dropout: 2", "parameters.dropout"),
        ("stopping_patience: .nan", "parameters.stopping_patience"),
        (
            "optimizer: {optimizer_name: Nadam, learning_rate: [1]}",
            "parameters.optimizer.learning_rate",
        ),
        ("regularizer_args: 3", "parameters.regularizer_args"),
    ],
)
def test_values_of_a_wrong_type_are_told(given, key, registry, load):
    card = f"dataset_inputs: [{{dataset: SLAC_NC_NOTFIXED_P_EM-F2}}]\nparameters:\n  {given}\n"
    done = translate(card, registry)
    words = {remark.key: remark.words for remark in done.left_out}[key]
    assert " is not " in words
    assert load(done).training.max_steps > 0


keys = st.text(max_size=8) | st.sampled_from(
    sorted({word for text in (NEW, OLD, NEWEST) for word in re.findall(r"(\w+):", text)})
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.dates()
    | keys
)
values = st.recursive(
    leaves, lambda v: st.lists(v, max_size=3) | st.dictionaries(keys | st.integers(), v, max_size=3)
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), text=st.sampled_from([NEW, OLD, NEWEST]), shipped=st.booleans())
def test_no_card_ends_in_a_traceback(data, text, shipped, registry):
    """Whatever stands in the place of a value: a card, or a message; what is written is YAML."""
    card = yaml.safe_load(text)
    for _ in range(data.draw(st.integers(1, 3))):
        place, key = data.draw(st.sampled_from(places(card)))
        place[key] = data.draw(values)
    written = yaml.safe_dump(card, allow_unicode=data.draw(st.booleans()))
    try:
        done = translate(written, registry, None if shipped else "theory")
    except RuncardError:
        return
    assert read_source(done.text(), "migrated") == read_source(yaml.safe_dump(done.plain), "plain")


def places(value):
    """Each container in ``value`` with each of its keys."""
    if not isinstance(value, dict | list):
        return []
    keys = list(value) if isinstance(value, dict) else range(len(value))
    return [(value, key) for key in keys] + [p for key in keys for p in places(value[key])]


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=60) | st.text(alphabet="{}[]:,-&*!|>'\"#%@ \nab1", max_size=60))
def test_no_text_ends_in_a_traceback(text, registry):
    with contextlib.suppress(RuncardError):
        translate(text, registry)


@pytest.mark.parametrize(
    "text",
    [
        "seed: 2020-13-45",
        "a: " + "9" * 5000,
        "a: 0x" + "f" * 9000 + "\nmcseed: 0x" + "f" * 9000,
        "a: &a [*a]",
        "? [a]\n: 1",
        "a: !!python/name:os.system x",
        "a: !!map x",
        "[" * 3000,
        "description: &a {b: &b [1, 1, 1, 1, 1, 1, 1, 1, 1]}",
    ],
)
def test_strange_yaml(text, registry):
    with pytest.raises(RuncardError):
        translate(text, registry)


def test_laughs_are_shown_in_short(registry):
    lines = ["a0: &a0 [ha, ha]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 20)]
    card = "\n".join([*lines, "description: *a19", "dataset_inputs: [{dataset: NMC_NC_X}]"])
    done = translate(card, registry)
    assert len(done.text()) < 4000


@pytest.fixture
def toy_theory(workshop, toy, tmp_path):
    """A theory folder with the tables of three datasets and one observable."""
    folder = tmp_path / "nnpdf" / "fastkernel"
    folder.mkdir(parents=True)
    for table, rows in (("SLAC_NC_EM_P_F2", 211), ("SLAC_NC_EM_D_F2", 211)):
        toy.make(folder / f"{table}.pineappl.lz4", rows, x=toy.x[-3:])
    toy.make(folder / "NNPDF_POS_F2D_40.pineappl.lz4", 20)
    return folder.parent


CARD = """
dataset_inputs:
- {dataset: SLAC_NC_NOTFIXED_P_EM-F2, frac: 0.75, variant: legacy_dw}
- {dataset: SLAC_NC_NOTFIXED_D_EM-F2, frac: 0.75, variant: legacy_dw}
- {dataset: BCDMS_NC_NOTFIXED_P_EM-F2, frac: 0.75, variant: legacy_dw}
- {dataset: SLACD, cfac: [QCD]}
datacuts: {q2min: 3.49, w2min: 12.5}
theory: {theoryid: 40_000_000}
added_filter_rules:
- {dataset: SLAC_NC_NOTFIXED_D_EM-F2, rule: "Q2 > 100"}
- {dataset: NNPDF_POS_2P24GEV_F2D, rule: "x > 0.1"}
kfold: {partitions: [{datasets: [BCDMS_NC_NOTFIXED_P_EM-F2, SLAC_NC_NOTFIXED_P_EM-F2]}]}
positivity:
  posdatasets:
  - {dataset: NNPDF_POS_2P24GEV_F2D, maxlambda: 1e6}
  - {dataset: NNPDF_POS_2P24GEV_F2U, maxlambda: 1e6}
"""


def test_without_missing_and_empty_datasets(toy_theory, tmp_path, monkeypatch):
    """Both are listed with the reason, and folds follow; what is left can be checked."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "n3fit.yml").write_text(CARD.replace("- {dataset: SLACD, cfac: [QCD]}\n", ""))
    options = ("--theory-folder", "nnpdf", "--without-missing", "--without-empty")
    code, out, err = call("migrate", "n3fit.yml", *options, cwd=tmp_path)
    assert code == 0, err
    assert "there is no file BCDMS_NC_100GEV_EM_P_F2.pineappl.lz4" in out
    assert "SLAC_NC_NOTFIXED_D_EM-F2: cuts leave none of its data" in out
    assert "there is no file NNPDF_POS_F2U_40.pineappl.lz4" in out
    assert "--cut 'x > 0.1'" in out
    card = yaml.safe_load((tmp_path / "n3fit-migrated.yml").read_text())
    assert [d["name"] for d in card["data"]["datasets"]] == ["SLAC_NC_NOTFIXED_P_EM-F2"]
    assert card["data"]["folds"] == [["SLAC_NC_NOTFIXED_P_EM-F2"]]
    assert card["penalties"][0]["path"] == ["positivity/NNPDF_POS_2P24GEV_F2D.npz"]


def test_from_a_runcard_of_n3fit_to_a_fit(toy, tmp_path, monkeypatch):
    """migrate, the files of observables as the report says, check, run: two hadrons included."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "theory" / "fastkernel"
    folder.mkdir(parents=True)
    values = {"n_data": 20, "positive": True, "x": toy.x[-5:]}
    toy.make(folder / "SLAC_NC_EM_P_F2.pineappl.lz4", **{**values, "n_data": 211})
    toy.make(folder / "NNPDF_POS_F2D_40.pineappl.lz4", **values)
    toy.make(folder / "NNPDF_POS_DYU_40.pineappl.lz4", channels=toy.pp, **values)
    more = "  - {dataset: NNPDF_POS_2P24GEV_DYU, maxlambda: 1e10}\n"
    (tmp_path / "n3fit.yml").write_text(CARD.replace(', rule: "Q2 > 100"', "") + more)
    options = ("--theory-folder", "theory", "--without-missing")
    code, out, err = call("migrate", "n3fit.yml", *options, cwd=tmp_path)
    assert code == 0, err
    command = re.search(r"replicafit (nnpdf-file .*)", out)[1]
    code, _, err = call(*shlex.split(command), cwd=tmp_path)
    assert code == 0, err
    code, out, err = call("check", "n3fit-migrated.yml", cwd=tmp_path)
    assert code == 0, err
    assert re.search(r"SLAC_NC_NOTFIXED_P_EM-F2 +33 of 211 data", out)
    quick = ("--replicas", "1-2", "--set", "training.max_steps=20", "-o", "fit")
    code, _, err = call("run", "n3fit-migrated.yml", *quick, cwd=tmp_path)
    assert code == 0, err
    [file] = tmp_path.glob("fit/**/replica_0001/result.json")
    result = json.loads(file.read_text())
    assert {"positivity", "positivity 2"} <= result["penalties"].keys()


def test_a_missing_cfactor_is_missing_too(toy_theory, tmp_path, registry):
    card = CARD.replace("[QCD]", "[NONE]")
    done = translate(card, registry, str(toy_theory))
    missing = without_theory(done.plain, tmp_path, str(toy_theory))
    assert missing["SLAC_NC_NOTFIXED_D_EM-F2"] == "there is no file CF_NONE_SLAC_NC_EM_D_F2.dat"


def test_a_theory_folder_that_is_none(registry, tmp_path, installed):
    with pytest.raises(DataError, match=r"no folder of FK tables .* --theory-folder"):
        without_theory(translate(CARD, registry, "nowhere").plain, tmp_path, "nowhere")


def test_nobody_who_has_no_tables_needs_a_theory_folder(registry, tmp_path, installed, load):
    """What is shipped stays; the rest is left out."""
    card = CARD.replace("datacuts:", "- {dataset: CMS_Z0_7TEV_DIMUON_2D, frac: 0.75}\ndatacuts:")
    options = options_for(registry, None)
    missing = without_theory(migrated(card, "card", options).plain, tmp_path, None)
    done = migrated(card, "card", replace(options, without=missing))
    assert {entry.type for entry in load(done).data.datasets} == {"dis"}
    left = {remark.key: remark.words for remark in done.left_out}
    assert "CMS_Z0_7TEV_DIMUON_2D: there is no folder" in left["dataset_inputs[4].dataset"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere.yml",), "no runcard at"),
        (("binary.yml",), "cannot be read as text"),
        (("card.yml", "-o", "no/where.yml"), "cannot be written"),
        (("card.yml", "--theory-folder", "no", "--without-missing"), "no folder of FK tables"),
    ],
)
def test_what_the_command_refuses(arguments, words, tmp_path):
    (tmp_path / "binary.yml").write_bytes(b"\xff\x00")
    (tmp_path / "card.yml").write_text(CARD)
    code, _, err = call("migrate", *arguments, cwd=tmp_path)
    assert code == 2
    assert words in err
    assert "Traceback" not in err
