"""How does OpenAI write how long something takes?"""

import math


def duration(seconds: float) -> str:
    """Return a duration as OpenAI writes it: 1s, 6m0s, 11h59m0s."""
    minutes, second = divmod(math.ceil(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return (f"{hour}h" if hour else "") + (f"{minute}m" if minutes else "") + f"{second}s"
