"""Lifts: adapters that let a model of one kind run on tasks of another kind, so every model can run on every task.

=====================  ==============  ==============================================================
lift                   model           what the model receives
=====================  ==============  ==============================================================
``raster``             SequenceModel   an image as a sequence of pixels, row by row
``fields-as-sequence`` SequenceModel   one position per field, then one per number
``window-as-fields``   FieldModel      the last (or nearest) 16 positions as fields, per position
``chunks-as-fields``   FieldModel      a row as up to 32 bags of tokens or 64 groups of numbers
``two-directions``     SequenceModel   a row forward, and by a second copy of the model backward
=====================  ==============  ==============================================================

``two-directions`` applies to a model with ``causal_only`` on a task that is not causal. Both copies count toward the
body size, so each is about half as large as the models that it is compared with.

With ``window-as-fields``, a model cannot recall what is more than 16 positions away, so the leaderboard labels its
cells an n-gram baseline.

Window and chunk boundaries are at fixed positions, so padding a row does not change the result.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..contract.hyperparameters import model_name
from ..contract.model import ParamGroup, SequenceModel
from ..contract.spec import Fields, Image, Pair, Series, TaskSpec, Tokens
from ..errors import UserError
from .heads import EMBEDDING_STD, embedding_table, positions

WINDOW = 16
"""Positions per window in ``window-as-fields``; a protocol constant."""

CHUNKS = 32
"""Maximum number of bags per token sequence in ``chunks-as-fields``; a protocol constant."""

GROUPS = 64
"""Maximum number of numeric fields per series or image in ``chunks-as-fields``; a protocol constant.

A field carries all numbers of an interval or square, so field models receive every number that sequence models
receive. With a field per number, a model with a layer from all fields would be too large for a tier.
"""


class RasterEmbedding(nn.Module):
    """Embed pixels (B, channels, height, width) as (B, height * width, model width)."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.linear = nn.Linear(channels, width)

    def forward(self, pixels: Tensor) -> tuple[Tensor, None]:
        return self.linear(raster(pixels)), None


class FieldsEmbedding(nn.Module):
    """Embed fields and numbers as a sequence (B, fields + n_dense, width).

    A field becomes the mean of its bag's embeddings, a number its value times a learned vector.
    A learned vector per position is added so that the model can distinguish the positions.
    """

    offsets: Tensor

    def __init__(self, fields: Fields, width: int):
        super().__init__()
        sizes = torch.tensor([0, *(count - 1 for count in fields.cardinalities)], device="cpu")
        self.register_buffer("offsets", sizes.cumsum(0)[:-1].unsqueeze(-1), persistent=False)
        self.table = embedding_table(1 + int(sizes.sum()), width)
        numbers = torch.empty(fields.n_dense, width).normal_(0, EMBEDDING_STD)
        self.numbers = nn.Parameter(numbers) if fields.n_dense else None
        self.places = nn.Parameter(torch.empty(field_count(fields), width).normal_(0, EMBEDDING_STD))

    def forward(self, ids: Tensor, dense: Tensor | None = None) -> tuple[Tensor, None]:
        filled = ids > 0
        bags = self.table(torch.where(filled, ids + self.offsets, 0)).sum(2)
        x = bags / filled.sum(2, keepdim=True).clamp(min=1)
        if self.numbers is not None and dense is not None:
            x = torch.cat((x, dense.unsqueeze(-1) * self.numbers), 1)
        return x + self.places, None


def field_count(fields: Fields) -> int:
    """Return the number of positions ``fields-as-sequence`` produces."""
    return len(fields.cardinalities) + fields.n_dense


def raster(pixels: Tensor) -> Tensor:
    """Flatten pixels (B, channels, height, width) row by row to (B, height * width, channels)."""
    return pixels.flatten(2).transpose(1, 2)


class TwoDirections(SequenceModel):
    """``two-directions``: the mean of a causal model's outputs and those of a second copy that reads rows backward.

    Parameters
    ----------
    ahead, back
        Two instances of the model with their own weights. Both get a row from its first valid position on.
    """

    def __init__(self, ahead: SequenceModel, back: SequenceModel):
        super().__init__()
        self.ahead, self.back = ahead, back
        self.pooling = type(ahead).pooling  # type: ignore[misc] (a class variable elsewhere)
        self.registered_name = model_name(type(ahead)).strip("'")

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        y = self.back(reversed_rows(x, lengths), lengths)
        return (self.ahead(x, lengths) + reversed_rows(y, lengths)) / 2

    def _both(self) -> tuple[tuple[str, SequenceModel], ...]:
        return ("ahead", self.ahead), ("back", self.back)

    def dead_parameters(self) -> dict[str, str]:
        return {f"{side}.{n}": why for side, model in self._both() for n, why in model.dead_parameters().items()}

    def param_groups(self) -> list[ParamGroup]:
        return [group for _, model in self._both() for group in model.param_groups()]

    def embedding_tables(self) -> Iterable[nn.Parameter]:
        return [table for _, model in self._both() for table in model.embedding_tables()]

    def body_parameters(self) -> Iterable[nn.Parameter]:
        return [parameter for _, model in self._both() for parameter in model.body_parameters()]

    def auxiliary_loss(self) -> Tensor | None:
        losses = [loss for _, model in self._both() if (loss := model.auxiliary_loss()) is not None]
        return torch.stack(losses).mean() if losses else None


