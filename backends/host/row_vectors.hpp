// Square tiles that turn rows into columns in registers, and the statistics of 16 short rows at once, for one
// instruction set: included by each_isa.hpp.

struct MYLOS_VECTORS {
  static constexpr bool vectors = true;
  template <class T>
  struct VectorOf {
    typedef T Vector __attribute__((vector_size(MYLOS_VECTORS_BYTES)));  // `using` ignores it where T is a parameter
  };
  template <class T>
  using Vector = typename VectorOf<T>::Vector;
  template <class T>
  static constexpr int side = MYLOS_VECTORS_BYTES / static_cast<int>(sizeof(T));
  /// Elements that a shuffle moves about cheaply: those of 16 bytes.
  template <class T>
  static constexpr int group = 16 / static_cast<int>(sizeof(T));

  /// to[i * to_step + k] = from[k * from_step + i] for 0 <= i, k < side<T>.
  template <class T>
  MYLOS_VECTORS_ATTRIBUTE static void transpose(const T* from, std::int64_t from_step, T* to, std::int64_t to_step) {
    Vector<T> v[side<T>];
    move_all(from, from_step, v, to, to_step, std::make_index_sequence<side<T>>());
  }

  // Of up to 16 rows of n f32 values, padded to a multiple of 16, one result each. 64 lanes take a row's values in turn
  // and are combined as a tree: down to 16 lanes row by row, then for all rows at once.

  static constexpr int rows_at_once = 16;
  using Floats = float __attribute__((vector_size(64)));
  using Integers = std::int32_t __attribute__((vector_size(64)));
  enum class Term { value, deviation, square, absolute, exponential };

  MYLOS_VECTORS_ATTRIBUTE static void maxima(const float* from, std::int64_t pitch, int rows, int n, float* result) {
    alignas(64) float partial[rows_at_once * rows_at_once];
    for (int r = 0; r < rows; ++r) {
      Floats lanes[4];
      for (int i = 0; i < 4; ++i) lanes[i] = Floats{} - INFINITY;
      const float* const row = from + r * pitch;
      int k = 0;
      for (; k + 64 <= n; k += 64)
        for (int i = 0; i < 4; ++i) {
          Floats x;
          __builtin_memcpy(&x, row + k + 16 * i, sizeof(x));
          combine<true>(lanes[i], x);
        }
      for (int i = 0; i < 4; ++i) {
        if (k + 16 * i >= n) break;
        Floats x;
        __builtin_memcpy(&x, row + k + 16 * i, sizeof(x));
        keep(n - k - 16 * i, -INFINITY, x);
        combine<true>(lanes[i], x);
      }
      put_lanes<true>(lanes, partial + r * rows_at_once);
    }
    fold_rows<true>(partial, rows, result);
  }

  /// Sums of the terms of value - shift[r], for deviations (value - shift[r]) - low[r]; of exponentials each stays in
  /// held[r * held_pitch + k] unless that is null. What lies `ahead` elements further is fetched meanwhile, unless 0.
  template <Term Of>
  MYLOS_VECTORS_ATTRIBUTE static void sums(const float* from, std::int64_t pitch, int rows, int n, std::int64_t ahead,
                                           const float* shift, const float* low, float* held, std::int64_t held_pitch,
                                           float* result) {
    constexpr bool shifts = Of == Term::value || Of == Term::deviation || Of == Term::exponential;
    alignas(64) float partial[rows_at_once * rows_at_once];
    for (int r = 0; r < rows; ++r) {
      Floats lanes[4] = {};
      const float first = shifts ? shift[r] : 0.0f;
      const float second = Of == Term::deviation ? low[r] : 0.0f;
      const float* const row = from + r * pitch;
      float* const kept = held == nullptr ? nullptr : held + r * held_pitch;
      int k = 0;
      for (; k + 64 <= n; k += 64) {
        if (ahead != 0) detail::fetch_ahead(row + ahead + k, 64);
        for (int i = 0; i < 4; ++i) {
          Floats x;
          take_term<Of>(row + k + 16 * i, first, second, kept == nullptr ? nullptr : kept + k + 16 * i, x);
          lanes[i] += x;
        }
      }
      if (ahead != 0) detail::fetch_ahead(row + ahead + k, n - k);
      for (int i = 0; i < 4; ++i) {
        if (k + 16 * i >= n) break;
        Floats x;
        take_term<Of>(row + k + 16 * i, first, second, kept == nullptr ? nullptr : kept + k + 16 * i, x);
        keep(n - k - 16 * i, 0.0f, x);
        lanes[i] += x;
      }
      put_lanes<false>(lanes, partial + r * rows_at_once);
    }
    fold_rows<false>(partial, rows, result);
  }

