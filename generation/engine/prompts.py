r"""What does a prompt say, and how much does each part of it weigh? AUTOMATIC1111's syntax, read without torch.

`(word)` weighs 1.1 times as much, `[word]` 1.1 times as little, `(word:1.3)` 1.3 times; nested ones multiply, and what
stays open ends with the prompt. `\(` is a bracket and no sign. BREAK begins a new chunk of tokens.
"""

import re
from dataclasses import dataclass, field
from itertools import groupby

from generation.engine.spec import MAX_BREAKS, PROMPT_WEIGHT

EMPHASIS = 1.1
NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
SIGN = re.compile(rf"\\[()\[\]\\]|:\s*(?P<weight>{NUMBER})\s*\)|[()\[\]]")
BREAK = re.compile(r"\s*\bBREAK\b\s*")
OPENED_BY = {")": "(", "]": "["}


@dataclass(frozen=True)
class Part:
    """Text that weighs alike."""

    text: str
    weight: float


class PromptUnfit(ValueError):
    """Report what a prompt asks too much of, in a sentence that begins with what is said of it."""


def parse(prompt: str) -> list[list[Part]]:
    """Return the prompt's parts, in a list for each section between two BREAKs. Whatever is no sign is text."""
    reader = _Reader()
    end = 0
    for sign in SIGN.finditer(prompt):
        reader.read_text(prompt[end : sign.start()])
        reader.read_sign(sign[0], sign["weight"])
        end = sign.end()
    reader.read_text(prompt[end:])
    reader.close_all()
    return reader.sections


def refuse_unfit(prompt: str) -> None:
    """Raise PromptUnfit for a weight that leaves nothing of a picture, or for more BREAKs than there is time for."""
    sections = parse(prompt)
    if len(sections) - 1 > MAX_BREAKS:
        raise PromptUnfit(f"may have {MAX_BREAKS} BREAKs, this has {len(sections) - 1}")
    low, high = PROMPT_WEIGHT
    for part in (part for section in sections for part in section):
        if not low <= part.weight <= high:
            said = f"{part.text.strip()[:40]!r} has {part.weight:.4g}"
            raise PromptUnfit(f"may have weights from {low:g} to {high:g}, brackets in brackets multiplied; {said}")


@dataclass(eq=False)
class _Piece:
    """A stretch of text as it is read, or a BREAK."""

    text: str
    weight: float = 1.0
    is_break: bool = False


@dataclass(eq=False)
class _Reader:
    """The pieces read so far, and before which of them a bracket was opened that is open still."""

    pieces: list[_Piece] = field(default_factory=list)
    opened: dict[str, list[int]] = field(default_factory=lambda: {"(": [], "[": []})

    def read_text(self, text: str) -> None:
        first, *others = BREAK.split(text)
        self.pieces.append(_Piece(first))
        for other in others:
            self.pieces += [_Piece("", is_break=True), _Piece(other)]

    def read_sign(self, sign: str, weight: str | None) -> None:
        if sign[0] == "\\":
            self.pieces.append(_Piece(sign[1]))
        elif sign in self.opened:
            self.opened[sign].append(len(self.pieces))
        elif opened := self.opened[OPENED_BY[sign[-1]]]:
            self._weigh(opened.pop(), float(weight) if weight else factor_of(OPENED_BY[sign]))
        else:  # it closes nothing, so it is text
            self.pieces.append(_Piece(sign))

    def close_all(self) -> None:
        for sign, starts in self.opened.items():
            for start in starts:
                self._weigh(start, factor_of(sign))

    def _weigh(self, start: int, factor: float) -> None:
        for piece in self.pieces[start:]:
            piece.weight *= factor

    @property
    def sections(self) -> list[list[Part]]:
        """Return what was read, stretches of one weight joined, so that a tokenizer sees whole words."""
        found: list[list[_Piece]] = [[]]
        for piece in self.pieces:
            if piece.is_break:
                found.append([])
            elif piece.text:
                found[-1].append(piece)
        return [
            [Part("".join(piece.text for piece in alike), weight) for weight, alike in groupby(section, _weight)]
            for section in found
        ]


def factor_of(bracket: str) -> float:
    """Return what a bracket without a number multiplies by."""
    return EMPHASIS if bracket == "(" else 1 / EMPHASIS


def _weight(piece: _Piece) -> float:
    return piece.weight
