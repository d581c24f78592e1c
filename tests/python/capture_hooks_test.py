"""vidattn.capture on what is no pipeline of diffusers: any torch model, and stand-ins of the documented interfaces of
ComfyUI and vLLM-Omni, which are not run here."""
import functools
import importlib.metadata
import types

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from capture_files import attention, names, read, relative_error  # noqa: E402
from vidattn.capturing import CaptureError, capture  # noqa: E402
from vidattn.capturing import comfyui, vllm_omni  # noqa: E402
from vidattn.capturing.selection import Selection, key_heads  # noqa: E402

LENGTH, HEADS, KEY_HEADS, DIM = 24, 8, 2, 4


class Grouped(torch.nn.Module):
    """Eight query heads share two key heads."""

    def __init__(self):
        super().__init__()
        self.num_heads = HEADS
        self.q, self.k, self.v = (torch.nn.Linear(HEADS * DIM, n * DIM) for n in (HEADS, KEY_HEADS, KEY_HEADS))

    def forward(self, x, mask=None):
        q, k, v = (part(x).unflatten(-1, (-1, DIM)).transpose(1, 2) for part in (self.q, self.k, self.v))
        attended = torch.nn.functional.scaled_dot_product_attention(q, k, v, mask, scale=0.7, enable_gqa=True)
        return x + attended.transpose(1, 2).flatten(2)


class Model(torch.nn.Module):
    def __init__(self, kind=Grouped):
        super().__init__()
        self.deep = torch.nn.ModuleDict({"mixers": torch.nn.ModuleList([kind() for _ in range(3)])})

    def forward(self, x, timestep, mask=None):
        for mixer in self.deep["mixers"]:
            x = mixer(x, mask) if mask is not None else mixer(x)
        return x


def states(seed=0, batch=1):
    return torch.randn(batch, LENGTH, HEADS * DIM, generator=torch.Generator().manual_seed(seed))


def run(model, steps=2, **more):
    with torch.no_grad():
        for step in range(steps):
            model(states(step), torch.tensor([float(steps - step)]), **more)


@pytest.mark.parametrize("modules", ["deep.mixers.*", lambda name, module: isinstance(module, Grouped)],
                         ids=["names", "predicate"])
def test_modules_of_any_model(modules, tmp_path):
    model = Model()
    with capture(model, out=tmp_path, modules=modules, output=True, hidden=True, grid=(2, 3, 3), prefix=6, steps=1):
        run(model)
    assert names(tmp_path) == [f"step01_layer{n:02d}.safetensors" for n in range(3)]
    for name in names(tmp_path):
        tensors, said, _ = read(tmp_path / name)
        assert tensors["q"].shape == (LENGTH, HEADS, DIM) and tensors["k"].shape == (LENGTH, KEY_HEADS, DIM)
        assert said["grid"] == [2, 3, 3] and said["prefix"] == 6 and said["softmax_scale"] == 0.7
        assert said["step"] == 1 and said["timestep"] == 1
        assert relative_error(attention(tensors, said), tensors["flash_out"]) < 1e-5
        assert tensors["hidden"].shape == (LENGTH, HEADS * DIM)


@pytest.mark.parametrize("heads, keys", [(None, 2), ([0, 1, 2, 3], 1), ([4, 5], 2), (2, 2), ([7], 1)], ids=str)
def test_chosen_heads_keep_their_key_heads(heads, keys, tmp_path):
    model = Model()
    with capture(model, out=tmp_path, modules="deep.mixers.?", heads=heads, output=True, steps=0, layers=1):
        run(model)
    tensors, said, _ = read(tmp_path / "step00_layer01.safetensors")
    assert tensors["k"].shape[1] == keys and said["heads"] == len(said["head_indices"]) == tensors["q"].shape[1]
    assert said["model_heads"] == HEADS
    assert relative_error(attention(tensors, said), tensors["flash_out"]) < 1e-5


def test_numbers_may_be_numpys():
    np = pytest.importorskip("numpy")
    chosen = Selection(np.arange(2), np.int64(1), np.int64(3))
    assert (chosen.layers, chosen.steps, chosen.heads) == ([0, 1], [1], 3)


def test_heads_are_spread_evenly():
    assert Selection(heads=8).heads_of(12) == [0, 1, 3, 4, 6, 7, 9, 10]
    assert Selection(heads=3).heads_of(40) == [0, 13, 26]
    assert Selection(heads=[5, 2]).heads_of(6) == [2, 5]
    assert key_heads([0, 1, 2, 3], 8, 2) == [0] and key_heads([0, 4], 8, 2) == [0, 1]
    with pytest.raises(CaptureError, match="layers=-1"):
        Selection(layers=-1)


