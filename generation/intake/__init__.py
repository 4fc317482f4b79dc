"""How does a picture that somebody gives become one that is safe to use?"""

from generation.engine.preprocess import PREPROCESSORS, preprocess
from generation.intake.taking import take_picture
from generation.intake.uploads import open_picture

__all__ = ["PREPROCESSORS", "open_picture", "preprocess", "take_picture"]
