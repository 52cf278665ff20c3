"""The contestants of ``archarena bench step`` and ``archarena bench epoch``: each trains once per input line.

This file runs on its own, even in an environment without archarena: ``python contestants.py BENCH NAME SIZES``, where
SIZES is JSON. See `archarena.harness.bench.contest` for its answers.
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
from torch.nn import functional as F

Sizes = dict[str, int]
Logits = Callable[[Tensor], Tensor]
IdsAndLabels = tuple[np.ndarray, np.ndarray]


def mamba_of_archarena(n: Sizes) -> tuple[nn.Module, Logits]:
    """Mamba as the harness builds it for a next-token task."""
    from archarena.harness import NextToken, Size, TaskSpec, Tokens, build, get_model

    spec = TaskSpec(Tokens(n["vocabulary"], n["length"]), NextToken(n["vocabulary"]), causal=True)
    model = build(get_model("mamba"), spec, Size(n["width"], n["layers"]))
    return model, lambda tokens: model(tokens=tokens)


def mamba_of_transformers(n: Sizes, *, use_mambapy: bool) -> tuple[nn.Module, Logits]:
    """MambaForCausalLM of transformers; its default path is a loop over time."""
    from transformers import MambaConfig, MambaForCausalLM

    config = MambaConfig(
        vocab_size=n["vocabulary"],
        hidden_size=n["width"],
        num_hidden_layers=n["layers"],
        use_mambapy=use_mambapy,
        use_cache=False,
        pad_token_id=0,
        bos_token_id=0,
        eos_token_id=0,
    )
    model = MambaForCausalLM(config)
    return model, lambda tokens: model(tokens).logits


def mamba_of_mambapy(n: Sizes) -> tuple[nn.Module, Logits]:
    """The blocks of mambapy, with its parallel scan, between an embedding and a linear map."""
    from mambapy.mamba import Mamba, MambaConfig, RMSNorm

    blocks = Mamba(MambaConfig(d_model=n["width"], n_layers=n["layers"]))
    embedding, head = nn.Embedding(n["vocabulary"], n["width"]), nn.Linear(n["width"], n["vocabulary"], bias=False)
    model = nn.Sequential(embedding, blocks, RMSNorm(n["width"]), head)
    return model, model


class LanguageModel:
    """A model, random tokens and AdamW: the time of a step does not depend on what the tokens contain."""

    def __init__(self, n: Sizes, build: Callable[[Sizes], tuple[nn.Module, Logits]]):
        self.model, self.logits = build(n)
        self.model.train()
        self.tokens = torch.randint(1, n["vocabulary"], (n["batch"], n["length"] + 1))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3, fused=True)

    def train(self) -> dict[str, Tensor]:
        """Train a step and return its loss, which nothing has waited for."""
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.logits(self.tokens[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), self.tokens[:, 1:].flatten())
        loss.backward()
        self.optimizer.step()
        return {"loss": loss.detach()}


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
    """Return ids (rows, fields), with small ids more frequent, and labels, for the training and validation rows."""
    generator = np.random.default_rng(0)
    effects = [generator.normal(size=cardinality) for cardinality in FIELDS.values()]

    def rows(count: int) -> IdsAndLabels:
        share = generator.random((count, len(FIELDS))) ** 2
        ids = 1 + (share * (np.array(list(FIELDS.values())) - 1)).astype(np.int64)
        logit = sum(effect[ids[:, field]] for field, effect in enumerate(effects[:3])) - 1
        return ids, (generator.random(count) < 1 / (1 + np.exp(-logit))).astype(np.float32)

    return {"train": rows(n["train"]), "valid": rows(n["valid"])}


class ArcharenaEpoch:
    """The harness's own training loop, with the recipe of FinalMLP's card but without early stopping."""

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

    def train(self) -> dict[str, float]:
        """Train an epoch and return the area under the ROC curve of the validation rows."""
        self.attempt.run(self.attempt.state.step + self.epoch)
        return {"auc": self.attempt.state.curve[-1].valid}


class FuxiCTREpoch:
    """FuxiCTR's own loop, loader, layers, penalty and optimizer. Its package lacks FinalMLP, so it is built here."""

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

    def train(self) -> dict[str, float]:
        """Train an epoch and return the area under the ROC curve of the validation rows."""
        self.model.train_epoch(self.rows)
        return {"auc": float(self.model.last_auc)}


def _finalmlp(features: Any, folder: Path) -> Any:
    """Return FinalMLP made of FuxiCTR's layers, with the hyperparameters published for Frappe_x1."""
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


CONTESTANTS: dict[str, dict[str, Callable[[Sizes, Path], Any]]] = {
    "step": {
        "archarena": lambda n, _: LanguageModel(n, mamba_of_archarena),
        "transformers with mambapy": lambda n, _: LanguageModel(n, partial(mamba_of_transformers, use_mambapy=True)),
        "transformers": lambda n, _: LanguageModel(n, partial(mamba_of_transformers, use_mambapy=False)),
        "mambapy": lambda n, _: LanguageModel(n, mamba_of_mambapy),
    },
    "epoch": {
        "archarena": ArcharenaEpoch,
        "fuxictr": lambda n, folder: FuxiCTREpoch(n, folder, workers=1),  # its default
        "fuxictr, rows in the same process": lambda n, folder: FuxiCTREpoch(n, folder, workers=0),
    },
}


def main(bench: str, name: str, sizes: str) -> None:
    """Answer each line of standard input with a line of JSON."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what a package prints must not be mistaken for an answer
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        contestant: Any = None
        for _ in sys.stdin:
            if contestant is None:
                contestant = CONTESTANTS[bench][name](json.loads(sizes), Path(folder))
                answer: dict[str, Any] = {"parameters": sum(p.numel() for p in contestant.model.parameters())}
            else:
                start = time.perf_counter()
                scores = contestant.train()
                seconds = time.perf_counter() - start
                answer = {"seconds": seconds, **{score: float(value) for score, value in scores.items()}}
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
