"""Does a tenant with 200,000 pictures see its pages as soon as one with 200?

Every page and list of what was made is asked of the web process: the newest, one from the middle by its cursor, one
generation, one picture, those of a batch, those that failed. How many statements each takes is counted with few
pictures and with many, and the database is asked how it does each: with so many rows it must not read a whole
table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test import Client as Browser

from bench.api_load import Load, asked
from bench.api_paths import ROUTE
from bench.api_site import Client, Site, Web
from bench.api_statements import Ear, Statement, reads_whole
from generation.models import Batch, GenerationJob, GenerationLora, Image
from jobs.models import Status
from loras.models import Lora, LoraVersion

Drive = Callable[[Load], dict[str, Any]]
CHUNK = 2000  # generations stored at once
BATCH_OF, LORA_EVERY, FAILS_EVERY, OTHERS_EVERY = 50, 3, 5, 4
LORA = {"rank": 8, "parts": ["unet"], "size_bytes": 1}


@dataclass(frozen=True)
class Page:
    """Where something is to be seen, and as whom."""

    name: str
    path: str
    headers: Mapping[str, str]


def measured(site: Site, drive: Drive, few: int, many: int, seconds: float) -> dict[str, Any]:
    """Store some pictures, then many more, and return how each page is answered with either."""
    owner, other = site.client("draws much"), site.client("draws beside")
    signed_in, ear = {"Cookie": site.browser(owner.tenant)}, Ear()
    seen: list[dict[str, Any]] = []
    for pictures in (few, many):
        fill(site, owner, other, pictures - Image.objects.for_tenant(owner.tenant).count())
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        with site.serving() as web:
            seen.append({page.name: _answered(web, drive, ear, page, seconds) for page in pages(owner, signed_in)})
    rows = [{"page": name, "with_few": seen[0][name], "with_many": seen[1][name]} for name in seen[0]]
    return {"few": few, "pictures": many, "pictures_of_all": Image.objects.count(), "pages": rows}


def _answered(web: Web, drive: Drive, ear: Ear, page: Page, seconds: float) -> dict[str, Any]:
    request = asked("GET", page.path, page.headers)
    drive(Load(web.port, [request], 1, seconds / 4))
    found, heard = drive(Load(web.port, [request], 1, seconds)), statements(ear, page)
    assert set(found["answers"]) == {"200"}, (page, found)
    return found | {"statements": len(heard), "reads_whole": reads_whole(heard)}


def fill(site: Site, owner: Client, other: Client, pictures: int) -> None:
    """Store generations of one picture each, some of them failed, some in batches, some with a LoRA; and others'."""
    version = _lora()
    for stored in range(0, pictures, CHUNK):
        count = min(CHUNK, pictures - stored)
        batch = Batch.objects.create(tenant=owner.tenant)
        in_batch = site.jobs(owner.tenant, min(BATCH_OF, count), Status.SUCCEEDED, batch=batch, charged_ms=4000)
        alone = site.jobs(owner.tenant, count - len(in_batch), Status.SUCCEEDED, charged_ms=4000)
        site.jobs(owner.tenant, count // FAILS_EVERY, Status.FAILED, error_code="gpu_out_of_memory", charged_ms=0)
        beside = site.jobs(other.tenant, count // OTHERS_EVERY, Status.SUCCEEDED, charged_ms=4000)
        site.images([*in_batch, *alone, *beside])
        worn = [*in_batch, *alone][::LORA_EVERY]
        GenerationLora.objects.bulk_create(
            GenerationLora(job=job, position=0, version=version, weight=0.8) for job in worn
        )


def _lora() -> LoraVersion:
    """Return a LoRA for all, without its file."""
    found = LoraVersion.objects.first()
    return found or LoraVersion.objects.create(lora=Lora.objects.create(name="bench"), number=1, **LORA)


def pages(owner: Client, signed_in: Mapping[str, str]) -> list[Page]:
    """Return the pages of what was made, and the API's lists; those in the middle by the cursor that leads there."""
    key = {"Authorization": f"Bearer {owner.secret}"}
    job, image = _middle(GenerationJob, owner, images__isnull=False), _middle(Image, owner, job__loras__isnull=False)
    failed = _middle(GenerationJob, owner, status=Status.FAILED)
    batch = _middle(Batch, owner)
    shown = {
        "history": "/history",
        "history, middle": f"/history?after={image}",
        "history, failed": "/history?show=failed",
        "history, failed, middle": f"/history?show=failed&after={failed}",
        "one picture": f"/images/{image}",
        "one generation": f"/generations/{job}",
        "batches": "/batches",
        "one batch": f"/batches/{batch}",
    }
    listed = {
        "API: generations": ROUTE,
        "API: generations, middle": f"{ROUTE}?after={job}",
        "API: generations of a batch": f"{ROUTE}?batch={batch}",
        "API: one generation": f"{ROUTE}/{job}",
        "API: batches": "/api/v1/batches",
    }
    return [
        Page(name, path, headers)
        for headers, places in ((signed_in, shown), (key, listed))
        for name, path in places.items()
    ]


def _middle(model: Any, owner: Client, **which: Any) -> str:
    """Return the id of the row in the middle, of the tenant's or of those of them."""
    own = model.objects.for_tenant(owner.tenant).filter(**which).order_by("pk")
    return str(own.values_list("pk", flat=True)[own.count() // 2])


def statements(ear: Ear, page: Page) -> list[Statement]:
    """Return what answering asks the database: the least of three times, for what is remembered of a tenant for seconds
    and of a key for a minute may have to be asked again in any of them."""
    browser = Browser(headers={"Host": "127.0.0.1", **page.headers})
    times: list[list[Statement]] = []
    for _ in range(3):
        with ear.listening() as heard:
            answer = browser.get(page.path)
        assert answer.status_code == 200, (page, answer.content)
        times.append(heard)
    return min(times, key=len)
