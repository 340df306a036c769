"""What every spec is: frozen fields, checked at construction, a key and parents."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

from ovbook.files import canonical_json, sha256_bytes
from ovbook.runs.fields import canonical, plain, refuse
from ovbook.runs.operations import operation_of

__all__ = ["Spec", "later", "purpose_seed"]


def purpose_seed(seed: int, purpose: str) -> int:
    """The seed of one stream of randomness ("init", "data", "noise", "validation") of a run; below 2^47."""
    return int(sha256_bytes(f"{purpose}/{seed}")[:12], 16) >> 1


def later(default: Any) -> Any:
    """A field added to a spec whose runs are already stored: at its `default` it leaves their keys as they are."""
    return dataclasses.field(default=default, metadata={"later": True})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spec:
    """One piece of work, given wholly by its fields.

    Equal specs are one run. Device, threads, torch's version and the width of a stack are no fields: they
    belong to a result's provenance.
    """

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = plain(getattr(self, field.name))
            if field.type == "float" and type(value) is int:
                value = float(value)
            if field.type == "tuple[float, ...]" and isinstance(value, tuple):
                value = tuple(float(v) if type(v) is int else v for v in value)
            object.__setattr__(self, field.name, value)
        refuse(f"{type(self).__name__}({self.label()})", self.problems())

    def problems(self) -> Iterator[str]:
        """Everything wrong with the fields, one clause each: field, value, what is allowed."""
        yield from ()

    def data_hash(self) -> Any:
        """Hash of the data that the run itself reads, its parents' aside; None if there is none."""
        return None

    def label(self) -> str:
        """A few words for a progress bar or a message."""
        return ""

    def __str__(self) -> str:
        return f"{type(self).__name__}({self.label()})"

    @functools.cached_property
    def _key(self) -> str:
        operation = operation_of(self)
        fields = {
            f.name: canonical(getattr(self, f.name))
            for f in dataclasses.fields(self)
            if not (f.metadata.get("later") and getattr(self, f.name) == f.default)
        }
        asked = {"operation": operation.name, "version": operation.version, "fields": fields}
        return sha256_bytes(canonical_json(asked | {"data": self.data_hash()}))

    def key(self) -> str:
        """SHA-256 of the fields (parents by their keys), the data's hash and the operation's version.

        A field that came `later` is left out at its default, which is what every run before it did.
        """
        return self._key

    def parents(self) -> tuple[Spec, ...]:
        """The specs whose results this one reads, each once."""
        found: dict[str, Spec] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            for item in value if isinstance(value, tuple) else (value,):
                run = getattr(item, "run", item)
                if isinstance(run, Spec):
                    found[run.key()] = run
        return tuple(found.values())

    def columns(self) -> dict[str, Any]:
        """The fields as columns of a table, parents' merged below: where names meet, the child's holds."""
        below: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if hasattr(value, "columns"):
                below |= value.columns()
            else:
                own[field.name] = value
        return below | own
