"""Reference scores shared by several tasks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..harness import IGNORE, ReferenceScore, Split


def majority_score(train: np.ndarray, test: np.ndarray, evaluation: str = "") -> ReferenceScore:
    """Return the accuracy of the most frequent training class; classes of -100 are not scored."""
    classes, counts = np.unique(train[train != IGNORE], return_counts=True)
    value = float(np.mean(test[test != IGNORE] == classes[counts.argmax()]))
    return ReferenceScore(evaluation, "majority", value, "baseline", "Always the most frequent training class.")


def fit_logistic(features: Any, labels: np.ndarray) -> Any:
    """Fit classes (rows,) to dense or sparse features (rows, features) by logistic regression with an L2 penalty."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000).fit(features, labels)


def next_byte_scores(evaluation: str, train: Split, test: Split, vocabulary: int) -> list[ReferenceScore]:
    """Return the bits per byte of a unigram and a bigram model of the scored tokens.

    The bigram model is interpolated with the unigram model after Witten and Bell (1991): a byte with t
    different successors in n occurrences gives the unigram model the weight t / (n + t).
    """
    scored = train.targets != IGNORE
    cells = train.inputs["tokens"][scored].astype(np.int64) * vocabulary + train.targets[scored]
    counts = np.bincount(cells, minlength=vocabulary**2).reshape(vocabulary, vocabulary)
    unigram = (counts.sum(0) + 1) / (counts.sum() + vocabulary)
    kinds = np.maximum((counts > 0).sum(1, keepdims=True), 1)
    bigram = (counts + kinds * unigram) / (counts.sum(1, keepdims=True) + kinds)
    asked = test.targets != IGNORE
    before, after = test.inputs["tokens"][asked], test.targets[asked]
    models = {"unigram": unigram[after], "bigram": bigram[before, after]}
    return [
        ReferenceScore(
            evaluation, name, float(-np.log2(chance).mean()), summary=f"A smoothed {name} model of the training bytes."
        )
        for name, chance in models.items()
    ]


def window_score(train: Split, test: Split, width: int, evaluation: str = "") -> ReferenceScore:
    """Return the accuracy of the most frequent training target after the same last `width` tokens.

    The start of a row is part of a window. Windows that do not occur in the training rows get the most
    frequent target of all.
    """
    base = 1 + int(max(train.inputs["tokens"].max(), test.inputs["tokens"].max()))
    windows, targets = _windows(train, width, base)
    kinds, counts = np.unique(np.stack([windows, targets]), axis=1, return_counts=True)
    order = np.lexsort((counts, kinds[0]))
    last = np.append(np.diff(kinds[0, order]) > 0, True)
    known, guesses = kinds[:, order[last]]
    asked, right = _windows(test, width, base)
    place = np.searchsorted(known, asked).clip(max=len(known) - 1)
    value = float(np.mean(np.where(known[place] == asked, guesses[place], np.bincount(targets).argmax()) == right))
    summary = f"The most frequent training target after the same {width} tokens."
    return ReferenceScore(evaluation, f"last {width} tokens", value, summary=summary)


def _windows(split: Split, width: int, base: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a code of the last `width` tokens, each below `base`, at every scored position, and its target."""
    tokens = np.pad(split.inputs["tokens"].astype(np.int64), ((0, 0), (width - 1, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(tokens, width, axis=1)
    scored = split.targets != IGNORE
    return windows[scored] @ base ** np.arange(width), split.targets[scored].astype(np.int64)
