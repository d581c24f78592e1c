"""vidattn.capture on pipelines of diffusers: what the files say, and that they hold the model's own attention."""
import pathlib

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("transformers")  # without it diffusers has no pipelines
pytest.importorskip("safetensors")

import tiny_models  # noqa: E402
from capture_files import attention, names, read, relative_error  # noqa: E402
from vidattn.capturing import CaptureError, capture, read_capture  # noqa: E402
from vidattn.capturing import files as capture_files  # noqa: E402

@pytest.fixture(params=sorted(tiny_models.ALL))
def tiny(request):
    made = tiny_models.ALL[request.param]()
    made.pipe.set_progress_bar_config(disable=True)
    return made


@pytest.fixture
def wan():
    made = tiny_models.wan()
    made.pipe.set_progress_bar_config(disable=True)
    return made


def test_files_hold_the_attention_that_the_model_computed(tiny, tmp_path):
    with capture(tiny.pipe, out=tmp_path / "cap", output=True, hidden=True):
        tiny(steps=2)
    expected = [f"step{s:02d}_layer{n:02d}.safetensors" for s in range(2) for n in range(tiny.layers)]
    assert names(tmp_path / "cap") == expected
    length = tiny.prefix + tiny.grid[0] * tiny.grid[1] * tiny.grid[2] + tiny.after
    for name in expected:
        tensors, said, _ = read(tmp_path / "cap" / name)
        assert tensors["q"].shape[:2] == (length, tiny.heads)
        assert said["grid"] == list(tiny.grid) and said["prefix"] == tiny.prefix
        assert said.get("valid", 0) == tiny.valid
        assert said["attention"] == "self" and said["model"] == type(tiny.pipe.transformer).__name__
        assert relative_error(attention(tensors, said), tensors["flash_out"]) < 1e-5
        assert tensors["hidden"].shape[0] == length


