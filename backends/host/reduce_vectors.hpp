// How rows of f32 values enter the states of 16 lanes in vectors, for one instruction set: included by each_isa.hpp.
// The results are those of the plain loops (reduce/block_rows.hpp).

struct MYLOS_VECTORS {
  static constexpr bool vectors = true;
  using Rows = detail::StagedRows<float, true>;
  using Floats = float __attribute__((vector_size(64)));
  using Integers = std::int32_t __attribute__((vector_size(64)));
  using HalfFloats = float __attribute__((vector_size(32)));
  using Doubles = double __attribute__((vector_size(64)));

  MYLOS_VECTORS_ATTRIBUTE static void load(const Rows& v, int r, Floats& x) {
    Integers bits;
    __builtin_memcpy(&bits, v.at(r), sizeof(bits));
    bits = (bits & static_cast<std::int32_t>(v.signs.kept)) ^ static_cast<std::int32_t>(v.signs.turned);
    __builtin_memcpy(&x, &bits, sizeof(x));
  }

  MYLOS_VECTORS_ATTRIBUTE static void load_half(const Rows& v, int r, int half, Doubles& x) {
    HalfFloats stored;
    __builtin_memcpy(&stored, v.at(r) + 8 * half, sizeof(stored));
    x = __builtin_convertvector(stored, Doubles);
  }
  MYLOS_VECTORS_ATTRIBUTE static void add(const Floats& v, Doubles* sums) {
    for (int half = 0; half < 2; ++half) {
      HalfFloats x;
      __builtin_memcpy(&x, reinterpret_cast<const char*>(&v) + 32 * half, sizeof(x));
      sums[half] += __builtin_convertvector(x, Doubles);
    }
  }

  /// By fours in f32, those in f64.
  MYLOS_VECTORS_ATTRIBUTE static void sums(const Rows& v, double* s) {
    Doubles sums[2];
    __builtin_memcpy(sums, s, sizeof(sums));
    for (int r = 0; r < v.count; r += 4) {
      Floats x[4];
      for (int i = 0; i < 4; ++i) load(v, r + i, x[i]);
      add((x[0] + x[1]) + (x[2] + x[3]), sums);
    }
    __builtin_memcpy(s, sums, sizeof(sums));
  }

  MYLOS_VECTORS_ATTRIBUTE static void squares(const Rows& v, double* s) {
    Doubles sums[2];
    __builtin_memcpy(sums, s, sizeof(sums));
    for (int r = 0; r < v.count; ++r)
      for (int half = 0; half < 2; ++half) {
        Doubles x;
        load_half(v, r, half, x);
        sums[half] += x * x;
      }
    __builtin_memcpy(s, sums, sizeof(sums));
  }

  MYLOS_VECTORS_ATTRIBUTE static void products(const Rows& v, double* s) {
    Doubles products[2];
    __builtin_memcpy(products, s, sizeof(products));
    for (int r = 0; r < v.count; r += 4)
      for (int half = 0; half < 2; ++half) {
        Doubles x[4];
        for (int i = 0; i < 4; ++i) load_half(v, r + i, half, x[i]);
        products[half] *= (x[0] * x[1]) * (x[2] * x[3]);
      }
    __builtin_memcpy(s, products, sizeof(products));
  }

  MYLOS_VECTORS_ATTRIBUTE static void maxima(const Rows& v, float* s) {
    Floats largest;
    __builtin_memcpy(&largest, s, sizeof(largest));
    for (int r = 0; r < v.count; r += 4) {
      Floats x[4];
      for (int i = 0; i < 4; ++i) load(v, r + i, x[i]);
      for (int i = 0; i < 4; i += 2) larger_of(x[i + 1], x[i]);
      larger_of(x[2], x[0]);
      larger_of(x[0], largest);
    }
    __builtin_memcpy(s, &largest, sizeof(largest));
  }
  /// NaN is larger than anything.
  MYLOS_VECTORS_ATTRIBUTE static void larger_of(const Floats& x, Floats& largest) {
    largest = ((x >= largest) | (x != x)) ? x : largest;
  }

  /// row[l]: where the first of the largest values of lane l stands among these rows; -1: it is still s[l]. `begins`:
  /// there is no s[l] yet.
  MYLOS_VECTORS_ATTRIBUTE static void positions(const Rows& v, bool begins, float* s, std::int32_t* row) {
    Floats largest;
    Integers at = Integers{} - 1;
    __builtin_memcpy(&largest, s, sizeof(largest));
    for (int r = 0; r < v.count; ++r) {
      Floats x;
      load(v, r, x);
      Integers larger = ~(x <= largest) & (largest == largest);
      if (begins && r == 0) larger = Integers{} - 1;
      largest = larger ? x : largest;
      at = larger ? Integers{} + r : at;
    }
    __builtin_memcpy(s, &largest, sizeof(largest));
    __builtin_memcpy(row, &at, sizeof(at));
  }

  /// Of rows [begin, end): what they differ from the pivots by, and the squares of that.
  MYLOS_VECTORS_ATTRIBUTE static void deviations(const Rows& v, int begin, int end, const double* pivot, double* first,
                                                 double* second) {
    Doubles pivots[2];
    Doubles sums[2];
    Doubles squares[2];
    __builtin_memcpy(pivots, pivot, sizeof(pivots));
    __builtin_memcpy(sums, first, sizeof(sums));
    __builtin_memcpy(squares, second, sizeof(squares));
    for (int r = begin; r < end; ++r)
      for (int half = 0; half < 2; ++half) {
        Doubles d;
        load_half(v, r, half, d);
        d -= pivots[half];
        sums[half] += d;
        squares[half] += d * d;
      }
    __builtin_memcpy(first, sums, sizeof(sums));
    __builtin_memcpy(second, squares, sizeof(squares));
  }

  /// sum += e^(v - shift), by fours in f32. A shift that is not finite counts as 0.
  MYLOS_VECTORS_ATTRIBUTE static void exponentials(const Rows& v, const float* shift, double* sum) {
    constexpr int lanes = detail::reduce_lanes;
    Floats shifts;
    __builtin_memcpy(&shifts, shift, sizeof(shifts));
    shifts = (shifts - shifts == 0.0f) ? shifts : Floats{};
    Doubles sums[2];
    __builtin_memcpy(sums, sum, sizeof(sums));
    for (int r = 0; r < v.count; r += 4) {
      Floats part = {};
      for (int i = r; i < r + 4; ++i) {
        Floats x;
        load(v, i, x);
        x -= shifts;
        x = (x > 89.0f) ? Floats{} + 89.0f : x;
        alignas(64) float e[lanes];
        __builtin_memcpy(e, &x, sizeof(e));
        for (int l = 0; l < lanes; ++l) e[l] = detail::HostMath::exp(e[l]);
        __builtin_memcpy(&x, e, sizeof(e));
        part += x;
      }
      add(part, sums);
    }
    __builtin_memcpy(sum, sums, sizeof(sums));
  }
};
