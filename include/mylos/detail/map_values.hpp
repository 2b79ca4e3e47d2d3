// Elements as a functor of the user's own sees them: 16-bit types widened to float, all others as they are stored.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <mylos/types.hpp>

namespace mylos::detail {

template <class... T>
struct TypeList {};

/// The type of the library, where T is one of its 16-bit types or holds the same bits; else T.
template <class T, class = void>
struct StoredAs {
  using type = T;
};
template <class T>
struct StoredAs<T, std::void_t<typename SameBitsAs<T>::type>> : SameBitsAs<T> {};

/// What the functor is called with for a stored element.
template <class S>
using ValueOf = std::conditional_t<std::is_same_v<S, half> || std::is_same_v<S, bfloat16>, float, S>;

template <class S>
MYLOS_FUNCTION ValueOf<S> to_value(const S& stored) {
  return static_cast<ValueOf<S>>(stored);
}

template <class S>
MYLOS_FUNCTION S to_stored(const ValueOf<S>& value) {
  return static_cast<S>(value);
}

/// What a functor returned, as the value of an element of S; a double on its way to 16 bits is rounded once.
template <class S, class R>
MYLOS_FUNCTION ValueOf<S> from_result(const R& result) {
  if constexpr (!std::is_same_v<S, ValueOf<S>> && std::is_same_v<R, double>)
    return round_to_odd(result);
  else
    return static_cast<ValueOf<S>>(result);
}

/// One value of each type, by number: a tuple that device code may use and that need not be initialised.
template <std::size_t I, class T>
struct Leaf {
  T value;
};
template <class Indices, class... T>
struct Leaves;
template <std::size_t... I, class... T>
struct Leaves<std::index_sequence<I...>, T...> : Leaf<I, T>... {};
template <class... T>
using LeavesOf = Leaves<std::index_sequence_for<T...>, T...>;

template <std::size_t I, class T>
MYLOS_FUNCTION T& leaf(Leaf<I, T>& l) {
  return l.value;
}
template <std::size_t I, class T>
MYLOS_FUNCTION const T& leaf(const Leaf<I, T>& l) {
  return l.value;
}

}  // namespace mylos::detail
