// The map over blocks of consecutive elements of the box, staged in the L1 cache: what one host thread does, for the
// generic kernel and, compiled for wider vectors and with streaming stores, for backends/host.
//
// A block is worked through in strips. Where x, y and operands are one run of memory each a strip is a few cache lines,
// so that loads, arithmetic and stores alternate often enough to overlap: with strips of 4 KB a step took the time of a
// copy plus that of its arithmetic, with strips of 512 bytes little more than the larger of the two. Finding a strip's
// place among rows costs more, so there it is twice as long, or the whole block where the rows are short.
#pragma once

#include <mylos/detail/divider.hpp>

#include "core/access.hpp"
#include "core/apply.hpp"
#include "pointwise/problem.hpp"

namespace mylos::detail {

/// Elements of a block: four of them (values, the next values and two operands) stay within half of a 32 KB cache.
template <class T>
inline constexpr int block_elements = 4096 / static_cast<int>(sizeof(T));

/// Of a strip in contiguous memory.
template <class T>
inline constexpr int strip_elements = 512 / static_cast<int>(sizeof(T));

template <class T>
struct BlockParameters {
  const void* x;
  void* y;
  DType x_dtype;
  DType y_dtype;
  Box box;
  Strides x_stride;
  Strides y_stride;
  LoweredChain<T> chain;
  LoweredOperand<max_rank> operand[max_operands];
  int strip;             // elements
  int lead;              // elements that the first block is shorter, so that the others begin with a cache line of y
  int blocks_per_index;  // of one call
};

/// How many elements after the beginning of its cache line `data` lies; 0 where that is no whole number.
inline int elements_into_line(const void* data, std::size_t size) {
  const auto bytes = reinterpret_cast<std::uintptr_t>(data) % 64;
  return bytes % size == 0 ? static_cast<int>(bytes / size) : 0;
}

template <class T>
BlockParameters<T> make_blocks(const PointwiseProblem& problem) {
  BlockParameters<T> p;
  p.x = problem.x;
  p.y = problem.y;
  p.x_dtype = problem.x_dtype;
  p.y_dtype = problem.y_dtype;
  p.box = problem.geometry.box;
  p.x_stride = problem.geometry.x;
  p.y_stride = problem.geometry.y;
  p.chain = lower<T>(*problem.chain);
  lower_operands(problem, problem.geometry, p.operand);
  const bool one_run = p.box.rank == 0 || (p.box.rank == 1 && p.y_stride.stride[0] == 1);
  const bool long_rows =
      p.box.rank > 1 && p.y_stride.stride[p.box.rank - 1] == 1 && p.box.extent[p.box.rank - 1] >= block_elements<T>;
  p.strip = one_run ? strip_elements<T> : long_rows ? 2 * strip_elements<T> : block_elements<T>;
  p.lead = one_run ? elements_into_line(p.y, size_of(p.y_dtype)) : 0;
  p.blocks_per_index = 1;
  return p;
}

/// The coordinates of an element of the box. Found by divisions once and moved on from there.
struct BoxPosition {
  std::int64_t coordinate[max_rank];

