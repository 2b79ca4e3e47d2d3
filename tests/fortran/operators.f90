! Each family of operators and each kind of option against the same in real64.
program operators
  use, intrinsic :: iso_c_binding
  use, intrinsic :: iso_fortran_env, only: int32, int64, real32, real64
  use expectation
  use mylos
  implicit none
  integer, parameter :: m = 10, n = 6
  integer :: i, j, k
  real(real32) :: x(m, n), y(m, n)
  real(real64) :: expected(m, n)

  x = reshape([(real(sin(1.3_real64 * i), real32), i=1, m * n)], [m, n])
  call rows()
  call norms()
  call steps()
  call reductions()
  call losses()
  call scans()
  call products()
  print '(a)', 'ok'

contains

  elemental real(real64) function gelu(a)
    real(real32), intent(in) :: a

    gelu = real(a, real64) * (1 + erf(real(a, real64) / sqrt(2._real64))) / 2
  end function

  subroutine rows()
    type(mylos_chain) :: before, after

    call mylos_chain_gelu(before)
    call mylos_chain_mul(after, 3)
    call mylos_softmax(x, y, axes=1, before=before, after=after)
    do j = 1, n
      expected(:, j) = 3 * exp(gelu(x(:, j))) / sum(exp(gelu(x(:, j))))
    end do
    call compare(y, expected, 'softmax along the first dimension, with chains')
    call mylos_log_softmax(x, y)
    do i = 1, m
      expected(i, :) = x(i, :) - log(sum(exp(real(x(i, :), real64))))
    end do
    call compare(y, expected, 'log_softmax along the last dimension')
    call mylos_softmax(x, y, axes=[1, 2])
    call compare(y, exp(real(x, real64)) / sum(exp(real(x, real64))), 'softmax of all')
  end subroutine

  subroutine norms()
    real(real64) :: weight(m), bias(m), mean(n), rstd(n), variance

    weight = [(1 + 0.1_real64 * i, i=1, m)]
    bias = [(0.2_real64 * i, i=1, m)]
    call mylos_layer_norm(x, y, axes=1, weight=weight, bias=bias, eps=0.25_real64, mean=mean, rstd=rstd)
    do j = 1, n
      variance = sum((x(:, j) - sum(real(x(:, j), real64)) / m)**2) / m
      expected(:, j) = (x(:, j) - sum(real(x(:, j), real64)) / m) / sqrt(variance + 0.25_real64) * weight + bias
      call expect(abs(rstd(j) - 1 / sqrt(variance + 0.25_real64)) < 1e-6, 'rstd')
      call expect(abs(mean(j) - sum(real(x(:, j), real64)) / m) < 1e-6, 'mean')
    end do
    call compare(y, expected, 'layer_norm')
    call mylos_lp_normalize(x, y, 3._real64, axes=1)
    do j = 1, n
      expected(:, j) = x(:, j) / sum(abs(real(x(:, j), real64))**3)**(1._real64 / 3)
    end do
    call compare(y, expected, 'lp_normalize')
  end subroutine

  subroutine steps()
    type(mylos_chain) :: chain
    real(real32), target :: bias(n)
    logical(c_bool) :: mask(m, n)

    bias = [(0.25 * j, j=1, n)]
    mask = x > 0
    call mylos_chain_mul(chain, 2._real64)
    call mylos_chain_add(chain, bias)
    call mylos_chain_leaky_relu(chain, 0.1_real64)
    call mylos_map(chain, x, y)
    expected = 2 * real(x, real64) + spread(real(bias, real64), 1, m)
    expected = merge(expected, 0.1_real64 * expected, expected > 0)
    call compare(y, expected, 'a chain')
    call mylos_leaky_relu(x, y)
    call compare(y, merge(real(x, real64), 0.01_real64 * x, x > 0), 'a default')
    call mylos_clamp(x, y, max=0.5_real64)
    call compare(y, min(real(x, real64), 0.5_real64), 'the second parameter by its name')
    call mylos_masked_fill(x, mask, y, value=-1._real64)
    call compare(y, merge(-1._real64, real(x, real64), x > 0), 'a logical mask')
    call mylos_where(x, mask, 3, y)
    call compare(y, merge(real(x, real64), 3._real64, x > 0), 'two operands')
  end subroutine

  subroutine reductions()
    real(real64) :: total, of_columns(n)
    integer(int64) :: largest(n)

    call mylos_sum(x, total)
    call expect(abs(total - sum(real(x, real64))) < 1e-5, 'sum of all')
    call mylos_norm(x, of_columns, axes=1, p=1._real64)
    call expect(all(abs(of_columns - sum(abs(real(x, real64)), 1)) < 1e-5), 'norm of columns')
    call mylos_argmax(x, largest, axes=1)
    call expect(all(largest + 1 == maxloc(x, 1)), 'argmax, counted from 0')
  end subroutine

  subroutine losses()
    real(real64) :: loss, scores(n)
    integer(int32) :: labels(m)

    call mylos_mse_loss(x, 0 * x, loss, reduction=mylos_loss_reduction_sum)
    call expect(abs(loss - sum(real(x, real64)**2)) < 1e-5, 'the sum of squares')
    call mylos_kl_div(x, x, y, reduction=mylos_loss_reduction_none, log_target=.true._c_bool)
    call compare(y, 0 * expected, 'kl_div of a distribution from itself')
    labels = [(mod(i, n), i=1, m)]
    call mylos_cross_entropy(x, labels, loss, axis=2)
    loss = loss * m
    do i = 1, m
      scores = x(i, :)
      loss = loss - (log(sum(exp(scores))) - scores(labels(i) + 1))
    end do
    call expect(abs(loss) < 1e-4, 'cross_entropy')
  end subroutine

  subroutine scans()
    call mylos_cumsum(x, y, axis=1, scan=ior(mylos_scan_reverse, mylos_scan_exclusive))
    do i = 1, m
      expected(i, :) = sum(real(x(i + 1:, :), real64), 1)
    end do
    call compare(y, expected, 'cumsum, reverse and exclusive')
  end subroutine

  subroutine products()
    real(real64), target :: w1(7, m), b1(7), w2(3, 7)
    real(real64) :: a(n, 4), c(m, 4), hidden(7, n), outputs(3, n)
    type(mylos_layer) :: network(2)

    a = reshape([(cos(2._real64 * i), i=1, n * 4)], [n, 4])
    c = 1
    call mylos_gemm(x, a, c, alpha=2._real64, beta=0.5_real64)
    call expect(all(abs(c - (2 * matmul(real(x, real64), a) + 0.5_real64)) < 1e-12), 'gemm')
    w1 = reshape([(cos(3._real64 * i), i=1, 7 * m)], [7, m])
    w2 = reshape([(cos(5._real64 * i), i=1, 3 * 7)], [3, 7])
    b1 = [(0.1_real64 * i, i=1, 7)]
    call mylos_set_layer(network(1), w1, b1)
    call mylos_chain_tanh(network(1)%chain)
    call mylos_set_layer(network(2), w2)
    call mylos_mlp(network, x, outputs, axis=1)
    hidden = tanh(matmul(w1, real(x, real64)) + spread(b1, 2, n))
    call expect(all(abs(outputs - matmul(w2, hidden)) < 1e-12), 'mlp over columns')
    call mylos_linear(transpose(x), w1, bias=b1, y=hidden(:, 1:0), stat=k)
    call expect(k == mylos_status_invalid_argument, 'linear compares extents')
    call linear_without_bias(w1)
  end subroutine

  subroutine linear_without_bias(w)
    real(real64), intent(in) :: w(:, :)
    real(real64) :: z(n, size(w, 1))

    call mylos_linear(transpose(x), w, y=z)
    call expect(all(abs(z - matmul(transpose(real(x, real64)), transpose(w))) < 1e-12), 'linear without a bias')
  end subroutine

  subroutine compare(values, reference, what)
    real(real32), intent(in) :: values(:, :)
    real(real64), intent(in) :: reference(:, :)
    character(len=*), intent(in) :: what

    call expect(all(abs(values - reference) <= 1e-6_real64 * (1 + abs(reference))), what)
  end subroutine
end program
