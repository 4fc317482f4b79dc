"""The API's bench asks a real web process, and finds what it is there to find."""

import json
import os
import subprocess
import sys

import pytest
from django.db import connection

from bench.api_load import asked, figures
from bench.api_statements import Ear, reads_whole
from generation.models import Image

SHORT = ("--seconds", "0.2", "--clients", "2", "--waiters", "20", "--pictures", "60", "--few-pictures", "30")


def test_a_request_says_how_long_its_body_is():
    head, _, body = asked("POST", "/notes", {"X-One": "1"}, {"text": "ü"}).partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"POST /notes HTTP/1.1"
    assert f"Content-Length: {len(body)}".encode() in head
    assert json.loads(body) == {"text": "ü"}


def test_percentiles_are_of_all_that_was_asked():
    assert figures([*range(101)]) == {"p50_ms": 50, "p95_ms": 95, "p99_ms": 99}


@pytest.mark.django_db
def test_every_statement_is_heard_with_its_parameters():
    with Ear().listening() as heard:
        list(Image.objects.filter(width=64))
    ((sql, params),) = heard
    assert (sql.startswith("SELECT"), params) == (True, (64,))


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by the number of rows, and a test has few")
def test_a_statement_that_reads_a_whole_table_is_found():
    with Ear().listening() as heard:
        list(Image.objects.filter(width=64))
        list(Image.objects.filter(pk="img_1"))
    whole, by_index = heard
    assert (len(reads_whole([whole])), reads_whole([by_index])) == (1, [])


@pytest.mark.processes
def test_a_short_run_measures_everything(tmp_path, database_url, settings):
    out = tmp_path / "api.json"
    told = {"DATABASE_URL": database_url} if database_url else {}
    environment = (
        dict(os.environ) | told | {"PYTHONPATH": os.pathsep.join([str(settings.ROOT), str(settings.ROOT / "platform")])}
    )
    subprocess.run([sys.executable, "-m", "bench.api", *SHORT, "--out", out], check=True, env=environment)
    found = json.loads(out.read_text())
    assert all(not row["other_answers"] for row in found["paths"] if row["path"] != "429 rate limit")
    assert [found["waiting"][ends]["heard"] for ends in ("one_by_one", "at_once")] == [1, 19]
    pages = found["history"]["pages"]
    assert all(each["with_few"]["statements"] == each["with_many"]["statements"] for each in pages)
