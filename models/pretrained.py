"""A pretrained language model from a local folder or the Hugging Face hub, for generation tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from ..harness import UserError, register_model


@register_model(
    "pretrained",
    summary="A pretrained causal language model, set by --set pretrained.path=FOLDER_OR_HUB_NAME; needs extra 'hf'.",
    family="pretrained",
    on_request=True,
    requires=("path",),
)
class Pretrained:
    """Continues prompts with `transformers`; not trained here, so it supports only generation tasks.

    Parameters
    ----------
    path
        A folder with a model and its tokenizer, or their name on the hub.
    batch
        Number of prompts per batch.

    Raises
    ------
    UserError
        If no path is given, `transformers` is not installed, or no model can be loaded from the path.
    """

    bounds = {"batch": (1, 65536)}

    def __init__(self, device: str, *, path: str = "", batch: int = 8):
        if not path:
            raise UserError("Model 'pretrained' needs a model: use --set pretrained.path=FOLDER_OR_HUB_NAME.")
        try:
            from transformers import AutoModelForCausalLM, AutoTokenizer
        except ImportError:
            raise UserError("Model 'pretrained' needs transformers: pip install 'archarena[hf]'.") from None
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(path, padding_side="left")
            model: Any = AutoModelForCausalLM.from_pretrained(path)
        except (OSError, ValueError) as error:
            raise UserError(f"Cannot load a language model from '{path}': {str(error).splitlines()[0]}") from None
        self.model = model.to(device).eval()
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.batch = batch

    def generate(
        self,
        prompts: list[str],
        *,
        samples: int,
        max_new_tokens: int,
        temperature: float,
        stop: str | None,
        seed: int,
    ) -> list[list[str]]:
        """Return `samples` continuations of each prompt; see `archarena.harness.contract.model.Generator`."""
        how = {"do_sample": True, "temperature": temperature} if temperature else {"do_sample": False}
        if stop is not None:
            how |= {"stop_strings": [stop], "tokenizer": self.tokenizer}
        devices = [self.model.device] if self.model.device.type == "cuda" else []
        with torch.random.fork_rng(devices), torch.no_grad():
            torch.manual_seed(seed)
            texts = [
                text.split(stop)[0] if stop else text
                for start in range(0, len(prompts), self.batch)
                for text in self._continue(prompts[start : start + self.batch], samples, max_new_tokens, how)
            ]
        return [texts[start : start + samples] for start in range(0, len(texts), samples)]

    def _continue(self, prompts: list[str], samples: int, max_new_tokens: int, how: dict) -> Iterator[str]:
        given = self.tokenizer(prompts, return_tensors="pt", padding=True).to(self.model.device)
        tokens = self.model.generate(
            input_ids=given["input_ids"],
            attention_mask=given["attention_mask"],
            max_new_tokens=max_new_tokens,
            num_return_sequences=samples,
            pad_token_id=self.tokenizer.pad_token_id,
            **how,
        )
        yield from self.tokenizer.batch_decode(tokens[:, given["input_ids"].shape[1] :], skip_special_tokens=True)
