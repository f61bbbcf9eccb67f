"""Which replica numbers a fit has, in every form that a runcard may write."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field, model_serializer, model_validator

from replicafit.components import Settings

MOST_REPLICAS = 100_000
LAST_REPLICA = 10**9


class ReplicaRange(Settings):
    """The replica numbers of a fit: from ``first`` to ``last``, or until enough are good.

    With ``good``, replica numbers from ``first`` on are fitted until that many are selected
    (``replicafit.results.selection``), but not more than ``at_most``; then ``last`` is the last
    allowed.
    """

    first: int = Field(default=1, ge=1, description="The first replica number.")
    last: int = Field(ge=1, le=LAST_REPLICA, description="The last replica number.")
    good: int | None = Field(
        default=None, ge=1, description="Fit until this many replicas are selected."
    )
    at_most: int | None = Field(
        default=None,
        description="How many replicas may be fitted for that; twice as many by default.",
    )

    @model_validator(mode="before")
    @classmethod
    def _from_what_runcards_write(cls, value: Any) -> Any:
        if isinstance(value, bool) or (isinstance(value, int) and value < 1):
            raise ValueError(_FORMS)
        if isinstance(value, int):
            return {"last": value}
        if isinstance(value, list | tuple) and len(value) == 2:
            return {"first": value[0], "last": value[1]}
        if isinstance(value, str):
            pair = re.fullmatch(_PAIR, value)
            if not pair:
                raise ValueError(_FORMS)
            return {"first": pair[1] if pair[2] else 1, "last": pair[2] or pair[1]}
        if not isinstance(value, dict) or "good" not in value:
            return value
        if "last" in value:
            raise ValueError("give good (and at_most), or first and last, not both")
        good, first = value["good"], value.get("first", 1)
        at_most = value.get("at_most", 2 * good if isinstance(good, int) else None)
        whole = type(at_most) is int and type(first) is int
        return {**value, "at_most": at_most, "last": first + at_most - 1 if whole else first}

    @model_validator(mode="after")
    def _ordered(self) -> ReplicaRange:
        if self.at_most is not None and (self.good is None or self.at_most < self.good):
            given = "not given" if self.good is None else self.good
            raise ValueError(f"at_most ({self.at_most}) must be good ({given}) or more")
        if self.last < self.first:
            raise ValueError(f"the last replica number {self.last} is below the first {self.first}")
        if self.last - self.first >= MOST_REPLICAS:
            raise ValueError(f"a fit has at most {MOST_REPLICAS} replicas; make several fits")
        return self

    @model_serializer
    def _as_written(self) -> list[int] | dict[str, int]:
        if self.good is None or self.at_most is None:
            return [self.first, self.last]
        return {"first": self.first, "good": self.good, "at_most": self.at_most}

    @classmethod
    def __get_pydantic_json_schema__(cls, *_: Any) -> dict[str, Any]:
        """Every form that a runcard may use."""
        count = {"type": "integer", "minimum": 1}
        pair = {"type": "array", "items": count, "minItems": 2, "maxItems": 2}
        mappings = [
            {
                "type": "object",
                "properties": dict.fromkeys(names, count),
                "required": [needed],
                "additionalProperties": False,
            }
            for names, needed in (
                (("first", "last"), "last"),
                (("first", "good", "at_most"), "good"),
            )
        ]
        return {
            "words": "count, first and last (1-10 or [1, 10]), or {good: count}",
            "anyOf": [count, {"type": "string", "pattern": f"^{_PAIR}$"}, pair, *mappings],
        }

    @property
    def numbers(self) -> tuple[int, ...]:
        """All replica numbers that may be fitted."""
        return tuple(range(self.first, self.last + 1))

    @property
    def wanted(self) -> int:
        """How many replicas the fit is to leave."""
        return self.good or len(self.numbers)


_PAIR = r"\s*(\d+)(?:\s*-\s*(\d+))?\s*"
_FORMS = "give a count such as 100, or a first and last number such as 1-10, or {good: 100}"
