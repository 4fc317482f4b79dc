"""How does a child die with its supervisor, even with one that was killed? `python tether.py PARENT_PID COMMAND...`.

On Linux it tells the kernel and then becomes the command, so the process id stays. Elsewhere the next start clears up.
A program of its own, because code between fork and exec in a threaded parent may deadlock.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Tie this process to its parent and become the command."""
    if sys.platform == "linux":
        # SIGKILL: nothing lingers on a port or a file. Whatever was unfinished is in the database.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit("the supervisor died before its child could be tied to it")
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
