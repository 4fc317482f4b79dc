"""Writes the line under a picture that AUTOMATIC1111 invented and every other tool reads: its `parameters` text."""

import json

from generation.engine.samplers import SAMPLERS, schedule_type
from generation.engine.spec import Control, Spec


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
        **strength(spec),
        **passes(spec),
        **controls(spec),
        **lora_hashes(spec),
    }
    negative = f"\nNegative prompt: {spec.negative_prompt}" if spec.negative_prompt else ""
    line = ", ".join(f"{key}: {quoted(str(value))}" for key, value in settings.items())
    worn = "".join(f" <lora:{lora.name}:{lora.weight:g}>" for lora in spec.loras)
    return f"{spec.prompt}{worn}{negative}\n{line}".strip()


def strength(spec: Spec) -> dict[str, str | int]:
    """Return how far the picture went from where it began; its second pass counts where it began from nothing."""
    if spec.init_image is not None:
        blur = {"Mask blur": spec.mask_blur} if spec.mask is not None else {}
        return {"Denoising strength": f"{spec.strength:g}", **blur}
    return {"Denoising strength": f"{spec.hires.strength:g}"} if spec.hires else {}


def passes(spec: Spec) -> dict[str, str | int]:
    """Return what happened after the base had drawn."""
    told: dict[str, str | int] = {}
    if spec.hires:
        told |= {"Hires upscale": f"{spec.hires.scale:g}", "Hires steps": spec.steps, "Hires upscaler": "Latent"}
    if spec.refiner:
        told |= {"Refiner": spec.refiner.name, "Refiner switch at": f"{spec.refiner.start:g}"}
    return told


def controls(spec: Spec) -> dict[str, str]:
    """Return one setting for each ControlNet, in the words of AUTOMATIC1111's extension."""
    return {f"ControlNet {place}": control_line(control) for place, control in enumerate(spec.controls)}


def control_line(control: Control) -> str:
    known = f" [{control.sha256[:8]}]" if control.sha256 else ""
    return (
        f"Module: {control.preprocess or 'none'}, Model: {control.name}{known}, Weight: {control.weight:g}, "
        f"Guidance Start: {control.start:g}, Guidance End: {control.end:g}"
    )


def lora_hashes(spec: Spec) -> dict[str, str]:
    """Return the setting by which other tools find the LoRAs again: twelve digits of each file's AutoV3."""
    hashes = ", ".join(f"{lora.name}: {lora.autov3[:12]}" for lora in spec.loras if lora.autov3)
    return {"Lora hashes": hashes} if hashes else {}


def quoted(value: str) -> str:
    """Quote what would otherwise end or split the setting, as AUTOMATIC1111 does."""
    return json.dumps(value, ensure_ascii=False) if any(sign in value for sign in ",:\n") else value
