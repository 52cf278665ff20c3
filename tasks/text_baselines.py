"""Reference scores of texts as bytes: logistic regression on the frequencies of bytes and of words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..harness import ReferenceScore, Split
from .reference_scores import fit_logistic


def text_scores(train: Split, test: Split) -> list[ReferenceScore]:
    """Return the accuracies of two models that ignore the order of bytes, or of words."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import StandardScaler

    byte_counts = _accuracy(train, test, _shares, StandardScaler())
    words = _accuracy(train, test, _texts, TfidfVectorizer(sublinear_tf=True, decode_error="ignore"))
    return [
        ReferenceScore("", "byte counts", byte_counts, summary="Logistic regression on byte frequencies."),
        ReferenceScore("", "bag of words", words, summary="Logistic regression on tf-idf word features."),
    ]


def _accuracy(train: Split, test: Split, features: Callable[[Split], Any], scaling: Any) -> float:
    model = fit_logistic(scaling.fit_transform(features(train)), train.targets)
    return float(model.score(scaling.transform(features(test)), test.targets))


def _shares(split: Split) -> np.ndarray:
    """Return the share of each byte in each row, (rows, 256)."""
    tokens = split.inputs["tokens"].astype(np.int64)
    cells = np.arange(len(tokens))[:, None] * 257 + tokens
    counts = np.bincount(cells.ravel(), minlength=len(tokens) * 257).reshape(-1, 257)[:, 1:]
    return counts / split.inputs["lengths"][:, None]


def _texts(split: Split) -> list[bytes]:
    rows = zip(split.inputs["tokens"], split.inputs["lengths"], strict=True)
    return [(tokens[:length] - 1).astype(np.uint8).tobytes() for tokens, length in rows]
