// From a reduction's state to what is stored.
#pragma once

#include "core/access.hpp"
#include "reduce/monoid.hpp"

namespace mylos::detail {

enum class Finish : std::uint8_t {
  sum,
  mean,
  root,  // (sum)^(1/p); p = 2 and 1 without a power
  product,
  maximum,
  minimum,  // of negated values
  index,
  maximum_index,  // the value, and its index to the second output
  minimum_index,
  log_sum_exp,
  variance,
  deviation,
  mean_variance,  // the mean, and the variance to the second output
  all,
  any,
  count,
};

/// For either output a value, and a number for where it is of an integer dtype.
template <class T>
struct Finished {
  T value;
  std::int64_t index;
  T second;
  std::int64_t second_index;
};

/// n: how many values were reduced; p: a norm's power, a mean's divisor, or a variance's correction.
template <Monoid M, class T>
MYLOS_FUNCTION Finished<T> finish(Finish id, const typename Reducer<M, T>::State& s, std::int64_t n, double p) {
  Finished<T> f{};
  const double count = static_cast<double>(n);
  if constexpr (M == Monoid::sum || M == Monoid::sum_of_squares) {
    const auto sum = value_of(s);
    f.value = static_cast<T>(sum);
    if constexpr (std::is_same_v<T, std::int64_t>) {
      f.index = sum;
    } else {
      if (id == Finish::count) f.index = static_cast<std::int64_t>(sum);
      if (id == Finish::mean) f.value = static_cast<T>(sum / p);
      if (id == Finish::root) f.value = static_cast<T>(p == 2.0 ? ::sqrt(sum) : (p == 1.0 ? sum : ::pow(sum, 1.0 / p)));
      if (id == Finish::any) f.index = sum > 0.0 ? 1 : 0;
      if (id == Finish::all) f.index = sum == count ? 1 : 0;
    }
  } else if constexpr (M == Monoid::product) {
    f.value = static_cast<T>(s);
    if constexpr (std::is_same_v<T, std::int64_t>) f.index = static_cast<std::int64_t>(s);
  } else if constexpr (M == Monoid::maximum || M == Monoid::arg_maximum) {
    T value;
    if constexpr (M == Monoid::maximum) {
      value = s;
    } else {
      value = s.value;
      f.index = s.index;
      f.second_index = s.index;
    }
    if (id == Finish::minimum || id == Finish::minimum_index) {
      if constexpr (std::is_same_v<T, std::int64_t>)
        value = ~value;
      else
        value = -value;
    }
    f.value = value;
    if constexpr (std::is_same_v<T, std::int64_t>)
      if (id != Finish::index) f.index = value;
  } else if constexpr (M == Monoid::log_sum_exp) {
    f.value = static_cast<T>(::log(s.sum) + static_cast<double>(Reducer<M, T>::reference(s.shift)));
  } else {
    const double divisor = count - p > 0.0 ? count - p : 0.0;
    const double variance = n == 0 ? __builtin_nan("") : Reducer<M, T>::squares(s) / divisor;
    if (id == Finish::mean_variance) {
      f.value = static_cast<T>(n == 0 ? __builtin_nan("") : Reducer<M, T>::mean(s));
      f.second = static_cast<T>(variance);
    } else {
      f.value = static_cast<T>(id == Finish::deviation ? ::sqrt(variance) : variance);
    }
  }
  return f;
}

/// Stores one element: `value` where the dtype is floating, else `index`.
template <class T>
MYLOS_FUNCTION void store_finished(DType dtype, void* data, std::int64_t offset, T value, std::int64_t index) {
  switch (dtype) {
    case DType::u8:
      static_cast<std::uint8_t*>(data)[offset] = static_cast<std::uint8_t>(index);
      return;
    case DType::i32:
      static_cast<std::int32_t*>(data)[offset] = static_cast<std::int32_t>(index);
      return;
    case DType::i64:
      static_cast<std::int64_t*>(data)[offset] = index;
      return;
    default:
      if constexpr (!std::is_same_v<T, std::int64_t>) store_element<T>(dtype, data, offset, value);
  }
}

}  // namespace mylos::detail
