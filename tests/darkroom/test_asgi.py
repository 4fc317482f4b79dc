"""Does the web server start by itself, without `manage.py up` around it?"""

import os
import subprocess
import sys

from django.conf import settings


def test_the_application_needs_nothing_but_the_source_roots(tmp_path):
    roots = os.pathsep.join([str(settings.ROOT), str(settings.ROOT / "platform")])
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": roots, "DARKROOM_HOME": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-c", "from darkroom.asgi import application; print('ready')"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (told.stdout.strip(), told.returncode) == ("ready", 0), told.stderr
