"""What the layout of the house promises."""

import os
import platform
import subprocess
import sys
import sysconfig
from pathlib import Path

from django.conf import settings

RESOLVE_EVERY_URL = """
import sys
from darkroom.asgi import application
from django.urls import get_resolver

def walk(resolver):
    for entry in resolver.url_patterns:
        if hasattr(entry, "url_patterns"):
            walk(entry)

walk(get_resolver())
print(sorted({"torch", "diffusers", "transformers", "peft"} & set(sys.modules)))
"""


def test_platform_is_a_place_and_not_a_package():
    assert not (settings.ROOT / "platform" / "__init__.py").exists()
    assert Path(platform.__file__).is_relative_to(sysconfig.get_path("stdlib"))


def test_a_web_process_with_every_url_resolved_has_no_torch():
    roots = os.pathsep.join([str(settings.ROOT), str(settings.ROOT / "platform")])
    environment = dict(os.environ) | {"PYTHONPATH": roots, "DJANGO_SETTINGS_MODULE": "darkroom.settings"}
    told = subprocess.run(
        [sys.executable, "-c", RESOLVE_EVERY_URL], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"
