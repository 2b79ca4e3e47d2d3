#include "fuzz/descriptors.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace mylos::fuzz {
namespace {

constexpr std::int64_t memory_bytes = 1 << 18;
// What a call may loop over, with strides of zero too.
constexpr std::int64_t most_elements = 1 << 12;
__extension__ typedef __int128 Wide;

/// Of its own heap block, so that the sanitizer sees what leaves it.
char* memory() {
  static std::vector<double> block = [] {
    std::vector<double> values(memory_bytes / sizeof(double));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<double>(i));
    return values;
  }();
  return reinterpret_cast<char*>(block.data());
}

constexpr std::int64_t sizes[] = {8, 4, 2, 2, 1, 4, 8};

}  // namespace

Bytes::Bytes(const std::uint8_t* bytes, std::size_t size) : bytes_(bytes), size_(size) {
  base_rank_ = byte() % 4;
  for (std::int64_t& extent : base_) extent = byte() % 6;
}

double Bytes::real() {
  constexpr double values[] = {0, 1, -1, 0.5, 2, 3, 1e-5, 1e300, -0.0};
  const unsigned kind = byte() % 12;
  if (kind < 9) return values[kind];
  if (kind == 9) return std::numeric_limits<double>::quiet_NaN();
  return kind == 10 ? std::numeric_limits<double>::infinity() : raw<double>();
}

mylos_axes Bytes::axes() {
  mylos_axes axes = mylos_all_axes();
  axes.count = rarely(16) ? raw<std::int32_t>() : byte() % 4;
  for (int i = 0; i < 4; ++i) axes.axis[i] = rarely(8) ? raw<std::int32_t>() : byte() % 5 - 2;
  return axes;
}

/// The shape that most tensors of the call have, or a part of it.
void Bytes::shape(mylos_tensor& t) {
  const unsigned kind = byte() % 8;
  t.rank = base_rank_;
  std::copy(base_, base_ + 3, t.extent);
  if (kind == 4 && t.rank > 0) --t.rank;                                             // without the last dimension
  if (kind == 5 && t.rank > 0) std::copy(base_ + 1, base_ + 3, t.extent), --t.rank;  // without the first
  if (kind == 6 && t.rank > 0) t.extent[byte() % t.rank] = 1;
  if (kind == 7) {
    t.rank = byte() % 4;
    for (int d = 0; d < 3; ++d) t.extent[d] = byte() % 6;
  }
}

/// Memory for what the library may read or write: all of it if it fits, none otherwise. What breaks a rule of
/// <mylos/mylos.h> gets memory too, since nobody may look at it.
void Bytes::place(mylos_tensor& t) {
  t.data = memory();
  if (t.dtype < 0 || t.dtype > mylos_dtype_i64 || t.rank < 0 || t.rank > mylos_max_rank) return;
  constexpr std::int64_t limit = std::int64_t{1} << 48;
  Wide low = 0, high = sizes[t.dtype], elements = 1;
  for (int d = 0; d < t.rank; ++d) {
    if (t.extent[d] < 0 || t.extent[d] > limit || t.stride[d] > limit || t.stride[d] < -limit) return;
    if (t.extent[d] == 0) continue;
    const Wide reach = Wide{t.extent[d] - 1} * t.stride[d] * sizes[t.dtype];
    (reach < 0 ? low : high) += reach;
    elements = std::min(elements * t.extent[d], Wide{limit} + 1);
  }
  if (elements > limit || high - low > limit) return;
  t.data = nullptr;
  if (high - low > memory_bytes || elements > most_elements) return;
  // Multiples of 8 from the block's begin, so that all is aligned.
  const std::int64_t first = (-static_cast<std::int64_t>(low) + 7) / 8 * 8;
  const std::int64_t room = (memory_bytes - first - static_cast<std::int64_t>(high)) / 8;
  if (room < 0) return;
  t.data = memory() + first + 8 * (2 * std::int64_t{raw<std::uint16_t>()} % (room + 1));
  if (rarely(64)) t.data = nullptr;
  if (rarely(64) && t.data != nullptr) t.data = static_cast<char*>(t.data) + 1, t.dtype = mylos_dtype_f64;
}

const mylos_tensor* Bytes::tensor() {
  if (tensors_ == 64 || rarely(64)) return nullptr;
  mylos_tensor& t = tensor_[tensors_++];
  t = mylos_tensor{};
  constexpr mylos_dtype dtypes[] = {1, 1, 1, 0, 0, 2, 3, 1, 4, 5, 6, 6};
  t.dtype = dtypes[byte() % 12];
  shape(t);
  std::int64_t stride = 1;
  const bool column_major = byte() % 4 == 0;
  for (int i = 0; i < t.rank; ++i) {
    const int d = column_major ? i : t.rank - 1 - i;
    t.stride[d] = stride;
    stride *= std::max<std::int64_t>(t.extent[d], 1);
  }
  if (rarely(8))
    for (int d = 0; d < t.rank; ++d) t.stride[d] = byte() % 16 - 4;
  if (rarely(8)) {
    const unsigned d = byte() % 8;
    if (byte() % 2 == 0) t.extent[d] = raw<std::int64_t>();
    if (byte() % 2 == 0) t.stride[d] = raw<std::int64_t>();
    if (byte() % 4 == 0) t.rank = raw<std::int32_t>();
    if (byte() % 4 == 0) t.rank = 8;
    if (byte() % 4 == 0) t.dtype = raw<std::int32_t>();
  }
  place(t);
  return &t;
}

const mylos_chain* Bytes::chain() {
  if (chains_ == 8 || byte() % 2 == 0) return nullptr;
  mylos_chain& c = chain_[chains_++];
  std::memset(&c, 0, sizeof(c));
  c.step_count = byte() % 4;
  c.operand_count = byte() % 3;
  for (int o = 0; o < c.operand_count; ++o)
    if (const mylos_tensor* t = tensor()) c.operand[o] = *t;
  for (int s = 0; s < c.step_count; ++s) {
    mylos_step& step = c.step[s];
    step.id = rarely(16) ? raw<std::int32_t>() : byte() % mylos_step_count;
    for (int i = 0; i < 2; ++i) {
      step.operand[i] = rarely(32) ? raw<std::int32_t>() : byte() % (c.operand_count + 1) - 1;
      step.parameter[i] = real();
      step.number[i] = real();
    }
  }
  if (rarely(32)) c.step_count = raw<std::int32_t>();
  if (rarely(32)) c.operand_count = raw<std::int32_t>();
  return &c;
}

const mylos_layer* Bytes::layers() {
  layer_count_ = byte() % 4;
  for (int i = 0; i < layer_count_; ++i) {
    const mylos_tensor* weight = tensor();
    layer_[i] = mylos_layer_of(weight != nullptr ? *weight : mylos_tensor{}, tensor_or_none());
    if (const mylos_chain* c = chain()) layer_[i].chain = *c;
  }
  if (rarely(32)) layer_count_ = -1;
  return rarely(32) ? nullptr : layer_;
}

}  // namespace mylos::fuzz
