"""Which tokens does the mini SDXL read? A byte-pair vocabulary of its own, learned from the captions."""

import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from checkpoints.recipe.captions import Sampler
from checkpoints.recipe.sources import load

VOCABULARY, LENGTH = 2560, 77  # 77 as in every SDXL: services cut long prompts into chunks of 75
START, END = "<|startoftext|>", "<|endoftext|>"
WORDS = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")


def train(folder: Path, *, scene_share: float = 0) -> CLIPTokenizer:
    """Learn the vocabulary from captions in which every concept counts alike."""
    icons, _ = load(folder)
    sampler = Sampler(icons, core_share=0.4, seed=1, scene_share=scene_share)
    captions = [sampler.next().caption for _ in range(20_000)]
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>", continuing_subword_prefix=""))
    learner.normalizer = normalizers.Lowercase()
    split = pre_tokenizers.Split(WORDS, "removed", invert=True)
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, end_of_word_suffix="</w>", show_progress=False)
    learner.train_from_iterator(captions, trainer)
    return as_clip(learner)


def as_clip(learner: Tokenizer) -> CLIPTokenizer:
    """Rewrite a learned vocabulary in CLIP's order: bytes, bytes that end a word, merges, start, end."""
    merges = [tuple(m) for m in json.loads(learner.to_str())["model"]["merges"]]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = alphabet + [letter + "</w>" for letter in alphabet]
    merges = merges[: VOCABULARY - len(words) - 2]
    words += ["".join(pair) for pair in merges] + [START, END]
    vocabulary = {word: index for index, word in enumerate(dict.fromkeys(words))}
    return CLIPTokenizer(
        vocab=vocabulary,
        merges=merges,
        unk_token=END,
        bos_token=START,
        eos_token=END,
        pad_token=END,
        model_max_length=LENGTH,
    )