  MYLOS_FUNCTION BoxPosition(const Box& box, std::int64_t element) {
    for (int d = box.rank - 1; d > 0; --d) {
      coordinate[d] = element % box.extent[d];
      element /= box.extent[d];
    }
    coordinate[0] = element;
  }
  /// By `n` elements in row-major order.
  MYLOS_FUNCTION void advance(const Box& box, std::int64_t n) {
    for (int d = box.rank - 1; d > 0; --d) {
      coordinate[d] += n;
      if (coordinate[d] < box.extent[d]) return;
      n = coordinate[d] / box.extent[d];
      coordinate[d] -= n * box.extent[d];
    }
    coordinate[0] += n;
  }
};

/// Calls visit(first, n, offset, step) for each run of `count` elements from `begin` on that lies in one row.
template <class Visit>
MYLOS_FUNCTION void for_each_run(const Box& box, const std::int64_t* stride, const BoxPosition& begin, int count,
                                 const Visit& visit) {
  if (box.rank == 0) return visit(0, count, std::int64_t{0}, std::int64_t{0});
  const int inner = box.rank - 1;
  std::int64_t offset = 0;
  for (int d = 0; d < box.rank; ++d) offset += begin.coordinate[d] * stride[d];
  BoxPosition at = begin;
  for (int done = 0; done < count;) {
    const std::int64_t left = box.extent[inner] - at.coordinate[inner];
    const int n = left < count - done ? static_cast<int>(left) : count - done;
    visit(done, n, offset, stride[inner]);
    done += n;
    if (done == count) return;
    offset -= at.coordinate[inner] * stride[inner];
    at.coordinate[inner] = 0;
    for (int d = inner - 1; d >= 0; --d) {
      offset += stride[d];
      if (++at.coordinate[d] < box.extent[d]) break;
      offset -= box.extent[d] * stride[d];
      at.coordinate[d] = 0;
    }
  }
}

template <class S, class T>
MYLOS_FUNCTION void gather_as(const BlockParameters<T>& p, const void* data, const std::int64_t* stride,
                              const BoxPosition& begin, int count, T* v) {
  for_each_run(p.box, stride, begin, count, [&](int first, int n, std::int64_t offset, std::int64_t step) {
    const S* from = static_cast<const S*>(data) + offset;
    T* to = v + first;
    if (step == 1) {
      for (int k = 0; k < n; ++k) to[k] = widen<T>(from[k]);
    } else if (step == 0) {
      const T value = widen<T>(*from);
      for (int k = 0; k < n; ++k) to[k] = value;
    } else {
      for (int k = 0; k < n; ++k) to[k] = widen<T>(from[k * step]);
    }
  });
}

template <class T>
MYLOS_FUNCTION void gather(const BlockParameters<T>& p, DType dtype, const void* data, const std::int64_t* stride,
                           const BoxPosition& begin, int count, T* v) {
  switch (dtype) {
    case DType::f64:
      return gather_as<double>(p, data, stride, begin, count, v);
    case DType::f32:
      return gather_as<float>(p, data, stride, begin, count, v);
    case DType::f16:
      return gather_as<half>(p, data, stride, begin, count, v);
    case DType::bf16:
      return gather_as<bfloat16>(p, data, stride, begin, count, v);
    case DType::u8:
      return gather_as<std::uint8_t>(p, data, stride, begin, count, v);
    case DType::i32:
      return gather_as<std::int32_t>(p, data, stride, begin, count, v);
    case DType::i64:
      return gather_as<std::int64_t>(p, data, stride, begin, count, v);
  }
}

/// Stores a block through `Write::copy(S* to, const S* from, int n)` where elements are consecutive.
template <class Write, class S, class T>
MYLOS_FUNCTION void scatter_as(const BlockParameters<T>& p, const BoxPosition& begin, int count, T* v) {
  for_each_run(p.box, p.y_stride.stride, begin, count, [&](int first, int n, std::int64_t offset, std::int64_t step) {
    S* to = static_cast<S*>(p.y) + offset;
    const T* from = v + first;
    if (step != 1) {
      for (int k = 0; k < n; ++k) to[k * step] = narrow<S>(from[k]);
    } else if constexpr (std::is_same_v<S, T>) {
      Write::copy(to, from, n);
    } else {
      alignas(64) S stored[block_elements<T>];
      for (int k = 0; k < n; ++k) stored[k] = narrow<S>(from[k]);
      Write::copy(to, stored, n);
    }
  });
}

struct PlainWrite {
  template <class S>
  static MYLOS_FUNCTION void copy(S* to, const S* from, int n) {
    for (int k = 0; k < n; ++k) to[k] = from[k];
  }
};

/// Where a tensor has n elements from `begin` on as the chain takes them, one after another, else null. Whole vectors
/// only (map_strip), so that nothing behind the last element is read.
template <class T>
MYLOS_FUNCTION T* in_place(const BlockParameters<T>& p, DType dtype, const void* data, const std::int64_t* stride,
                           const BoxPosition& begin, int n) {
  if (dtype != dtype_of<T> || n % 16 != 0 || p.box.rank == 0 || stride[p.box.rank - 1] != 1) return nullptr;
  T* found = nullptr;
  for_each_run(p.box, stride, begin, n, [&](int, int in_one_row, std::int64_t offset, std::int64_t) {
    // Not written through this pointer.
    if (in_one_row == n) found = const_cast<T*>(static_cast<const T*>(data)) + offset;
  });
  return found;
}

/// The dtype is the same for all elements: asked here, each loop does one conversion.
template <class T>
MYLOS_FUNCTION void apply_cast(T dtype, const MemoryBlock<T>& x, MemoryBlock<T>& v) {
  switch (static_cast<DType>(static_cast<int>(dtype))) {
    case DType::f16:
      for (int k = 0; k < v.size(); ++k) v[k] = widen<T>(narrow<half>(x[k]));
      return;
    case DType::bf16:
      for (int k = 0; k < v.size(); ++k) v[k] = widen<T>(narrow<bfloat16>(x[k]));
      return;
    default:
      for (int k = 0; k < v.size(); ++k) v[k] = op::cast(x[k], dtype);
      return;
  }
}

/// v = step(x); a and b are room for operands, by value since load may point them elsewhere.
template <class T, class Load>
MYLOS_FUNCTION void apply_to_block(const LoweredStep<T>& step, const MemoryBlock<T>& x, MemoryBlock<T>& v,
                                   MemoryBlock<T> a, MemoryBlock<T> b, const Load& load) {
  if (step.id == StepId::cast) return apply_cast(step.parameter[0], x, v);
  if (!step.has_tensors) return apply_step<math::Precise>(step, x, v);
  fill_operand(step, 0, a, load);
  if (static_cast<int>(step.id) < steps_without_operand + steps_with_one_operand)
    return apply_step<math::Precise>(step, x, v, a);
  fill_operand(step, 1, b, load);
  apply_step<math::Precise>(step, x, v, a, b);
}

/// n elements of the box from `begin` on, in row-major order. storage: four blocks, Stride elements apart.
template <class Write, int Stride, class T>
MYLOS_FUNCTION void map_strip(const BlockParameters<T>& p, const BoxPosition& begin, int n, T* storage) {
  // The chain runs over whole vectors: the remainder of a loop would take the scalar forms of the elementary functions,
  // and an element's bits would depend on where it stands.
  const int whole = (n + 15) / 16 * 16;
  const auto in_memory = [&](DType dtype, const void* data, const std::int64_t* stride, T* to) {
    if (T* found = in_place(p, dtype, data, stride, begin, n)) return found;
    gather(p, dtype, data, stride, begin, n, to);
    for (int k = n; k < whole; ++k) to[k] = T(1);
    return to;
  };
  const auto load = [&](int o, MemoryBlock<T>& block) {
    block.value = in_memory(p.operand[o].dtype, p.operand[o].data, p.operand[o].stride, block.value);
  };
  T* values = in_memory(p.x_dtype, p.x, p.x_stride.stride, storage + Stride);
  const MemoryBlock<T> a{storage + 2 * Stride, whole};
  const MemoryBlock<T> b{storage + 3 * Stride, whole};
  for (int s = 0; s < p.chain.size; ++s) {
    // From block to block, so that a loop need not ask whether it overwrites what it is going to read.
    const MemoryBlock<T> x{values, whole};
    MemoryBlock<T> v{storage + s % 2 * Stride, whole};
    apply_to_block(p.chain.step[s], x, v, a, b, load);
    values = v.value;
  }
  switch (p.y_dtype) {
    case DType::f64:
      return scatter_as<Write, double>(p, begin, n, values);
    case DType::f32:
      return scatter_as<Write, float>(p, begin, n, values);
    case DType::f16:
      return scatter_as<Write, half>(p, begin, n, values);
    case DType::bf16:
      return scatter_as<Write, bfloat16>(p, begin, n, values);
    default:
      return;
  }
}

/// Blocks [index * blocks_per_index, ...) of the box in row-major order.
template <class Write, class T>
MYLOS_FUNCTION void map_block(const BlockParameters<T>& p, std::int64_t index) {
  // Not a whole number of pages apart: a load would wait for a store to the same place of another page.
  constexpr int stride = block_elements<T> + 128 / static_cast<int>(sizeof(T));
  alignas(64) T storage[4 * stride];
  const std::int64_t per_index = std::int64_t{block_elements<T>} * p.blocks_per_index;
  const std::int64_t end_of_index = (index + 1) * per_index - p.lead;
  const std::int64_t end = end_of_index < p.box.count ? end_of_index : p.box.count;
  std::int64_t at = index * per_index - p.lead;
  BoxPosition begin(p.box, at > 0 ? at : 0);
  for (; at < end; at += p.strip) {
    const std::int64_t strip_end = at + p.strip < end ? at + p.strip : end;
    const std::int64_t n = at > 0 ? strip_end - at : strip_end;
    if (n <= 0) continue;
    map_strip<Write, stride>(p, begin, static_cast<int>(n), storage);
    begin.advance(p.box, n);
  }
}

/// How many calls of map_block there are.
template <class T>
std::int64_t block_count(const BlockParameters<T>& p) {
  const std::int64_t per_index = std::int64_t{block_elements<T>} * p.blocks_per_index;
  return (p.box.count + p.lead + per_index - 1) / per_index;
}

}  // namespace mylos::detail
