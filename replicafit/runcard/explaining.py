"""What a key, a section or a component of the runcard is, in words: for ``explain``, the reference
and messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import TypeAdapter
from pydantic_core import PydanticUndefined, to_jsonable_python

from replicafit.components import Exporter, RuncardSection
from replicafit.errors import RuncardError, did_you_mean
from replicafit.plugins import Registry
from replicafit.runcard.keys import KIND_AT, Key, Keys, Path

SECTIONS = {("data",), ("model",), ("training",)}
_WORDS = {
    "integer": "integer",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "null": "nothing",
    "object": "keys and values",
}
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "greater than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
}
REQUIRED = "none, it must be given"


@dataclass(frozen=True)
class Facts:
    """One key in words.

    Attributes:
        type: what it takes, with bounds.
        default: as a runcard writes it, or why there is none.
        unit: of its number, if it has one.
        example: the key in its section, as a runcard writes it.
    """

    type: str
    default: str
    unit: str | None
    example: str | None


def meaning(key: Key) -> str:
    """What it means; of ``type``, what its value stands for."""
    if key.name == "type" and not key.field.description:
        return (key.owner.__doc__ or "").strip().partition("\n")[0]
    return key.field.description or ""


def gist(key: Key) -> str:
    """The first sentence of its meaning."""
    first, stop, _ = meaning(key).partition(". ")
    return first + stop.rstrip()


def facts(keys: Keys, key: Key) -> Facts:
    """What there is to know of ``key`` beside its meaning."""
    whole = key.owner.model_json_schema()
    own = whole.get("properties", {}).get(key.name)
    if own is None:  # the model may be written otherwise, too
        own = TypeAdapter(key.field.rebuild_annotation()).json_schema()
    if key.field.default is None:  # nothing is what leaving the key out means
        forms = [form for form in own.get("anyOf", ()) if form.get("type") != "null"]
        own = {**own, "anyOf": forms}
    kind, is_optimizer = KIND_AT.get(key.path), key.path == ("training", "optimizer")
    if kind is None:
        words = in_words(own, whole.get("$defs", {}))
    else:
        of = "names" if kind is Exporter else "{type: ...}, with a type of"
        many = "" if is_optimizer else "list of "
        words = f"{many}{of}: {', '.join(keys.registry.names(kind)) or 'none installed'}"
    required = key.field.is_required() and not is_optimizer
    default = REQUIRED if required else _default(key)
    return Facts(words, default, key.unit, _example(key, own))


def _default(key: Key) -> str:
    value = key.field.get_default(call_default_factory=False)
    if value is None or value == ():
        return "none"
    if value is PydanticUndefined or value in ("", {}):
        return "see below" if value is PydanticUndefined else "empty"
    return in_one_line(to_jsonable_python(value))


def _example(key: Key, own: Mapping[str, Any]) -> str | None:
    words = (own[word] for word in ("default", "const", "minimum") if word in own)
    given = [*(key.field.examples or ()), *own.get("enum", ()), *words]
    given = [value for value in given if value not in (None, "", [], {})]
    if not given:
        return None
    value: Any = {key.name: given[0]}
    if key.component is not None:
        own_type = key.owner.model_fields.get("type")
        return in_one_line({"type": own_type.default} | value) if own_type else None
    for section in reversed(key.path[:-1]):
        value = {section: value}
    return in_one_line(value).removeprefix("{").removesuffix("}")


def in_one_line(value: Any) -> str:
    """``value`` as a runcard may write it."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")


def in_words(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    """A JSON Schema in words: its own, under ``words``, or those for what it allows."""
    if "words" in schema:
        return str(schema["words"])
    if "$ref" in schema:
        target = defs[schema["$ref"].rpartition("/")[2]]
        return in_words(target, defs)
    forms = schema.get("anyOf") or schema.get("oneOf")
    if forms:
        words = list(dict.fromkeys(in_words(form, defs) for form in forms))
        return (", or " if any("," in each for each in words) else " or ").join(words)
    if "enum" in schema or "const" in schema:
        return " or ".join(json.dumps(v) for v in schema.get("enum", [schema.get("const")]))
    if "prefixItems" in schema:
        return f"[{', '.join(in_words(item, defs) for item in schema['prefixItems'])}]"
    if schema.get("type") == "array":
        least = " (at least one)" if schema.get("minItems") else ""
        return f"list of {in_words(schema.get('items', {}), defs)}{least}"
    if "properties" in schema:
        return f"{{{', '.join(schema['properties'])}}}"
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        return f"{{name: {in_words(values, defs)}}}"
    if schema.get("format") == "path":
        return "path"
    bounds = [text.format(schema[word]) for word, text in _BOUNDS.items() if word in schema]
    return ", ".join([_WORDS.get(schema.get("type", ""), "anything"), *bounds])


@dataclass(frozen=True)
class Explanation:
    """A key, a section or a component in words.

    Attributes:
        name: dotted.
        text: what it means.
        facts: what kind of fact, and the fact.
        below: the keys and components right below it, with their gist, type and default.
    """

    name: str
    text: str
    facts: tuple[tuple[str, str], ...]
    below: tuple[tuple[str, str], ...]


def explain(registry: Registry, asked: str) -> Explanation:
    """A key, a section or a component in words.

    Args:
        registry: the plugins, whose components are explained as the built-in ones.
        asked: a dotted key, with the ``type`` of a component in the place of its position, such as
            ``model.layers.multi_dense.units``; or the end of one, if there is only one such. An
            empty one stands for the whole runcard.

    Raises:
        RuncardError: there is no such key, or several.
    """
    keys = Keys(registry)
    path = _found(keys, tuple(asked.split(".")) if asked else ())
    key = next((key for key in keys.all if key.path == path), None)
    component = keys.component_at(path)
    origin = keys.origin(*component) if component else None
    text = ""
    known: tuple[tuple[str, str | None], ...] = ()
    if key is not None:
        text = meaning(key)
        if key.path not in SECTIONS and not (len(key.path) == 1 and origin):
            known = tuple(vars(facts(keys, key)).items())
    elif component is not None:
        text = component[1].summary
    told = tuple((word, fact) for word, fact in (*known, ("of", origin)) if fact)
    below = [(k.name, _in_short(keys, k)) for k in keys.all if k.path[:-1] == path]
    kind = KIND_AT.get(path)
    components = keys.registry.all(kind) if kind not in (None, Exporter) else ()
    below += [(each.name, each.summary) for each in components]
    return Explanation(".".join(path), text, told, tuple(b for b in below if b[0] != "type"))


def _found(keys: Keys, asked: Path) -> Path:
    known = {path for key in keys.all for path in (key.path, key.path[:-1])}
    for where, kind in KIND_AT.items():
        if kind is not Exporter:
            known |= {(*where, name) for name in keys.registry.names(kind)}
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
    hint = did_you_mean(given, words) or did_you_mean(asked[-1], words)
    hint += keys.registry.remedy(RuncardSection, asked[0])
    raise RuncardError(
        f"There is no key '{given}' in a runcard.{hint} `replicafit explain` alone lists the keys."
    )


def _in_short(keys: Keys, key: Key) -> str:
    """What a key means, with its type and default in brackets if it is no section."""
    if key.path in SECTIONS or (len(key.path) == 1 and keys.component_at(key.path)):
        return gist(key)
    known = facts(keys, key)
    default = "must be given" if known.default == REQUIRED else f"default {known.default}"
    return f"{gist(key)} ({known.type}; {default})".strip()
