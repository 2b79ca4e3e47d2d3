"""Arrays on their way in and out: kinds, strides, `out`, errors, chains, threads."""

import array
import gc
import subprocess
import sys
import threading
import weakref

import mylos
import numpy as np
import pytest
from mylos import steps


def data(*shape, seed=1):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


@pytest.mark.parametrize("view", [lambda x: x[::2, 1:], lambda x: x.T, lambda x: x[::-1], lambda x: x[:, :1]])
def test_any_strides(view):
    x = view(data(8, 6))
    np.testing.assert_array_equal(mylos.relu(x), np.maximum(x, 0))
    y = np.zeros((8, 6), "float32")
    target = view(y)
    assert mylos.neg(x, out=target) is target
    np.testing.assert_array_equal(view(y), -x)


def test_a_result_keeps_the_order_in_memory():
    x = np.asfortranarray(data(5, 7))
    assert mylos.exp(x).flags.f_contiguous
    assert mylos.softmax(x).flags.f_contiguous
    assert mylos.sum(x, 0).flags.c_contiguous


def test_out_is_written_in_place():
    x = data(100)
    before = x.copy()
    assert mylos.mul(x, 2, out=x) is x
    np.testing.assert_array_equal(x, 2 * before)


def test_out_decides_on_the_dtype():
    y = np.empty(100, "float64")
    mylos.exp(data(100), out=y)
    np.testing.assert_allclose(y, np.exp(data(100).astype("float64")), rtol=1e-15)


def test_conversions():
    x = data(50)
    assert mylos.convert(x, "float16").dtype == np.float16
    np.testing.assert_array_equal(mylos.convert(x, "f16"), x.astype("float16"))


def test_the_buffer_protocol():
    x = array.array("f", [-1, 2, -3])
    y = array.array("f", [0, 0, 0])
    mylos.relu(x, out=y)
    assert y.tolist() == [0, 2, 0]
    np.testing.assert_array_equal(mylos.relu(memoryview(x)), [0, 2, 0])


class Exported:
    """Speaks DLPack alone."""

    def __init__(self, x):
        self.x = x

    def __dlpack__(self, **options):
        return self.x.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.x.__dlpack_device__()


class ExportedAsOfOld(Exported):
    def __dlpack__(self, stream=None):
        assert stream is None
        return self.x.__dlpack__()


@pytest.mark.parametrize("kind", [Exported, ExportedAsOfOld])
def test_dlpack(kind):
    x, y = data(4, 5), np.zeros((4, 5), "float32")
    mylos.relu(kind(x), out=kind(y))
    np.testing.assert_array_equal(y, np.maximum(x, 0))


def test_dlpack_keeps_nothing_alive():
    x = data(10)
    there = weakref.ref(x)
    mylos.relu(Exported(x), out=np.empty(10, "float32"))
    del x
    gc.collect()
    assert there() is None


def test_no_copy_and_no_leak():
    x = data(10)
    count = sys.getrefcount(x)
    for _ in range(100):
        mylos.relu(x, out=x)
    assert sys.getrefcount(x) == count


def test_bfloat16_of_numpy():
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes cannot be imported here")
    x = data(4, 5).astype(ml_dtypes.bfloat16)
    y = mylos.relu(x)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, np.maximum(x, 0))


def test_arrays_of_jax():
    jax = pytest.importorskip("jax", reason="JAX cannot be imported here")
    x = jax.numpy.linspace(-2, 2, 1000, dtype="float32").reshape(10, 100)
    y = mylos.softmax(x, before=steps.gelu())
    assert isinstance(y, jax.Array) and y.dtype == x.dtype
    np.testing.assert_allclose(y, jax.nn.softmax(jax.nn.gelu(x, approximate=False)), rtol=1e-4)
    half = mylos.relu(x.astype("bfloat16"))
    assert isinstance(half, jax.Array) and half.dtype == "bfloat16"
    refused("read-only", mylos.relu, x, out=x)


def refused(match, call, *arguments, **options):
    with pytest.raises(mylos.Error, match=match):
        call(*arguments, **options)


def test_errors():
    assert issubclass(mylos.Error, ValueError)
    x = data(4, 5)
    refused(r"mylos::add: .*other.*\(3\)", mylos.add, x, data(3))
    refused("mylos::softmax: ", mylos.softmax, x, 2)
    refused("mylos::relu: x: a object is no array", mylos.relu, object())
    refused("complex|format", mylos.relu, x.astype("complex64"))
    refused("x: at most 8 dimensions", mylos.relu, np.zeros((1,) * 9, "float32"))
    refused(r"mylos::relu: .*\(4, 6\)", mylos.relu, x, out=np.empty((4, 6), "float32"))
    refused("overlap", mylos.relu, x[:, 1:], out=x[:, :-1])
    refused("'mean'", mylos.mse_loss, x, x, "median")
    refused("'tf32'", mylos.gemm, x, x.T, precision="double")
    refused("beta", mylos.gemm, x, x.T, beta=1)
    refused("groups", mylos.group_norm, x, 0)
    refused("pair|tuple", mylos.amax_argmax, x, out=x)
    refused("16 steps", mylos.chain, *[steps.relu()] * 17)
    refused("'bf16'", steps.cast, "int8")
    x.flags.writeable = False
    refused("out: it is read-only", mylos.relu, x, out=x)
    with pytest.raises(TypeError):
        mylos.relu(x, 1, 2)
    with pytest.raises(TypeError):
        mylos.relu(None)


def test_an_unaligned_stride():
    x = np.zeros(10, dtype=[("a", "f4"), ("b", "i1")])["a"]
    refused("strides", mylos.relu, x)


def test_chains():
    x, bias = data(3, 4), data(4, seed=2)
    chain = steps.gelu() | steps.mul(2) | steps.add(bias)
    assert len(chain) == 3 and repr(chain) == "gelu() | mul(2) | add(numpy.ndarray)"
    assert repr(steps.cast("bf16") | steps.clamp(0)) == "cast('bf16') | clamp(0, inf)"
    expected = 2 * mylos.gelu(x) + bias
    np.testing.assert_allclose(mylos.map(chain, x), expected, rtol=1e-6)
    np.testing.assert_array_equal(chain(x), mylos.map(mylos.chain(steps.gelu(), steps.scale(2), steps.add(bias)), x))
    np.testing.assert_array_equal(mylos.chain()(x), x)


def test_a_chain_keeps_its_operands_and_reads_them_when_it_runs():
    chain = steps.add(np.full(4, 2, "float32"))
    gc.collect()
    np.testing.assert_array_equal(chain(np.zeros(4, "float32")), [2] * 4)
    operand = np.zeros(4, "float32")
    chain = steps.add(operand)
    operand += 5
    np.testing.assert_array_equal(chain(np.zeros(4, "float32")), [5] * 4)


def test_numpys_scalars_are_numbers():
    x = data(3)
    np.testing.assert_array_equal(mylos.mul(x, np.float32(2)), 2 * x)
    np.testing.assert_array_equal(mylos.mul(x, np.int64(2)), 2 * x)


def test_threads():
    x = data(300, 1000)
    expected = mylos.softmax(x)
    wrong = []

    def work():
        for _ in range(10):
            if not np.array_equal(mylos.softmax(x), expected):
                wrong.append(1)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_the_process_ends_quietly():
    code = "import mylos, numpy; mylos.relu(numpy.zeros(100000, 'f'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_it_says_which_kernel_ran():
    mylos.relu(data(10))
    assert mylos.last_kernel() != "none"


def test_version():
    assert mylos.__version__.count(".") == 2
