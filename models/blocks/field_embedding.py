"""Embedding of categorical and numeric fields, shared by the click-through models."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

from ...harness import Fields
from ...kernels.field_embedding import field_embedding


class FieldEmbedding(nn.Module):
    """One vector per field: a table row for an id, the mean of rows for a bag, ``sum_j x_j w_j`` for numbers x_j.

    The fields' tables are concatenated, so a batch needs one lookup. Rows are initialized with
    standard deviation 1e-4 and the vectors of numbers Xavier-normal, as in FuxiCTR. Padding (id 0) is
    ignored: its row is zero, gets no gradient, and does not count in a bag's mean.

    Parameters
    ----------
    fields
        The task's fields; numeric fields are indexed after the categorical ones.
    dim
        Size of each vector.
    only
        Indices of the fields to embed; all by default.
    """

    offsets: Tensor

    def __init__(self, fields: Fields, dim: int, only: Sequence[int] | None = None):
        super().__init__()
        n = len(fields.cardinalities)
        chosen = range(n + fields.n_numeric) if only is None else only
        self.categorical = [f for f in chosen if f < n]
        self.numeric = [f - n for f in chosen if f >= n]
        self.n_vectors = len(self.categorical) + len(self.numeric)
        *starts, rows = accumulate((fields.cardinalities[f] for f in self.categorical), initial=0)
        self.register_buffer("offsets", torch.tensor(starts, dtype=torch.long), persistent=False)
        self.table = nn.Embedding(rows, dim, padding_idx=0) if self.categorical else None
        self.group = fields.group
        self.slopes = nn.Parameter(torch.empty(len(self.numeric), fields.group, dim)) if self.numeric else None
        if self.table is not None:
            nn.init.normal_(self.table.weight, std=1e-4)
            with torch.no_grad():
                self.table.weight[self.offsets] = 0.0
        if self.slopes is not None:
            nn.init.normal_(self.slopes, std=(2.0 / (fields.group + dim)) ** 0.5)

    def forward(self, ids: Tensor, dense: Tensor | None = None) -> Tensor:
        """Return (batch, vectors, dim) for `ids` (batch, fields, bag) and `dense` (batch, n_dense)."""
        parts = []
        if self.table is not None:
            chosen = ids if len(self.categorical) == ids.shape[1] else ids[:, self.categorical]
            parts.append(field_embedding(self.table.weight, chosen, self.offsets))
        if self.slopes is not None:
            assert dense is not None, "this task has numeric fields"
            numbers = dense.unflatten(1, (-1, self.group))[:, self.numeric]
            parts.append(torch.einsum("bfn,fnd->bfd", numbers, self.slopes))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
