"""Does the pool keep the newest examples once it is full?"""

import numpy as np
import pytest
import torch
from transformers import CLIPTokenizer

from checkpoints.recipe import networks
from checkpoints.recipe.captions import Sampler
from checkpoints.recipe.pool import Pool
from checkpoints.recipe.sources import Icon
from checkpoints.recipe.tokens import END, START


@pytest.fixture
def pool(tmp_path):
    np.save(tmp_path / "icons.npy", np.zeros((1, 128, 128, 4), np.uint8))
    (tmp_path / "icons.json").write_text(
        '[{"name": "cat", "concept": "cat", "style": "flat", "category": "", "core": true}]'
    )
    tokenizer = CLIPTokenizer(vocab={START: 0, END: 1}, merges=[], unk_token=END, bos_token=START, eos_token=END)
    tokenizer.pad_token, tokenizer.model_max_length = END, 77
    return Pool(tmp_path, networks.build_vae().eval(), tokenizer, room=6)


@pytest.fixture
def sampler():
    return Sampler([Icon("cat", "cat", "flat", "", core=True)], core_share=1.0, seed=1)


def test_a_pool_grows_until_its_room_is_taken(pool, sampler):
    pool.grow(sampler, 4)
    assert len(pool) == 4

    pool.grow(sampler, 4)
    assert len(pool) == 6


def test_the_newest_take_the_place_of_the_oldest(pool, sampler):
    pool.grow(sampler, 6)
    first, third = pool.latents[0].clone(), pool.latents[2].clone()

    pool.grow(sampler, 2)

    assert not torch.equal(pool.latents[0], first)
    assert torch.equal(pool.latents[2], third)


def test_a_batch_has_latents_and_padded_tokens(pool, sampler):
    pool.grow(sampler, 6)

    latents, tokens = pool.pick(3, torch.Generator().manual_seed(0))

    assert latents.shape == (3, 4, 16, 16)
    assert tokens.shape == (3, 77)
