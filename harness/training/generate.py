"""Generate continuations: token by token with a next-token model, or as text with a `Generator`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..assembly.module import Built
from ..contract.evaluation import Decoding
from ..contract.model import Generator


@torch.no_grad()
def decode(
    built: Built, prompts: np.ndarray, lengths: np.ndarray, decoding: Decoding, *, seed: int, batch: int
) -> np.ndarray:
    """Continue prompts: greedily at temperature 0, otherwise by sampling with a separate random generator.

    Prompts in a batch may differ in length; each row starts generating after its own prompt. Prompts
    of similar length are batched together.

    Parameters
    ----------
    prompts
        (rows, length) tokens, padded at the end.
    lengths
        (rows,) number of tokens per prompt, at least 1.
    batch
        Continuations per batch.

    Returns
    -------
    numpy.ndarray
        (rows, samples, max_new_tokens) int32: the generated tokens, padded with 0 from the stop token on.
    """
    built.eval()
    device = next(built.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    order = np.argsort(lengths, kind="stable")
    rows = order.repeat(decoding.samples)
    chosen = [
        _continue(
            built,
            torch.from_numpy(prompts[some].astype(np.int64)).to(device),
            torch.from_numpy(np.asarray(lengths)[some].astype(np.int64)).to(device),
            decoding,
            generator,
        )
        for some in (rows[start : start + batch] for start in range(0, len(rows), batch))
    ]
    found = np.empty((len(order), decoding.samples, decoding.max_new_tokens), np.int32)
    found[order] = torch.cat(chosen).cpu().numpy().reshape(found.shape)
    return found


def _continue(built: Built, prompts: Tensor, lengths: Tensor, decoding: Decoding, generator: torch.Generator) -> Tensor:
    """Return the tokens that follow each prompt, (rows, max_new_tokens)."""
    rows, shortest, longest = len(prompts), int(lengths.min()), int(lengths.max())
    new = torch.zeros(rows, decoding.max_new_tokens, dtype=torch.long, device=prompts.device)
    done = torch.zeros(rows, dtype=torch.bool, device=prompts.device)
    state, x = built.prefill(prompts[:, : shortest - 1]), prompts[:, shortest - 1]
    for position in range(shortest - 1, longest - 1 + decoding.max_new_tokens):
        logits, state = built.step(x, state)
        choice = choose(logits.float(), decoding.temperature, generator)
        place = position + 1 - lengths
        writes = (place >= 0) & ~done
        if decoding.stop is not None:
            done |= writes & (choice == decoding.stop)
            writes &= ~done
        new[writes, place[writes]] = choice[writes]
        done |= place == decoding.max_new_tokens - 1
        if bool(done.all()):
            break
        given = prompts[:, min(position + 1, prompts.shape[1] - 1)]
        x = torch.where(position + 1 < lengths, given, choice)
    return new


def choose(logits: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """Choose one token per row of `logits` (rows, vocabulary), but never the padding token 0."""
    logits = logits.index_fill(1, torch.zeros(1, dtype=torch.long, device=logits.device), -torch.inf)
    if temperature == 0:
        return logits.argmax(1)
    return torch.multinomial((logits / temperature).softmax(1), 1, generator=generator).squeeze(1)


def generate_text(generator: Generator, prompts: Sequence[str], decoding: Decoding, *, seed: int) -> np.ndarray:
    """Return the texts of a `Generator` as UTF-8, (rows, samples, bytes) uint8, padded with 0.

    Raises
    ------
    ValueError
        If it does not return `Decoding.samples` texts per prompt.
    """
    texts = generator.generate(
        list(prompts),
        samples=decoding.samples,
        max_new_tokens=decoding.max_new_tokens,
        temperature=decoding.temperature,
        stop=decoding.stop_text,
        seed=seed,
    )
    if [len(row) for row in texts] != [decoding.samples] * len(prompts):
        raise ValueError(f"generate() must return {decoding.samples} texts for each of {len(prompts)} prompts.")
    written = [[text.replace("\0", " ").encode() for text in row] for row in texts]
    longest = max((len(text) for row in written for text in row), default=0)
    joined = b"".join(text.ljust(longest, b"\0") for row in written for text in row)
    return np.frombuffer(joined, np.uint8).reshape(len(written), decoding.samples, longest)


def read_text(predictions: np.ndarray) -> list[list[str]]:
    """Decode the texts that `generate_text` returned as bytes."""
    return [[bytes(sample).rstrip(b"\0").decode() for sample in row] for row in predictions]
