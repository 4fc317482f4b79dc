"""Prompts reach the UNet as AUTOMATIC1111 brings them there: weights on the embeddings, chunks of 75, nothing cut."""

import pytest
import torch

from generation.engine.chunks import chunks, framed
from generation.engine.conditioning import embed, encode, weighted
from loras.weights.sdxl import load_sdxl

# The tiny tokenizer makes a token of every letter, and of every comma one that begins with a comma.


@pytest.fixture(scope="module")
def sdxl(tiny):
    return load_sdxl(str(tiny), torch.device("cpu"))


@pytest.fixture
def lay_out(sdxl):
    """Return a prompt's chunks as the texts that are read from their tokens."""

    def read(prompt):
        return [
            sdxl.tokenizer.decode([token.id for token in chunk]).strip() for chunk in chunks(sdxl.tokenizer, prompt)
        ]

    return read


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ("", [""]),
        ("x" * 75, ["x" * 75]),
        ("x" * 76, ["x" * 75, "x"]),
        ("x" * 60 + "," + "y" * 20, ["x" * 60 + " ,", "y" * 20]),
        ("x" * 50 + "," + "y" * 30, ["x" * 50 + " ," + "y" * 24, "y" * 6]),
        ("x" * 55 + "," + "y" * 20, ["x" * 55 + " ,", "y" * 20]),
        ("x" * 54 + "," + "y" * 21, ["x" * 54 + " ," + "y" * 20, "y"]),
        ("x" * 60 + "," + "y" * 5 + "," + "z" * 12, ["x" * 60 + " ," + "y" * 5 + " ,", "z" * 12]),
        ("x" * 75 + ",y", ["x" * 75, ",y"]),
        ("xxx BREAK yyy", ["xxx", "yyy"]),
        ("BREAK yyy", ["", "yyy"]),
        ("xxx BREAK", ["xxx"]),
        ("x" * 75 + " BREAK y", ["x" * 75, "y"]),
    ],
)
def test_a_long_prompt_is_wrapped_behind_a_near_comma(lay_out, prompt, texts):
    assert [text.replace(" ", "") for text in lay_out(prompt)] == [text.replace(" ", "") for text in texts]


def test_every_token_keeps_the_weight_of_its_part(sdxl):
    first, second = chunks(sdxl.tokenizer, "x" * 70 + "(" + "y" * 10 + ":1.5)")
    assert [token.weight for token in first] == [1.0] * 70 + [1.5] * 5
    assert [token.weight for token in second] == [1.5] * 5


@torch.inference_mode()
def test_the_hundredth_token_matters(sdxl):
    (one, _), (other, _) = embed(sdxl, ["x" * 99 + "y", "x" * 99 + "z"])
    assert torch.equal(one[:, :77], other[:, :77])
    assert (one[:, 77:] - other[:, 77:]).abs().max() > 0.01


@torch.inference_mode()
def test_brackets_that_cancel_each_other_change_no_bit(sdxl):
    plain, bracketed = (next(embed(sdxl, [prompt])) for prompt in ("a red kite", "(a red kite:1.0)"))
    assert all(torch.equal(one, other) for one, other in zip(plain, bracketed, strict=True))


@torch.inference_mode()
def test_a_weight_multiplies_the_tokens_state_in_both_encoders_and_leaves_the_pooled_one(sdxl):
    (plain, pooled), (heavy, same) = embed(sdxl, ["a b c", "a (b:1.5) c"])
    assert torch.equal(pooled, same)
    widths = [encoder.config.hidden_size for encoder in (sdxl.text_encoder, sdxl.text_encoder_2)]
    for before, after in zip(plain[0].split(widths, -1), heavy[0].split(widths, -1), strict=True):
        times = (after / before).median(-1).values
        assert torch.allclose(times[2] / times[1], torch.tensor(1.5))
        assert torch.allclose(before.mean(), after.mean(), atol=1e-5)


def test_the_mean_is_restored_in_each_chunk_alone():
    hidden = torch.ones(2, 3, 4)
    after = weighted(hidden, torch.tensor([[1.0, 4.0, 1.0], [1.0, 1.0, 1.0]]))
    assert torch.allclose(after[0, :, 0], torch.tensor([0.5, 2.0, 0.5]))
    assert torch.equal(after[1], hidden[1])


def test_a_mean_of_nothing_is_not_restored():
    hidden = torch.tensor([[[1.0], [-1.0]]])
    assert weighted(hidden, torch.tensor([[1.0, 2.0]])).flatten().tolist() == [1.0, -2.0]


@torch.inference_mode()
def test_the_shorter_prompt_is_padded_with_empty_chunks(sdxl):
    (_, _), (short, _) = embed(sdxl, ["x BREAK y BREAK z", "x"])
    empty, _ = encode(sdxl.text_encoder, framed(sdxl.tokenizer, [], 1))
    width = empty.shape[-1]
    assert torch.allclose(short[:, 77:154, :width], empty, atol=1e-5)
    assert torch.allclose(short[:, 154:, :width], empty, atol=1e-5)
