"""The operator of PyTorch with every method: its gradients in float64, what torch.library asks of it, compiled."""
import pytest

import vidattn
from support import tensors

torch = pytest.importorskip("torch")

GRID = (4, 4, 8)
METHODS = sorted(name for name in vidattn.backends() if name != "map")  # before other tests add some
WEIGHTS = torch.randn(128, 2, 16, generator=torch.Generator().manual_seed(1))
# Gates, means of blocks, copies of other queries' outputs: more than a mask of full attention.
BEYOND_A_MASK = {"bsa", "moga", "moga_stga", "nsa", "pisa", "vorta", "vsa"}


def operands(dtype=torch.float32):
    return [torch.from_numpy(a).to(dtype).requires_grad_() for a in tensors(length=128)]


def gradients(output, given):
    return torch.autograd.grad((output * WEIGHTS.to(output.dtype)).sum(), given)


def attended(backend, **options):
    given = operands()
    return gradients(vidattn.attend(*given, backend=backend, grid=GRID, **options), given)


def within_the_mask(backend):
    """The gradients of softmax attention under the plan's mask, by autograd in float64."""
    plan = vidattn.plan(*(x.detach() for x in operands()), backend=backend, grid=GRID)
    q, k, v = operands(torch.float64)
    scores = torch.einsum("lhd,mhd->hlm", q, k) / q.shape[-1] ** 0.5
    seen = torch.from_numpy(plan.mask()).expand_as(scores)
    shares = scores.masked_fill(~seen, -torch.inf).softmax(-1).nan_to_num()  # of a query without keys: none
    return gradients(torch.einsum("hlm,mhd->lhd", shares, v), [q, k, v])


@pytest.mark.parametrize("backend", METHODS)
def test_gradients_are_those_of_float64(backend):
    expected = attended(backend, device="reference") if backend in BEYOND_A_MASK else within_the_mask(backend)
    for made, exact in zip(attended(backend), expected):
        assert torch.linalg.norm(made - exact) <= 2e-6 * torch.linalg.norm(exact)


def test_what_is_beyond_a_mask_is_told_apart():
    for backend in BEYOND_A_MASK:  # or the test above would compare less than it could
        apart = [torch.linalg.norm(made - exact) / torch.linalg.norm(exact)
                 for made, exact in zip(attended(backend), within_the_mask(backend))]
        assert max(apart) > 1e-3, backend


@pytest.mark.parametrize("backend", METHODS)
def test_the_operator_is_well_formed(backend):
    from vidattn._torch import _spec, attend
    call = dict(layout=None, grid=list(GRID), shots=None, scale=None, dtype=None, device="cpu", attention=None)
    torch.library.opcheck(attend, (*operands(), [], _spec(backend, [], None, [], call)))


@pytest.mark.parametrize("backend", METHODS)
def test_compiled(backend):
    torch.compiler.reset()
    given = operands()

    def loss(q, k, v):
        return (vidattn.attend(q, k, v, backend=backend, grid=GRID) * WEIGHTS).sum()

    made = torch.autograd.grad(torch.compile(loss, backend="aot_eager", fullgraph=True)(*given), given)
    for one, other in zip(made, attended(backend)):
        assert torch.equal(one, other)
