"""vidattn.capture on torch's own attention layers, which call no attention that hooks see, against what they compute."""
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from capture_files import attention, names, read, relative_error  # noqa: E402
from vidattn.capturing import CaptureError, capture  # noqa: E402

LENGTH, HEADS, WIDTH, BATCH = 24, 4, 32, 2


def states(seed=0, length=LENGTH):
    return torch.randn(BATCH, length, WIDTH, generator=torch.Generator().manual_seed(seed))


def encoder(batch_first=True, layers=2):
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(WIDTH, HEADS, 2 * WIDTH, batch_first=batch_first)
    return torch.nn.TransformerEncoder(layer, layers, enable_nested_tensor=batch_first).eval()


def attended(batch_first=True, **options):
    torch.manual_seed(0)
    return torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=batch_first, **options).eval()


def captured(folder, model, *args, options=None, **kwargs):
    with torch.no_grad(), capture(model, out=folder, output=True, hidden=True, **(options or {})):
        result = model(*args, **kwargs)
    return result, [read(folder / name) for name in names(folder)]


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
def test_the_files_hold_what_the_module_computed(weights, batch_first, tmp_path):
    model = attended(batch_first)
    x = states()
    given = x if batch_first else x.transpose(0, 1)
    (result, _), ((tensors, said, origin),) = captured(tmp_path, model, given, given, given, need_weights=weights)
    assert tensors["q"].shape == (LENGTH, HEADS, WIDTH // HEADS) and said["attention"] == "self"
    assert torch.equal(tensors["hidden"], x[0]) and origin["batch"] == BATCH
    exact = attention(tensors, said)
    assert relative_error(exact, tensors["flash_out"]) < 1e-6
    with torch.no_grad():
        mine = model.out_proj(exact.float().flatten(1))
    assert relative_error(mine, result[0] if batch_first else result[:, 0]) < 1e-6


def test_keys_of_other_widths_and_without_biases(tmp_path):
    model = attended(kdim=8, vdim=16, bias=False)
    x, keys, values = states(), states(1, 9)[..., :8], states(2, 9)[..., :16]
    (result, _), ((tensors, said, _),) = captured(tmp_path, model, x, keys, values, options=dict(cross=True))
    assert said["attention"] == "cross" and len(tensors["k"]) == 9
    with torch.no_grad():
        mine = model.out_proj(attention(tensors, said).float().flatten(1))
    assert relative_error(mine, result[0]) < 1e-6


def test_tokens_without_a_batch(tmp_path):
    x = states()[0]
    (result, _), ((tensors, said, _),) = captured(tmp_path, attended(), x, x, x)
    assert len(tensors["q"]) == LENGTH and result.shape == x.shape
    assert relative_error(attention(tensors, said), tensors["flash_out"]) < 1e-6


@pytest.mark.parametrize("batch_first", [True, False])
def test_every_layer_of_an_encoder(batch_first, tmp_path):
    model = encoder(batch_first)
    x = states() if batch_first else states().transpose(0, 1)
    with torch.no_grad():
        before = model(x)
    result, files = captured(tmp_path, model, x)
    assert torch.allclose(result, before, atol=1e-6)  # torch's fused path rounds otherwise
    assert names(tmp_path) == ["step00_layer00.safetensors", "step00_layer01.safetensors"]
    assert files[0][2]["module"] == "layers.0.self_attn"
    with torch.no_grad():
        assert torch.equal(model(x), before)  # and is back


@pytest.mark.parametrize("added", [False, True], ids=["bool", "float"])
def test_padding_is_the_valid_length(added, tmp_path):
    model, padding = encoder(), (torch.arange(LENGTH) >= 17).expand(BATCH, -1)
    given = torch.zeros(BATCH, LENGTH).masked_fill(padding, -torch.inf) if added else padding
    _, files = captured(tmp_path, model, states(), src_key_padding_mask=given)
    for tensors, said, _ in files:
        assert said["valid"] == 17 and relative_error(attention(tensors, said), tensors["flash_out"]) < 1e-6


def test_a_decoder_has_cross_attention_by_what_it_attends_to(tmp_path):
    torch.manual_seed(0)
    model = torch.nn.TransformerDecoder(torch.nn.TransformerDecoderLayer(WIDTH, HEADS, WIDTH, batch_first=True), 1).eval()
    _, files = captured(tmp_path / "self", model, states(), states(1))  # as many keys as queries
    assert [origin["module"] for _, _, origin in files] == ["layers.0.self_attn"]
    _, files = captured(tmp_path / "both", model, states(), states(1), options=dict(cross=True))
    assert [said["attention"] for _, said, _ in files] == ["self", "cross"]


@pytest.mark.parametrize("options, given, reason", [
    (dict(add_bias_kv=True), {}, "keys of its own"), (dict(add_zero_attn=True), {}, "keys of its own"),
    ({}, dict(attn_mask=torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1)), "differs between queries"),
    ({}, dict(attn_mask=torch.randn(BATCH * HEADS, LENGTH, LENGTH)), "differs between queries"),
    ({}, dict(key_padding_mask=torch.ones(BATCH, LENGTH, dtype=torch.bool)), "leaves no key")],
    ids=["bias_kv", "zero_attn", "causal", "a mask a head", "no key"])
def test_what_the_format_cannot_hold(options, given, reason, tmp_path):
    x = states()
    with pytest.raises(CaptureError, match=reason):
        captured(tmp_path, attended(**options), x, x, x, **given)
    assert names(tmp_path) == []
