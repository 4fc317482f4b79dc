"""What do programs hear of a generation that has moved? The job as the API shows it."""

from typing import Any

from generation.models import GenerationJob
from generation.serializers import GenerationSerializer, with_all_shown


def generation_data(tenant_id: str, job_id: str) -> dict[str, Any]:
    """Return the generation as it stands now."""
    job = with_all_shown(GenerationJob.objects.for_tenant(tenant_id)).filter(pk=job_id).first()
    return dict(GenerationSerializer(job).data) if job else {"id": job_id, "object": "generation"}
