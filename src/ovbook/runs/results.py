"""What `execute` gives back: tables, folders, provenance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from ovbook.errors import OvbookError, did_you_mean
from ovbook.runs.plan import in_order
from ovbook.runs.released import Released
from ovbook.runs.spec import Spec
from ovbook.runs.specs import Checkpoint
from ovbook.runs.store import Store
from ovbook.runs.work import checkpoint_name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Results"]

S = TypeVar("S", bound=Spec)


class Results:
    """The results of a list of specs, read from the store when asked for."""

    def __init__(self, specs: tuple[Spec, ...], store: Store) -> None:
        self.specs = specs
        self.store = store

    def __len__(self) -> int:
        return len(self.specs)

    def __iter__(self) -> Iterator[Spec]:
        return iter(self.specs)

    def __repr__(self) -> str:
        return f"Results({len(self.specs)} runs in {self.store.root.name})"

    def of(self, spec_class: type[S]) -> list[S]:
        """The specs of one class, and those parents of it that the store holds."""
        return [spec for spec in self._known() if isinstance(spec, spec_class)]

    def _known(self) -> list[Spec]:
        asked = {spec.key() for spec in self.specs}
        ordered = in_order(self.specs)
        return [s for s in ordered if s.key() in asked or self.store.find(s, hashes=False) is not None]

    def table(self, spec_class: type[Spec], **equal: Any) -> pd.DataFrame:
        """One row a measurement of the runs of `spec_class`.

        Columns are those of the rows and the fields of the spec and of the models below it (design, 4): where
        names meet a row's holds, then the spec's own, then its parents'. `equal` keeps the rows whose columns
        have these values: ``results.table(Perturb, noise="init", world=1)``.
        """
        specs = self.of(spec_class)
        if not specs:
            raise OvbookError(
                f"there are no rows of {spec_class.__name__} here: this experiment has "
                f"{', '.join(sorted({type(s).__name__ for s in self.specs}))}"
            )
        return self._frame(specs, equal)

    def arms(self, named: Mapping[str, Sequence[Spec]], **equal: Any) -> pd.DataFrame:
        """The `table` of runs that a chapter gives names to, one row a measurement, `arm` the name.

        For arms that differ in what no column tells, such as which examples were chosen.
        """
        import pandas as pd

        frames = [self._frame(specs, equal).assign(arm=arm) for arm, specs in named.items()]
        return pd.concat(frames, ignore_index=True)

    def _frame(self, specs: Sequence[Spec], equal: dict[str, Any]) -> pd.DataFrame:
        import pandas as pd

        frame = pd.DataFrame(self._rows(specs, equal) or self._rows(specs, {}))
        for name, value in equal.items():
            if name not in frame:
                raise OvbookError(
                    f"the table of {type(specs[0]).__name__} has no column '{name}'{did_you_mean(name, frame.columns)}: "
                    f"it has {', '.join(frame.columns)}"
                )
            column = frame[name]
            frame = frame[column.isna() if value is None else column == value]
        return frame.reset_index(drop=True)

    def _rows(self, specs: Sequence[Spec], equal: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows as dictionaries; those that `equal` can tell by their own columns to be unwanted are left out."""
        found: list[dict[str, Any]] = []
        for spec in specs:
            rows = _only(self.store.rows(spec), equal).to_pylist()
            # What a spec lists (gammas, corpora, kept checkpoints) the rows spell out one by one.
            fields = {name: v for name, v in spec.columns().items() if not isinstance(v, tuple)}
            found += [fields | row for row in rows]
        return found

    def folder(self, spec: Spec) -> Path:
        """The folder of a spec's result."""
        return self.store.found(spec)

    def checkpoint(self, checkpoint: Checkpoint) -> Path:
        """The folder of a checkpoint, which ``AutoModelForCausalLM.from_pretrained`` loads."""
        if isinstance(checkpoint.run, Released):
            return checkpoint.run.folder()
        return self.store.found(checkpoint.run) / "checkpoints" / checkpoint_name(checkpoint)

    @property
    def provenance(self) -> pd.DataFrame:
        """One row a run: when, where, how long and with what it was computed."""
        import pandas as pd

        records = [self.store.provenance(spec) | {"key": spec.key()} for spec in self.specs]
        return pd.DataFrame(records)


def _only(rows: pa.Table, equal: dict[str, Any]) -> pa.Table:
    """A long table before it becomes dictionaries: text columns that must have one value."""
    for name, value in equal.items():
        if isinstance(value, str) and name in rows.column_names and pa.types.is_string(rows[name].type):
            rows = rows.filter(pc.equal(rows[name], value))
    return rows
