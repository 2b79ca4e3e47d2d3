// Bytes read as the arguments of a call.
#pragma once

#include <cstdint>
#include <cstring>

#include <mylos/mylos.h>

namespace mylos::fuzz {

/// Reads arguments from bytes: mostly such that fit each other, and now and then anything at all.
class Bytes {
 public:
  Bytes(const std::uint8_t* bytes, std::size_t size);

  std::uint8_t byte() { return at_ < size_ ? bytes_[at_++] : std::uint8_t{0}; }
  template <class T>
  T raw() {
    unsigned char bytes[sizeof(T)];
    for (unsigned char& b : bytes) b = byte();
    T value;
    std::memcpy(&value, bytes, sizeof(T));
    return value;
  }
  /// One time in `n`.
  bool rarely(unsigned n) { return byte() % n == n - 1; }

  std::int64_t integer() { return rarely(16) ? raw<std::int64_t>() : byte() % 12 - 3; }
  std::int32_t small() { return rarely(16) ? raw<std::int32_t>() : byte() % 12 - 3; }
  std::int32_t choice() { return rarely(16) ? raw<std::int32_t>() : byte() % 5; }
  std::int32_t flag() { return rarely(16) ? raw<std::int32_t>() : byte() % 2; }
  double real();
  mylos_axes axes();
  const mylos_tensor* tensor();
  const mylos_tensor* tensor_or_none() { return byte() % 2 == 0 ? nullptr : tensor(); }
  mylos_operand operand() { return byte() % 2 == 0 ? mylos_number(real()) : mylos_elements(tensor()); }
  const mylos_chain* chain();
  const mylos_layer* layers();
  std::int32_t layer_count() const { return layer_count_; }

 private:
  void shape(mylos_tensor& t);
  void place(mylos_tensor& t);

  const std::uint8_t* bytes_;
  std::size_t size_;
  std::size_t at_ = 0;
  int base_rank_;
  std::int64_t base_[3];
  std::int32_t layer_count_ = 0;
  int tensors_ = 0;
  int chains_ = 0;
  mylos_tensor tensor_[64];
  mylos_chain chain_[8];
  mylos_layer layer_[3];
};

}  // namespace mylos::fuzz
