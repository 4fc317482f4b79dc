"""The one way to load SDXL, from a diffusers folder, a single .safetensors file or a hub id."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, DiffusionPipeline, UNet2DConditionModel
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from loras.weights.errors import CheckpointUnusable
from loras.weights.folder import fp16_vae, located, pipeline_from_folder
from loras.weights.single_file import pipeline_from_single_file
from loras.weights.sources import sha256_of

# What diffusers and transformers raise for files they cannot make sense of. OSError covers the hub's errors too.
UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
    SafetensorError,
    StrictDataclassError,
)


@dataclass(frozen=True)
class Sdxl:
    """An SDXL base checkpoint on its device; `sha256` is of the file that holds the UNet."""

    name: str
    sha256: str
    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text_encoder: CLIPTextModel
    text_encoder_2: CLIPTextModelWithProjection
    tokenizer: CLIPTokenizer
    tokenizer_2: CLIPTokenizer
    scheduler_config: Mapping[str, Any]
    zeros_for_empty_prompt: bool

    @property
    def device(self) -> torch.device:
        return self.unet.device

    @property
    def dtype(self) -> torch.dtype:
        """Return the dtype of the UNet and the text encoders; the VAE has its own."""
        return self.unet.dtype

    @property
    def modules(self) -> tuple[torch.nn.Module, ...]:
        return self.unet, self.vae, self.text_encoder, self.text_encoder_2


def load_sdxl(source: str, device: torch.device, dtype: torch.dtype | None = None) -> Sdxl:
    """Load the checkpoint at a folder, file or hub id onto the device. Raises CheckpointUnusable, see read_sdxl."""
    sdxl = read_sdxl(source, dtype or default_dtype(device))
    for module in sdxl.modules:
        module.to(device)
    return sdxl


def default_dtype(device: torch.device) -> torch.dtype:
    return torch.float16 if device.type == "cuda" else torch.float32


def read_sdxl(source: str, dtype: torch.dtype) -> Sdxl:
    """Read the checkpoint at a folder, file or hub id into host memory.

    Raises CheckpointUnusable. Only safetensors are read, never pickles, and the network is used for hub ids alone.
    """
    silence()
    with readable(f"The checkpoint {source}"):
        path = located(source, dtype)
        if path.is_file():
            pipeline, weights = pipeline_from_single_file(path, dtype), [path]
        else:
            pipeline, weights = pipeline_from_folder(path, dtype, vae=fp16_vae(source, dtype))
    refuse_other_kinds(source, pipeline)
    refuse_incomplete(source, pipeline)
    name = path.stem if path.is_file() else path.resolve().name if Path(source).is_dir() else source
    return bundle(pipeline, name=name, sha256=sha256_of(weights))


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Make what the libraries raise for unusable files a CheckpointUnusable; memory shortage stays what it is."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except UNREADABLE as error:
        raise CheckpointUnusable(f"{what} cannot be read: {error}") from error


def silence() -> None:
    """Keep diffusers and transformers from commenting on every load and call.

    Importing StableDiffusionXLPipeline comments too; spelled diffusers.StableDiffusionXLPipeline, that happens later.
    """
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()


def refuse_other_kinds(source: str, pipeline: DiffusionPipeline) -> None:
    """Refuse what SDXL's pipeline would accept but this engine would draw wrongly."""
    if pipeline.text_encoder is None or pipeline.text_encoder_2 is None:
        raise CheckpointUnusable(f"{source} is an SDXL refiner; a base checkpoint with two text encoders is needed.")
    config = pipeline.unet.config
    if config.in_channels != 4:
        raise CheckpointUnusable(f"{source} takes {config.in_channels} input channels; SDXL base takes 4.")
    if config.addition_embed_type != "text_time" or config.time_cond_proj_dim is not None:
        raise CheckpointUnusable(f"{source} is not conditioned as SDXL base is (text, size and crop).")


def refuse_incomplete(source: str, pipeline: DiffusionPipeline) -> None:
    """Refuse what the libraries leave empty without a word: weights missing in a file, a missing tokenizer."""
    for name in ("unet", "vae", "text_encoder", "text_encoder_2"):
        missing = [key for key, tensor in getattr(pipeline, name).state_dict().items() if tensor.is_meta]
        if missing:
            raise CheckpointUnusable(f"{source} is incomplete: its {name} lacks {missing[0]}.")
    for suffix in ("", "_2"):
        words = len(getattr(pipeline, f"tokenizer{suffix}"))
        known = getattr(pipeline, f"text_encoder{suffix}").config.vocab_size
        if words != known:
            raise CheckpointUnusable(
                f"{source} is incomplete: its tokenizer{suffix} has {words} words, its text_encoder{suffix} {known}."
            )


def bundle(pipeline: DiffusionPipeline, *, name: str, sha256: str) -> Sdxl:
    """Lay the components out as the engine wants them; a VAE that overflows in fp16 stays fp32."""
    vae_dtype = torch.float32 if pipeline.vae.config.force_upcast else pipeline.unet.dtype
    for part in (pipeline.unet, pipeline.vae, pipeline.text_encoder, pipeline.text_encoder_2):
        part.requires_grad_(False).eval()
    return Sdxl(
        name=name,
        sha256=sha256,
        unet=pipeline.unet.to(memory_format=torch.channels_last),
        vae=pipeline.vae.to(dtype=vae_dtype, memory_format=torch.channels_last),
        text_encoder=pipeline.text_encoder,
        text_encoder_2=pipeline.text_encoder_2,
        tokenizer=pipeline.tokenizer,
        tokenizer_2=pipeline.tokenizer_2,
        scheduler_config=pipeline.scheduler.config,
        zeros_for_empty_prompt=pipeline.config.force_zeros_for_empty_prompt,
    )
