"""Darkroom's settings in a home that lasts as long as the test process; nothing of the developer's reaches them."""

import atexit
import os
import shutil
import tempfile

import dj_database_url

OURS = ("DARKROOM_", "DATABASE_URL", "REDIS_URL", "S3_", "SECRET_KEY", "DEBUG", "PORT", "ALLOWED_HOSTS", "LOG_LEVEL")
OURS += ("MAIL_URL", "MAIL_FROM")
for name in list(os.environ):
    if name.startswith(OURS) and not name.startswith("DARKROOM_TEST_"):
        del os.environ[name]
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or all the processes that tests start would compile us anew
os.environ["DARKROOM_HOME"] = tempfile.mkdtemp(prefix="darkroom-tests-")
atexit.register(shutil.rmtree, os.environ["DARKROOM_HOME"], ignore_errors=True)

from darkroom.settings import *  # noqa: E402, F403 - the environment comes first
from darkroom.settings import DATABASES, HOME, RQ_QUEUES, STATIC_ROOT, STORAGES  # noqa: E402
from darkroom.up.store import free_port  # noqa: E402

SECRET_KEY = "not a secret"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one takes half a second by design
LIMITS_KNOWN_SECONDS = 1_000_000  # so that a tenant's second request takes as many queries as its third
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
STATIC_ROOT.mkdir(parents=True)  # empty, but there: its absence would be a warning in each test

# Nobody listens here until the `valkey` fixture does: without it, every test runs with the store down.
REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
RQ_QUEUES["wake"]["URL"] = REDIS_URL

if os.environ.get("DARKROOM_TEST_DATABASE") == "postgresql":
    # The run's first process chooses the port and starts PostgreSQL there (tests/postgres.py); its workers inherit it.
    port = os.environ.setdefault("DARKROOM_TEST_POSTGRES_PORT", str(free_port()))
    DATABASES["default"] = dj_database_url.parse(f"postgresql://darkroom@127.0.0.1:{port}/darkroom")
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True  # as darkroom.settings does
else:
    # A file, not memory: threads of one test must wait for each other's locks as processes do.
    DATABASES["default"]["TEST"] = {"NAME": str(HOME / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"
