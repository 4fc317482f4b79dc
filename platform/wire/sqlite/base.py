"""Whose turn is it to write to SQLite? Of the threads of a process, one at a time.

SQLite has one writer. Whoever finds it busy looks again after ever longer pauses, up to 0.1 s, so that among many
threads the one that has waited longest is the least likely to come in. Here transactions wait for a lock of their
process first, whose waiters sleep until it is free; what is written outside of them is over in a moment.
"""

import threading

from django.db import OperationalError
from django.db.backends.sqlite3 import base

TURN = threading.Lock()


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, whose transactions (all of them may write: they begin IMMEDIATE) take turns."""

    has_turn = False

    def set_autocommit(self, autocommit: bool, force_begin_transaction_with_broken_autocommit: bool = False) -> None:
        """Begin a transaction, as Django's `atomic` does, or be done with it, however it ended.

        Raises OperationalError.
        """
        if autocommit:
            self._end_turn()  # first, since what waits for the commit may begin another transaction
        if autocommit or not force_begin_transaction_with_broken_autocommit:
            super().set_autocommit(autocommit)
            return
        self.ensure_connection()  # which sets autocommit
        if not TURN.acquire(timeout=self.settings_dict["OPTIONS"]["timeout"]):
            raise OperationalError("database is locked")  # as SQLite says it
        self.has_turn = True
        try:
            super().set_autocommit(autocommit, force_begin_transaction_with_broken_autocommit=True)
        except BaseException:
            self._end_turn()
            raise

    def close(self) -> None:
        """Close, and with it whatever transaction there is."""
        self.validate_thread_sharing()
        try:
            super().close()
        finally:
            self._end_turn()

    def _end_turn(self) -> None:
        if self.has_turn:
            self.has_turn = False
            TURN.release()