def test_python_reads_it_in_the_tools_order(tiny, tmp_path):
    with capture(tiny.pipe, out=tmp_path, output=True, hidden=True, steps=1, heads=2, shots=[0, 1]):
        tiny(steps=2)
    calls = read_capture(tmp_path)
    assert [(call.step, call.layer) for call in calls] == [(1, layer) for layer in range(tiny.layers)]
    video = tiny.grid[0] * tiny.grid[1] * tiny.grid[2]
    for call in calls:
        tensors = read(call.path)[0]
        q, k, v = call.qkv()
        assert len(q) == len(k) == (tiny.valid or tiny.prefix + video)
        assert torch.equal(q[:video], tensors["q"][tiny.prefix:tiny.prefix + video])
        assert torch.equal(v[video:video + tiny.prefix], tensors["v"][:tiny.prefix])
        assert torch.equal(call.hidden()[:video], tensors["hidden"][tiny.prefix:tiny.prefix + video])
        assert call.terms == {"grid": tiny.grid, "shots": [0, 1], "scale": call.metadata["softmax_scale"]}
        assert call.heads == [0, tiny.heads // 2] and call.model_heads == tiny.heads
        q, k, v = (x.double().transpose(0, 1) for x in (q, k, v))
        attended = ((q @ k.transpose(1, 2) * call.terms["scale"]).softmax(-1) @ v).transpose(0, 1)
        expected = tensors["flash_out"][tiny.prefix:tiny.prefix + video]
        assert relative_error(attended[:video], expected) < 1e-5


def test_other_captures_are_the_tools(tmp_path):
    from safetensors.torch import save_file

    with pytest.raises(CaptureError, match="no .safetensors file"):
        read_capture(tmp_path)
    save_file({"q": torch.zeros(2, 1, 4)}, tmp_path / "theirs.safetensors")
    with pytest.raises(CaptureError, match="reads others"):
        read_capture(tmp_path)


def test_the_model_computes_the_same(tiny, tmp_path):
    before = tiny(steps=2).frames
    with capture(tiny.pipe, out=tmp_path / "cap", output=True, hidden=True):
        during = tiny(steps=2).frames
    after = tiny(steps=2).frames
    assert torch.equal(before, during) and torch.equal(before, after)
    assert len(names(tmp_path / "cap")) == 2 * tiny.layers  # nothing is written once it is closed


def test_hidden_is_what_the_queries_are_made_of(tmp_path):
    made = tiny_models.cogvideox()
    with capture(made.pipe, out=tmp_path, hidden=True, layers=1, steps=1):
        made(steps=2)
    (name,) = names(tmp_path)
    tensors, said, _ = read(tmp_path / name)
    attn = made.pipe.transformer.transformer_blocks[1].attn1
    values = attn.to_v(tensors["hidden"]).unflatten(-1, (made.heads, -1))
    assert torch.allclose(values, tensors["v"], atol=1e-5)
    text = attn.norm_q(attn.to_q(tensors["hidden"]).unflatten(-1, (made.heads, -1)))[:said["prefix"]]
    assert torch.allclose(text, tensors["q"][:said["prefix"]], atol=1e-5)  # text has no rotary embedding


def test_chosen_layers_steps_and_heads(wan, tmp_path):
    with capture(wan.pipe, out=tmp_path / "some", layers=[0, 2], steps=[1], heads=2):
        wan()
    with capture(wan.pipe, out=tmp_path / "all"):
        wan()
    assert names(tmp_path / "some") == ["step01_layer00.safetensors", "step01_layer02.safetensors"]
    for name in names(tmp_path / "some"):
        some, said, _ = read(tmp_path / "some" / name)
        every = read(tmp_path / "all" / name)[0]
        assert said["head_indices"] == [0, 2] and said["heads"] == 2 and said["model_heads"] == 4
        assert all(torch.equal(some[key], every[key][:, [0, 2]]) for key in "qkv")


def test_timesteps_and_sigmas_are_the_schedulers(wan, tmp_path):
    with capture(wan.pipe, out=tmp_path, layers=0):
        wan()
    for step, name in enumerate(names(tmp_path)):
        said = read(tmp_path / name)[1]
        assert said["step"] == step
        assert said["timestep"] == pytest.approx(float(wan.pipe.scheduler.timesteps[step]))
        assert said["sigma"] == pytest.approx(float(wan.pipe.scheduler.sigmas[step]))


@pytest.mark.parametrize("make", [tiny_models.wan, tiny_models.ltx], ids=["two calls", "one batch"])
def test_passes_of_guidance_are_told_apart(make, tmp_path):
    made = make()
    with capture(made.pipe, out=tmp_path / "both", guidance="both", layers=1, steps=1):
        made()
    assert names(tmp_path / "both") == ["step01_layer01_cond.safetensors", "step01_layer01_uncond.safetensors"]
    cond, uncond = (read(tmp_path / "both" / name) for name in names(tmp_path / "both"))
    assert (cond[2]["guidance"], uncond[2]["guidance"]) == ("cond", "uncond")
    assert not torch.equal(cond[0]["q"], uncond[0]["q"])
    # The conditional pass alone sees the prompt: with both prompts equal it stays what it was in the first step.
    for guidance, changed in (("cond", "negative_prompt_embeds"), ("uncond", "prompt_embeds")):
        folders = [tmp_path / guidance / str(i) for i in range(2)]
        for folder, more in zip(folders, ({}, {changed: made.arguments()[changed] + 1})):
            with capture(made.pipe, out=folder, guidance=guidance, layers=1, steps=0):
                made(**more)
        first, second = (read(folder / "step00_layer01.safetensors")[0]["q"] for folder in folders)
        assert torch.equal(first, second)


def test_without_guidance_there_is_one_pass(tmp_path):
    made = tiny_models.ltx(guidance=1.0)
    with capture(made.pipe, out=tmp_path, layers=0, steps=0):
        made()
    origin = read(tmp_path / "step00_layer00.safetensors")[2]
    assert origin["batch"] == 1 and origin["guidance"] is None


def test_cross_attention_is_left_out_unless_asked_for(wan, tmp_path):
    with capture(wan.pipe, out=tmp_path, cross=True, layers=0, steps=0, output=True):
        wan()
    assert names(tmp_path) == ["step00_layer00.safetensors", "step00_layer00_cross.safetensors"]
    tensors, said, _ = read(tmp_path / "step00_layer00_cross.safetensors")
    assert said["attention"] == "cross" and len(tensors["k"]) == 16 and len(tensors["q"]) == 36
    assert relative_error(attention(tensors, said), tensors["flash_out"]) < 1e-5


def test_several_runs_and_their_prompts(wan, tmp_path):
    wan.pipe.encode_prompt = lambda prompt=None, **more: (more["prompt_embeds"], more["negative_prompt_embeds"])
    with capture(wan.pipe, out=tmp_path, layers=0, steps=0):
        for prompt in ("a dog runs", "a cat sleeps"):
            wan.pipe.encode_prompt_prompt = prompt
            wan.pipe.check_inputs = lambda *args, **more: None
            arguments = {**wan.arguments(), "prompt": prompt}
            wan.pipe(**arguments, num_inference_steps=2)
    assert names(tmp_path) == ["run01_step00_layer00.safetensors", "step00_layer00.safetensors"]
    assert read(tmp_path / "step00_layer00.safetensors")[1]["prompt"] == "a dog runs"
    assert read(tmp_path / "run01_step00_layer00.safetensors")[1]["prompt"] == "a cat sleeps"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_types_stay_the_models(wan, tmp_path, dtype):
    wan.pipe.transformer.to(dtype)
    with capture(wan.pipe, out=tmp_path, layers=0, steps=0, output=True):
        wan()
    tensors, said, _ = read(tmp_path / "step00_layer00.safetensors")
    assert {tensors[name].dtype for name in "qkv"} == {dtype}
    assert relative_error(attention(tensors, said), tensors["flash_out"]) < 0.01


def test_another_backend_of_the_dispatcher_is_heard_once(wan, tmp_path):
    wan.pipe.transformer.set_attention_backend("_native_math")
    with capture(wan.pipe, out=tmp_path, steps=0, output=True):
        wan()
    assert len(names(tmp_path)) == wan.layers


def test_two_transformers_share_the_steps(wan, tmp_path):
    """As in Wan 2.2: one for the steps of much noise, one for the rest."""
    from diffusers import WanPipeline

    second = tiny_models.wan().pipe.transformer
    with torch.no_grad():
        second.blocks[0].attn1.to_v.weight.mul_(2)
    parts = {**wan.pipe.components, "transformer_2": second}
    wan.pipe = WanPipeline(**parts, boundary_ratio=0.9)
    wan.pipe.set_progress_bar_config(disable=True)
    with capture(wan.pipe, out=tmp_path, layers=0, output=True):
        wan(steps=4)
    found = [read(path) for path in sorted(tmp_path.iterdir())]
    assert [said["step"] for _, said, _ in found] == [0, 1, 2, 3]
    modules = [origin["module"] for _, _, origin in found]
    timesteps = [said["timestep"] for _, said, _ in found]
    assert modules == [f"transformer{'' if t >= 900 else '_2'}.blocks.0.attn1" for t in timesteps]
    assert len(set(modules)) == 2
    for tensors, said, _ in found:
        assert relative_error(attention(tensors, said), tensors["flash_out"]) < 1e-5


def test_a_bare_transformer_in_a_loop_of_ones_own(tmp_path):
    made = tiny_models.hunyuan()
    scheduler, transformer = made.pipe.scheduler, made.pipe.transformer
    given = made.arguments()
    latents = torch.randn(1, 4, 3, 6, 4, generator=given["generator"])
    with capture(transformer, scheduler=scheduler, out=tmp_path, steps=[0, 1], prompt="a dog runs"), torch.no_grad():
        scheduler.set_timesteps(3)
        for t in scheduler.timesteps:
            noise = transformer(latents, t.expand(1), given["prompt_embeds"], given["prompt_attention_mask"],
                                given["pooled_prompt_embeds"], guidance=torch.tensor([6000.0])).sample
            latents = scheduler.step(noise, t, latents).prev_sample
    assert names(tmp_path) == [f"step{s:02d}_layer{n:02d}.safetensors" for s in range(2) for n in range(3)]
    said = read(tmp_path / "step01_layer02.safetensors")[1]
    assert said["grid"] == [3, 6, 4] and said["valid"] == made.valid and said["prompt"] == "a dog runs"


def test_a_transformer_may_be_given_a_batch_of_both_passes(tmp_path):
    made = tiny_models.cogvideox()
    states, text = torch.randn(2, 2, 4, 8, 6), torch.randn(2, 16, 32)
    rotary = made.pipe._prepare_rotary_positional_embeddings(64, 48, 2, torch.device("cpu"))
    with capture(made.pipe.transformer, out=tmp_path, layers=0, passes=("uncond", "cond")), torch.no_grad():
        for timestep in (900, 500):
            made.pipe.transformer(states, text, torch.tensor([timestep] * 2), image_rotary_emb=rotary)
    assert names(tmp_path) == ["step00_layer00.safetensors", "step01_layer00.safetensors"]
    assert read(tmp_path / "step01_layer00.safetensors")[2]["batch_entry"] == 1


def refusal(make, folder, **options):
    """The one line of a capture that is refused; nothing may be written."""
    with pytest.raises(ValueError) as raised:
        with capture(make.pipe, out=folder, **options):
            make()
    assert not folder.exists() or not names(folder)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_what_cannot_be_is_refused_before_any_work(wan, tmp_path):
    assert "layers=[3]: the model has layers 0 to 2" in refusal(wan, tmp_path / "a", layers=[0, 3])
    assert "steps=[25]: this run has steps 0 to 2" in refusal(wan, tmp_path / "b", steps=[0, 25])
    assert "heads=5: the model has 4" in refusal(wan, tmp_path / "c", heads=5)
    assert "guidance='all'" in refusal(wan, tmp_path / "d", guidance="all")
    assert "no module" in refusal(wan, tmp_path / "e", modules="no.such.*")
    for given, line in ((dict(heads="8"), "heads='8'"), (dict(heads=1.5), "heads=1.5"), (dict(steps=-1), "steps=-1"),
                        (dict(layers=[0.5]), "layers=0.5"), (dict(modules=3), "modules=3"),
                        (dict(grid=(3, 4)), "grid=[3, 4]"), (dict(grid=(-3, 4, 3)), "grid=[-3, 4, 3]"),
                        (dict(grid=(30, 4, 3)), "are 360 tokens: transformer.blocks.0.attn1 has 36"),
                        (dict(grid=(3, 4, 3), prefix=-1), "prefix=-1"), (dict(shots=[1, 2]), "ascending from 0"),
                        (dict(shots=[0, 9]), "the video has 3 latent frames"), (dict(passes=("a", "b")), "passes=")):
        assert line in refusal(wan, tmp_path / "f", **given)
    for source in (None, "a model", 3):
        with pytest.raises(CaptureError, match="expected a pipeline of diffusers"):
            with capture(source, out=tmp_path / "g"):
                pass


def test_a_disk_with_less_than_the_estimate_is_refused(wan, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(capture_files.Folder, "free", lambda self: 100_000)
    line = refusal(wan, tmp_path / "cap")
    assert "9 files of 21.2 KiB (3 layers x 3 steps) need 191 KiB" in line and "97.7 KiB free" in line
    with capture(wan.pipe, out=tmp_path / "cap", layers=0, steps=0):
        wan()
    assert "capturing 1 files of 21.2 KiB" in capsys.readouterr().err


def test_the_estimate_is_what_is_written(wan, tmp_path, capsys):
    with capture(wan.pipe, out=tmp_path, output=True, hidden=True, heads=[1, 3]):
        wan()
    said = capsys.readouterr().err.splitlines()
    assert "9 files" in said[0] and "9 files" in said[-1]
    estimate, written = (float(line.split(" KiB, ")[0].rpartition(" ")[2]) for line in (said[0], said[-1]))
    assert written == pytest.approx(estimate, rel=0.05)


def test_a_folder_with_a_capture_is_kept(wan, tmp_path):
    with capture(wan.pipe, out=tmp_path, layers=[0, 1], steps=0):
        wan()
    (tmp_path / "weights.safetensors").write_bytes(b"another's")
    with pytest.raises(CaptureError, match="overwrite=True"):
        with capture(wan.pipe, out=tmp_path):
            pass
    with capture(wan.pipe, out=tmp_path, layers=2, steps=0, overwrite=True):
        wan()
    assert names(tmp_path) == ["step00_layer02.safetensors", "weights.safetensors"]


def test_compiled_models_are_refused(wan, tmp_path):
    wan.pipe.transformer.blocks[0].compile()
    assert "compiled" in refusal(wan, tmp_path / "cap")


def test_an_interrupt_leaves_whole_files_alone(wan, tmp_path, monkeypatch):
    import safetensors.torch as library

    save, calls = library.save_file, []

    def interrupted(tensors, path, metadata):
        calls.append(path)
        if len(calls) == 4:
            pathlib.Path(path).write_bytes(b"half a file")
            raise KeyboardInterrupt
        save(tensors, path, metadata)

    monkeypatch.setattr(library, "save_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        with capture(wan.pipe, out=tmp_path):
            wan()
    monkeypatch.undo()
    assert len(names(tmp_path)) == 3
    for name in names(tmp_path):
        read(tmp_path / name)
    assert not wan.pipe.transformer._forward_pre_hooks  # and the model is as it was
    assert "step" not in vars(wan.pipe.scheduler) and "cache_context" not in vars(wan.pipe.transformer)


def test_no_more_than_one_call_is_held(wan, tmp_path, monkeypatch):
    import gc

    kept = []
    write = capture_files.Folder.write

    def counted(self, name, tensors, *texts):
        gc.collect()
        shape = tensors["q"].shape
        kept.append(sum(type(x) is torch.Tensor and x.shape == shape for x in gc.get_objects()))
        return write(self, name, tensors, *texts)

    monkeypatch.setattr(capture_files.Folder, "write", counted)
    with capture(wan.pipe, out=tmp_path, steps=0):
        wan(steps=1)
    assert len(kept) == 3 and max(kept) <= 3  # q, k and v of this call
