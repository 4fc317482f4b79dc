"""The shelf and the weights store tell the same story, and the checker sees where they do not."""

import os
import time

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from jobs.scheduler import do_chores
from tests.jobs.test_invariants import checked

HOURS = 3600


@pytest.fixture
def forgotten(checkpoint):
    """Leave a file in the weights store that no version names, as old as is said; return its key."""

    def leave(hours):
        key = storages["weights"].save("loras/all/forgotten.safetensors", ContentFile(b"x"))
        then = time.time() - hours * HOURS
        os.utime(storages["weights"].path(key), (then, then))
        return key

    return leave


def test_all_is_well_with_what_was_registered(shelve, forgotten):
    shelve("kites")
    forgotten(hours=0)
    assert checked() == set()


def test_it_sees_a_lost_lora_file(shelve):
    storages["weights"].delete(shelve("kites").blob)
    assert checked() == {"I8"}


def test_it_sees_a_changed_lora_file(shelve):
    storages["weights"].save(shelve("kites").blob, ContentFile(b"something else"))
    assert checked() == {"I8"}


def test_it_sees_a_file_that_has_been_without_a_version_for_long(shelve, forgotten):
    shelve("kites")
    forgotten(hours=26)
    assert checked() == {"I9"}


def test_the_chores_remove_such_a_file_and_no_other(shelve, forgotten):
    version, key = shelve("kites"), forgotten(hours=2)
    os.utime(storages["weights"].path(version.blob), (0, 0))
    do_chores()
    assert storages["weights"].exists(version.blob)
    assert not storages["weights"].exists(key)


def test_a_file_whose_row_may_still_come_is_left(forgotten):
    key = forgotten(hours=0.5)
    do_chores()
    assert storages["weights"].exists(key)
