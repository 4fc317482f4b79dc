"""Stage 5, `export`: the trained averages become a diffusers folder that StableDiffusionXLPipeline loads unmodified."""

import argparse
import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, StableDiffusionXLPipeline

from checkpoints.recipe import state
from checkpoints.recipe.networks import scheduler
from checkpoints.recipe.optim import Optimiser
from checkpoints.recipe.unet import EDGES, begin

# Read by DDIM, DDPM and PNDM; SDXL base carries the same lines. Without them those schedulers clip latents.
OTHER_SCHEDULERS = {"clip_sample": False, "set_alpha_to_one": False, "skip_prk_steps": True, "sample_max_value": 1.0}
DEFAULTS = {
    "width": 128, "height": 128, "steps": 20, "guidance_scale": 4.0, "scheduler": "EulerDiscreteScheduler",
}  # fmt: skip
# Half the steps with a scheduler that looks back: nearly the same pictures.
DRAFT = {
    "name": "draft", "title": "Draft, 8 steps", "steps": 8, "guidance_scale": 4.0,
    "scheduler": "DPMSolverMultistepScheduler",
}  # fmt: skip


def export(folder: Path, target: Path, init_from: Path | None) -> None:
    """Write the average of the last saved state to `target`, replacing what is there."""
    saved = state.load(folder / "unet.pt")
    if saved is None:
        raise SystemExit(f"{folder}/unet.pt is not there yet: the unet stage saves it every few minutes")
    tokenizer, modules, vae = begin(folder, init_from)
    optimiser = Optimiser(modules, edges=EDGES, ema=0)
    optimiser.restore(saved["optimiser"])
    optimiser.load_average(modules)
    if init_from is None and (folder / "vae-crisp").exists():
        vae = AutoencoderKL.from_pretrained(folder / "vae-crisp")
    pipeline = StableDiffusionXLPipeline(
        vae=vae, tokenizer=tokenizer, tokenizer_2=tokenizer, scheduler=scheduler(), add_watermarker=False, **modules
    )
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    pipeline.to(torch.float16).save_pretrained(partial)
    finish(partial)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    print(f"{target}: step {optimiser.steps}, {size / 1e6:.1f} MB")


def finish(folder: Path) -> None:
    """Make the folder behave in every loader, and say what Darkroom should ask of it."""
    for encoder in ("text_encoder", "text_encoder_2"):
        # transformers loads in the dtype written here, diffusers in float32: they must agree. The file stays float16.
        amend(folder / encoder / "config.json", {"dtype": "float32"})
    amend(folder / "scheduler" / "scheduler_config.json", OTHER_SCHEDULERS)
    for part in ("vae", "unet"):
        amend(folder / part / "config.json", {"_name_or_path": ""})
    card = {"name": "mini", "title": "Darkroom mini: icons of things, 128 px", "defaults": DEFAULTS, "presets": [DRAFT]}
    (folder / "darkroom.json").write_text(json.dumps(card, indent=2) + "\n")


def amend(path: Path, changes: dict) -> None:
    """Change a few keys of a JSON file."""
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if value != ""}, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=Path("var/mini"))
    parser.add_argument("--out", type=Path, default=Path("checkpoints/mini"))
    parser.add_argument("--init-from", type=Path, help="the family the unet stage went on from, if it did")
    options = parser.parse_args()
    export(options.state, options.out, options.init_from)
