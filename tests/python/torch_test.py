"""PyTorch: tensors of every type, the operator, its gradients, compiled."""
import numpy as np
import pytest

import vidattn
from support import tensors
from vidattn._attend import core_call
from vidattn._backends import resolve

torch = pytest.importorskip("torch")


def torch_tensors(**sizes):
    return [torch.from_numpy(a) for a in tensors(**sizes)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_types(dtype):
    q, k, v = (a.to(dtype) for a in torch_tensors())
    o, lse = vidattn.attend(q, k, v, return_lse=True)
    assert o.dtype == dtype and lse.dtype == torch.float32
    exact = torch.nn.functional.scaled_dot_product_attention(
        *(a.double().transpose(0, 1) for a in (q, k, v))).transpose(0, 1)
    assert (o.double() - exact).abs().max() < {torch.float32: 1e-5, torch.float16: 2e-3}.get(dtype, 2e-2)


def test_layout_of_sdpa():
    q, k, v = (a.reshape(2, 32, 2, 16).transpose(1, 2) for a in torch_tensors())  # BHLD, strided
    o = vidattn.attend(q, k, v, layout="BHLD")
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    assert o.shape == expected.shape and torch.allclose(o, expected, atol=1e-5)


def exact(q, k, v, mask=None):
    return torch.nn.functional.scaled_dot_product_attention(
        *(a.transpose(0, 1) for a in (q, k, v)), attn_mask=mask).transpose(0, 1)


def test_gradients_are_those_of_pytorch():
    q, k, v = (a.requires_grad_() for a in torch_tensors())
    chosen = np.eye(2, dtype=bool)
    for backend, mask in [("full", None), (vidattn.Map(chosen, block=32), np.kron(chosen, np.ones((32, 32))))]:
        o = vidattn.attend(q, k, v, backend=backend)
        weights = torch.randn_like(o)
        made = torch.autograd.grad((o * weights).sum(), (q, k, v))
        expected = torch.autograd.grad(
            (exact(q, k, v, None if mask is None else torch.from_numpy(mask.astype(bool))) * weights).sum(),
            (q, k, v))
        for one, other in zip(made, expected):
            assert torch.allclose(one, other, atol=2e-5)


def test_gradients_of_inputs_and_of_batches():
    q, k, v = (a.reshape(2, 32, 2, 16).requires_grad_() for a in torch_tensors())
    logits = torch.randn(2, 32, 3, requires_grad=True)
    shared = torch.randn(32, 3, requires_grad=True)
    options = dict(backend="moga", params=dict(num_groups=3), layout="BLHD")
    for router in (logits, shared):
        o = vidattn.attend(q, k, v, router_logits=router, **options)
        weights = torch.randn_like(o)
        (o * weights).sum().backward()
        total = 0
        for b in range(2):
            with torch.no_grad():
                one = router[b] if router.dim() == 3 else router
            call = core_call(q[b], k[b], v[b], router_logits=one)
            made = call.gradients(resolve("moga", dict(num_groups=3)), None, weights[b])
            assert (torch.from_dlpack(made["q"]) == q.grad[b]).all()
            if router.dim() == 3:
                assert (torch.from_dlpack(made["router_logits"]) == router.grad[b]).all()
            total = total + torch.from_dlpack(made["router_logits"])
        if router.dim() == 2:
            assert torch.equal(total, router.grad)
        q.grad = k.grad = v.grad = None
    assert logits.grad.abs().max() > 0


@pytest.mark.parametrize("layout", ["LHD", "BHLD"])
def test_the_operator_is_well_formed(layout):
    from vidattn._torch import attend
    import json
    q, k, v = (a.requires_grad_() for a in torch_tensors(length=16, dim=8))
    if layout == "BHLD":
        q, k, v = (a.detach()[None].transpose(1, 2).contiguous().requires_grad_() for a in (q, k, v))
    call = dict(layout=layout, grid=None, shots=None, scale=None, dtype=None, device="cpu", attention=None)
    spec = json.dumps(dict(backend="full", settings=[], density=None, names=[], call=call))
    torch.library.opcheck(attend, (q, k, v, [], spec))


def test_views_of_complex_numbers_have_their_own_values():
    q, k, v = torch_tensors()
    turned = torch.complex(q, -q).conj().imag  # q with the sign as a flag of the view
    assert turned.is_neg() and torch.equal(turned, q)
    assert torch.equal(vidattn.attend(turned, k, v), vidattn.attend(q, k, v))
    turned = turned.detach().requires_grad_()
    assert torch.equal(vidattn.attend(turned, k, v), vidattn.attend(q, k, v))


def test_arrays_of_others_beside_tensors():
    q, k, v = tensors()
    given = torch.from_numpy(q).requires_grad_()
    o = vidattn.attend(given, k, v, backend="sta", grid=np.array([4, 4, 4]), scale=np.float32(0.5))
    assert o.requires_grad and (o.detach().numpy() == vidattn.attend(q, k, v, backend="sta", grid=(4, 4, 4),
                                                                     scale=0.5)).all()


def test_compiled():
    q, k, v = (a.requires_grad_() for a in torch_tensors())
    chosen = vidattn.Map(np.eye(2, dtype=bool), block=32)

    def loss(q, k, v):
        return (vidattn.attend(q * 2, k, v, backend="moga", params=dict(num_groups=2)).square().sum()
                + vidattn.attend(q, k, v, backend=chosen).sum())

    expected = torch.autograd.grad(loss(q, k, v), (q, k, v))
    made = torch.autograd.grad(torch.compile(loss, backend="aot_eager")(q, k, v), (q, k, v))
    for one, other in zip(made, expected):
        assert torch.equal(one, other)


def test_compiled_whole_and_again_for_other_parameters():
    q, k, v = torch_tensors()
    chosen = vidattn.Map(np.eye(2, dtype=bool), block=32)

    def attended(groups, backend):
        return vidattn.attend(q * 1, k, v, backend=backend, scale=0.5, params=dict(num_groups=groups) if groups else {})

    compiled = torch.compile(attended, backend="aot_eager", fullgraph=True)
    calls = [(2, "moga"), (3, "moga"), (None, "full"), (None, chosen)]
    outputs = [compiled(*call) for call in calls]
    for call, output in zip(calls, outputs):
        assert torch.equal(output, attended(*call)), call
    assert not torch.equal(outputs[0], outputs[1])


def test_compiled_with_scales_that_change():
    q, k, v = torch_tensors()

    def attended(scale):
        return vidattn.attend(q * 1, k, v, scale=scale)

    compiled = torch.compile(attended, backend="aot_eager")  # a graph may break at a number that is any
    for scale in (0.5, 0.25, 0.125):
        assert torch.equal(compiled(scale), attended(scale))


def test_a_step_of_training_with_a_planner_in_python():
    @vidattn.backend
    def first_half(call):
        return vidattn.Ranges([(0, len(call.q))], [[(0, len(call.k) // 2)]])

    layer = torch.nn.Linear(16, 16)
    q, k, v = torch_tensors()
    vidattn.attend(layer(q), k, v, backend=first_half).square().sum().backward()
    assert layer.weight.grad.abs().max() > 0
    with torch.no_grad():
        o, lse = vidattn.attend(layer(q), k, v, backend=first_half, return_lse=True)
    assert o.shape == q.shape and lse.shape == (64, 2)
    with pytest.raises(ValueError, match="no gradient"):
        vidattn.attend(layer(q), k, v, return_lse=True)


def test_what_lies_on_a_device_is_refused():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    q, k, v = (a.cuda() for a in torch_tensors())
    with pytest.raises(ValueError, match="CPU's memory"):
        vidattn.attend(q, k, v)
