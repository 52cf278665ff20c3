"""Reference scores of recall that read everything except which key stands next to which value."""

from __future__ import annotations

import numpy as np

from ..harness import IGNORE, ReferenceScore, Split

FITTED_ROWS = 20_000
"""Maximum number of training rows that a baseline is fitted to."""


def single_recall_scores(
    evaluation: str, test: Split, context: int, train: Split | None = None
) -> list[ReferenceScore]:
    """Return the accuracy of three guesses from counts of keys and values in rows of `recall-single`.

    Parameters
    ----------
    context
        Tokens in pairs per row; the last input token is the key to answer.
    train
        Training rows of the same form, for the count model; without them it is omitted.
    """
    values, present, asked = _counts(test, context)
    answers = (values == test.targets[:, -1:].astype(np.int64)).argmax(1)
    guesses = {
        "commonest value": (present, "The most frequent value of the row."),
        "nearest count": (
            -np.abs(present - asked[:, None]) - 1 / (1 + present) - 1e9 * (present == 0),
            "The value whose number of occurrences is nearest to that of the key.",
        ),
    }
    if train is not None:
        guesses["count model"] = (
            _count_model(train, context)[asked[:, None], present],
            "The value with the most probable number of occurrences, given that of the key in the training rows.",
        )
    return [
        ReferenceScore(evaluation, name, float(np.mean(scores.argmax(1) == answers)), summary=summary)
        for name, (scores, summary) in guesses.items()
    ]


def _counts(split: Split, context: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all values (1, kinds), their numbers of occurrences (rows, kinds), and those of the keys asked (rows,)."""
    tokens = split.inputs["tokens"]
    keys, values = tokens[:, :context:2], tokens[:, 1:context:2]
    kinds = np.unique(values)
    present = np.stack([(values == kind).sum(1) for kind in kinds], axis=1)
    return kinds[None].astype(np.int64), present, (keys == tokens[:, context + 1 : context + 2]).sum(1)


def _count_model(train: Split, context: int) -> np.ndarray:
    """Return the chance (occurrences of the key, occurrences of a value) that the value is the answer."""
    rows = Split({"tokens": train.inputs["tokens"][:FITTED_ROWS]}, train.targets[:FITTED_ROWS])
    values, present, asked = _counts(rows, context)
    size = context // 2 + 1
    cells = asked[:, None] * size + present
    right = (values == rows.targets[:, -1:]).astype(np.float64)
    hits = np.bincount(cells.ravel(), right.ravel(), minlength=size**2)
    return (hits / (1 + np.bincount(cells.ravel(), minlength=size**2))).reshape(size, size)


def slot_and_rank_score(train: Split, test: Split, pairs: int) -> ReferenceScore:
    """Return the accuracy in `recall-mqar` of guessing the pair from where its key is asked.

    Queries are placed in the order of their pairs, early positions first, so position and rank among
    the row's queries give information about the pair.
    """
    table = np.zeros((test.targets.shape[1], pairs, pairs))
    np.add.at(table, _asked(train.inputs["tokens"][:FITTED_ROWS], train.targets[:FITTED_ROWS], pairs), 1)
    position, rank, pair = _asked(test.inputs["tokens"], test.targets, pairs)
    value = float(np.mean(table[position, rank].argmax(1) == pair))
    summary = "The value of the pair that is most often asked at this position and rank in the training rows."
    return ReferenceScore("", "slot and rank", value, summary=summary)


def _asked(tokens: np.ndarray, targets: np.ndarray, pairs: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return position, rank in the row, and pair of each query (queries,)."""
    row, position = np.nonzero(targets != IGNORE)
    values = tokens[:, 1 : 2 * pairs : 2]
    pair = (values[row] == targets[row, position][:, None]).argmax(1)
    return position, np.arange(len(row)) % pairs, pair


def seen_value_scores(test: Split, *, first: int, values: int) -> list[ReferenceScore]:
    """Return chance and the accuracy of the most frequent value so far, for rows whose answers occur in them.

    Parameters
    ----------
    first, values
        Token id of the first value, and number of values.
    """
    shown = test.inputs["tokens"][..., None] == first + np.arange(values, dtype=np.int16)
    row, position = np.nonzero(test.targets != IGNORE)
    guesses = first + shown.cumsum(1, dtype=np.int16)[row, position].argmax(1)
    commonest = float(np.mean(guesses == test.targets[row, position]))
    return [
        ReferenceScore("", "any value", 1 / values, "chance", "A random guess among all values."),
        ReferenceScore("", "commonest value", commonest, summary="The most frequent value so far in the row."),
    ]
