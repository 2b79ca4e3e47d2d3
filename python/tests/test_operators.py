"""Every operator against plain NumPy, in fp64, and every operator of the table against the package."""

import pathlib
import re

import mylos
import numpy as np
import pytest
from mylos import steps

TABLE = pathlib.Path(__file__).parents[2] / "include" / "mylos"


def operators():
    names = []
    for table, macro in (("steps.def", r"MYLOS_STEP\w*"), ("reductions.def", r"MYLOS_REDUCTION\w*"), ("operators.def", "MYLOS_OPERATOR")):
        found = re.findall(rf"^{macro} *\((\w+) *,", (TABLE / table).read_text(), re.M)
        assert found, table
        names += found
    return names


@pytest.mark.parametrize("name", operators())
def test_every_operator_of_the_table_is_here(name):
    function = getattr(mylos, name)
    assert "Raises Error" in function.__doc__
    assert name in mylos.__all__


@pytest.mark.parametrize("name", re.findall(r"^MYLOS_STEP\w* *\((\w+) *,", (TABLE / "steps.def").read_text(), re.M))
def test_every_step_is_here(name):
    assert callable(getattr(steps, name))


def data(*shape, dtype="float32", seed=1):
    return np.random.default_rng(seed).uniform(-3, 3, shape).astype(dtype)


def erf(x):
    import math

    return np.vectorize(math.erf)(x)


POINTWISE = {
    "relu": (lambda x: np.maximum(x, 0), ()),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.2 * x), (0.2,)),
    "elu": (lambda x: np.where(x > 0, x, 1.5 * np.expm1(x)), (1.5,)),
    "gelu": (lambda x: x / 2 * (1 + erf(x / np.sqrt(2))), ()),
    "softplus": (lambda x: np.log1p(np.exp(2 * x)) / 2, (2.0, 20.0)),
    "hardtanh": (lambda x: np.clip(x, -0.5, 0.75), (-0.5, 0.75)),
    "softshrink": (lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.25, 0), (0.25,)),
    "silu": (lambda x: x / (1 + np.exp(-x)), ()),
    "tanh": (np.tanh, ()),
    "abs": (np.abs, ()),
    "exp": (np.exp, ()),
    "floor": (np.floor, ()),
    "clamp": (lambda x: np.clip(x, -1, np.inf), (-1.0,)),
    "add": (lambda x: x + 2, (2,)),
    "rsub": (lambda x: 2 - x, (2,)),
    "pow": (lambda x: x**2, (2,)),
    "lerp": (lambda x: x + 0.25 * (5 - x), (5, 0.25)),
    "addcmul": (lambda x: x + 0.5 * 2 * 3, (2, 3, 0.5)),
}


@pytest.mark.parametrize("name", POINTWISE)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_pointwise_functions_and_steps(name, dtype):
    reference, arguments = POINTWISE[name]
    x = data(7, 33, dtype=dtype)
    expected = reference(x.astype("float64"))
    tolerance = {"float64": 1e-13, "float32": 3e-6, "float16": 5e-3}[dtype]
    y = getattr(mylos, name)(x, *arguments)
    assert type(y) is np.ndarray and y.dtype == x.dtype
    np.testing.assert_allclose(y, expected, rtol=tolerance, atol=tolerance)
    chain = getattr(steps, name)(*arguments)
    np.testing.assert_array_equal(chain(x), y)


def test_operands_broadcast_to_a_shape_of_their_own():
    x, column, mask = data(4, 1), data(5, seed=2), data(4, 5, seed=3) > 0
    np.testing.assert_allclose(mylos.add(x, column), x + column, rtol=1e-6)
    y = mylos.where(x, mask, column)
    np.testing.assert_array_equal(y, np.where(mask, np.broadcast_to(x, (4, 5)), column))
    np.testing.assert_array_equal(mylos.masked_fill(column, mask, -1.0), np.where(mask, -1, column))


