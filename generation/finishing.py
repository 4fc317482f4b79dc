"""How does a drawn picture become a stored image? It is encoded with its receipt, written, and described by a row."""

import hashlib
import json
from typing import cast

from generation import storage
from generation.engine.encode import Format, encode, thumbnail
from generation.engine.parameters import parameters_text
from generation.engine.spec import Picture, Spec
from generation.models import GenerationJob, Image
from generation.receipts import receipt
from wire.failpoints import Point, failpoint


def stored(job: GenerationJob, spec: Spec, picture: Picture) -> Image:
    """Encode the picture, write its files, and return the row that says so. Raises ApiError when the store refuses."""
    image = Image(
        tenant_id=job.tenant_id,
        job=job,
        index=picture.index,
        seed=picture.seed,
        width=picture.image.width,
        height=picture.image.height,
        format=job.output_format,
    )
    image.receipt = receipt(job, spec, picture, image)
    content = encode(
        picture.image,
        cast(Format, job.output_format),
        quality=job.output_quality,
        parameters=parameters_text(
            spec,
            seed=picture.seed,
            model=picture.drawn_by["checkpoint"],
            model_sha256=picture.drawn_by["unet_sha256"],
        ),
        receipt=json.dumps(image.receipt),
    )
    failpoint(Point.STORE_BEGUN)
    image.blob = storage.write(job, f"{picture.index}.{job.output_format}", content)
    failpoint(Point.STORE_WRITTEN)
    image.thumbnail = storage.write(job, f"{picture.index}.thumbnail.webp", thumbnail(picture.image))
    failpoint(Point.STORE_COMPLETE)
    image.size_bytes, image.sha256 = len(content), hashlib.sha256(content).hexdigest()
    return image
