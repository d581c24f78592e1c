"""What a capture says at its end of what never came, what it refuses before it begins, and damaged files."""
import inspect
import json

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from capture_files import names, read  # noqa: E402
from capture_hooks_test import DIM, HEADS, LENGTH, Grouped, Model, Patcher, omni, run, states  # noqa: E402
from misuse_test import WRONG  # noqa: E402
from vidattn.capturing import CaptureError, capture, read_capture  # noqa: E402

MODULES = "deep.mixers.?"


def said_at_the_end(capsys, folder, work, model=None, modules=MODULES, **options):
    """All lines after the estimate."""
    model = model or Model()
    capsys.readouterr()
    with capture(model, out=folder, modules=modules, **options):
        work(model)
    return [line.removeprefix("vidattn: ") for line in capsys.readouterr().err.splitlines() if "capturing" not in line]


class Own(Grouped):
    """An attention that torch does not see."""

    def forward(self, x, mask=None):
        return x + self.q(x)


class Cross(Grouped):
    def forward(self, x, mask=None):
        q, k = (x.unflatten(-1, (HEADS, -1)).transpose(1, 2) for x in (x, x[:, :7]))
        return x + torch.nn.functional.scaled_dot_product_attention(q, k, k).transpose(1, 2).flatten(2)


@pytest.mark.parametrize("model, work, options, reason", [
    (Model, lambda model: None, {}, "the model was not called"),
    (Model, run, dict(steps=[5, 7]), "steps=[5, 7] were not reached, the model ran steps 0, 1"),
    (lambda: Model(Own), run, {}, "no attention module called torch's scaled_dot_product_attention"),
    (lambda: Model(Cross), run, {}, "cross=True"),
    (Model, lambda model: model.deep["mixers"][0](states()), {}, "the model was not called"),
    (Model, run, dict(modules="deep.mixers.?.q"), "no attention module called"),
    (lambda: torch.nn.ModuleDict({"attn": torch.nn.Identity()}), lambda model: None, dict(modules="attn"), "not called")],
    ids=["idle", "steps", "unheard", "cross", "a part alone", "other modules", "nothing runs"])
def test_nothing_captured_is_said_with_its_reason(model, work, options, reason, tmp_path, capsys):
    first, *rest = said_at_the_end(capsys, tmp_path, work, model(), **{"modules": MODULES, **options})
    assert first.startswith("nothing was captured: ") and reason in first
    assert names(tmp_path) == [] and len(rest) == 1


def test_what_lacks_is_said(tmp_path, capsys):
    model = Model()
    model.deep["mixers"][1] = Own()
    lines = said_at_the_end(capsys, tmp_path, run, model, steps=[0, 3, 9])
    assert lines[0] == "not captured, for they never came: steps 3, 9, layers 1" and lines[1].startswith("2 files")
    lines = said_at_the_end(capsys, tmp_path / "passes", run, passes=("cond",), steps=0)
    assert len(lines) == 1  # nothing lacks


def test_a_pass_that_never_came_is_said(tmp_path, capsys):
    lines = said_at_the_end(capsys, tmp_path, run, passes=("cond", "uncond"), guidance="both")
    assert lines[0] == "not captured, for they never came: passes of guidance uncond"


@pytest.mark.parametrize("options, line", [
    (dict(prefix=6), "give its grid, too"), (dict(prefix="6"), "prefix='6'"),
    (dict(guidance="uncond"), "passes=('uncond', 'cond')"), (dict(guidance="both"), "passes=('uncond', 'cond')"),
    (dict(guidance="both", passes=("cond",)), "guidance asks for cond and uncond"),
    (dict(passes=("uncond",)), "guidance asks for cond"), (dict(passes=3), "passes=3"), (dict(passes=None), "passes=None"),
    (dict(modules=[3]), "modules=[3]"), (dict(qkv=3), "qkv=3"), (dict(qkv=[1, 2, 3]), "qkv=[1, 2, 3]"),
    (dict(scheduler=3), "scheduler=3"), (dict(prompt=3), "prompt=3"), (dict(layers="ab"), "layers='a'"),
    (dict(grid="abc"), "grid='a'"), (dict(shots=3), "shots=3"), (dict(out=None), "out=None"), (dict(out=3), "out=3"),
    (dict(out=""), "out=''")], ids=str)
def test_options_that_say_nothing_are_refused_before_any_work(options, line, tmp_path):
    with pytest.raises(ValueError) as refusal:
        with capture(Model(), **{"out": tmp_path / "cap", "modules": MODULES, **options}):
            pytest.fail("it began")
    assert line in str(refusal.value) and "\n" not in str(refusal.value)
    assert not (tmp_path / "cap").exists()


