"""How does a batch look in JSON? Also the source of the OpenAPI document."""

from typing import Any

from rest_framework import serializers

from generation.batches.tally import Tally, tallies
from generation.models import Batch
from generation.serializers import absolute
from jobs.models import Status


class AxisSerializer(serializers.Serializer[Any]):
    """One axis of a sweep."""

    field = serializers.CharField()
    values = serializers.ListField()

    class Meta:
        ref_name = "SweptAxis"


class CountsSerializer(serializers.Serializer[Any]):
    """How many of its generations are in which state."""

    queued = serializers.IntegerField()
    running = serializers.IntegerField()
    succeeded = serializers.IntegerField()
    failed = serializers.IntegerField()
    cancelled = serializers.IntegerField()

    class Meta:
        ref_name = "BatchCounts"


class UrlsSerializer(serializers.Serializer[Any]):
    """Where to go on."""

    self = serializers.CharField()
    generations = serializers.CharField()
    archive = serializers.CharField()
    cancel = serializers.CharField()
    sheet = serializers.CharField(allow_null=True)

    class Meta:
        ref_name = "BatchUrls"


class BatchSerializer(serializers.ModelSerializer[Batch]):
    """A batch or sweep: failed if any of its generations has, succeeded only if all of them have."""

    object = serializers.ReadOnlyField(default="batch")
    status = serializers.SerializerMethodField()
    completed_at = serializers.SerializerMethodField()
    counts = serializers.SerializerMethodField()
    images = serializers.SerializerMethodField()
    axes = AxisSerializer(many=True)
    urls = serializers.SerializerMethodField()

    class Meta:
        model = Batch
        fields = ["id", "object", "kind", "status", "created_at", "completed_at", "counts", "images", "axes", "urls"]

    def tally(self, batch: Batch) -> Tally:
        """Return how far the batch is, as it was counted for all that are shown."""
        tally: Tally = self.context["tallies"][batch.pk]
        return tally

    def get_status(self, batch: Batch) -> Status:
        """Return the state of the whole."""
        return self.tally(batch).status

    def get_completed_at(self, batch: Batch) -> str | None:
        """Return when the last of it ended."""
        ended = self.tally(batch).completed_at
        return serializers.DateTimeField().to_representation(ended) if ended else None

    def get_counts(self, batch: Batch) -> CountsSerializer:
        """Return how many generations are in which state."""
        return self.tally(batch).counts  # type: ignore[return-value]

    def get_images(self, batch: Batch) -> int:
        """Return how many images there are by now."""
        return self.tally(batch).images

    def get_urls(self, batch: Batch) -> UrlsSerializer:
        """Return where to go on; clients need not build addresses."""
        own = absolute(f"/api/v1/batches/{batch.pk}")
        is_sweep = batch.kind == Batch.Kind.SWEEP
        return {  # type: ignore[return-value]
            "self": own,
            "generations": absolute(f"/api/v1/generations?batch={batch.pk}"),
            "archive": f"{own}/archive",
            "cancel": f"{own}/cancel",
            "sheet": f"{own}/sheet" if is_sweep else None,
        }


def batch_json(batch: Batch) -> dict[str, Any]:
    """Return the batch as it stands now."""
    return dict(BatchSerializer(batch, context={"tallies": tallies([batch])}).data)
