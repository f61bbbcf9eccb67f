"""Until results are typed."""

import dataclasses
import json


class NS(dict):
    def __getattr__(self, key):
        if key == "model_extra":
            return {k: self[k] for k in ("exponents",) if k in self}
        if key == "model_dump":
            return lambda **_: json.loads(json.dumps(self))
        if key in self:
            return self[key]
        if key == "selection":
            return None
        return NS()


def typed_run(folder):
    if hasattr(folder, "run"):
        return folder.run()
    return _typed(json.loads(folder.run_file.read_text()))


def selected_of(fit):
    if hasattr(fit, "selected"):
        return fit.selected
    return tuple(
        r.number
        for r in fit.results
        if r.status != "diverged" and (not r.selection or r.selection.selected)
    )


def attributes_of(fit):
    if hasattr(fit, "functions"):
        return fit.functions.attributes
    return fit.attributes


def typed(fit):
    if not isinstance(fit.results[0], dict):
        return fit
    return dataclasses.replace(fit, results=tuple(_typed(r) for r in fit.results))


def _typed(v, key=""):
    if isinstance(v, dict):
        return NS({k: _typed(x, k) for k, x in v.items()}) if key != "runcard" else v
    if isinstance(v, list):
        return [_typed(x) for x in v]
    return v
