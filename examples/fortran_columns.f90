! A stepping code over the columns of an atmosphere, in which a small network stands for the unresolved physics: from
! eight numbers of a cell (8 -> 32 -> 32 -> 4) it gives the tendencies of the first four. The state is an array as such
! codes have it, state(feature, level, column); the network runs over it in place of a loop, without a copy.
program fortran_columns
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use mylos
  implicit none
  integer, parameter :: features = 8, prognostic = 4, hidden = 32
  integer, parameter :: levels = 60, columns = 2000, steps = 10
  real(real32), parameter :: dt = 0.01_real32, mixing = 0.1_real32
  real(real32) :: state(features, levels, columns), tendency(prognostic, levels, columns)
  real(real32), target :: w1(hidden, features), w2(hidden, hidden), w3(prognostic, hidden)
  real(real32), target :: b1(hidden), b2(hidden), b3(prognostic)
  type(mylos_layer) :: network(3)
  real(real64) :: largest
  integer(int64) :: begin, end, rate, spent
  integer :: step

  call random_seed_fixed()
  call random_number(state)
  call weights(w1, b1)
  call weights(w2, b2)
  call weights(w3, b3)

  call mylos_set_layer(network(1), w1, b1)
  call mylos_chain_silu(network(1)%chain)
  call mylos_set_layer(network(2), w2, b2)
  call mylos_chain_silu(network(2)%chain)
  call mylos_set_layer(network(3), w3, b3)

  spent = 0
  do step = 1, steps
    call mix(state)
    call system_clock(begin, rate)
    call mylos_mlp(network, state, tendency, axis=1)      ! all dimensions but the first number the cells
    call mylos_fence()
    call system_clock(end)
    spent = spent + end - begin
    if (step == steps) call check()
    state(1:prognostic, :, :) = state(1:prognostic, :, :) + dt * tendency
  end do
  call mylos_amax(state(1:prognostic, :, :), largest)     ! a section, to a scalar
  print '(a, f6.2, a)', 'the network takes ', 1e3_real64 * spent / rate / steps, ' ms a step'
  print '(a, f8.4)', 'the largest value is ', largest

contains

  ! The code's own work: neighbouring levels exchange.
  subroutine mix(field)
    real(real32), intent(inout) :: field(:, :, :)
    real(real32) :: flux(features, levels - 1)
    integer :: column

    do column = 1, columns
      flux = mixing * (field(:, 2:, column) - field(:, :levels - 1, column))
      field(:, :levels - 1, column) = field(:, :levels - 1, column) + flux
      field(:, 2:, column) = field(:, 2:, column) - flux
    end do
  end subroutine

  ! One cell in real64, by hand.
  subroutine check()
    real(real64) :: first(hidden), second(hidden), third(prognostic)
    integer, parameter :: level = 17, column = 1234

    first = silu(matmul(real(w1, real64), real(state(:, level, column), real64)) + b1)
    second = silu(matmul(real(w2, real64), first) + b2)
    third = matmul(real(w3, real64), second) + b3
    if (.not. all(abs(tendency(:, level, column) - third) < 1e-5_real64)) error stop 'the network differs'
  end subroutine

  elemental real(real64) function silu(x)
    real(real64), intent(in) :: x

    silu = x / (1 + exp(-x))
  end function

  subroutine weights(w, b)
    real(real32), intent(out) :: w(:, :), b(:)

    call random_number(w)
    call random_number(b)
    w = (2 * w - 1) / sqrt(real(size(w, 2), real32))
    b = 0.1_real32 * b
  end subroutine

  subroutine random_seed_fixed()
    integer, allocatable :: seed(:)
    integer :: n

    call random_seed(size=n)
    allocate (seed(n))
    seed = 2718
    call random_seed(put=seed)
  end subroutine
end program
