"""How are a prompt's tokens laid out for encoders that read 77 at a time? In chunks of 75, as AUTOMATIC1111 does."""

from typing import NamedTuple

from transformers import CLIPTokenizer

from generation.engine.prompts import Part, parse

COMMA = ",</w>"
BACKTRACK = 20  # so many tokens behind a comma move on to the next chunk together


class Token(NamedTuple):
    """A token's number in the vocabulary, and how much it weighs."""

    id: int
    weight: float


def chunks(tokenizer: CLIPTokenizer, prompt: str) -> list[list[Token]]:
    """Split a prompt into chunks that leave room for a start and an end token; an empty prompt is one empty chunk."""
    *ended, last = (_wrapped(tokenizer, _tokens(tokenizer, section)) for section in parse(prompt))
    laid = [chunk for section in ended for chunk in section or [[]]]  # a BREAK ends a chunk, be it empty
    return laid + last or [[]]


def framed(tokenizer: CLIPTokenizer, laid: list[list[Token]], count: int) -> list[list[Token]]:
    """Put start, end and padding tokens around each chunk, and add empty chunks up to `count`."""
    rows = []
    for chunk in laid + [[]] * (count - len(laid)):
        row = [Token(tokenizer.bos_token_id, 1.0), *chunk, Token(tokenizer.eos_token_id, 1.0)]
        rows.append(row + [Token(tokenizer.pad_token_id, 1.0)] * (tokenizer.model_max_length - len(row)))
    return rows


def _tokens(tokenizer: CLIPTokenizer, section: list[Part]) -> list[Token]:
    return [
        Token(number, part.weight)
        for part in section
        for number in tokenizer(part.text, add_special_tokens=False, truncation=False).input_ids
    ]


def _wrapped(tokenizer: CLIPTokenizer, tokens: list[Token]) -> list[list[Token]]:
    """Wrap the tokens as a text is wrapped into lines, behind a comma if one is near."""
    size, comma = tokenizer.model_max_length - 2, tokenizer.convert_tokens_to_ids(COMMA)
    rows = []
    while len(tokens) > size:
        end = _end(tokens, size, comma)
        rows.append(tokens[:end])
        tokens = tokens[end:]
    return [*rows, tokens] if tokens else rows


def _end(tokens: list[Token], size: int, comma: int) -> int:
    """Return where the first chunk ends; a comma that has no room begins the next one."""
    if tokens[size].id == comma:
        return size
    return next((at + 1 for at in range(size - 1, size - BACKTRACK - 1, -1) if tokens[at].id == comma), size)
