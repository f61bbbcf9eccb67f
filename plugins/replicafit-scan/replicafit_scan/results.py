"""What a scan leaves: ``scan.json``, and runcards of the best points."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from replicafit.plugin import Runcard, appearing, write_json
from replicafit_scan.objective import Outcome, best_words, ranking
from replicafit_scan.space import Space
from replicafit_scan.study import Study

SHARE = 10
"""One in so many complete trials is in the ensemble, at least two."""
SEPARATE = ("model", "training")
"""Sections of which every architecture to choose from may have its own."""


class _Dumper(yaml.SafeDumper):
    """Writes everything out, without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def write_results(study: Study, folder: Path) -> None:
    """Writes what is known so far; each file appears whole."""
    outcomes, space = study.outcomes(), study.space
    best = ranking(outcomes)
    ensemble = best[: max(2, len(best) // SHARE)]
    write_json(
        folder / "scan.json",
        {
            "title": space.base.title,
            "card": str(space.card),
            "objective": space.scan.objective,
            "folds": [list(fold) for fold in space.base.data.folds],
            "settings": space.scan.model_dump(mode="json"),
            "importances": study.importances(),
            "best": [outcome.number for outcome in ensemble],
            "trials": [outcome.plain() for outcome in outcomes],
        },
    )
    if best:
        _write_card(
            folder / "best.yml",
            best_card(space, best[0], folder / "best.yml"),
            best_words(best[0], space.scan.objective, len(outcomes)),
        )
        card, note = ensemble_card(space, ensemble, folder / "ensemble.yml")
        _write_card(folder / "ensemble.yml", card, note)


def best_card(space: Space, outcome: Outcome, path: Path) -> dict[str, Any]:
    """The runcard of a point; all data are fitted."""
    return _plain(space.runcard(outcome.values, written_to=path))


def ensemble_card(space: Space, best: Sequence[Outcome], path: Path) -> tuple[dict[str, Any], str]:
    """A runcard in which every replica has one of the ``best`` settings, and what it leaves out.

    Architectures with their training go into ``model.choice``; for everything else, the winner's.
    """
    cards = [_plain(space.runcard(outcome.values, written_to=path)) for outcome in best]
    card, networks = dict(cards[0]), []
    for each in cards:
        network = {**each.get("model", {}), "training": each.get("training", {})}
        if network not in networks:
            networks.append(network)
    left_out = sorted({k for c in cards for k in c if k not in SEPARATE and c[k] != card.get(k)})
    numbers = ", ".join(str(outcome.number) for outcome in best)
    note = f"An ensemble of the trials {numbers} of a scan: every replica draws one of them."
    if left_out:
        note += (
            f" Only model and training can differ; of the best trial alone: {', '.join(left_out)}."
        )
    return {**card, "model": {"choice": networks}}, note


def _plain(runcard: Runcard) -> dict[str, Any]:
    """What the runcard says, apart from defaults."""
    plain: dict[str, Any] = runcard.model_dump(
        mode="json", exclude_unset=True, serialize_as_any=True
    )
    return plain


def _write_card(path: Path, card: dict[str, Any], note: str) -> None:
    text = yaml.dump(card, Dumper=_Dumper, sort_keys=False, width=100, default_flow_style=None)
    with appearing(path) as temporary:
        temporary.write_text(f"# {note}\n{text}", encoding="utf-8")
