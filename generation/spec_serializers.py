"""How does what was asked look in JSON, every value effective? Most of it is what a request may say again."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from generation.engine.spec import SCHEDULERS, SIGMAS, SPACINGS
from generation.models import GenerationControl, GenerationJob, GenerationLora


class OrNull(serializers.CharField):
    """A text, null where it is empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def to_representation(self, value: str) -> Any:
        """Return the text or None."""
        return value or None


class LoraSerializer(serializers.ModelSerializer[GenerationLora]):
    """A LoRA of a generation: which file of it, how strongly."""

    id = serializers.CharField(source="version.lora_id")
    name = serializers.CharField(source="lora.name")
    sha256 = serializers.CharField(source="version.sha256")

    class Meta:
        model = GenerationLora
        fields = ["id", "name", "sha256", "weight"]
        ref_name = "GenerationLora"


class ControlSerializer(serializers.ModelSerializer[GenerationControl]):
    """A ControlNet of a generation, and the upload that it follows."""

    id = serializers.CharField(source="controlnet_id")
    name = serializers.CharField(source="controlnet.name")
    image = serializers.CharField(source="image_id")
    preprocess = OrNull()

    class Meta:
        model = GenerationControl
        fields = ["id", "name", "image", "preprocess", "weight", "start", "end"]
        ref_name = "GenerationControl"


class RefinerSerializer(serializers.Serializer[GenerationJob]):
    """The refiner of a generation."""

    start = serializers.FloatField(source="refiner_start")
    checkpoint = serializers.CharField(source="refiner.name")


class HiresSerializer(serializers.Serializer[GenerationJob]):
    """The second pass of a generation."""

    scale = serializers.FloatField(source="hires_scale")
    strength = serializers.FloatField(source="hires_strength")


class SpecSerializer(serializers.ModelSerializer[GenerationJob]):
    """What was asked, every value effective."""

    checkpoint = serializers.CharField(source="checkpoint.name")
    scheduler = serializers.ChoiceField(choices=SCHEDULERS)
    sigmas = serializers.ChoiceField(choices=SIGMAS)
    timestep_spacing = serializers.ChoiceField(choices=SPACINGS)
    preset = OrNull()
    loras = LoraSerializer(many=True)
    init_image = serializers.CharField(source="init_image_id", allow_null=True)
    mask = serializers.CharField(source="mask_id", allow_null=True)
    mask_mode = OrNull()
    controlnets = ControlSerializer(source="controls", many=True)
    refiner = serializers.SerializerMethodField()
    hires = serializers.SerializerMethodField()
    determinism = serializers.SerializerMethodField()

    class Meta:
        model = GenerationJob
        fields = [
            "prompt", "negative_prompt", "width", "height", "steps", "guidance_scale", "seed", "n",
            "scheduler", "sigmas", "timestep_spacing", "checkpoint", "preset", "loras", "init_image", "strength",
            "mask", "mask_mode", "mask_blur", "controlnets", "refiner", "hires", "determinism", "previews",
            "output_format", "output_quality",
        ]  # fmt: skip

    @extend_schema_field(RefinerSerializer(allow_null=True))
    def get_refiner(self, job: GenerationJob) -> Any:
        """Return the refiner, if one takes over."""
        return RefinerSerializer(job).data if job.refiner_id else None

    @extend_schema_field(HiresSerializer(allow_null=True))
    def get_hires(self, job: GenerationJob) -> Any:
        """Return the second pass, if there is one."""
        return HiresSerializer(job).data if job.hires_scale else None

    def get_determinism(self, job: GenerationJob) -> str:
        """Return whether it is drawn alone."""
        return "exact" if job.exact else "fast"
