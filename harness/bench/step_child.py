"""A contestant of ``archarena bench step``: trains a small language model, one step for each line it is sent.

This file runs by itself, also under a Python that has no archarena: ``python step_child.py NAME SIZES``, where SIZES is
JSON. It answers its first line of input with the number of parameters, and every other with a step's seconds and loss.
"""

# pyright: reportMissingImports=false
# The packages of the contestants are installed in other environments.

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Sizes = dict[str, int]
Logits = Callable[[Tensor], Tensor]


def archarena(n: Sizes) -> tuple[nn.Module, Logits]:
    """Mamba as the harness builds it for a next-token task."""
    from archarena.harness import NextToken, Size, TaskSpec, Tokens, build, get_model

    spec = TaskSpec(Tokens(n["vocabulary"], n["length"]), NextToken(n["vocabulary"]), causal=True)
    model = build(get_model("mamba"), spec, Size(n["width"], n["layers"]))
    return model, lambda tokens: model(tokens=tokens)


def transformers(n: Sizes, *, use_mambapy: bool) -> tuple[nn.Module, Logits]:
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


def mambapy(n: Sizes) -> tuple[nn.Module, Logits]:
    """The blocks of mambapy, with its parallel scan, between an embedding and a linear map."""
    from mambapy.mamba import Mamba, MambaConfig, RMSNorm

    blocks = Mamba(MambaConfig(d_model=n["width"], n_layers=n["layers"]))
    embedding, head = nn.Embedding(n["vocabulary"], n["width"]), nn.Linear(n["width"], n["vocabulary"], bias=False)
    model = nn.Sequential(embedding, blocks, RMSNorm(n["width"]), head)
    return model, model


CONTESTANTS: dict[str, Callable[[Sizes], tuple[nn.Module, Logits]]] = {
    "archarena": archarena,
    "transformers with mambapy": lambda n: transformers(n, use_mambapy=True),
    "transformers": lambda n: transformers(n, use_mambapy=False),
    "mambapy": mambapy,
}


class Trainer:
    """A model, random tokens and AdamW: what a step costs does not depend on what there is to learn."""

    def __init__(self, name: str, n: Sizes):
        torch.manual_seed(0)
        self.model, self.logits = CONTESTANTS[name](n)
        self.model.train()
        self.tokens = torch.randint(1, n["vocabulary"], (n["batch"], n["length"] + 1))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3, fused=True)

    def step(self) -> dict[str, float]:
        """Return a step's seconds and loss."""
        start = time.perf_counter()
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.logits(self.tokens[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), self.tokens[:, 1:].flatten())
        loss.backward()
        self.optimizer.step()
        return {"seconds": time.perf_counter() - start, "loss": float(loss.detach())}


def main(name: str, sizes: str) -> None:
    """Answer each line of standard input with one of JSON."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what a package prints must not be taken for an answer
    trainer: Trainer | None = None
    for _ in sys.stdin:
        if trainer is None:
            trainer = Trainer(name, json.loads(sizes))
            answer: dict[str, Any] = {"parameters": sum(p.numel() for p in trainer.model.parameters())}
        else:
            answer = trainer.step()
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
