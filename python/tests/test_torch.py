"""mylos.torch: operators, gradients, modules, and the backend of torch.compile."""

import os
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch", reason="PyTorch cannot be imported here")

import mylos  # noqa: E402
import mylos.torch as mt  # noqa: E402
from mylos import steps  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402


@pytest.fixture(autouse=True)
def fresh():
    torch.manual_seed(0)
    torch._dynamo.reset()


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


# ---- tensors as arrays


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_tensors_of_every_dtype(dtype):
    x = torch.randn(3, 50).to(dtype)
    y = mylos.softmax(x)
    assert isinstance(y, torch.Tensor) and y.dtype == dtype
    torch.testing.assert_close(y, torch.softmax(x, -1))


def test_tensors_of_bool_and_integers():
    x = torch.randn(4, 5)
    torch.testing.assert_close(mylos.masked_fill(x, x > 0, 7.0), x.masked_fill(x > 0, 7.0))
    assert mylos.all(x).dtype == torch.bool and mylos.argmax(x, 1).dtype == torch.int64
    assert mylos.sum(torch.arange(5)).item() == 10


def test_tensors_with_other_strides():
    x = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    y = mylos.relu(x)
    assert y.stride() == x.stride()
    torch.testing.assert_close(y, torch.relu(x))
    torch.testing.assert_close(mylos.neg(x.transpose(1, 3)[..., ::2]), -x.transpose(1, 3)[..., ::2])
    torch.testing.assert_close(mylos.add(torch.zeros(3, 4), torch.ones(1).expand(4)), torch.ones(3, 4))


def test_out():
    x, y = torch.randn(10), torch.empty(10)
    assert mylos.exp(x, out=y) is y
    torch.testing.assert_close(y, x.exp())


