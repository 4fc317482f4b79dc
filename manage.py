#!/usr/bin/env python
"""Run Darkroom's management commands, also from a bare clone that is not installed."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

ROOT = Path(__file__).resolve().parent

if __name__ == "__main__":
    sys.path.insert(1, str(ROOT / "platform"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "darkroom.settings")
    execute_from_command_line(sys.argv)
