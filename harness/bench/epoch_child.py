"""A contestant of ``archarena bench epoch``: trains FinalMLP, one epoch for each line it is sent.

This file runs by itself, also under a Python that has no archarena (see `contest`).
"""

# pyright: reportMissingImports=false
# The packages of the contestants are installed in other environments.

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Sizes = dict[str, int]
IdsAndLabels = tuple[np.ndarray, np.ndarray]

FIELDS = {
    "user": 956,
    "item": 4084,
    "daytime": 9,
    "weekday": 9,
    "isweekend": 4,
    "homework": 5,
    "cost": 4,
    "weather": 11,
    "country": 82,
    "city": 235,
}
EMBEDDING, EMBEDDING_L2, RATE, CLIP = 10, 0.05, 1e-3, 10.0


def draw(n: Sizes) -> dict[str, IdsAndLabels]:
    """Return ids (rows, fields), small ones frequent, and labels of the training and validation rows."""
    generator = np.random.default_rng(0)
    effects = [generator.normal(size=cardinality) for cardinality in FIELDS.values()]

    def rows(count: int) -> IdsAndLabels:
        share = generator.random((count, len(FIELDS))) ** 2
        ids = 1 + (share * (np.array(list(FIELDS.values())) - 1)).astype(np.int64)
        logit = sum(effect[ids[:, field]] for field, effect in enumerate(effects[:3])) - 1
        return ids, (generator.random(count) < 1 / (1 + np.exp(-logit))).astype(np.float32)

    return {"train": rows(n["train"]), "valid": rows(n["valid"])}


class Archarena:
    """The harness's own loop, by the recipe of FinalMLP's card, without its early stop."""

    def __init__(self, n: Sizes, folder: Path):
        from archarena.harness import Binary, Fields, Size, TaskSpec, build, get_model
        from archarena.harness.contract.registry import discover
        from archarena.harness.contract.task import Budget
        from archarena.harness.planning.model_card import load_card
        from archarena.harness.training.attempt import Attempt, TrialSetting
        from archarena.harness.training.rows import Rows

        spec = TaskSpec(Fields(tuple(FIELDS.values())), Binary())
        entry = discover().find("model", "finalmlp")
        published = load_card("finalmlp", entry.file).published["ctr-frappe"]
        self.epoch, epochs = n["train"] // n["batch"], 10_000
        held = {
            part: Rows({"ids": ids[..., None]}, labels, torch.device("cpu")) for part, (ids, labels) in draw(n).items()
        }
        setting = TrialSetting(
            spec=spec,
            recipe=replace(published.recipe, evaluations=epochs, stop_after=0),
            budget=Budget(epochs * self.epoch, n["batch"]),
            metric="auc",
            order_seed=0,
            autocast=False,
            compile=False,
            report=lambda step: None,
            **held,
        )

        size = Size(published.width, published.depth)
        make = partial(build, get_model("finalmlp"), spec, size, **published.hyperparameters)
        self.attempt = Attempt(setting, RATE, make, folder / "attempt.safetensors")
        self.model = self.attempt.model

    def train(self) -> float:
        """Train an epoch and return the area under the ROC curve of the validation rows."""
        self.attempt.run(self.attempt.state.step + self.epoch)
        return self.attempt.state.curve[-1].valid


class FuxiCTR:
    """FuxiCTR's own loop, loader, layers, penalty and optimiser; its package leaves FinalMLP to its examples."""

    def __init__(self, n: Sizes, folder: Path, workers: int):
        from fuxictr.features import FeatureMap
        from fuxictr.pytorch.dataloaders import RankDataLoader

        features = FeatureMap("frappe", str(folder))
        for name, size in FIELDS.items():
            features.features[name] = {"source": "", "type": "categorical", "padding_idx": 0, "vocab_size": size}
        features.labels, features.num_fields, features.total_features = ["label"], len(FIELDS), sum(FIELDS.values())
        features.set_column_index()
        for part, (ids, labels) in draw(n).items():
            np.savez(folder / part, label=labels, **dict(zip(FIELDS, ids.T, strict=True)))
        files = {f"{part}_data": str(folder / f"{part}.npz") for part in ("train", "valid")}
        options = {"batch_size": n["batch"], "shuffle": True, "num_workers": workers}
        self.rows, valid = RankDataLoader(features, stage="train", **files, **options)
        self.model = _finalmlp(features, folder)
        self.model.valid_gen, self.model._max_gradient_norm = valid, CLIP
        self.model._best_metric, self.model._stopping_steps, self.model._stop_training = -np.inf, 0, False
        self.model._eval_steps, self.model._total_steps, self.model._epoch_index = len(self.rows), 0, 0

    def train(self) -> float:
        """Train an epoch and return the area under the ROC curve of the validation rows."""
        self.model.train_epoch(self.rows)
        return float(self.model.last_auc)


