"""Writes the line under a picture that AUTOMATIC1111 invented and every other tool reads: its `parameters` text."""

import json

from generation.engine.samplers import SAMPLERS, schedule_type
from generation.engine.spec import Spec


def parameters_text(spec: Spec, *, seed: int, model: str, model_sha256: str) -> str:
    """Return the prompts, each on lines of its own, and one line of settings; seed is the single picture's."""
    settings = {
        "Steps": spec.steps,
        "Sampler": SAMPLERS[spec.scheduler].name,
        "Schedule type": schedule_type(spec.scheduler, spec.sigmas),
        "CFG scale": f"{spec.guidance_scale:g}",
        "Seed": seed,
        "Size": f"{spec.width}x{spec.height}",
        "Model hash": model_sha256[:10],
        "Model": model,
    } | lora_hashes(spec)
    negative = f"\nNegative prompt: {spec.negative_prompt}" if spec.negative_prompt else ""
    line = ", ".join(f"{key}: {quoted(str(value))}" for key, value in settings.items())
    worn = "".join(f" <lora:{lora.name}:{lora.weight:g}>" for lora in spec.loras)
    return f"{spec.prompt}{worn}{negative}\n{line}".strip()


def lora_hashes(spec: Spec) -> dict[str, str]:
    """Return the setting by which other tools find the LoRAs again: twelve digits of each file's AutoV3."""
    hashes = ", ".join(f"{lora.name}: {lora.autov3[:12]}" for lora in spec.loras if lora.autov3)
    return {"Lora hashes": hashes} if hashes else {}


def quoted(value: str) -> str:
    """Quote what would otherwise end or split the setting, as AUTOMATIC1111 does."""
    return json.dumps(value, ensure_ascii=False) if any(sign in value for sign in ",:\n") else value