@pytest.mark.parametrize("name", inspect.signature(capture).parameters)
def test_wrong_values_are_one_line(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where a name is a folder
    for value in WRONG:
        given = {"source": Model(), "out": "cap", "modules": MODULES, "overwrite": True, name: value}
        try:
            with capture(**given):
                run(given["source"])
        except (ValueError, TypeError) as refusal:
            assert str(refusal) and "\n" not in str(refusal) and len(str(refusal)) < 400, value


def test_shots_of_an_unknown_grid_are_refused(tmp_path):
    model = Model()
    with pytest.raises(CaptureError, match=r"shots=\[0, 2\]: .* give its grid, too"):
        with capture(model, out=tmp_path, modules=MODULES, shots=[0, 2]):
            run(model)
    assert names(tmp_path) == []


def test_out_is_a_folder(tmp_path):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(CaptureError, match="out=.*file"):
            with capture(Model(), out=out, modules=MODULES):
                pass
    assert (tmp_path / "file").read_text() == "mine"


def test_a_refused_capture_leaves_the_earlier_one(tmp_path):
    model = Model()
    with capture(model, out=tmp_path, modules=MODULES, layers=0, steps=0):
        run(model)
    for options in (dict(layers=9), dict(guidance="uncond"), dict(qkv=3)):
        with pytest.raises(ValueError):
            with capture(model, **{"out": tmp_path, "modules": MODULES, "overwrite": True, **options}):
                run(model)
        assert names(tmp_path) == ["step00_layer00.safetensors"], options


def test_a_mask_without_keys_is_refused(tmp_path):
    model = Model()
    for mask in (torch.zeros(1, 1, 1, LENGTH, dtype=torch.bool), torch.full((LENGTH, LENGTH), -torch.inf)):
        with pytest.raises(CaptureError, match="leaves no key"):
            with capture(model, out=tmp_path, modules=MODULES):
                run(model, mask=mask)
        assert names(tmp_path) == []


def test_what_comfyui_cannot_be_asked_for(tmp_path):
    for option in (dict(hidden=True), dict(modules="x"), dict(qkv="x"), dict(passes=("cond",)), dict(prompt="x")):
        with pytest.raises(CaptureError, match="not for a model of ComfyUI"):
            with capture(Patcher(), out=tmp_path / "cap", **option):
                pass


def test_comfyui_says_what_never_came(tmp_path, capsys):
    with capture(Patcher(), out=tmp_path):
        pass
    assert "nothing was captured: the model was not called" in capsys.readouterr().err
    patcher = Patcher()
    with capture(patcher, out=tmp_path, layers=[0, 7]):
        patcher.sample()
    assert "not captured, for they never came: layers 7" in capsys.readouterr().err


def test_vllm_omni_refuses_steps_beyond_the_run(tmp_path):
    with pytest.raises(CaptureError, match=r"steps=\[7\]: this run has steps 0 to 1"):
        omni({"out": str(tmp_path), "num_layers": 2, "steps": [7]})


@pytest.fixture
def whole(tmp_path):
    model = Model()
    with capture(model, out=tmp_path, modules=MODULES, layers=0, steps=0, grid=(2, 3, 3), prefix=6):
        run(model)
    return tmp_path / "step00_layer00.safetensors"


def resaved(path, tensors=None, **changed):
    """The file with other metadata; None takes a part of it away."""
    from safetensors.torch import save_file
    found, said, origin = read(path)
    said = {key: value for key, value in {**said, **changed}.items() if value is not None}
    save_file({**found, **(tensors or {})}, path, metadata={"vidattn.capture": json.dumps(said),
                                                            "vidattn.origin": json.dumps(origin)})


def line_of(path):
    with pytest.raises(ValueError) as refusal:
        [call.qkv() for call in read_capture(path.parent)]
    assert "\n" not in str(refusal.value) and path.name in str(refusal.value)
    return str(refusal.value)


def test_damaged_files_are_one_line(whole):
    content = whole.read_bytes()
    assert len(read_capture(whole.parent)) == 1
    for bytes_ in (b"", b"\0" * 7, content[:100], content[:-1], b"\xff" * 8 + content[8:], content[:8] + b"{" * 99):
        whole.write_bytes(bytes_)
        assert "is damaged, or no .safetensors file" in line_of(whole)


@pytest.mark.parametrize("changed, line", [
    (dict(layer=None), "no layer"), (dict(step="x"), "no step"), (dict(head_indices=3), "no head_indices"),
    (dict(grid=[2, 3]), "no grid"), (dict(grid=5), "no grid"), (dict(prefix="x"), "no prefix"),
    (dict(softmax_scale=None), "no softmax_scale"), (dict(valid=99), "do not go together")], ids=str)
def test_metadata_that_is_none_is_one_line(changed, line, whole):
    resaved(whole, **changed)
    assert line in line_of(whole)


def test_tensors_that_do_not_fit_are_one_line(whole):
    resaved(whole, {"k": torch.zeros(5, 2, DIM)})
    assert "do not go together" in line_of(whole)


@pytest.mark.parametrize("folder", [None, 3, "", b"x", "no/such/folder"], ids=str)
def test_folders_that_are_none(folder):
    with pytest.raises(ValueError, match="folder=|no .safetensors file"):
        read_capture(folder)
