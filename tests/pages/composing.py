"""How do tests fill in the Create page's form?"""

import re
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL.Image import Image as Pixels

from generation.models import GenerationJob
from tests.generation.giving import file_of

HTMX = {"HX-Request": "true"}
FORM = {"prompt": "a red kite", "size": "custom", "width": "96", "height": "64", "seed": "7", "steps": "2"}
NO_CONTROL = {"control_name": "edges", "control_image": "", "control_preprocess": "", "control_weight": "1"}
WINDOW = {"control_start": "0", "control_end": "1"}


def part_of(picture: Pixels, name: str = "kite.png") -> SimpleUploadedFile:
    """Return the picture as a browser sends it."""
    return SimpleUploadedFile(name, file_of(picture), content_type="image/png")


def order(person: Any, **fields: Any) -> Any:
    """Press Generate, as htmx does."""
    return person.browser.post("/", FORM | fields, headers=HTMX)


def ordered(person: Any, **fields: Any) -> dict[str, Any]:
    """Press Generate and return what the job was asked for, as the API tells it."""
    answer = order(person, **fields)
    assert answer.status_code == 200, answer.context["form"].errors
    return shown(person)


def shown(person: Any) -> dict[str, Any]:
    """Return what the newest job was asked for."""
    job = GenerationJob.objects.latest("pk")
    return dict(person.api.get(f"/api/v1/generations/{job.pk}").json()["spec"])


def change(person: Any, part: str, **fields: Any) -> str:
    """Press a button in this part of the form, as htmx does, and return what it gets."""
    return str(person.browser.post(f"/{part}", FORM | fields, headers=HTMX).content.decode())


def value(page: str, name: str) -> str:
    """Return what the page's field of this name holds."""
    tag = re.search(rf'<input[^>]*name="{name}"[^>]*>', page)
    found = re.search(r'value="([^"]*)"', tag[0]) if tag else None
    return found[1] if found else ""


def filled(form: Any) -> dict[str, Any]:
    """Return what a browser would send of this form as it stands."""
    fields = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    fields |= {"init_image": form.initial.get("init_image", ""), "mask": form.initial.get("mask", "")}
    fields["size"] = form.chosen_size
    for name in ("name", "image", "preprocess", "weight", "start", "end"):
        fields[f"control_{name}"] = [each[name] for each in form.composition.controls.asked]
    return fields
