"""Search spaces: what is refused, which points train together, and what is written for them."""

from __future__ import annotations

import pickle

import pytest
from replicafit_scan.scan import Order
from replicafit_scan.space import Point, Space, groups
from toy import SCAN_CARD

from replicafit.errors import RuncardError
from replicafit.runcard import Override, canonical, load_runcard

RATE = "training.optimizer.learning_rate"


@pytest.fixture
def space_of(toy_folder, registry):
    def make(*settings: str, text: str = SCAN_CARD) -> Space:
        card = toy_folder / "scan.yml"
        card.write_text(text)
        return Space(card, registry, tuple(map(Override.setting, settings)))

    return make


def refusal(space: Space) -> str:
    with pytest.raises(RuncardError) as caught:
        space.refuse_unless_sound()
    return str(caught.value)


def with_space(line: str) -> str:
    return SCAN_CARD.replace("  space:\n", f"  space:\n    {line}\n")


def test_component_nobody_provides(space_of):
    line = "training.optimizer: {choice: [{type: adam}, {type: nadm}]}"
    told = refusal(space_of(text=with_space(line)))
    where = with_space(line).splitlines().index(f"    {line}") + 1
    assert f"scan.yml:{where}:" in told
    assert "'nadm'. Did you mean 'nadam'?" in told
    assert "'adam'" not in told


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("training.optimizer.learnin_rate: {uniform: [1.0, 2.0]}", "Did you mean 'learning_rate'"),
        ("training.optimizer.clipnorm: {uniform: [-1.0, 2.0]}", "greater than 0, and -1.0 is not"),
        ("model.layers.9.units: {choice: [3, 4]}", "is a list of 5; they count from 0"),
        ("model.layers.1.activation: {choice: [tanh, tanh]}", "given twice"),
        ("data.cuts: {choice: [[], [x < 0.5]]}", "'data.cuts' cannot be scanned"),
        ("seed: {integer: [1, 9]}", "'seed' cannot be scanned"),
    ],
)
def test_values_are_tried_before_anything_runs(space_of, line, words):
    assert words in refusal(space_of(text=with_space(line)))


@pytest.mark.parametrize(
    "form", ["{}", "{uniform: [2, 1]}", "{log_uniform: [0, 1]}", "{choice: [], integer: [1, 2]}"]
)
def test_forms_are_checked(space_of, form):
    text = with_space(f"training.optimizer.clipnorm: {form}")
    with pytest.raises(RuncardError, match="clipnorm"):
        space_of(text=text).scan  # noqa: B018


def test_a_wrong_form_is_told_those_there_are(space_of):
    space = space_of(text=with_space("training.optimizer.clipnorm: {log: [1, 2]}"))
    with pytest.raises(
        RuncardError, match=r"'log' is not a key here\. .*Allowed: choice, integer,"
    ):
        space.scan  # noqa: B018


def test_folds_are_needed(space_of):
    assert "no data.folds" in refusal(space_of("data.folds=[]"))


def test_phi2_needs_replicas(space_of):
    with pytest.raises(RuncardError, match="replicas_per_fold"):
        space_of("scan.objective=chi2_phi2", "scan.replicas_per_fold=1").scan  # noqa: B018


def test_card_without_a_scan(space_of):
    with pytest.raises(RuncardError, match="no section scan"):
        space_of(text=SCAN_CARD.partition("scan:")[0]).scan  # noqa: B018


def test_numbers_of_the_optimizer_share_what_is_compiled(space_of):
    text = with_space("model.layers.1.units: {choice: [4, 6]}")
    text = text.replace("nadam,", "nadam, clipnorm: 1.0,")
    text = text.replace("  space:\n", "  space:\n    training.patience: {integer: [10, 99]}\n")
    space = space_of(text=text)
    assert space.structural == {"model.layers.1.units", "training.patience"}
    key = "training.optimizer.clipnorm"
    values = [
        {RATE: 1e-3, key: 1.0},
        {RATE: 2e-3, key: 3.0},
        {RATE: 1e-3, "model.layers.1.units": 4},
        {RATE: 1e-4, "model.layers.1.units": 4},
        {"training.patience": 30},
    ]
    points = [Point(number, each) for number, each in enumerate(values)]
    found = [[p.number for p in group] for group in groups(points, space)[0].values()]
    assert found == [[0, 1], [2, 3], [4]]


def test_values_that_do_not_go_together(space_of):
    lines = "training.optimizer: {choice: [{type: adam}, {type: sgd}]}\n"
    space = space_of(text=with_space(lines + "    training.optimizer.beta_1: {uniform: [0, 0.9]}"))
    space.refuse_unless_sound()
    sgd, adam = space.ends("training.optimizer")[::-1]
    values = [
        {"training.optimizer": kind, "training.optimizer.beta_1": 0.5} for kind in (sgd, adam)
    ]
    found, refused = groups([Point(n, each) for n, each in enumerate(values)], space)
    assert [[p.number for p in group] for group in found.values()] == [[1]]
    assert "'beta_1' is not a key here" in refused[0]


def test_training_of_an_architecture(toy_folder, registry):
    card = toy_folder / "choice.yml"
    layers = "layers: [{type: x_logx}, {type: multi_dense, units: 8}]"
    text = SCAN_CARD.partition("model:")[0] + f"model:\n  choice:\n    - {layers}\n    - {layers}\n"
    card.write_text(text + "      training: {optimizer: {type: adam}, patience: 7}\n")
    runcard = load_runcard(card, registry)
    own = [runcard.with_network(network).training for network in runcard.model.networks]
    assert [(each.optimizer.type, each.patience) for each in own] == [("nadam", 2000), ("adam", 7)]
    card.write_text(text + "      training: {optimizer: {type: adm}}\n")
    with pytest.raises(RuncardError, match=r"'adm'\. Did you mean 'adam'"):
        load_runcard(card, registry)


def test_switching_clipping_off_is_another_architecture(space_of):
    text = with_space("training.optimizer.clipnorm: {choice: [null, 1.0]}")
    assert space_of(text=text).structural == {"training.optimizer.clipnorm"}


def test_orders_can_be_sent(space_of):
    space = space_of("training.max_steps=20")
    order = pickle.loads(
        pickle.dumps(Order(space.card, space.overrides, (Point(0, {RATE: 1e-3}),)))
    )
    theirs = Space(order.card, space.registry, order.overrides).runcard(order.points[0].values)
    assert canonical(theirs) == canonical(space.runcard({RATE: 1e-3}))


def test_a_scan_changes_no_fit(space_of, registry):
    space = space_of()
    plain = space.card.with_name("plain.yml")
    plain.write_text(SCAN_CARD.partition("scan:")[0])
    assert canonical(space.base) == canonical(load_runcard(plain, registry))
