"""What a file is, its header tells: a LoRA for SDXL with ranks and alphas, or something else with a name."""

import struct
import subprocess
import sys
from math import prod

import pytest

from loras.weights.errors import LoraUnusable
from loras.weights.lora_file import MAX_RANK, read_lora_file
from tests.weights.broken_files import NAME, file_of, pair, tensor


def refused(header):
    with pytest.raises(LoraUnusable) as refusal:
        read_lora_file(file_of(header))
    return refusal.value


def named(*names):
    """Tensors of one number each."""
    return {name: tensor(2 * place, 2 * place + 2, [1, 1]) for place, name in enumerate(names)}


def with_alpha(dtype, content, shape=()):
    header = {**pair(), f"{NAME}.alpha": tensor(128, 128 + len(content), list(shape), dtype)}
    return read_lora_file(file_of(header, bytes(128) + content)).layers[0]


def test_ranks_and_layers_are_read():
    (layer,) = read_lora_file(file_of(pair(rank=16))).layers
    assert (layer.part, layer.layer) == ("unet", NAME.removeprefix("lora_unet_"))
    assert (layer.rank, layer.alpha, layer.scale) == (16, 16, 1.0)


@pytest.mark.parametrize(
    ("dtype", "content"),
    [
        ("F16", struct.pack("<e", 2)),
        ("BF16", struct.pack("<f", 2)[2:]),
        ("F32", struct.pack("<f", 2)),
        ("F64", struct.pack("<d", 2)),
        ("I64", struct.pack("<q", 2)),
    ],
)
def test_an_alpha_of_any_dtype_is_read(dtype, content):
    assert with_alpha(dtype, content).scale == 0.5
    assert with_alpha(dtype, content, shape=(1,)).scale == 0.5


def test_an_alpha_of_zero_is_not_a_missing_one():
    assert with_alpha("F32", bytes(4)).scale == 0


@pytest.mark.parametrize("alpha", [float("nan"), float("inf")])
def test_an_alpha_that_is_not_finite(alpha):
    with pytest.raises(LoraUnusable) as refusal:
        with_alpha("F32", struct.pack("<f", alpha))
    assert refusal.value.code == "non_finite_weights"


@pytest.mark.parametrize(("dtype", "size"), [("F32", 8), ("U8", 1), ("F16", 0)])
def test_an_alpha_that_is_no_number(dtype, size):
    with pytest.raises(LoraUnusable) as refusal:
        with_alpha(dtype, bytes(size), shape=(size // {"F32": 4, "U8": 1, "F16": 2}[dtype],))
    assert refusal.value.code == "malformed_lora"


@pytest.mark.parametrize(("dtype", "size"), [("F64", 8), ("I64", 8), ("F8_E4M3", 1), ("I8", 1)])
def test_weights_in_a_dtype_loras_do_not_have(dtype, size):
    assert refused(pair(dtype=dtype, size=size)).code == "unsupported_dtype"


def test_weights_of_four_bits():
    halves = {name: {**entry, "dtype": "F4"} for name, entry in pair(width=32).items()}
    for name, (begin, end) in zip(halves, [(0, 64), (64, 128)], strict=True):
        halves[name]["data_offsets"] = [begin, end]
    assert refused(halves).code == "unsupported_dtype"


@pytest.mark.parametrize("rank", [MAX_RANK + 1, 4096])
def test_a_rank_too_large(rank):
    assert refused(pair(rank=rank)).code == "rank_too_large"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (f"{NAME}.dora_scale", "a DoRA"),
        ("unet.mid_block.attentions.0.proj_in.lora_magnitude_vector", "a DoRA"),
        (f"{NAME}.hada_w1_a", "a LoHa"),
        (f"{NAME}.lokr_w1", "a LoKr"),
        (f"{NAME}.oft_blocks", "an OFT"),
        (f"{NAME}.on_input", "an IA3"),
        (f"{NAME}.a1.weight", "a GLoRA"),
        (f"{NAME}.lora_mid.weight", "Tucker"),
        (f"{NAME}.diff", "full weight differences"),
        (f"{NAME}.diff_b", "full weight differences"),
    ],
)
def test_relatives_of_lora_are_refused_by_their_name(name, kind):
    refusal = refused({**pair(), name: tensor(128, 130, [1])})
    assert refusal.code == "unsupported_lora_kind"
    assert kind in str(refusal)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("model.diffusion_model.input_blocks.0.0.weight", "a whole checkpoint"),
        ("emb_params", "a textual inversion"),
        ("control_model.input_blocks.0.0.weight", "a ControlNet"),
        ("embeddings.weight", "none of its tensors"),
    ],
)
def test_what_is_no_lora(name, kind):
    refusal = refused(named(name))
    assert refusal.code == "not_a_lora"
    assert kind in str(refusal)


def test_no_tensors_are_no_lora():
    assert refused({}).code == "not_a_lora"


@pytest.mark.parametrize(
    ("layer", "width", "family"),
    [
        ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", 8, "Stable Diffusion 1 or 2"),
        ("lora_unet_input_blocks_1_1_transformer_blocks_0_attn2_to_k", 8, "Stable Diffusion 1 or 2"),
        ("lora_te_text_model_encoder_layers_0_self_attn_q_proj", 768, "Stable Diffusion 1 or 2"),
        ("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k", 768, "Stable Diffusion 1"),
        ("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k", 1024, "Stable Diffusion 2"),
        ("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k", 1280, "the SDXL refiner"),
        ("lora_unet_double_blocks_0_img_attn_qkv", 8, "Flux"),
        ("lora_unet_joint_blocks_0_context_block_attn_qkv", 8, "Stable Diffusion 3"),
        ("diffusion_model.blocks.0.cross_attn.k", 8, "a diffusion transformer"),
        ("transformer.transformer_blocks.0.attn.to_q", 8, "a diffusion transformer"),
    ],
)
def test_other_families_are_refused_by_their_name(layer, width, family):
    refusal = refused(pair(name=layer, width=width))
    assert refusal.code == "lora_base_mismatch"
    assert family in str(refusal)


def test_the_width_of_its_text_is_told():
    lora = read_lora_file(file_of(pair(name="lora_unet_output_blocks_0_1_transformer_blocks_9_attn2_to_v", width=2048)))
    assert lora.context_width == 2048


def test_half_a_layer():
    name, half = next(iter(pair().items()))
    assert refused({name: half}).code == "malformed_lora"


def test_halves_of_two_ranks():
    header = {**pair(), f"{NAME}.lora_up.weight": tensor(64, 144, [8, 5])}
    assert refused(header).code == "malformed_lora"


@pytest.mark.parametrize("shape", [[], [32], [4, 4, 2], [0, 8]])
def test_halves_of_no_layer(shape):
    up, down = tensor(0, 64, [8, 4]), tensor(64, 64 + 2 * prod(shape), shape)
    header = {f"{NAME}.lora_up.weight": up, f"{NAME}.lora_down.weight": down}
    assert refused(header).code == "malformed_lora"


def test_a_tensor_that_belongs_to_no_layer():
    refusal = refused({**pair(), "bundle_emb.style.string": tensor(128, 130, [1])})
    assert refusal.code == "unsupported_lora_kind"
    assert "bundle_emb" in str(refusal)


def test_reading_headers_costs_no_torch():
    imports = "import loras.weights.lora_file, loras.weights.content, sys"
    program = f"{imports}; print({{'torch', 'numpy', 'django'}} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
