"""Which prompts pass? Any text of bearable length and weight, the same for every door."""

from typing import Any

from generation.engine.prompts import PromptUnfit, refuse_unfit
from generation.engine.spec import MAX_PROMPT_CHARS
from wire.fields import StrictText


class PromptField(StrictText):
    """A prompt in AUTOMATIC1111's syntax, kept byte for byte."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_PROMPT_CHARS, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the prompt."""
        prompt = str(super().to_internal_value(data))
        try:
            refuse_unfit(prompt)
        except PromptUnfit as error:
            raise self.refusal("invalid_value", str(error)) from error
        return prompt
