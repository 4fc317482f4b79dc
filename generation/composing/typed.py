"""What does a number say that somebody typed?"""

import math


def number(text: str) -> float | str:
    """Return the number, a text that is none as it is: `orders` refuses it in its own words."""
    try:
        said = float(text)
    except ValueError:
        return text
    return said if math.isfinite(said) else text