 private:
  /// The terms of 16 values.
  template <Term Of>
  MYLOS_VECTORS_ATTRIBUTE __attribute__((always_inline)) static inline void take_term(const float* from, float shift,
                                                                                      float low, float* held,
                                                                                      Floats& x) {
    __builtin_memcpy(&x, from, sizeof(x));
    if constexpr (Of == Term::value || Of == Term::deviation || Of == Term::exponential) x -= shift;
    if constexpr (Of == Term::deviation) x -= low;
    if constexpr (Of == Term::deviation || Of == Term::square) x *= x;
    if constexpr (Of == Term::absolute) x = x < 0.0f ? -x : x;
    if constexpr (Of == Term::exponential) {
      alignas(64) float e[16];
      __builtin_memcpy(e, &x, sizeof(e));
      for (int l = 0; l < 16; ++l) e[l] = detail::HostMath::exp(e[l]);
      __builtin_memcpy(&x, e, sizeof(e));
      if (held != nullptr) __builtin_memcpy(held, &x, sizeof(x));
    }
  }
  /// Leaves the first `count` of 16, and `rest` for the others.
  MYLOS_VECTORS_ATTRIBUTE __attribute__((always_inline)) static inline void keep(int count, float rest, Floats& x) {
    constexpr Integers place = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    x = place < count ? x : Floats{} + rest;
  }
  template <bool Max>
  MYLOS_VECTORS_ATTRIBUTE __attribute__((always_inline)) static inline void combine(Floats& a, const Floats& b) {
    if constexpr (Max)
      a = a < b ? b : a;
    else
      a += b;
  }
  template <bool Max>
  MYLOS_VECTORS_ATTRIBUTE __attribute__((always_inline)) static inline void put_lanes(Floats* lanes, float* partial) {
    combine<Max>(lanes[0], lanes[2]);
    combine<Max>(lanes[1], lanes[3]);
    combine<Max>(lanes[0], lanes[1]);
    __builtin_memcpy(partial, &lanes[0], sizeof(Floats));
  }
  /// 16 lanes of each row.
  template <bool Max>
  MYLOS_VECTORS_ATTRIBUTE __attribute__((always_inline)) static inline void fold_rows(float* partial, int rows,
                                                                                      float* result) {
    for (int i = rows * rows_at_once; i < rows_at_once * rows_at_once; ++i) partial[i] = 0.0f;
    alignas(64) float lane[rows_at_once * rows_at_once];
    for (int r = 0; r < rows_at_once; r += side<float>)
      for (int l = 0; l < rows_at_once; l += side<float>)
        transpose(partial + r * rows_at_once + l, rows_at_once, lane + l * rows_at_once + r, rows_at_once);
    Floats v[rows_at_once];
    __builtin_memcpy(v, lane, sizeof(v));
    for (int half = rows_at_once / 2; half > 0; half /= 2)
      for (int l = 0; l < half; ++l) combine<Max>(v[l], v[l + half]);
    __builtin_memcpy(result, v, sizeof(Floats));
  }

  template <class T, std::size_t... I>
  MYLOS_VECTORS_ATTRIBUTE __attribute__((always_inline)) static inline void move_all(
      const T* from, std::int64_t from_step, Vector<T>* v, T* to, std::int64_t to_step, std::index_sequence<I...> all) {
    (__builtin_memcpy(&v[I], from + static_cast<std::int64_t>(I) * from_step, sizeof(v[I])), ...);
    exchange<T, 1>(v, all);
    (__builtin_memcpy(to + static_cast<std::int64_t>(I) * to_step, &v[place<T>(I)], sizeof(v[I])), ...);
  }
  /// The interleaving leaves the columns of a group in the order of their reversed bits.
  template <class T>
  static constexpr std::size_t place(std::size_t i) {
    return group<T> == 4 ? (i & ~std::size_t{3}) | (i & 1) << 1 | (i >> 1 & 1) : i;
  }

  /// Exchanges what vectors I and I + D have to exchange, then D * 2 and on. Within groups they are interleaved by D
  /// elements; across groups the halves that stand crosswise are swapped.
  template <class T, std::size_t D, std::size_t... I>
  MYLOS_VECTORS_ATTRIBUTE __attribute__((always_inline)) static inline void exchange(Vector<T>* v,
                                                                                     std::index_sequence<I...> all) {
    if constexpr (D < sizeof...(I)) {
      (exchange_pair<T, D, I>(v, all), ...);
      exchange<T, D * 2>(v, all);
    }
  }
  template <class T, std::size_t D, std::size_t I, std::size_t... L>
  MYLOS_VECTORS_ATTRIBUTE __attribute__((always_inline)) static inline void exchange_pair(Vector<T>* v,
                                                                                          std::index_sequence<L...>) {
    if constexpr ((I & D) == 0) {
      const Vector<T> a = v[I];
      const Vector<T> b = v[I + D];
      v[I] = __builtin_shufflevector(a, b, source<T, D>(L, 0)...);
      v[I + D] = __builtin_shufflevector(a, b, source<T, D>(L, 1)...);
    }
  }
  /// Where element l of the first or second result comes from: the first vector, or behind it the second.
  template <class T, std::size_t D>
  static constexpr int source(std::size_t l, std::size_t result) {
    constexpr std::size_t n = side<T>;
    constexpr std::size_t g = group<T>;
    if (D >= g && (l & D) == result * D) return static_cast<int>(l + result * n);
    if (D >= g) return static_cast<int>(result == 0 ? n + l - D : l + D);
    const std::size_t in_group = l % g;
    const std::size_t from = l - in_group + in_group / (2 * D) * D + in_group % D + result * g / 2;
    return static_cast<int>(from + (in_group / D % 2) * n);
  }
};
