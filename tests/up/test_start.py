"""`manage.py up` as a person meets it: real processes, a fake engine."""

import socket
import time
from pathlib import Path

import psutil
import pytest

from darkroom.up.demo_account import read
from darkroom.up.first_picture import finished
from darkroom.up.site import launched, stop

pytestmark = pytest.mark.processes
EVERYTHING = {"store", "web", "worker", "scheduler"}


def processes(site) -> dict[str, psutil.Process]:
    """Return the processes that the supervisor recorded, by name."""
    records = (site.home / "run").glob("*.pid")
    return {record.stem: psutil.Process(int(record.read_text().split()[0])) for record in records}


def refusal(environment: dict[str, str], said: Path) -> str:
    """Return what `manage.py up` says when it does not start."""
    with said.open("wb") as out:
        assert launched(environment, out).wait(60) == 1
    return said.read_text()


def test_the_first_start_makes_a_first_picture(site):
    assert (site.home / "first.png").read_bytes().startswith(b"\x89PNG")


def test_whoever_has_the_key_gets_a_picture(site):
    job = finished(site.client, site.client.request_generation(prompt="a red kite", seed=7), time.sleep)
    assert site.client.content(job["images"][0]["id"]).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", sorted(EVERYTHING))
def test_a_picture_is_made_after_any_process_was_killed(site, name):
    job = site.client.request_generation(prompt="a red kite", steps=100)
    processes(site)[name].kill()
    assert finished(site.client, job, time.sleep)["images"]


def test_a_second_supervisor_is_told_who_runs(site, tmp_path):
    said = refusal(site.environment, tmp_path / "said")
    assert f"already runs in {site.home}, as process {site.process.pid}" in said


def test_sigterm_leaves_no_process_behind(start):
    site = start()
    running = processes(site)
    assert set(running) == EVERYTHING
    assert stop(site.process) == 0
    assert not any(process.is_running() for process in running.values())


def test_a_second_start_finds_everything_in_place(used_home, start):
    home = start().home
    assert read(home).api_key == read(used_home).api_key
    for kept in ("static.stamp", "first.png"):
        assert (home / kept).stat().st_mtime == (used_home / kept).stat().st_mtime


def test_a_killed_supervisor_leaves_nothing_that_blocks_the_next(start):
    site = start()
    orphans = list(processes(site).values())
    site.process.kill()
    site.process.wait()
    assert start().client.missing() == ""
    assert psutil.wait_procs(orphans, timeout=10)[1] == []


def test_a_busy_port_is_told_with_the_way_out(environment, tmp_path):
    port = int(environment["PORT"])
    with socket.create_server(("127.0.0.1", port)):
        said = refusal(environment, tmp_path / "said")
    assert f"Port {port} cannot be used: Address already in use. Choose another: PORT={port + 1} make run" in said


def test_a_checkpoint_that_cannot_be_loaded_ends_the_start_with_the_reason(environment, tmp_path):
    said = refusal(environment | {"DARKROOM_ENGINE": "tests.fakes.BrokenEngine"}, tmp_path / "said")
    assert "no such checkpoint" in said


def test_several_web_processes_share_the_port(environment, start):
    environment["DARKROOM_WEB_PROCESSES"] = "2"
    site = start()
    running = processes(site)
    assert set(running) == EVERYTHING | {"web-2"}
    running["web"].suspend()
    try:
        assert site.client.missing() == ""  # the other takes whoever comes
    finally:
        running["web"].resume()
