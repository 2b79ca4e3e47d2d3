"""On an NVIDIA GPU: tensors of PyTorch and arrays of CuPy, their streams, CUDA graphs, compiled models."""

import mylos
import numpy as np
import pytest
from mylos import steps

torch = pytest.importorskip("torch", reason="PyTorch cannot be imported here")
if mylos.backend != "cuda" or not torch.cuda.is_available():
    pytest.skip("needs a GPU, and Mylos built for it", allow_module_level=True)

import mylos.torch as mt  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

gpu = torch.device("cuda")


@pytest.fixture(autouse=True)
def fresh():
    torch.manual_seed(0)
    torch._dynamo.reset()


def slow_fill(y, value):
    """y = value, a while after the call."""
    torch.cuda._sleep(50_000_000)
    y.fill_(value)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_tensors_of_every_dtype(dtype):
    x = torch.randn(33, 1000, device=gpu).to(dtype)
    y = mylos.softmax(x, before=steps.gelu())
    assert y.device == x.device and y.dtype == dtype
    torch.testing.assert_close(y, torch.softmax(F.gelu(x.double()), -1).to(dtype))


def test_the_current_stream_is_followed():
    x = torch.zeros(1000, device=gpu)
    slow_fill(x, 2.0)
    y = mylos.mul(x, 3.0)  # behind it
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        slow_fill(x, 5.0)
        z = mylos.mul(x, 3.0)
    torch.cuda.current_stream().wait_stream(side)
    assert (y == 6).all() and (z == 15).all()


def test_a_side_stream_is_not_waited_for():
    x = torch.ones(1000, device=gpu)
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        torch.cuda._sleep(2_000_000_000)
        late = side.record_event()
    y = mylos.mul(x, 3.0)
    torch.cuda.current_stream().synchronize()
    assert not late.query() and (y == 3).all()
    side.synchronize()


@pytest.mark.parametrize("warm", [True, False])
def test_cuda_graphs(warm):
    x = torch.randn(512, 1000, device=gpu)
    w = torch.randn(64, 1000, device=gpu)
    call = lambda: mylos.layer_norm(mylos.linear(mylos.softmax(x), w, after=steps.relu()))  # noqa: E731
    stream = torch.cuda.Stream()
    if warm:
        with torch.cuda.stream(stream):
            call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        y = call()
    for _ in range(2):
        x.copy_(torch.randn_like(x))
        graph.replay()
        expected = F.layer_norm(F.relu(F.linear(torch.softmax(x.double(), -1), w.double())), (64,))
        torch.testing.assert_close(y, expected.float(), rtol=1e-4, atol=1e-4)


def test_memory_is_pytorch_s():
    x = torch.randn(1 << 20, device=gpu)
    before = torch.cuda.memory_allocated()
    y = mylos.relu(x)
    assert torch.cuda.memory_allocated() - before == y.nbytes


def test_arrays_of_cupy():
    cupy = pytest.importorskip("cupy", reason="CuPy cannot be imported here")
    x = cupy.asarray(np.random.default_rng(1).standard_normal((30, 40)).astype("float32"))
    with cupy.cuda.Stream(non_blocking=True) as stream:
        x *= 2
        y = mylos.softmax(x)
        assert isinstance(y, cupy.ndarray)
        stream.synchronize()
    e = cupy.exp(x - x.max(1, keepdims=True))
    cupy.testing.assert_allclose(y, e / e.sum(1, keepdims=True), rtol=1e-5)


def test_what_is_on_another_device_is_refused():
    with pytest.raises(mylos.Error):
        mylos.add(torch.ones(3, device=gpu), torch.ones(3))


def test_gradients():
    x = torch.randn(4, 50, dtype=torch.float64, device=gpu, requires_grad=True)
    assert torch.autograd.gradcheck(mt.softmax, x)
    assert torch.autograd.gradcheck(mt.gelu, x)


class Convolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                                    nn.Linear(8 * 15 * 15, 10))

    def forward(self, x):
        return torch.log_softmax(self.layers(x), -1)


@pytest.mark.parametrize(
    "model, shape",
    [(Convolutions, (4, 3, 32, 32)),
     (lambda: nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True, activation="gelu"), (4, 16, 64))])
def test_compiled_models(model, shape):
    model = model().to(gpu)
    x = torch.randn(*shape, device=gpu)
    compiled = torch.compile(model, backend="mylos")
    torch.testing.assert_close(compiled(x), model(x), rtol=1e-4, atol=1e-4)
    y, z = compiled(x), model(x)
    for p, q in zip(torch.autograd.grad(y.square().sum(), model.parameters()),
                    torch.autograd.grad(z.square().sum(), model.parameters())):
        torch.testing.assert_close(p, q, rtol=1e-3, atol=1e-3)