def _finalmlp(features: Any, folder: Path) -> Any:
    """Return FinalMLP made of FuxiCTR's layers, by the hyperparameters published for Frappe_x1."""
    from fuxictr.pytorch.layers import FeatureEmbedding, MLP_Block
    from fuxictr.pytorch.models import BaseModel

    width = EMBEDDING * len(FIELDS)

    class FinalMLP(BaseModel):
        def __init__(self, heads: int = 5, units: tuple[int, int] = (400, 100)):
            options = {"model_root": str(folder), "metrics": ["AUC"], "verbose": 0}
            super().__init__(features, early_stop_patience=10**9, embedding_regularizer=EMBEDDING_L2, **options)
            self.table, self.heads = FeatureEmbedding(features, EMBEDDING), heads
            self.context = nn.ModuleList(
                FeatureEmbedding(features, EMBEDDING, required_feature_columns=[name]) for name in ("user", "item")
            )
            gate = {"output_dim": width, "output_activation": "Sigmoid"}
            self.gates = nn.ModuleList(MLP_Block(EMBEDDING, [400], **gate) for _ in range(2))
            hidden = {"dropout_rates": 0.4, "batch_norm": True}
            self.streams = nn.ModuleList(MLP_Block(width, [n], **hidden) for n in units)
            self.linear = nn.ModuleList(nn.Linear(n, 1) for n in units)
            self.bilinear = nn.Parameter(torch.empty(units[0] * units[1] // heads, 1))
            nn.init.xavier_normal_(self.bilinear)
            self.compile("adam", "binary_crossentropy", RATE)
            self.reset_parameters()
            self.model_to_device()

        def forward(self, inputs: Any) -> dict[str, Tensor]:
            x = self.get_inputs(inputs)
            e = self.table(x, flatten_emb=True)
            a, b = (
                stream(2 * gate(context(x, flatten_emb=True)) * e)
                for stream, gate, context in zip(self.streams, self.gates, self.context, strict=True)
            )
            a_heads, b_heads = (part.view(len(e), self.heads, -1) for part in (a, b))
            weight = self.bilinear.view(self.heads, a_heads.shape[2], b_heads.shape[2])
            fused = (torch.matmul(a_heads.unsqueeze(2), weight).squeeze(2) * b_heads).sum((1, 2))[:, None]
            return {"y_pred": self.output_activation(self.linear[0](a) + self.linear[1](b) + fused)}

        def checkpoint_and_earlystop(self, logs: dict[str, float], min_delta: float = 1e-6) -> None:
            self.last_auc = logs["AUC"]
            super().checkpoint_and_earlystop(logs, min_delta)

    (folder / "frappe").mkdir()
    return FinalMLP()


CONTESTANTS: dict[str, Callable[[Sizes, Path], Any]] = {
    "archarena": Archarena,
    "fuxictr": lambda n, folder: FuxiCTR(n, folder, workers=1),  # its default
    "fuxictr, rows in the same process": lambda n, folder: FuxiCTR(n, folder, workers=0),
}


def main(name: str, sizes: str) -> None:
    """Answer each line of standard input with one of JSON."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what a package prints must not be taken for an answer
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        training: Any = None
        for _ in sys.stdin:
            if training is None:
                training = CONTESTANTS[name](json.loads(sizes), Path(folder))
                answer: dict[str, Any] = {"parameters": sum(p.numel() for p in training.model.parameters())}
            else:
                start = time.perf_counter()
                auc = training.train()
                answer = {"seconds": time.perf_counter() - start, "auc": auc}
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