def test_tensors_without_the_exchange_api():
    code = """if True:
        import mylos, torch
        if hasattr(torch.Tensor, "__dlpack_c_exchange_api__"):
            torch.Tensor.__dlpack_c_exchange_api__ = None
        x = torch.randn(3, 4, requires_grad=True)
        for y in (x, x.bfloat16(), x.detach().t(), torch.nn.Parameter(x.detach())):
            result = mylos.relu(y)
            assert type(result) is torch.Tensor and result.dtype == y.dtype and result.stride() == y.stride()
            torch.testing.assert_close(result, torch.relu(y).detach())
        assert mylos.all(x.detach() < 9).item() is True
        assert mylos.mul(x, x.detach() > 0, out=(y := torch.empty(3, 4))) is y
        torch.testing.assert_close(y, torch.relu(x).detach())
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


# ---- operators: fake kernels and gradients


@pytest.mark.parametrize("name", sorted(mt._operators._GRADIENTS))
def test_pointwise_gradients(name):
    x = double(3, 7)
    if name in ("sqrt", "rsqrt", "log", "log1p", "reciprocal"):
        x = (x.detach().abs() + 0.5).requires_grad_()
    function = getattr(mt, name)
    assert torch.autograd.gradcheck(function, (x,), eps=1e-6, atol=1e-6)


OPERATORS = {
    "softmax": (lambda x: mt.softmax(x, -1), lambda x: torch.softmax(x, -1), [(4, 6)]),
    "softmax of two axes": (
        lambda x: mt.softmax(x, (0, 2)),
        lambda x: torch.softmax(x.transpose(0, 1).flatten(1), -1).unflatten(1, (x.shape[0], x.shape[2])).transpose(0, 1),
        [(2, 3, 4)],
    ),
    "log_softmax": (lambda x: mt.log_softmax(x, 0), lambda x: torch.log_softmax(x, 0), [(4, 6)]),
    "layer_norm": (
        lambda x, w, b: mt.layer_norm(x, (5,), w, b),
        lambda x, w, b: F.layer_norm(x, (5,), w, b),
        [(3, 4, 5), (5,), (5,)],
    ),
    "rms_norm": (lambda x, w: mt.rms_norm(x, (5,), w, 1e-6), lambda x, w: F.rms_norm(x, (5,), w, 1e-6), [(3, 4, 5), (5,)]),
    "group_norm": (
        lambda x, w, b: mt.group_norm(x, 2, w, b),
        lambda x, w, b: F.group_norm(x, 2, w, b),
        [(3, 4, 5), (4,), (4,)],
    ),
    "instance_norm": (lambda x: mt.instance_norm(x), lambda x: F.instance_norm(x), [(3, 4, 5)]),
    "batch_norm": (
        lambda x, w, b: mt.batch_norm(x, torch.ones(4).double(), torch.full((4,), 2.0).double(), w, b),
        lambda x, w, b: F.batch_norm(x, torch.ones(4).double(), torch.full((4,), 2.0).double(), w, b),
        [(3, 4, 5), (4,), (4,)],
    ),
    "batch_norm in training": (
        lambda x, w, b: mt.batch_norm(x, None, None, w, b, True),
        lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
        [(3, 4, 5), (4,), (4,)],
    ),
    "linear": (lambda x, w, b: mt.linear(x, w, b), F.linear, [(2, 3, 4), (5, 4), (5,)]),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_and_their_gradients(name):
    ours, theirs, shapes = OPERATORS[name]
    inputs = [double(*shape) for shape in shapes]
    y, expected = ours(*inputs), theirs(*inputs)
    torch.testing.assert_close(y, expected)
    g = torch.randn_like(expected)
    for a, b in zip(torch.autograd.grad(y, inputs, g), torch.autograd.grad(expected, inputs, g)):
        torch.testing.assert_close(a, b)
    traced = torch.compile(ours, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(traced(*inputs), expected)


def test_operators_keep_to_their_schema():
    op = torch.ops.mylos
    x, w = torch.randn(3, 4, requires_grad=True), torch.randn(4, requires_grad=True)
    torch.library.opcheck(op.gelu.default, (x,))
    torch.library.opcheck(op.leaky_relu.default, (x, 0.2))
    torch.library.opcheck(op.softmax.default, (x, [-1]))
    torch.library.opcheck(op.layer_norm.default, (x, w, None, 1, 1e-5))
    torch.library.opcheck(op.linear.default, (x, torch.randn(5, 4, requires_grad=True), None))


MODULES = [
    ("Softmax", (-1,)), ("LogSoftmax", (-1,)), ("Linear", (6, 3)), ("LayerNorm", (6,)), ("RMSNorm", (6,)),
    ("GELU", ("tanh",)), ("GELU", ()), ("ReLU", ()), ("LeakyReLU", (0.2,)), ("ELU", (1.5,)), ("CELU", (1.5,)), ("SELU", ()),
    ("Sigmoid", ()), ("LogSigmoid", ()), ("Tanh", ()), ("Softplus", (2.0,)), ("Softsign", ()), ("SiLU", ()), ("Mish", ()),
    ("Hardsigmoid", ()), ("Hardswish", ()), ("Hardtanh", (-0.5, 0.5)), ("ReLU6", ()), ("Threshold", (0.1, 0.2)),
    ("Softshrink", (0.3,)), ("Hardshrink", (0.3,)), ("Tanhshrink", ()), ("GroupNorm", (2, 4)), ("BatchNorm1d", (4,)),
]  # fmt: skip


@pytest.mark.parametrize("name, arguments", MODULES)
def test_modules(name, arguments):
    theirs = getattr(nn, name)(*arguments)
    ours = getattr(mt.nn, name)(*arguments)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(5, 4, 6)
    torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close(dict(ours.named_buffers()), dict(theirs.named_buffers()))
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


# ---- torch.compile


def test_the_backend_of_an_installed_package_needs_no_import(tmp_path):
    information = tmp_path / "stand_in-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: stand-in\nVersion: 1\n")
    (information / "entry_points.txt").write_text("[torch_dynamo_backends]\nmylos = mylos.torch:backend\n")
    code = "import torch; print(torch.compile(torch.relu, backend='mylos')(torch.ones(3)).sum().item())"
    for before in ("", "import mylos.torch; "):
        path = os.pathsep.join([str(tmp_path), *sys.path])
        done = subprocess.run(
            [sys.executable, "-c", before + code], capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": path}
        )
        assert (done.returncode, done.stdout) == (0, "3.0\n"), done.stderr


def report_of(model, *inputs):
    lines = []
    report = mt.explain(model, *inputs, out=lines.append)
    assert lines[0].startswith("Mylos: ")
    return report


def compiled_agrees(model, *inputs, **tolerance):
    with torch.no_grad():
        compiled = torch.compile(model, backend="mylos")
        torch.testing.assert_close(compiled(*inputs), model(*inputs), **tolerance)
        return report_of(model, *inputs)


def wholly(report, *calls):
    assert not report.left
    assert [call for _, call, _ in report.calls] == list(calls)


def test_runs_of_pointwise_operators_become_one_call():
    x, bias = torch.randn(8, 16), torch.randn(16)
    wholly(compiled_agrees(lambda x: torch.sigmoid(F.gelu(x) * 2 + bias).clamp(min=0.3), x), "map(gelu | mul | add | sigmoid | clamp)")
    wholly(compiled_agrees(lambda x: 1 - x / (2 + x.abs()), x), "map(abs | add | rdiv | rsub)")


def test_pointwise_operators_join_the_heavy_one_beside_them():
    x, w, b = torch.randn(8, 16), torch.randn(4, 16), torch.randn(4)
    wholly(compiled_agrees(lambda x: torch.softmax(F.gelu(x), -1) * 3, x), "softmax(before=gelu, after=mul)")
    wholly(compiled_agrees(lambda x: F.relu(F.linear(x, w, b)) + 1, x), "gemm(after=relu | add)")
    wholly(compiled_agrees(lambda x: (x - 1).square().mean(1).sqrt(), x), "mean(before=sub | square, after=sqrt)")
    wholly(compiled_agrees(lambda x: F.gelu(F.linear(x.view(2, 4, 16), w, b)), x), "gemm(after=gelu)")


def test_what_is_used_twice_stays_apart():
    x = torch.randn(8, 16)

    def model(x):
        y = F.gelu(x)
        return torch.softmax(y, -1) + y

    wholly(compiled_agrees(model, x), "map(gelu)", "softmax(after=add)")
    wholly(compiled_agrees(lambda x: (x * 2) * (x + 1), x), "map(add)", "map(mul | mul)")
    wholly(compiled_agrees(lambda x: torch.exp(x) * torch.exp(x), x), "map(exp)", "map(exp | mul)")


def test_chains_end_at_sixteen_steps():
    def model(x):
        for _ in range(40):
            x = x * 0.9 + 0.1
        return x

    report = compiled_agrees(model, torch.randn(10))
    assert not report.left and len(report.calls) == 5


def test_mutation_is_seen():
    def model(x):
        y = x * 2
        z = F.relu(y, inplace=True)
        return y + z

    compiled_agrees(model, torch.randn(10))


def test_losses_are_kept_whole():
    x, t, labels = torch.randn(8, 5), torch.randn(8, 5), torch.randint(0, 5, (8,))
    wholly(compiled_agrees(lambda x: F.cross_entropy(x, labels, label_smoothing=0.1), x), "cross_entropy()")
    wholly(compiled_agrees(lambda x: F.mse_loss(x * 2, t), x), "mse_loss(before=mul)")
    wholly(compiled_agrees(lambda x: F.smooth_l1_loss(x, t, beta=0.5), x), "smooth_l1_loss()")
    wholly(compiled_agrees(lambda x: F.kl_div(x, t.softmax(1), reduction="batchmean"), x), "softmax()", "kl_div()")
    wholly(compiled_agrees(lambda x: F.triplet_margin_loss(x, t, -t), x), "map(neg)", "triplet_margin_loss()")
    wholly(compiled_agrees(lambda x: F.cosine_similarity(x, t, dim=1), x), "cosine_similarity()")
    wholly(compiled_agrees(lambda x: torch.cosine_similarity(x, t, 1), x), "cosine_similarity()")


def test_norms_are_kept_whole():
    x, w = torch.randn(4, 6, 5), torch.randn(5)
    wholly(compiled_agrees(lambda x: F.rms_norm(x, (5,), w), x), "rms_norm()")
    wholly(compiled_agrees(lambda x: F.normalize(x, p=1, dim=1), x), "lp_normalize()")
    wholly(compiled_agrees(lambda x: F.instance_norm(x), x), "instance_norm()")
    wholly(compiled_agrees(lambda x: F.group_norm(x, 3), x), "group_norm()")


def test_reductions_and_scans():
    x = torch.randn(6, 7, 8)
    for model in (
        lambda x: x.sum((0, 2)), lambda x: x.mean(1, keepdim=True), lambda x: x.amax(2), lambda x: torch.max(x, 1),
        lambda x: torch.argmin(x, 0), lambda x: torch.logsumexp(x, 1), lambda x: torch.norm(x), lambda x: x.var(1),
        lambda x: torch.cumsum(x, 1), lambda x: torch.cumprod(x, 0), lambda x: torch.cummax(x, 1)[0], lambda x: x.std(),
        lambda x: torch.prod(x, 1), lambda x: torch.any(x > 3),
    ):  # fmt: skip
        torch._dynamo.reset()
        report = compiled_agrees(model, x, rtol=1e-4, atol=1e-5)
        assert {name for _, name, _ in report.left} <= {"aten.gt.Scalar"}


def test_operators_that_are_spelt_with_several():
    x, b = torch.randn(6, 7), torch.randn(6, 7)
    spelt = lambda x: 0.5 * x * (1.0 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * torch.pow(x, 3.0))))  # noqa: E731
    wholly(compiled_agrees(spelt, x), "map(gelu_tanh)")
    wholly(compiled_agrees(lambda x: torch.cumsum(x.flip(1), 1).flip(1), x), "cumsum()")
    wholly(compiled_agrees(lambda d: torch.diag(d) @ b, torch.randn(6)), "diagonal_mm()")
    wholly(compiled_agrees(lambda x: x * torch.sigmoid(x), x), "map(silu)")
    wholly(compiled_agrees(lambda x: x / (1 + torch.abs(x)), x), "map(softsign)")
    wholly(compiled_agrees(lambda x: torch.max(x + 1, 1)[0], x), "amax(before=add)")
    exclusive = lambda x: torch.cat((torch.zeros_like(x.select(1, 0).unsqueeze(1)), x.narrow(1, 0, 6).cumsum(1)), 1)  # noqa: E731
    wholly(compiled_agrees(exclusive, x), "cumsum()")
    almost = lambda x: torch.cumsum(x.flip(0), 1).flip(1)  # noqa: E731
    assert {name for _, name, _ in compiled_agrees(almost, x).left} == {"aten.flip.default"}


def test_norms_that_are_spelt_out():
    x = torch.randn(3, 7, 5, 2)
    wholly(compiled_agrees(lambda x: x / x.square().mean(1, keepdim=True).add(1e-5).sqrt(), x), "rms_norm()")
    wholly(compiled_agrees(lambda x: x / torch.mean(torch.abs(x), dim=(1, 2), keepdim=True), x), "l1_normalize(after=mul)")
    wholly(compiled_agrees(lambda x: torch.relu(x) / torch.norm(x), x), "norm()", "map(relu | div)")
    wholly(compiled_agrees(lambda x: x / torch.norm(x), x), "frobenius_normalize()")
    for p, name in ((1, "l1"), (2, "l2"), (3, "lp")):
        torch._dynamo.reset()
        wholly(compiled_agrees(lambda x: x / torch.norm(x, p=p, dim=1, keepdim=True), x), f"{name}_normalize()")
    torch._dynamo.reset()
    wholly(compiled_agrees(lambda x: x / torch.norm(x, dim=2), torch.randn(2, 2, 2, 2)), "norm()", "map(div)")  # another axis is divided
    y = compiled_agrees(lambda x: x / torch.norm(x, dim=1, keepdim=True), torch.zeros(2, 3), equal_nan=True)
    wholly(y, "l2_normalize()")


def test_hinge_losses_that_are_spelt_out():
    x, row = torch.randn(6, 7), torch.randn(7).sign()
    wholly(compiled_agrees(lambda x, t: torch.mean(torch.clamp(1 - x * t, min=0)), x, row), "hinge_loss()")
    wholly(compiled_agrees(lambda x, t: F.relu(1 - t * torch.tanh(x)).sum(), x, row), "hinge_loss(before=tanh)")
    wholly(compiled_agrees(lambda x, t: torch.mean(torch.clamp(2 - x * t, min=0)), x, row), "mean(before=mul | rsub | clamp)")


@pytest.mark.parametrize("diagonal", [0, -2, 3])
@pytest.mark.parametrize("triangle", [torch.triu, torch.tril])
def test_triangles(triangle, diagonal):
    a, b = torch.randn(6, 8), torch.randn(8, 9)
    wholly(compiled_agrees(lambda a, b: triangle(a @ b, diagonal), a, b), "gemm(after=masked_fill)")
    x = torch.randn(2, 4, 5)
    x[0, 0, 4] = x[0, 3, 0] = torch.nan
    wholly(compiled_agrees(lambda x: triangle(x, diagonal), x, equal_nan=True), "map(masked_fill)")


def test_a_counter_of_a_module_is_no_operator():
    norm = torch.nn.BatchNorm2d(3)
    wholly(report_of(norm, torch.randn(2, 3, 4, 4)), "batch_norm_training()")
    torch.compile(norm, backend="mylos")(torch.randn(2, 3, 4, 4))
    assert norm.num_batches_tracked >= 1


def test_other_strides_and_dtypes():
    x = torch.randn(2, 6, 4, 5)
    for y in (x.to(memory_format=torch.channels_last), x.transpose(1, 3), x.bfloat16(), x.half(), x[:, ::2]):
        torch._dynamo.reset()
        compiled_agrees(lambda x: F.layer_norm(torch.tanh(x), x.shape[-1:]).view(-1), y.contiguous(), rtol=0.05, atol=0.05)
        torch._dynamo.reset()
        with torch.no_grad():
            model = lambda x: torch.tanh(x) * 2  # noqa: E731
            result, expected = torch.compile(model, backend="mylos")(y), model(y)
            torch.testing.assert_close(result, expected)
            assert result.stride() == expected.stride()


def test_what_mylos_does_not_know_is_left_with_a_reason():
    report = compiled_agrees(lambda x: torch.sort(torch.relu(x)).values + torch.arange(5), torch.randn(3, 5))
    reasons = {name: reason for _, name, reason in report.left}
    assert reasons["aten.sort.default"] == "no operator of Mylos"
    report = compiled_agrees(lambda x: x + 1, torch.arange(5))
    assert report.left == [("forward", "aten.add.Tensor", "x is int64")]


def test_shapes_may_change():
    model = lambda x: torch.softmax(F.gelu(x.transpose(0, 1)), -1)  # noqa: E731
    compiled = torch.compile(model, backend="mylos", dynamic=True)
    with torch.no_grad():
        for n in (5, 9, 33):
            x = torch.randn(n, 2 * n)
            torch.testing.assert_close(compiled(x), model(x))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(x)


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(16), nn.LayerNorm(16)
        self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)
        self.up, self.down = nn.Linear(16, 64), nn.Linear(64, 16)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, 2, c // 2).permute(2, 0, 3, 1, 4)
        scores = (q @ k.transpose(-1, -2)) / (c // 2) ** 0.5
        mask = torch.ones(t, t, dtype=torch.bool, device=x.device).tril()
        weights = torch.softmax(scores.masked_fill(~mask, float("-inf")), -1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(b, t, c))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


@pytest.mark.parametrize("model, shape", [(Block, (4, 3, 8, 8)), (Transformer, (2, 7, 16))])
def test_models_agree_in_inference_and_in_training(model, shape):
    ours, x = model(), torch.randn(*shape)
    theirs = model()
    theirs.load_state_dict(ours.state_dict())
    compiled = torch.compile(ours, backend="mylos")
    for _ in range(2):
        a, b = compiled(x), theirs(x)
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
        a.square().sum().backward()
        b.square().sum().backward()
    for p, q in zip(ours.parameters(), theirs.parameters()):
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(dict(ours.named_buffers()), dict(theirs.named_buffers()), rtol=1e-4, atol=1e-5)
    ours.eval(), theirs.eval()
    report = compiled_agrees(ours, x, rtol=1e-4, atol=1e-5)
    assert any(call.startswith("gemm") for _, call, _ in report.calls)


def test_chains_take_tensors():
    x, bias = torch.randn(4, 5), torch.randn(5)
    torch.testing.assert_close(mylos.softmax(x, before=steps.add(bias)), torch.softmax(x + bias, -1))
