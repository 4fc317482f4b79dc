"""What a tenant keeps is counted as it comes and goes, and who is full is told what to delete."""

import pytest

from generation.models import Image, Upload
from generation.services import delete_image
from loras.models import LoraVersion
from loras.services import register_lora, remove_lora
from quotas.models import StorageUse
from quotas.storage import used_bytes
from tests.generation.giving import given, plain
from tests.shelf import lora_file
from wire.errors import ApiError

ROUTE = "/api/v1/generations"


def give(person):
    """Upload a picture."""
    return person.api.post("/api/v1/uploads", {"data": given(plain())})


def test_a_finished_picture_is_counted_and_a_deleted_one_no_more(alice, make_image):
    first, second = make_image(alice, size="64x64"), make_image(alice, size="128x128")
    assert StorageUse.objects.get().bytes == first.size_bytes + second.size_bytes
    delete_image(first)
    delete_image(first)
    assert StorageUse.objects.get().bytes == second.size_bytes


def test_an_upload_is_counted_once_and_removed_once(alice):
    answer = give(alice)
    give(alice)
    assert StorageUse.objects.get().bytes == Upload.objects.get().size_bytes
    alice.api.delete(f"/api/v1/uploads/{answer.json()['id']}")
    assert StorageUse.objects.get().bytes == 0


def test_a_tenants_own_lora_is_counted_and_the_operators_is_not(alice, shelve):
    shelve("kites", 1)
    own = shelve("dragons", 2, tenant=alice.tenant)
    assert StorageUse.objects.get().bytes == own.size_bytes
    remove_lora(own.lora)
    assert StorageUse.objects.get().bytes == 0


def test_what_was_kept_before_anybody_counted_counts(alice, make_image):
    make_image(alice, size="64x64")
    StorageUse.objects.all().delete()
    assert used_bytes(alice.tenant) == Image.objects.get().size_bytes
    make_image(alice, size="64x64")
    assert StorageUse.objects.get().bytes == sum(image.size_bytes for image in Image.objects.all())


def test_a_full_tenant_gets_no_more_pictures(alice, allow, make_image, no_plan):
    image = make_image(alice, size="64x64")
    allow(alice, storage_bytes=image.size_bytes)
    answer = alice.api.post(ROUTE, {"prompt": "one more"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "storage_quota_exceeded")
    assert answer.json()["error"]["type"] == "permission_error"
    assert answer.json()["error"]["message"].endswith(
        "Delete 1 byte or more first: GET /api/v1/usage/storage lists the largest files."
    )


def test_who_is_beyond_the_limit_hears_of_all_that_must_go(alice, allow, no_plan):
    StorageUse.objects.create(tenant=alice.tenant, bytes=201_335)
    allow(alice, storage_bytes=200_000)
    assert (
        alice.api.post(ROUTE, {"prompt": "one more"})
        .json()["error"]["message"]
        .startswith("You may keep 195.3 KB here (plan none) and have 196.6 KB. Delete 1,336 bytes or more first:")
    )


def test_a_full_tenant_gives_no_more_pictures(alice, allow):
    allow(alice, storage_bytes=10)
    assert give(alice).json()["error"]["code"] == "storage_quota_exceeded"
    assert not Upload.objects.exists()


def test_room_is_made_by_deleting(alice, allow, make_image):
    image = make_image(alice, size="64x64")
    allow(alice, storage_bytes=image.size_bytes)
    alice.api.delete(f"/api/v1/images/{image.pk}")
    assert alice.api.post(ROUTE, {"prompt": "one more"}).status_code == 202


def test_one_lora_too_many_is_refused_and_the_next_version_is_not(alice, allow, shelve):
    allow(alice, loras=1)
    shelve("kites", 1, tenant=alice.tenant)
    with pytest.raises(ApiError, match="You may have 1 LoRAs of your own") as refusal:
        register_lora(lora_file(2), "dragons", tenant=alice.tenant)
    assert (refusal.value.status, refusal.value.code) == (403, "lora_quota_exceeded")
    shelve("kites", 2, tenant=alice.tenant)
    assert LoraVersion.objects.count() == 2


def test_a_lora_for_which_there_is_no_room_is_refused(alice, allow, shelve):
    allow(alice, storage_bytes=10)
    with pytest.raises(ApiError, match="Delete"):
        shelve("kites", tenant=alice.tenant)
    shelve("kites")
