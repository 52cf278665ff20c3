"""Read results folders as data frames, without running anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..harness.errors import UserError
from ..harness.planning.find import name_of
from ..harness.records.record import Record
from .read.results import Results, read_results
from .read.selection import Selection
from .table.comparing import place_of
from .table.rows import COLUMNS, SECTION, Row, group_by
from .table.tidy import make_table

if TYPE_CHECKING:
    import pandas as pd


def load(
    results: str | Path | Sequence[str | Path] = "results",
    *,
    models: str | Sequence[str] = (),
    tasks: str | Sequence[str] = (),
    tiers: str | Sequence[str] = (),
    suites: str | Sequence[str] = (),
    curves: bool = False,
    rows: bool = False,
) -> pd.DataFrame:
    """Return the scores of one or more results folders, one row per variant, column and seed.

    Parameters
    ----------
    results
        Results folders; several are merged, as by ``archarena board``.
    models, tasks, tiers, suites
        Names to select, one or several; by default all. A model may be a variant, such as ``mamba[d_state=8]``.
    curves
        Return the learning curves instead: one row per validation pass of every learning rate.
    rows
        Return the predictions of the test rows instead: one row per test row and evaluation.

    Returns
    -------
    pandas.DataFrame
        docs/notebooks.md describes the columns. ``attrs["notes"]`` has a sentence for each conflict or record left
        out.

    Raises
    ------
    UserError
        If a folder has no records, a name is unknown, or a file cannot be read.

    Examples
    --------
    >>> import archarena
    >>> table = archarena.load("results", models=["mamba", "mlp"])  # doctest: +SKIP
    """
    import pandas as pd

    folders = [Path(place) for place in _several(results)]
    selection = Selection(*(_several(names) for names in (models, tasks, tiers, suites)))
    found = selection.of(read_results(folders))
    if curves and rows:
        raise UserError("Use curves=True or rows=True, not both: they give different tables.")
    if rows:
        table, notes = _predictions(found)
    else:
        table, notes = _scores(found)
    frame = pd.DataFrame(_curves(found) if curves else table)
    frame.attrs["notes"] = [*found.notes, *notes]
    return frame


def _several(names: Any) -> list[Any]:
    """Return one name or path, or a sequence of them, as a list."""
    return [names] if isinstance(names, str | Path) else list(names)


_OF_OTHER_KINDS = (
    *("kind", "page", "citation", "summary", "caveat"),
    *("reference", "half_width", "p_value", "verdict", "more_seeds"),
)
SCORE_COLUMNS = (
    *(name for name in COLUMNS if name not in _OF_OTHER_KINDS),
    "standard_error",
    "mean",
    "half_width",
    "seeds",
)
"""Columns of the table of scores."""


def _scores(results: Results) -> tuple[list[Row], Sequence[str]]:
    """Return the scores with the means and intervals of their variants, and the notes on the records."""
    records = {record.key: record for record in results.records}
    table = make_table(results)
    scores = [row for row in table.rows if row["kind"] == "score"]
    counted = group_by((row for row in scores if row["value"] is not None and not row["stale"]), *_PLACE)
    rows = []
    for row in scores:
        values = [one["value"] for one in counted.get(tuple(row[name] for name in _PLACE), ())]
        compared, score = table.comparisons.get(place_of(row)), records[row["key"]].scores.get(row["column"])
        is_compared = compared is not None and row["variant"] in compared.names
        more = {
            "standard_error": score.standard_error if score else None,
            "mean": sum(values) / len(values) if values else None,
            "half_width": compared.estimate(row["variant"]).half_width if compared and is_compared else None,
            "seeds": len(values),
        }
        rows.append({name: {**row, **more}[name] for name in SCORE_COLUMNS})
    return rows, table.notes


_PLACE = (*SECTION, "task", "column", "variant")


def _curves(results: Results) -> list[Row]:
    return [
        {
            **_cell(record),
            "learning_rate": attempt.learning_rate,
            "chosen": attempt == record.chosen,
            **point.model_dump(),
        }
        for record in results.records
        for attempt in record.attempts
        for point in attempt.curve
    ]


def _predictions(results: Results) -> tuple[list[Row], list[str]]:
    """Return one row per kept prediction (logits, log-probabilities or tokens, as an array), and notes on others."""
    from safetensors.numpy import load as read_arrays

    rows: list[Row] = []
    notes: list[str] = []
    for record in (record for record in results.records if record.predictions):
        assert record.predictions is not None
        try:
            arrays = read_arrays(record.predictions.read(results.folders[record.key]))
        except UserError as error:
            notes.append(f"Left out {name_of(record)}: {error}")
            continue
        for name, array in arrays.items():
            rows += [{**_cell(record), "predictions": name, "row": row, "output": out} for row, out in enumerate(array)]
    return rows, notes


def _cell(record: Record) -> Row:
    cell = record.cell.model_dump(include={"variant", "model", "task", "tier", "recipe", "seed"})
    return {"cell": name_of(record), **cell, "key": record.key}
