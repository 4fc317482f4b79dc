"""A web process that is killed at a moment of a request: `python -m tests.idempotency.dying SECRET MOMENT`."""

import os
import signal
import sys
from types import SimpleNamespace

import django

django.setup()

from generation.views import Generations  # noqa: E402 - Django comes first
from tests.idempotency.test_crashes import door  # noqa: E402

SECRET, MOMENT = sys.argv[1:]


class Dying(Generations):
    """A door behind which the process ends, without any last words."""

    def post(self, request):
        if MOMENT == "before the job":
            os.kill(os.getpid(), signal.SIGKILL)
        super().post(request)
        os.kill(os.getpid(), signal.SIGKILL)


door(Dying, SimpleNamespace(secret=SECRET))
