"""Does a key ever stand in a log? Whatever of it a message, an exception or a library brings is cut out here."""

import logging
import re

from tenants.keys import PREFIX, SHOWN_LENGTH

# Also of a key that is cut off or has a slip in it: what is left would help whoever guesses.
KEY = re.compile(rf"({PREFIX}[0-9A-Za-z]{{{SHOWN_LENGTH - len(PREFIX)}}})[0-9A-Za-z]+")


class ScrubbingFormatter(logging.Formatter):
    """Formats a record, its traceback included, and leaves of each key what the list of keys shows too."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return KEY.sub(r"\1…", super().format(record))
