"""Pipelines of diffusers around transformers of random weights, as small as those of its own tests: no weights and no
text encoders are loaded, prompts are random states."""
import dataclasses
from typing import Any, Callable, Dict, Tuple

import torch


@dataclasses.dataclass
class TinyPipeline:
    pipe: Any
    arguments: Callable[[], Dict[str, Any]]  # of one call, with the same noise each time
    grid: Tuple[int, int, int]
    prefix: int  # tokens of text before the video
    after: int  # and after it, padding included
    layers: int
    heads: int
    valid: int = 0  # tokens before the padding; 0 = no padding

    def __call__(self, steps=3, **more):
        return self.pipe(**{**self.arguments(), "num_inference_steps": steps, **more})


def _states(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _common(guidance):
    return {"output_type": "latent", "guidance_scale": guidance, "generator": torch.Generator().manual_seed(7)}


def wan(guidance=5.0, **config):
    from diffusers import AutoencoderKLWan, FlowMatchEulerDiscreteScheduler, WanPipeline, WanTransformer3DModel

    torch.manual_seed(0)
    transformer = WanTransformer3DModel(**{**dict(
        patch_size=(1, 2, 2), num_attention_heads=4, attention_head_dim=12, in_channels=16, out_channels=16,
        text_dim=32, freq_dim=256, ffn_dim=32, num_layers=3, cross_attn_norm=True,
        qk_norm="rms_norm_across_heads", rope_max_seq_len=32), **config})
    vae = AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1,
                           temperal_downsample=[False, True, True])
    pipe = WanPipeline(tokenizer=None, text_encoder=None, vae=vae, transformer=transformer,
                       scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0))
    return TinyPipeline(pipe, lambda: dict(
        _common(guidance), prompt_embeds=_states(1, 1, 16, 32), negative_prompt_embeds=_states(2, 1, 16, 32), height=64,
        width=48, num_frames=9), grid=(3, 4, 3), prefix=0, after=0, layers=3, heads=4)


def ltx(guidance=3.0):
    from diffusers import (AutoencoderKLLTXVideo, FlowMatchEulerDiscreteScheduler, LTXPipeline,
                           LTXVideoTransformer3DModel)

    torch.manual_seed(0)
    transformer = LTXVideoTransformer3DModel(
        in_channels=8, out_channels=8, patch_size=1, patch_size_t=1, num_attention_heads=4, attention_head_dim=8,
        cross_attention_dim=32, num_layers=2, caption_channels=32)
    vae = AutoencoderKLLTXVideo(
        in_channels=3, out_channels=3, latent_channels=8, block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8), layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1), spatio_temporal_scaling=(True, True, False, False),
        decoder_spatio_temporal_scaling=(True, True, False, False), decoder_inject_noise=(False,) * 5,
        upsample_residual=(False,) * 4, upsample_factor=(1,) * 4, timestep_conditioning=False, patch_size=1,
        patch_size_t=1, encoder_causal=True, decoder_causal=False)
    pipe = LTXPipeline(tokenizer=None, text_encoder=None, vae=vae, transformer=transformer,
                       scheduler=FlowMatchEulerDiscreteScheduler())
    ones = torch.ones(1, 16, dtype=torch.bool)
    return TinyPipeline(pipe, lambda: dict(
        _common(guidance), prompt_embeds=_states(1, 1, 16, 32), negative_prompt_embeds=_states(2, 1, 16, 32),
        prompt_attention_mask=ones, negative_prompt_attention_mask=ones, height=32, width=32, num_frames=9),
        grid=(3, 8, 8), prefix=0, after=0, layers=2, heads=4)


def cogvideox(guidance=6.0):
    from diffusers import AutoencoderKLCogVideoX, CogVideoXPipeline, CogVideoXTransformer3DModel, DDIMScheduler

    torch.manual_seed(0)
    transformer = CogVideoXTransformer3DModel(
        num_attention_heads=4, attention_head_dim=16, in_channels=4, out_channels=4, time_embed_dim=2,
        text_embed_dim=32, num_layers=2, sample_width=2, sample_height=2, sample_frames=9, patch_size=2,
        temporal_compression_ratio=4, max_text_seq_length=16, use_rotary_positional_embeddings=True)
    vae = AutoencoderKLCogVideoX(
        in_channels=3, out_channels=3, latent_channels=4, layers_per_block=1, norm_num_groups=2,
        block_out_channels=(8, 8, 8, 8), temporal_compression_ratio=4,
        down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4)
    pipe = CogVideoXPipeline(tokenizer=None, text_encoder=None, vae=vae, transformer=transformer,
                             scheduler=DDIMScheduler())
    return TinyPipeline(pipe, lambda: dict(
        _common(guidance), prompt_embeds=_states(1, 1, 16, 32), negative_prompt_embeds=_states(2, 1, 16, 32), height=64,
        width=48, num_frames=8), grid=(2, 4, 3), prefix=16, after=0, layers=2, heads=4)


def hunyuan(guidance=1.0):
    """Its batch of prompts is masked: 5 of the 12 tokens of text exist."""
    from diffusers import (AutoencoderKLHunyuanVideo, FlowMatchEulerDiscreteScheduler, HunyuanVideoPipeline,
                           HunyuanVideoTransformer3DModel)

    torch.manual_seed(0)
    transformer = HunyuanVideoTransformer3DModel(
        in_channels=4, out_channels=4, num_attention_heads=2, attention_head_dim=10, num_layers=1,
        num_single_layers=2, num_refiner_layers=1, patch_size=1, patch_size_t=1, guidance_embeds=True,
        text_embed_dim=16, pooled_projection_dim=8, rope_axes_dim=(2, 4, 4))
    vae = AutoencoderKLHunyuanVideo(
        in_channels=3, out_channels=3, latent_channels=4, block_out_channels=(8, 8, 8, 8), layers_per_block=1,
        act_fn="silu", norm_num_groups=4, scaling_factor=0.476986, spatial_compression_ratio=8,
        temporal_compression_ratio=4, mid_block_add_attention=True,
        down_block_types=("HunyuanVideoDownBlock3D",) * 4, up_block_types=("HunyuanVideoUpBlock3D",) * 4)
    pipe = HunyuanVideoPipeline(tokenizer=None, text_encoder=None, tokenizer_2=None, text_encoder_2=None, vae=vae,
                                transformer=transformer, scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0))
    mask = torch.tensor([[1] * 5 + [0] * 7])
    return TinyPipeline(pipe, lambda: dict(
        _common(guidance), prompt_embeds=_states(1, 1, 12, 16), pooled_prompt_embeds=_states(3, 1, 8),
        prompt_attention_mask=mask, height=48, width=32, num_frames=9), grid=(3, 6, 4), prefix=0, after=12, layers=3,
        heads=2, valid=72 + 5)


ALL = {"wan": wan, "ltx": ltx, "cogvideox": cogvideox, "hunyuan": hunyuan}
