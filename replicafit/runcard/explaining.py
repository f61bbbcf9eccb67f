"""What a key of the runcard is: type, default, unit, meaning, example."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import yaml
from pydantic_core import PydanticUndefined

from replicafit.components import Component, Exporter
from replicafit.errors import RuncardError
from replicafit.plugins import Registry
from replicafit.runcard.keys import KIND_AT, Key, Keys, Path

_WORDS = {
    "integer": "integer",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "null": "nothing",
    "object": "keys and values",
}
SECTIONS = {("data",), ("model",), ("theory",), ("training",)}
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "greater than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
}


def explain(registry: Registry, asked: str) -> Iterator[str]:
    """Lines about a key, a section or a component.

    Args:
        registry: the plugins, whose components are explained as the built-in ones.
        asked: a dotted key, with the ``type`` of a component in the place of its position, such as
            ``model.layers.multi_dense.units``; or the end of one, if there is only one such.

    Raises:
        RuncardError: there is no such key, or several.
    """
    keys = Keys(registry)
    path = _found(keys, tuple(asked.split(".")) if asked else ())
    key = next((key for key in keys.all if key.path == path), None)
    if key is not None:
        yield from _about_key(keys, key)
    component = keys.component_at(path)
    if key is None and component is not None:
        yield from _about_component(keys, path, *component)
    yield from _below(keys, path)


def _found(keys: Keys, asked: Path) -> Path:
    known = {path for key in keys.all for path in (key.path, key.path[:-1])}
    known |= set(_component_paths(keys))
    if asked in known:
        return asked
    ends = sorted(path for path in known if path[-len(asked) :] == asked)
    if len(ends) == 1:
        return ends[0]
    given = ".".join(asked)
    if ends:
        told = ", ".join(".".join(path) for path in ends)
        raise RuncardError(f"'{given}' may be any of: {told}. Give the one you mean.")
    words = {word for path in known for word in (".".join(path), path[-1] if path else "")}
    near = get_close_matches(given, words, 1) or get_close_matches(asked[-1], words, 1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise RuncardError(
        f"There is no key '{given}' in a runcard.{hint} `replicafit explain` alone lists the keys."
    )


def _component_paths(keys: Keys) -> Iterator[Path]:
    for where, kind in KIND_AT.items():
        if kind is not Exporter:
            yield from ((*where, name) for name in keys.registry.names(kind))


def _about_key(keys: Keys, key: Key) -> Iterator[str]:
    yield ".".join(key.path)
    yield f"    {key.field.description or 'No description.'}"
    for word, text in _facts(keys, key):
        yield f"    {word:8s} {text}"


def _facts(keys: Keys, key: Key) -> Iterator[tuple[str, str]]:
    if key.path in SECTIONS:
        return
    schema = key.owner.model_json_schema()
    own = schema["properties"][key.name]
    yield "type", _type(keys, key, own, schema.get("$defs", {}))
    required = key.field.is_required() and key.path != ("training", "optimizer")
    yield "default", "none, it must be given" if required else _default(key)
    if key.unit:
        yield "unit", key.unit
    example = _example(key, own)
    if example is not None:
        yield "example", example
    component = keys.component_at(key.path)
    if component:
        yield "of", keys.origin(*component)


def _type(keys: Keys, key: Key, own: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    kind = KIND_AT.get(key.path)
    if kind is None:
        return _in_words(own, defs)
    names = ", ".join(keys.registry.names(kind)) or "none installed"
    if kind is Exporter:
        return f"list of names: {names}"
    many = "" if key.path == ("training", "optimizer") else "list of "
    return f"{many}{{type: ...}}, with a type of: {names}"


def _default(key: Key) -> str:
    value = key.field.get_default(call_default_factory=False)
    if value is None or value == ():
        return "none"
    if value is PydanticUndefined or value == "":
        return "see below" if value is PydanticUndefined else "empty"
    owner = key.owner.model_construct(**{key.name: value})
    plain = owner.model_dump(mode="json", include={key.name}, serialize_as_any=True)
    return _flow(plain[key.name])


def _example(key: Key, own: Mapping[str, Any]) -> str | None:
    """The key in its section, as a runcard writes it."""
    words = (own[word] for word in ("default", "const", "minimum") if word in own)
    given = [*(key.field.examples or ()), *own.get("enum", ()), *words]
    given = [value for value in given if value not in (None, "", [], {})]
    if not given:
        return None
    value: Any = {key.name: given[0]}
    if key.component is not None:
        direct = len(key.path) == len(key.container) + 2
        return _flow({"type": key.component.name} | value) if direct else None
    for section in reversed(key.path[:-1]):
        value = {section: value}
    return _flow(value).removeprefix("{").removesuffix("}")


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")


def _in_words(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    """A JSON Schema in words."""
    if "$ref" in schema:
        target = defs[schema["$ref"].rpartition("/")[2]]
        return _in_words(target, defs)
    forms = schema.get("anyOf") or schema.get("oneOf")
    if forms:
        return " or ".join(dict.fromkeys(_in_words(form, defs) for form in forms))
    if "enum" in schema or "const" in schema:
        return " or ".join(json.dumps(v) for v in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return _list(schema, defs)
    if schema.get("type") == "object" and "properties" in schema:
        return f"{{{', '.join(schema['properties'])}}}"
    if schema.get("format") == "path":
        return "path"
    bounds = [text.format(schema[word]) for word, text in _BOUNDS.items() if word in schema]
    return ", ".join([_WORDS.get(schema.get("type", ""), "anything"), *bounds])


def _list(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    if "prefixItems" in schema:
        return f"[{', '.join(_in_words(item, defs) for item in schema['prefixItems'])}]"
    least = " (at least one)" if schema.get("minItems") else ""
    return f"list of {_in_words(schema.get('items', {}), defs)}{least}"


def _about_component(
    keys: Keys, path: Path, kind: type[Component], component: Component
) -> Iterator[str]:
    yield ".".join(path)
    yield f"    {component.summary or (component.settings.__doc__ or '').strip()}"
    yield f"    {'of':8s} {keys.origin(kind, component)}"


def _below(keys: Keys, path: Path) -> Iterator[str]:
    """One line for each key and component right below ``path``."""
    for key in keys.all:
        if key.path[:-1] == path and key.name != "type" and path != ("extends",):
            yield f"    {'.'.join(key.path):40s}  {key.field.description or ''}".rstrip()
    kind = KIND_AT.get(path)
    for component in keys.registry.all(kind) if kind not in (None, Exporter) else ():
        yield f"    {'.'.join((*path, component.name)):40s}  {component.summary}".rstrip()