def test_reductions():
    x = data(4, 5, 6)
    wide = x.astype("float64")
    np.testing.assert_allclose(mylos.sum(x, (0, 2)), wide.sum((0, 2)), rtol=1e-6)
    np.testing.assert_allclose(mylos.mean(x, -1, keepdims=True), wide.mean(-1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(mylos.sum(x, 1, before=steps.square(), after=steps.sqrt()), np.sqrt((wide**2).sum(1)), rtol=1e-6)
    np.testing.assert_allclose(mylos.var(x, 0, 0.0), wide.var(0), rtol=1e-5)
    np.testing.assert_allclose(mylos.norm(x, 1, p=3), (abs(wide) ** 3).sum(1) ** (1 / 3), rtol=1e-5)
    np.testing.assert_array_equal(mylos.argmax(x, 2), x.argmax(2))
    assert mylos.argmax(x).shape == () and mylos.argmax(x) == x.argmax()
    assert mylos.all(x).dtype == bool and not mylos.all(x > 0) and mylos.any(x > 0)
    assert mylos.count_nonzero(x > 0) == np.count_nonzero(x > 0)
    values, indices = mylos.amin_argmin(x, 1)
    np.testing.assert_array_equal(values, x.min(1))
    np.testing.assert_array_equal(indices, x.argmin(1))
    mean, variance = mylos.moments(x, (0, 1), before=steps.mul(2))
    np.testing.assert_allclose(mean, 2 * wide.mean((0, 1)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(variance, 4 * wide.var((0, 1)), rtol=1e-5)


def test_reductions_of_integers():
    x = np.arange(24, dtype="int32").reshape(2, 3, 4)
    assert mylos.sum(x, 1).dtype == np.int64
    np.testing.assert_array_equal(mylos.sum(x, 1), x.sum(1))
    assert mylos.amax(x, 2).dtype == np.int32
    assert mylos.mean(x).dtype == np.float64 and mylos.mean(x) == 11.5


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def test_row_operators():
    x = data(6, 8, 10)
    wide = x.astype("float64")
    np.testing.assert_allclose(mylos.softmax(x, before=steps.mul(0.5)), softmax(wide / 2, -1), rtol=1e-5)
    np.testing.assert_allclose(mylos.log_softmax(x, 1), np.log(softmax(wide, 1)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(mylos.softmin(x, 0, after=steps.add(1)), 1 + softmax(-wide, 0), rtol=1e-5)
    masked = np.where(np.tri(8, 10, dtype=bool), wide, -np.inf)
    np.testing.assert_allclose(mylos.causal_softmax(x), softmax(masked, -1), rtol=1e-5, atol=1e-7)

    def standardized(axes):
        return (wide - wide.mean(axes, keepdims=True)) / np.sqrt(wide.var(axes, keepdims=True) + 1e-5)

    weight, bias = data(10, seed=2), data(10, seed=3)
    np.testing.assert_allclose(mylos.layer_norm(x, -1, weight, bias), standardized(-1) * weight + bias, rtol=1e-4, atol=1e-5)
    mean, rstd = np.empty((6, 8), "float32"), np.empty((6, 8), "float32")
    mylos.layer_norm(x, mean=mean, rstd=rstd)
    np.testing.assert_allclose(mean, wide.mean(-1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(rstd, 1 / np.sqrt(wide.var(-1) + 1e-5), rtol=1e-5)
    rms = wide / np.sqrt((wide**2).mean(-1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(mylos.rms_norm(x, -1, weight, eps=1e-6), rms * weight, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(mylos.instance_norm(x), standardized(-1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(mylos.batch_norm_training(x), standardized((0, 2)), rtol=1e-4, atol=1e-5)
    grouped = wide.reshape(6, 2, 40)
    expected = (grouped - grouped.mean(-1, keepdims=True)) / np.sqrt(grouped.var(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(mylos.group_norm(x, 2), expected.reshape(x.shape), rtol=1e-4, atol=1e-5)
    m, v = data(8, seed=4), np.abs(data(8, seed=5))
    expected = (wide - m[:, None]) / np.sqrt(v[:, None] + 1e-5)
    np.testing.assert_allclose(mylos.batch_norm(x, m, v), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(mylos.l1_normalize(x), wide / abs(wide).sum(1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(mylos.l2_normalize(x), wide / np.sqrt((wide**2).sum(1, keepdims=True)), rtol=1e-5)
    np.testing.assert_allclose(mylos.lp_normalize(x, 3.0, 2), wide / (abs(wide) ** 3).sum(2, keepdims=True) ** (1 / 3), rtol=1e-5)
    np.testing.assert_allclose(mylos.frobenius_normalize(x), wide / np.sqrt((wide**2).sum()), rtol=1e-5)
    squares = np.pad(wide**2, ((0, 0), (1, 1), (0, 0)))
    around = squares[:, :-2] + squares[:, 1:-1] + squares[:, 2:]
    np.testing.assert_allclose(mylos.local_response_norm(x, 3), wide / (1 + 1e-4 / 3 * around) ** 0.75, rtol=1e-5)


def test_running_statistics_are_updated():
    x = data(16, 4)
    mean, variance = np.zeros(4, "float32"), np.ones(4, "float32")
    mylos.batch_norm_training(x, mean, variance, momentum=0.25)
    np.testing.assert_allclose(mean, 0.25 * x.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(variance, 0.75 + 0.25 * x.var(0, ddof=1), rtol=1e-5)


def test_scans():
    x = data(5, 9)
    np.testing.assert_allclose(mylos.cumsum(x), x.cumsum(-1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(mylos.cumsum(x, 0, reverse=True), x[::-1].cumsum(0)[::-1], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(mylos.cumprod(x, 1), x.cumprod(1), rtol=1e-4)
    exclusive = np.concatenate([np.zeros((5, 1)), x.cumsum(1)[:, :-1]], 1)
    np.testing.assert_allclose(mylos.cumsum(x, exclusive=True), exclusive, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(mylos.cumsum(x, mask=x > 0), np.where(x > 0, x, 0).cumsum(-1), rtol=1e-5)
    np.testing.assert_allclose(mylos.logcumsumexp(x), np.log(np.exp(x.astype("float64")).cumsum(-1)), rtol=1e-5, atol=1e-5)
    values, indices = mylos.cummax(x, indices=True)
    np.testing.assert_array_equal(values, np.maximum.accumulate(x, -1))
    np.testing.assert_array_equal(np.take_along_axis(x, indices, -1), values)
    np.testing.assert_array_equal(mylos.cummin(x, 0), np.minimum.accumulate(x, 0))
    integers = np.arange(10, dtype="int32")
    np.testing.assert_array_equal(mylos.cumsum(integers), integers.cumsum())


def test_losses():
    x, t = data(6, 5), data(6, 5, seed=2)
    d = np.abs(x - t).astype("float64")
    p, q = 1 / (1 + np.exp(-x)), (t > 0).astype("float32")
    cases = {
        "mse_loss": (x, t, (), d**2),
        "l1_loss": (x, t, (), d),
        "smooth_l1_loss": (x, t, (0.5,), np.where(d < 0.5, d**2, d - 0.25)),
        "huber_loss": (x, t, (0.5,), np.where(d <= 0.5, d**2 / 2, 0.5 * (d - 0.25))),
        "hinge_loss": (x, np.sign(t), (), np.maximum(1 - x * np.sign(t), 0)),
        "hinge_embedding_loss": (x, np.sign(t), (2.0,), np.where(t > 0, x, np.maximum(2 - x, 0))),
        "binary_cross_entropy": (p, q, (), -(q * np.log(p) + (1 - q) * np.log(1 - p))),
        "binary_cross_entropy_with_logits": (x, q, (2.0,), (1 - q) * x + (1 + q) * np.log1p(np.exp(-x))),
        "kl_div": (np.log(p), p * 0.5, (), p * 0.5 * (np.log(p * 0.5) - np.log(p))),
        "poisson_nll_loss": (x, q, (), np.exp(x) - q * x),
        "gaussian_nll_loss": (x, t, (2.0,), (np.log(2) + d**2 / 2) / 2),
    }
    for name, (a, b, parameters, expected) in cases.items():
        loss = getattr(mylos, name)
        if name == "gaussian_nll_loss":
            call = lambda r: loss(a, b, 2.0, r)  # noqa: E731
        else:
            call = lambda r: loss(a, b, r, *parameters)  # noqa: E731
        np.testing.assert_allclose(call("none"), expected, rtol=1e-5, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(call("mean"), expected.mean(), rtol=1e-5, err_msg=name)
        np.testing.assert_allclose(call("sum"), expected.sum(), rtol=1e-5, err_msg=name)


def test_losses_of_vectors():
    x, labels = data(8, 5), np.arange(8) % 5
    log_p = np.log(softmax(x.astype("float64"), 1))
    rows = -log_p[np.arange(8), labels]
    np.testing.assert_allclose(mylos.cross_entropy(x, labels), rows.mean(), rtol=1e-5)
    np.testing.assert_allclose(mylos.cross_entropy(x, labels, "none"), rows, rtol=1e-5)
    np.testing.assert_allclose(mylos.nll_loss(log_p, labels, "sum"), rows.sum(), rtol=1e-5)
    smooth = 0.9 * rows - 0.1 * log_p.mean(1)
    np.testing.assert_allclose(mylos.cross_entropy(x, labels, "none", label_smoothing=0.1), smooth, rtol=1e-5)
    a, b, c = (data(8, 5, seed=s).astype("float64") for s in (2, 3, 4))
    cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    np.testing.assert_allclose(mylos.cosine_similarity(a, b), cosine, rtol=1e-9)
    sign = np.where(labels > 2, 1, -1)
    expected = np.where(sign == 1, 1 - cosine, np.maximum(cosine - 0.25, 0))
    np.testing.assert_allclose(mylos.cosine_embedding_loss(a, b, sign, "none", 0.25), expected, rtol=1e-9, atol=1e-12)
    distance = lambda u, v: np.linalg.norm(u - v + 1e-6, axis=1)  # noqa: E731
    expected = np.maximum(1 + distance(a, b) - distance(a, c), 0)
    np.testing.assert_allclose(mylos.triplet_margin_loss(a, b, c, "none"), expected, rtol=1e-9, atol=1e-9)


def test_matrix_products():
    a, b, bias = data(3, 4, 5), data(5, 6, seed=2), data(6, seed=3)
    product = a.astype("float64") @ b
    np.testing.assert_allclose(mylos.gemm(a, b), product, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(mylos.gemm(a, b, after=steps.add(bias) | steps.relu()), np.maximum(product + bias, 0), rtol=1e-4, atol=1e-5)
    c = np.ones((3, 4, 6), "float32")
    assert mylos.gemm(a, b, alpha=2, beta=3, out=c) is c
    np.testing.assert_allclose(c, 2 * product + 3, rtol=1e-5, atol=1e-5)
    w = np.ascontiguousarray(b.T)
    expected = product + bias
    np.testing.assert_allclose(mylos.linear(a, w, bias), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(mylos.linear(a, mylos.PreparedWeights(w), bias), expected, rtol=1e-5, atol=1e-5)
    x, y = data(5, seed=4), data(4, seed=5)
    np.testing.assert_allclose(mylos.gemv(a, x), a @ x, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(mylos.dot(a, a), (a.astype("float64") ** 2).sum(-1), rtol=1e-5)
    np.testing.assert_allclose(mylos.ger(x, y), np.outer(x, y), rtol=1e-6)
    np.testing.assert_allclose(mylos.diagonal_mm(y, a[0]), y[:, None] * a[0], rtol=1e-6)
    s, m = data(5, 5, seed=6), data(5, 7, seed=7)
    np.testing.assert_allclose(mylos.trmm("lower", s, m), np.tril(s) @ m, rtol=1e-4, atol=1e-5)
    symmetric = np.triu(s) + np.triu(s, 1).T
    np.testing.assert_allclose(mylos.symm("upper", s, m), symmetric @ m, rtol=1e-4, atol=1e-5)


def test_networks():
    x, w1, b1, w2 = data(10, 4), data(8, 4, seed=2), data(8, seed=3), data(3, 8, seed=4)
    network = mylos.Mlp().layer(w1, b1, steps.tanh()).layer(w2)
    expected = np.tanh(x.astype("float64") @ w1.T + b1) @ w2.T
    assert len(network) == 2
    np.testing.assert_allclose(mylos.mlp(network, x), expected, rtol=1e-4, atol=1e-5)
    y = np.empty((3, 10), "float32")
    mylos.mlp(network, x.T, axis=0, out=y)
    np.testing.assert_allclose(y, expected.T, rtol=1e-4, atol=1e-5)