def test_projections_of_kernels_of_ones_own(tmp_path):
    class Even(Grouped):
        """As many key heads, and an attention that torch does not see."""

        def __init__(self):
            super().__init__()
            self.k, self.v = (torch.nn.Linear(HEADS * DIM, HEADS * DIM) for _ in "kv")

        def forward(self, x):
            q, k, v = (part(x) for part in (self.q, self.k, self.v))
            return x + q + k + v

    model = Model(Even)
    with capture(model, out=tmp_path, modules="deep.mixers.?", qkv=("q", "k", "v"), layers=2, steps=0):
        run(model)
    tensors = read(tmp_path / "step00_layer02.safetensors")[0]
    assert {tuple(tensors[name].shape) for name in "qkv"} == {(LENGTH, HEADS, DIM)}
    with torch.no_grad():
        x = states(0)
        for mixer in list(model.deep["mixers"])[:2]:
            x = mixer(x)
        expected = model.deep["mixers"][2].q(x)[0].unflatten(-1, (-1, DIM))
    assert torch.equal(tensors["q"], expected)


def masked(mask, tmp_path):
    model = Model()
    with capture(model, out=tmp_path, modules="deep.mixers.?", output=True, layers=0, steps=0):
        run(model, mask=mask)
    tensors, said, _ = read(tmp_path / "step00_layer00.safetensors")
    assert relative_error(attention(tensors, said), tensors["flash_out"]) < 1e-5
    return tensors, said


def test_masks_of_keys_are_kept(tmp_path):
    exist = torch.arange(LENGTH) < 17
    assert masked(exist[None, None, None], tmp_path / "padding")[1]["valid"] == 17
    added = torch.zeros(LENGTH, LENGTH).masked_fill(~exist, -1e5)
    assert masked(added, tmp_path / "added")[1]["valid"] == 17
    holes = torch.arange(LENGTH) % 3 > 0
    tensors, said = masked(holes[None, None, None].expand(1, HEADS, LENGTH, LENGTH), tmp_path / "holes")
    assert "valid" not in said and torch.equal(tensors["mask"].bool(), holes)
    assert "valid" not in masked(torch.ones(LENGTH, LENGTH, dtype=torch.bool), tmp_path / "none")[1]


@pytest.mark.parametrize("mask, reason", [(torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril(), "differs between"),
                                          (torch.full((LENGTH, LENGTH), 0.5), "bias")], ids=["causal", "bias"])
def test_other_masks_are_refused(mask, reason, tmp_path):
    with pytest.raises(CaptureError, match=reason):
        masked(mask, tmp_path)
    assert names(tmp_path) == []


def test_a_second_call_in_a_step_must_be_explained(tmp_path):
    model = Model()

    def guided():
        for timestep in (2.0, 2.0, 1.0, 1.0):
            model(states(), torch.tensor([timestep]))

    with pytest.raises(CaptureError, match="passes="):
        with capture(model, out=tmp_path / "untold", modules="deep.mixers.?", layers=0):
            guided()
    with capture(model, out=tmp_path / "told", modules="deep.mixers.?", layers=0, passes=("cond", "uncond")):
        guided()
    assert names(tmp_path / "told") == ["step00_layer00.safetensors", "step01_layer00.safetensors"]


def test_attention_within_frames_is_refused(tmp_path):
    class Frames(Grouped):
        def forward(self, x):
            return super().forward(x.reshape(2, -1, HEADS * DIM)).reshape(x.shape)

    model = Model(Frames)
    with pytest.raises(CaptureError, match="space and time apart"):
        with capture(model, out=tmp_path, modules="deep.mixers.?"):
            run(model)


# ComfyUI: an attention function looks for optimized_attention_override in transformer_options.


