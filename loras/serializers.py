"""How does the shelf look in JSON? Also the source of the OpenAPI document."""

from rest_framework import serializers

from loras.models import Checkpoint, ControlNet, Lora, LoraVersion
from loras.presets import PresetFields


class CheckpointSerializer(serializers.ModelSerializer[Checkpoint]):
    """A checkpoint and what it wants when a request says nothing."""

    object = serializers.ReadOnlyField(default="checkpoint")
    defaults = serializers.DictField()

    class Meta:
        model = Checkpoint
        fields = ["id", "object", "name", "title", "is_default", "defaults"]


class PresetSerializer(PresetFields):
    """A preset: settings that go together, of one checkpoint."""

    object = serializers.ReadOnlyField(default="preset")
    checkpoint = serializers.CharField()


class ControlNetSerializer(serializers.ModelSerializer[ControlNet]):
    """A ControlNet."""

    object = serializers.ReadOnlyField(default="controlnet")

    class Meta:
        model = ControlNet
        fields = ["id", "object", "name", "title", "kind", "sha256", "created_at"]


class LoraVersionSerializer(serializers.ModelSerializer[LoraVersion]):
    """One file of a LoRA; each of its hashes finds it."""

    class Meta:
        model = LoraVersion
        fields = [
            "id", "number", "sha256", "autov1", "autov2", "autov3", "crc32", "size_bytes", "rank", "parts",
            "created_at",
        ]  # fmt: skip


class LoraSerializer(serializers.ModelSerializer[Lora]):
    """A LoRA with its versions, the one that requests take first."""

    object = serializers.ReadOnlyField(default="lora")
    trigger_words = serializers.ListField(child=serializers.CharField(), source="words")
    tags = serializers.ListField(child=serializers.CharField(), source="tag_list")
    versions = LoraVersionSerializer(many=True, source="newest_first")

    class Meta:
        model = Lora
        fields = [
            "id", "object", "name", "title", "description", "trigger_words", "tags", "license", "base", "created_at",
            "versions",
        ]  # fmt: skip
