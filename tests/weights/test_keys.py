"""Full-size SDXL's layers have the names its trainers write."""

import json

import pytest
import torch
from diffusers import UNet2DConditionModel

from loras.weights.keys import Key, layers_of, read_key
from loras.weights.patch import changeable
from loras.weights.single_file import SDXL_CONFIG

# From kohya's trainer over the real thing, and where diffusers has the layer.
KOHYA = {
    "input_blocks_4_1_proj_in": "down_blocks.1.attentions.0.proj_in",
    "input_blocks_5_1_transformer_blocks_1_attn2_to_k": "down_blocks.1.attentions.1.transformer_blocks.1.attn2.to_k",
    "input_blocks_8_1_transformer_blocks_9_ff_net_2": "down_blocks.2.attentions.1.transformer_blocks.9.ff.net.2",
    "middle_block_1_transformer_blocks_0_attn1_to_out_0": "mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0",
    "output_blocks_2_1_proj_out": "up_blocks.0.attentions.2.proj_out",
    "output_blocks_3_1_transformer_blocks_0_ff_net_2": "up_blocks.1.attentions.0.transformer_blocks.0.ff.net.2",
    "input_blocks_0_0": "conv_in",
    "input_blocks_3_0_op": "down_blocks.0.downsamplers.0.conv",
    "input_blocks_7_0_skip_connection": "down_blocks.2.resnets.0.conv_shortcut",
    "middle_block_2_in_layers_2": "mid_block.resnets.1.conv1",
    "output_blocks_5_2_conv": "up_blocks.1.upsamplers.0.conv",
    "output_blocks_8_0_emb_layers_1": "up_blocks.2.resnets.2.time_emb_proj",
    "time_embed_2": "time_embedding.linear_2",
    "label_emb_0_0": "add_embedding.linear_1",
    "out_2": "conv_out",
}


@pytest.fixture(scope="module")
def modules():
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(json.loads((SDXL_CONFIG / "unet/config.json").read_text()))
    return list(changeable(unet))


@pytest.mark.parametrize("theirs", KOHYA)
def test_kohyas_names_are_known(theirs, modules):
    assert layers_of("unet", modules)[theirs] == KOHYA[theirs]


def test_every_layer_of_a_block_has_a_name_in_stabilitys_numbering(modules):
    theirs = ("input_blocks_", "middle_block_", "output_blocks_")
    named = {name for layer, name in layers_of("unet", modules).items() if layer.startswith(theirs)}
    assert named == {name for name in modules if "block" in name} | {"conv_in"}
    assert sum("attentions" in name for name in named) == 722  # what kohya's trainer counts


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("lora_te1_text_model_encoder_layers_0_fc1.lora_up.weight", ("text_encoder", "encoder_layers_0_fc1", "up")),
        ("lora_te1_encoder_layers_0_mlp_fc1.alpha", ("text_encoder", "encoder_layers_0_mlp_fc1", "alpha")),
        ("text_encoder_2.text_projection.lora_A.weight", ("text_encoder_2", "text_projection", "down")),
        ("diffusion_model.input_blocks.3.0.op.lora_up.weight", ("unet", "input_blocks_3_0_op", "up")),
        ("text_encoders.clip_g.transformer.text_model.final.alpha", ("text_encoder_2", "final", "alpha")),
        ("lycoris_mid_block_attentions_0_proj_in.alpha", ("unet", "mid_block_attentions_0_proj_in", "alpha")),
        ("base_model.model.conv_in.lora_B.weight", ("unet", "conv_in", "up")),
        ("mid_block.attn1.processor.to_k_lora.down.weight", ("unet", "mid_block_attn1_to_k", "down")),
    ],
)
def test_names_are_taken_apart(name, key):
    assert read_key(name) == Key(*key)


@pytest.mark.parametrize("name", ["", "alpha", "unet.conv_in.weight", "lora_unet_conv_in.lora_down.bias"])
def test_other_names_are_nobodys(name):
    assert read_key(name) is None
