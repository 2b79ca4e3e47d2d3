// The inner loops of the scans in vectors, for one instruction set: included by each_isa.hpp.
//
// A sum or a product waits for the one before it. So vectors are scanned within themselves first, in log2 steps that
// wait for nothing, and only a vector's total is on the way from one to the next. Room for a vector more behind v and
// r.

struct MYLOS_VECTORS {
  static constexpr bool vectors = true;

  MYLOS_VECTORS_ATTRIBUTE static void sums(const float* v, int n, double& state, const double* base, float* r) {
    using Doubles = double __attribute__((vector_size(64)));
    using Floats = float __attribute__((vector_size(32)));
    const Doubles zero = {};
    r[0] = static_cast<float>(base == nullptr ? state : *base + state);
    Doubles carry = zero + state;
    const Doubles first = zero + (base == nullptr ? 0.0 : *base);
    for (int k = 0; k < n; k += 8) {
      Floats in;
      __builtin_memcpy(&in, v + k, sizeof(in));
      Doubles t = __builtin_convertvector(in, Doubles);
      t += __builtin_shufflevector(t, zero, 8, 0, 1, 2, 3, 4, 5, 6);
      t += __builtin_shufflevector(t, zero, 8, 8, 0, 1, 2, 3, 4, 5);
      t += __builtin_shufflevector(t, zero, 8, 8, 8, 8, 0, 1, 2, 3);
      const Floats out = __builtin_convertvector(first + (carry + t), Floats);
      __builtin_memcpy(r + 1 + k, &out, sizeof(out));
      carry += __builtin_shufflevector(t, t, 7, 7, 7, 7, 7, 7, 7, 7);
    }
    state = carry[0];
  }

  /// Sixteen values between 2^-16 and 2^16 multiply to what a number in range may be multiplied with.
  MYLOS_VECTORS_ATTRIBUTE static void products(const float* v, int n, detail::ScaledNumber& state,
                                               const detail::ScaledNumber* base, float* r) {
    using Doubles = double __attribute__((vector_size(64)));
    using Floats = float __attribute__((vector_size(32)));
    using Bits = std::uint32_t __attribute__((vector_size(64)));
    using R = detail::Scanner<detail::ScanMonoid::product, float>;
    const Doubles one = Doubles{} + 1.0;
    detail::ScaledNumber s = state;
    r[0] = R::value_of(detail::behind<detail::ScanMonoid::product, float>(base, s));
    for (int k = 0; k < n; k += 16) {
      Bits bits;
      __builtin_memcpy(&bits, v + k, sizeof(bits));
      Bits outside = reinterpret_cast<Bits>((bits & 0x7fffffffu) - ((127u - 16u) << 23) > (32u << 23));
      outside |= __builtin_shufflevector(outside, outside, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
      outside |= __builtin_shufflevector(outside, outside, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
      std::uint64_t some[2];
      __builtin_memcpy(some, &outside, sizeof(some));
      if ((some[0] | some[1]) != 0) {
        for (int i = k; i < k + 16; i += 4) four_products(v + i, s, base, r + 1 + i);
        continue;
      }
      const double before = detail::behind<detail::ScanMonoid::product, float>(base, s).scaled();
      Doubles last = one;
      for (int half = 0; half < 2; ++half) {
        Floats in;
        __builtin_memcpy(&in, v + k + 8 * half, sizeof(in));
        Doubles t = __builtin_convertvector(in, Doubles);
        t *= __builtin_shufflevector(t, one, 8, 0, 1, 2, 3, 4, 5, 6);
        t *= __builtin_shufflevector(t, one, 8, 8, 0, 1, 2, 3, 4, 5);
        t *= __builtin_shufflevector(t, one, 8, 8, 8, 8, 0, 1, 2, 3);
        t *= last;
        last = __builtin_shufflevector(t, t, 7, 7, 7, 7, 7, 7, 7, 7);
        const Floats out = __builtin_convertvector(t * before, Floats);
        __builtin_memcpy(r + 1 + k + 8 * half, &out, sizeof(out));
      }
      s.number *= last[0];  // within 2^556
      s.settle();
    }
    state = s;
  }
  /// Of whatever values: so many f32 multiply to a normal f64.
  MYLOS_VECTORS_ATTRIBUTE static void four_products(const float* v, detail::ScaledNumber& s,
                                                    const detail::ScaledNumber* base, float* r) {
    using Doubles = double __attribute__((vector_size(32)));
    using Floats = float __attribute__((vector_size(16)));
    const Doubles one = {1.0, 1.0, 1.0, 1.0};
    Floats in;
    __builtin_memcpy(&in, v, sizeof(in));
    Doubles t = __builtin_convertvector(in, Doubles);
    t *= __builtin_shufflevector(t, one, 4, 0, 1, 2);
    t *= __builtin_shufflevector(t, one, 4, 4, 0, 1);
    const double before = detail::behind<detail::ScanMonoid::product, float>(base, s).scaled();
    const Floats out = __builtin_convertvector(t * before, Floats);
    __builtin_memcpy(r, &out, sizeof(out));
    s.number *= t[3];  // within 2^900
    s.settle();
  }

  MYLOS_VECTORS_ATTRIBUTE static void maxima(const float* v, int n, float& state, const float* base, float* r) {
    using Floats = float __attribute__((vector_size(64)));
    constexpr float low = -detail::infinity_of<float>();
    const Floats lowest = Floats{} + low;
    Floats carry = Floats{} + detail::behind<detail::ScanMonoid::maximum, float>(base, state);
    r[0] = carry[0];
    for (int k = 0; k < n; k += 16) {
      Floats t;
      __builtin_memcpy(&t, v + k, sizeof(t));
      Floats other = __builtin_shufflevector(t, lowest, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
      t = ((t >= other) | (t != t)) ? t : other;
      other = __builtin_shufflevector(t, lowest, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13);
      t = ((t >= other) | (t != t)) ? t : other;
      other = __builtin_shufflevector(t, lowest, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
      t = ((t >= other) | (t != t)) ? t : other;
      other = __builtin_shufflevector(t, lowest, 16, 16, 16, 16, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7);
      t = ((t >= other) | (t != t)) ? t : other;
      const Floats total =
          __builtin_shufflevector(t, t, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15);
      t = ((t >= carry) | (t != t)) ? t : carry;
      __builtin_memcpy(r + 1 + k, &t, sizeof(t));
      carry = ((total >= carry) | (total != total)) ? total : carry;
    }
    state = carry[0];  // with the base in it, which changes nothing: the base is combined with it again
  }
};