def wrapped(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        inside = "_inside_attn_wrapper" in kwargs
        kwargs["_inside_attn_wrapper"] = True
        options = kwargs.get("transformer_options")
        if not inside and options is not None and "optimized_attention_override" in options:
            return options["optimized_attention_override"](function, *args, **kwargs)
        return function(*args, **kwargs)

    return wrapper


@wrapped
def comfy_attention(q, k, v, heads, mask=None, attn_precision=None, skip_reshape=False, skip_output_reshape=False,
                    **kwargs):
    if not skip_reshape:
        q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
    out = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return out if skip_output_reshape else out.transpose(1, 2).flatten(2)


class Patcher:
    """What of ComfyUI's ModelPatcher is used."""

    def __init__(self, options=None):
        self.model = types.SimpleNamespace()
        self.model_options = {"transformer_options": options or {}}

    def clone(self):
        return Patcher(dict(self.model_options["transformer_options"]))

    def sample(self, skip_reshape=False):
        sigmas = torch.tensor([1.0, 0.6, 0.2, 0.0])
        for sigma in sigmas[:-1]:
            options = {**self.model_options["transformer_options"], "sigmas": sigma[None], "sample_sigmas": sigmas,
                       "cond_or_uncond": [1, 0], "grid_sizes": torch.Size((2, 4, 3))}
            x = torch.cat([states(1), states(2)])  # unconditional first, as its list says
            for i in range(2):
                context = states(3)[:, :7].expand(2, -1, -1)
                options.update(block_index=i, block_type="double", total_blocks=2)
                q = x.unflatten(-1, (HEADS, -1)).transpose(1, 2) if skip_reshape else x
                x = comfy_attention(q, q, q, HEADS, transformer_options=options, skip_reshape=skip_reshape)
                x = x + comfy_attention(x, context, context, heads=HEADS, transformer_options=options)
        return x


@pytest.mark.parametrize("skip_reshape", [False, True])
def test_comfyui(skip_reshape, tmp_path):
    before = Patcher().sample(skip_reshape)
    patcher = Patcher()
    with capture(patcher, out=tmp_path, layers=[0, 1], steps=[0, 2], output=True):
        assert torch.equal(patcher.sample(skip_reshape), before)
    assert "optimized_attention_override" not in patcher.model_options["transformer_options"]
    assert names(tmp_path) == [f"step{s:02d}_layer{n:02d}.safetensors" for s in (0, 2) for n in (0, 1)]
    tensors, said, origin = read(tmp_path / "step02_layer00.safetensors")
    assert said["grid"] == [2, 4, 3] and said["sigma"] == pytest.approx(0.2) and origin["guidance"] == "cond"
    assert torch.equal(tensors["q"], states(2)[0].unflatten(-1, (HEADS, -1)))
    assert relative_error(attention(tensors, said), tensors["flash_out"]) < 1e-5


def test_comfyui_keeps_an_override_that_was_there(tmp_path):
    calls = []

    def other(function, *args, **kwargs):
        calls.append(args[3] if len(args) > 3 else kwargs["heads"])
        return function(*args, **kwargs)

    patcher = Patcher({"optimized_attention_override": other})
    patcher.sample()
    alone = len(calls)
    with capture(patcher, out=tmp_path, layers=0, steps=0):
        patcher.sample()
    assert len(calls) == 2 * alone
    assert patcher.model_options["transformer_options"]["optimized_attention_override"] is other


def test_a_node_of_comfyui(tmp_path):
    node = comfyui.NODE_CLASS_MAPPINGS["VidattnCapture"]()
    assert set(node.INPUT_TYPES()["required"]) == {"model", "out", "layers", "steps", "heads", "output"}
    patcher = Patcher()
    (model,) = node.patch(patcher, str(tmp_path), "1", "0, 2", 2, False)
    model.sample()
    assert names(tmp_path) == ["step00_layer01.safetensors", "step02_layer01.safetensors"]
    assert patcher.model_options["transformer_options"] == {}


# vLLM-Omni: fn(query, key, value, params, is_causal, softmax_scale), [B,L,H,D].


def omni(params, steps=2, layers=2, mask=None):
    """What its dispatcher gives a plug-in: the conditional pass, then the other."""
    outputs = []
    for step in range(steps):
        for guidance in range(2):
            for layer in range(layers):
                x = states(100 * step + 10 * guidance + layer).unflatten(-1, (HEADS, -1))
                given = {**params, "denoise_step_idx": torch.tensor([step]),
                         "total_denoise_steps": torch.tensor([steps]), "latent_shape": torch.tensor([[2, 8, 6]]),
                         "patch_size": torch.tensor([[1, 2, 2]])}
                if mask is not None:
                    given["attn_mask"] = mask
                outputs.append(vllm_omni.attention(x, x, x, given, is_causal=False, softmax_scale=DIM ** -0.5))
    return outputs


def test_vllm_omni(tmp_path):
    outputs = omni({"out": str(tmp_path), "steps": [1], "num_layers": 2, "output": True})
    assert names(tmp_path) == ["step01_layer00.safetensors", "step01_layer01.safetensors"]
    tensors, said, origin = read(tmp_path / "step01_layer01.safetensors")
    assert said["grid"] == [2, 4, 3] and origin["guidance"] == "cond"
    assert torch.equal(tensors["q"], states(101)[0].unflatten(-1, (HEADS, -1)))
    assert torch.equal(tensors["flash_out"], outputs[5][0])
    assert relative_error(attention(tensors, said), tensors["flash_out"]) < 1e-5


def test_vllm_omni_finds_the_wheels_entry_point():
    found = importlib.metadata.entry_points(group="vllm_omni.sparse_attn")
    assert [(point.name, point.load()) for point in found] == [("vidattn_capture", vllm_omni.attention)]


def test_vllm_omni_with_padding(tmp_path):
    mask = (torch.arange(LENGTH) < 20)[None]
    omni({"out": str(tmp_path), "steps": 0, "num_layers": 2, "output": True}, mask=mask)
    tensors, said, _ = read(tmp_path / "step00_layer00.safetensors")
    assert said["valid"] == 20 and vllm_omni.attention.capabilities == {"supports_attention_mask": True}
    assert relative_error(attention(tensors, said), tensors["flash_out"]) < 1e-5


@pytest.mark.parametrize("params, reason", [({"num_layers": 2}, "out"), ({"out": "x"}, "num_layers"),
                                            ({"out": "y", "num_layers": 2, "layers": [2]}, "layers 0 to 1")], ids=str)
def test_vllm_omni_refuses_what_it_cannot_know(params, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CaptureError, match=reason):
        omni(params)
