"""A tiny language model, loaded from disk, generates answers; nothing is downloaded."""

import pytest
from archarena.harness import UserError

transformers = pytest.importorskip("transformers")
from archarena.models.pretrained import Pretrained  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a byte-level tokenizer and a randomly initialized GPT-2."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {symbol: index for index, symbol in enumerate([*alphabet, "<end>"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    path = tmp_path_factory.mktemp("model")
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>").save_pretrained(path)
    config = transformers.GPT2Config(
        vocab_size=len(vocabulary), n_positions=64, n_embd=8, n_layer=1, n_head=2, bos_token_id=256, eos_token_id=256
    )
    transformers.set_seed(0)
    transformers.GPT2LMHeadModel(config).save_pretrained(path)
    return str(path)


def write(model, **how):
    usual = {"samples": 1, "max_new_tokens": 6, "temperature": 0.0, "stop": None, "seed": 0}
    return model.generate(["ab", "a longer prompt", "c"], **(usual | how))


def test_greedy_text_does_not_depend_on_how_prompts_are_batched(folder):
    one, two = Pretrained("cpu", path=folder, batch=1), Pretrained("cpu", path=folder, batch=3)
    assert write(one) == write(two)
    assert [len(row) for row in write(one)] == [1, 1, 1]


def test_samples_are_a_function_of_the_seed(folder):
    model = Pretrained("cpu", path=folder)
    first, again, other = (write(model, samples=3, temperature=1.0, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert [len(row) for row in first] == [3, 3, 3]


def test_a_stop_text_ends_a_continuation_and_is_no_part_of_it(folder):
    model = Pretrained("cpu", path=folder)
    whole = write(model)[0][0]
    stop = whole[2]
    assert write(model, stop=stop)[0][0] == whole[: whole.index(stop)]


@pytest.mark.parametrize(("path", "message"), [("", "needs a model"), ("/nowhere/at/all", "Cannot load a language")])
def test_a_model_that_is_not_there_is_told_in_one_sentence(path, message, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match=message):
        Pretrained("cpu", path=path)
