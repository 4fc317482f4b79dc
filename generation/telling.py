"""What do programs hear of a generation that has moved? The job as the API shows it, never more than the event says."""

from typing import Any

from generation.models import GenerationJob
from generation.serializers import GenerationSerializer, with_all_shown
from jobs.models import Status
from webhooks.events import STARTED


def generation_data(tenant_id: str, job_id: str, event: str) -> dict[str, Any]:
    """Return the generation as it stands now; for its start, which may be told late, as it stood then."""
    job = with_all_shown(GenerationJob.objects.for_tenant(tenant_id)).filter(pk=job_id).first()
    if job is None:
        return {"id": job_id, "object": "generation"}
    data = dict(GenerationSerializer(job).data)
    return _at_its_start(data) if event == STARTED else data


def _at_its_start(data: dict[str, Any]) -> dict[str, Any]:
    """Return the generation's JSON without what came after it began."""
    then: dict[str, Any] = {"status": Status.RUNNING, "completed_at": None, "queue": None, "images": [], "error": None}
    return data | then | {"progress": data["progress"] | {"step": 0}, "cost": data["cost"] | {"charged": None}}
