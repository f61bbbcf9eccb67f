"""Bases of what a runcard may give: settings of components, and sections."""

from __future__ import annotations

from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


def _told_apart(schema: Any, of: type[BaseModel]) -> Any:
    """A schema of the model ``of`` in which booleans and numbers are not taken for each other."""
    if isinstance(schema, list | tuple):
        return type(schema)(_told_apart(part, of) for part in schema)
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    if kind == "model" and schema["cls"] is not of and issubclass(schema["cls"], Settings):
        return schema  # that was done when it was made
    if kind == "bool":
        return schema | {"strict": True}
    counts = kind == "literal" and {type(value) for value in schema["expected"]} == {int}
    if kind in ("int", "float") or counts:
        word = "a number" if kind == "float" else "an integer"
        return core_schema.no_info_before_validator_function(partial(_no_boolean, word), schema)
    return {
        key: part if key == "metadata" else _told_apart(part, of) for key, part in schema.items()
    }


def _no_boolean(word: str, value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"give {word}, not true or false")
    return value


class Settings(BaseModel):
    """Base of all settings and sections of runcards: frozen, and an unknown key is an error.

    Numbers are finite; true and false are no numbers, and numbers are not true or false.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[BaseModel], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        schema: CoreSchema = _told_apart(handler(source), source)
        return schema


class ComponentSettings(Settings):
    """Base of all component settings."""
