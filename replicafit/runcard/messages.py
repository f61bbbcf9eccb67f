"""What is wrong with a runcard, in words: every mistake with its place, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from replicafit.components import Component, Exporter, Preset, RuncardSection
from replicafit.errors import did_you_mean
from replicafit.plugins import Registry
from replicafit.runcard.explaining import gist
from replicafit.runcard.keys import Key, Keys, Location, kind_at
from replicafit.runcard.yaml_source import Mark, OptionMark, Problem, YamlSource

_IN_YAML_WORDS = {
    "tuple_type": "give a list, each item after '- ' or in [ ]",
    "model_type": "give keys and values, such as {key: value}",
    "model_attributes_type": "give keys and values, such as {type: name}",
    "too_short": "give at least one",
}
"""What pydantic says of Python types, for people who write YAML."""

NETWORK = "replicafit_pdf:nnpdf40_network"
"""A preset with a network, for cards that have none."""

_NO_SUCH_TYPE = ("union_tag_invalid", "union_tag_not_found", "nothing_installed")
_SURELY = 0.8
"""How near a word elsewhere in the runcard must be to be proposed."""

_PLACES_TOLD = 3
_MISTAKES_TOLD = 20
_LONGEST_INPUT = 200


def report(source: YamlSource, registry: Registry, invalid: ValidationError | None) -> str:
    """All mistakes, in the order in which they stand in the files."""
    known = {_place(problem) for problem in source.problems}
    found = [*source.problems]
    for problem in _problems(source, Keys(registry), invalid) if invalid else ():
        if _place(problem) not in known or isinstance(problem.mark, OptionMark):
            found.append(problem)
    told = list(dict.fromkeys(str(problem) for problem in _once(sorted(found, key=_place))))
    more = len(told) - _MISTAKES_TOLD
    return "\n".join([*told[:_MISTAKES_TOLD], *([f"And {more} more."] if more > 0 else [])])


def _once(problems: Sequence[Problem]) -> Iterator[Problem]:
    """What is missing at several places, such as the plugin of all datasets, at the first alone."""
    places: dict[str, list[str]] = {}
    for problem in problems:
        line = "an option" if isinstance(problem.mark, OptionMark) else str(problem.mark.line + 1)
        places.setdefault(problem.missing, []).append(line)
    for problem in problems:
        if not problem.missing:
            yield problem
        elif problem.missing in places:
            _, *lines = places.pop(problem.missing)
            more = f" and {len(lines) - _PLACES_TOLD} more" if len(lines) > _PLACES_TOLD else ""
            also = f" Likewise on line {', '.join(lines[:_PLACES_TOLD])}{more}." if lines else ""
            yield replace(problem, message=problem.message + also)


def _place(problem: Problem) -> tuple[str, int]:
    return problem.mark.name, getattr(problem.mark, "index", 0)


def _problems(source: YamlSource, keys: Keys, invalid: ValidationError) -> Iterable[Problem]:
    errors = invalid.errors(include_url=False)[: 5 * _MISTAKES_TOLD]
    inside = [error["loc"] for error in errors]
    found: dict[Location, dict[str, Any]] = {}
    for given in errors:
        error: dict[str, Any] = {**given}
        at, n = error["loc"], len(error["loc"])
        if error["type"] == "too_short" and any(loc[:n] == at != loc for loc in inside):
            continue  # pydantic counts the items without the invalid ones
        location = _as_written(source.data, at)
        reason = _IN_YAML_WORDS.get(error["type"], error["msg"].removeprefix("Value error, "))
        before = found.get(location)
        reason = f"{before['msg']}, or: {reason}" if before else reason
        found[location] = {**(before or error), "msg": reason}
    for location, error in found.items():
        yield _problem(source, keys, location, error)


def _as_written(data: Any, location: Location) -> Location:
    """pydantic's ``location`` in a card.

    Without the names of types that it tried, such as ``tuple[int, ...]``, and with the ``type`` of
    a component, which it leaves out if there is only one.
    """
    kept: Location = ()
    typed = False
    for part, following in zip(location, (*location[1:], None), strict=True):
        known = isinstance(part, int) or (isinstance(data, dict) and part in data)
        if known or not re.search(r"^(bool|int|float|str|dict)$|[\[(']", str(part)):
            kept = (*kept, part)
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            continue
        given = data.get("type") if isinstance(data, dict) and not typed else None
        alone = isinstance(part, int) or kept[-2:] == ("training", "optimizer")
        if isinstance(given, str) and alone and kind_at(kept):
            kept, typed = kept if following == given else (*kept, given), True
    return kept


def _problem(
    source: YamlSource, keys: Keys, location: Location, error: Mapping[str, Any]
) -> Problem:
    kind, given = error["type"], error["input"]
    if kind == "no_layers":
        return Problem(source.mark(location), _no_layers(keys.registry))
    component = kind_at(location)
    if component and kind in _NO_SUCH_TYPE:
        if isinstance(given, Mapping) and "type" in given:
            place = source.mark((*location, "type"))
            return _absence(place, keys.registry, component, given["type"])
        known = ", ".join(keys.registry.names(component)) or "none installed"
        text = f"'{_dotted(location)}' needs a type; known: {known}."
        return Problem(source.mark(location), text)
    if kind == "literal_error" and component and (location[-1] == "type" or component is Exporter):
        return _absence(source.mark(location), keys.registry, component, given)
    if kind == "extra_forbidden":
        return Problem(source.mark(location, of_key=True), *_unknown_key(keys, location))
    if kind == "missing":
        text = f"'{_dotted(location)}' is missing. Add it.{_meaning(keys, location)}"
        return Problem(source.mark(location[:-1]), text)
    shown = repr(given).lower() if isinstance(given, bool) else repr(given)
    shown = shown if len(shown) <= _LONGEST_INPUT else f"{shown[:_LONGEST_INPUT]}..."
    text = f"'{_dotted(location)}' is {shown}: {error['msg']}.{_meaning(keys, location)}"
    return Problem(source.mark(location), text)


def _absence(mark: Mark, registry: Registry, kind: type[Component], name: object) -> Problem:
    absence = registry.absence(kind, str(name))
    return Problem(mark, absence, missing=registry.missing(kind, str(name)) or absence)


def _no_layers(registry: Registry) -> str:
    presets = ", ".join(registry.names(Preset))
    known = f"Installed presets: {presets}." if presets else registry.absence(Preset, NETWORK)
    return (
        "'model.layers' is missing: the network has no layers. Give them, as the card does that "
        f"`replicafit init` writes, or extend a preset that has them, as extends: {NETWORK} does "
        f"with the network of NNPDF4.0. {known}"
    )


def _unknown_key(keys: Keys, location: Location) -> tuple[str, str]:
    """Message, and what is missing if that is why."""
    allowed, given = keys.allowed(location[:-1]), str(location[-1])
    missing = keys.registry.missing(RuncardSection, given) if len(location) == 1 else ""
    if missing:
        install = keys.registry.remedy(RuncardSection, given)
        return f"No installed plugin provides the section '{given}'.{install}", missing
    hint = did_you_mean(given, allowed) or _belongs(keys, given)
    known = f" Allowed: {', '.join(allowed)}." if allowed else ""
    return f"'{given}' is not a key here.{hint}{known}{_of_component(keys, location)}", ""


def _belongs(keys: Keys, given: str) -> str:
    """Where in a runcard there is a key like ``given``."""
    others = {key.name for key in keys.all} - {"type"}
    near = [given] if given in others else get_close_matches(given, others, 1, _SURELY)
    if not near:
        return ""
    places = list(_places(key for key in keys.all if key.name == near[0]))
    if len(places) > _PLACES_TOLD:
        return ""
    where = " or ".join(places)
    if near == [given]:
        return f" '{given}' belongs {where}."
    return f" Did you mean '{near[0]}'? It belongs {where}."


def _places(found: Iterable[Key]) -> Iterator[str]:
    """Where these keys belong, each section or list once, with the types that have the key."""
    types: dict[str, list[str]] = {}
    for key in found:
        section = ".".join(key.container)
        types.setdefault(section, []).extend([key.path[-2]] if key.component else [])
    for section, names in types.items():
        distinct = list(dict.fromkeys(names))
        shown = [*distinct[:_PLACES_TOLD], *(["..."] if len(distinct) > _PLACES_TOLD else [])]
        where = f"under '{section}'" if section else "at the top level"
        yield f"{where} (type {', '.join(shown)})" if names else where


def _meaning(keys: Keys, location: Location) -> str:
    """What the key at ``location`` is, for the end of a message."""
    key = keys.at(location)
    if key is None:
        return _of_component(keys, location)
    words = gist(key).rstrip(".") if key.field.description else ""
    unit = f" in {key.unit}" if key.unit and key.unit not in words.lower() else ""
    text = f" {key.name}{unit}: {words}." if words else ""
    return text + _of_component(keys, location)


def _of_component(keys: Keys, location: Location) -> str:
    found = keys.component_at(location)
    return f" (A setting of {keys.origin(*found)}.)" if found else ""


def _dotted(location: Location) -> str:
    return ".".join(str(part) for part in location)