def reversed_rows(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Reverse the valid positions of x (B, length, width); padding stays at the end."""
    if lengths is None:
        return x.flip(1)
    place = torch.arange(x.shape[1], device=x.device)
    source = torch.where(positions(x.shape[1], lengths), lengths.unsqueeze(-1) - 1 - place, place)
    return x.gather(1, source.unsqueeze(-1).expand_as(x))


class FieldView(nn.Module):
    """A map from a task's inputs to the ids and numbers of a field model.

    Attributes
    ----------
    name
        The lift, or None if the task has fields.
    fields
        What the model receives.
    window
        Positions per window, or 0 if each row of the task becomes one row of fields.
    """

    name: str | None = None
    fields: Fields
    window: int = 0


class NativeFields(FieldView):
    """No lift: pass the fields through unchanged."""

    def __init__(self, spec: TaskSpec):
        super().__init__()
        assert isinstance(spec.inputs, Fields)
        self.fields = spec.inputs

    def forward(self, ids: Tensor, dense: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        return ids, dense if self.fields.n_dense else None


class WindowFields(FieldView):
    """``window-as-fields``: one row per position, (B * length, window, 1) ids or window * channels numbers.

    If the task is causal, the window ends at the position itself; otherwise it is centered on it.
    """

    name = "window-as-fields"

    def __init__(self, spec: TaskSpec):
        super().__init__()
        inputs = spec.inputs
        assert isinstance(inputs, Tokens | Series | Image)
        length = inputs.height * inputs.width if isinstance(inputs, Image) else inputs.length
        self.window = min(WINDOW, length)
        self.after = 0 if spec.causal else (self.window - 1) // 2
        if isinstance(inputs, Tokens):
            self.fields = Fields((inputs.vocab_size,) * self.window)
        else:
            self.fields = Fields((), n_dense=self.window * inputs.channels)

    def forward(
        self,
        tokens: Tensor | None = None,
        lengths: Tensor | None = None,
        values: Tensor | None = None,
        pixels: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        before = self.window - 1 - self.after
        if tokens is not None:
            padded = F.pad(tokens, (before, self.after))
            return padded.unfold(1, self.window, 1).flatten(0, 1).unsqueeze(-1), None
        x = raster(pixels) if pixels is not None else values
        assert x is not None
        windows = F.pad(x, (0, 0, before, self.after)).unfold(1, self.window, 1)
        return no_ids(windows.shape[0] * windows.shape[1], x), windows.transpose(2, 3).flatten(2).flatten(0, 1)


class TokenChunks(FieldView):
    """``chunks-as-fields`` for tokens: (B, length) to (B, chunks, bag); the two sides of a pair are concatenated."""

    name = "chunks-as-fields"

    def __init__(self, spec: TaskSpec):
        super().__init__()
        tokens = spec.inputs.of if isinstance(spec.inputs, Pair) else spec.inputs
        assert isinstance(tokens, Tokens)
        self.length = tokens.length
        bag = math.ceil(tokens.length / CHUNKS)
        self.chunks = math.ceil(tokens.length / bag)
        sides = 2 if isinstance(spec.inputs, Pair) else 1
        self.fields = Fields((tokens.vocab_size,) * self.chunks * sides, bag=bag)

    def forward(self, tokens: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, None]:
        if tokens.shape[-1] > self.length:
            raise UserError(
                f"Rows have {tokens.shape[-1]} positions, but the task's spec allows at most {self.length}."
            )
        padded = F.pad(tokens, (0, self.chunks * self.fields.bag - tokens.shape[-1]))
        return padded.view(len(tokens), -1, self.fields.bag), None


class SeriesChunks(FieldView):
    """``chunks-as-fields`` for a series: a field per position, or per interval of equal length."""

    name = "chunks-as-fields"

    def __init__(self, spec: TaskSpec):
        super().__init__()
        assert isinstance(spec.inputs, Series)
        series = spec.inputs
        stretch = math.ceil(series.length / GROUPS)
        count, group = math.ceil(series.length / stretch), series.channels * stretch
        self.fields = Fields((), n_dense=count * group, group=group)

    def forward(self, values: Tensor) -> tuple[Tensor, Tensor]:
        flat = values.flatten(1)
        return no_ids(len(values), values), F.pad(flat, (0, self.fields.n_dense - flat.shape[1]))


class ImageChunks(FieldView):
    """``chunks-as-fields`` for an image: a field per pixel, or per square of equal size."""

    name = "chunks-as-fields"

    def __init__(self, spec: TaskSpec):
        super().__init__()
        assert isinstance(spec.inputs, Image)
        image = spec.inputs
        self.side = 1
        while (count := self._squares(image)) > GROUPS:
            self.side += 1
        group = image.channels * self.side**2
        self.fields = Fields((), n_dense=count * group, group=group)

    def _squares(self, image: Image) -> int:
        return math.ceil(image.height / self.side) * math.ceil(image.width / self.side)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        below, right = (-size % self.side for size in pixels.shape[2:])
        padded = F.pad(pixels, (0, right, 0, below))
        squares = padded.unfold(2, self.side, self.side).unfold(3, self.side, self.side)
        return no_ids(len(pixels), pixels), squares.permute(0, 2, 3, 1, 4, 5).flatten(1)


def no_ids(rows: int, like: Tensor) -> Tensor:
    """Return empty ids (rows, 0, 1) for rows without categorical fields."""
    return torch.zeros(rows, 0, 1, dtype=torch.long, device=like.device)
