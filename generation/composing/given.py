"""Which pictures does the form hold? Each by an id, of an upload or an image; a file that comes is taken in first."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from generation.engine.spec import MAX_CONTROLNETS
from generation.intake import take_picture
from generation.models import Image, Upload
from generation.size_orders import own_size
from tenants.models import Tenant
from wire.errors import ApiError
from wire.ids import is_id

Files = MultiValueDict[str, UploadedFile]
SIZE_OF_THE_START = "start"  # instead of a size: whichever the start picture has


@dataclass(frozen=True)
class Given:
    """A picture in the form."""

    id: str
    width: int
    height: int

    @property
    def address(self) -> str:
        """Return where the picture is."""
        kind = "images" if self.id.startswith("img") else "uploads"
        return f"/api/v1/{kind}/{self.id}/content"

    @property
    def drawn_size(self) -> tuple[int, int]:
        """Return the size that pictures take from it."""
        return own_size(self.width, self.height)


def find_given(tenant: Tenant, ids: Iterable[str]) -> dict[str, Given]:
    """Return the tenant's pictures among these ids, with two queries at most."""
    wanted = list(ids)
    uploads = Upload.objects.for_tenant(tenant).filter(pk__in=[each for each in wanted if is_id(each, "upl")])
    images = Image.objects.for_tenant(tenant).filter(pk__in=[each for each in wanted if is_id(each, "img")])
    rows = [*uploads.values_list("pk", "width", "height"), *images.values_list("pk", "width", "height")]
    return {pk: Given(pk, width, height) for pk, width, height in rows}


def with_ids(tenant: Tenant, data: QueryDict, files: Files) -> tuple[QueryDict, dict[str, str]]:
    """Return what the form says with an id in each file's place, and by its field what is wrong with a file."""
    said, refusals = data.copy(), {}
    for name, param in _places(said):
        file = files.get(f"{name}_file")
        if file is None:
            continue
        try:
            _put(said, name, take_picture(tenant, file, param).pk)
        except ApiError as refusal:
            refusals[param] = refusal.message
    return said, refusals


def _places(said: QueryDict) -> list[tuple[str, str]]:
    """Return the form's names of pictures, and the API's."""
    count = min(len(said.getlist("control_image")), MAX_CONTROLNETS)
    controls = [(f"control_image_{place}", f"controlnets[{place}].image") for place in range(count)]
    return [("init_image", "init_image"), ("mask", "mask"), *controls]


def _put(said: QueryDict, name: str, picture: str) -> None:
    """Let the form hold this picture. A mask was made for one start picture and goes with it."""
    list_name, _, place = name.rpartition("_")
    if list_name == "control_image":
        images = said.getlist(list_name)
        said.setlist(list_name, [*images[: int(place)], picture, *images[int(place) + 1 :]])
        return
    if name == "init_image" and said.get(name) != picture:
        said["mask"] = ""
    said[name] = picture
