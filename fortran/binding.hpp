// From Fortran's array descriptors to those of C, and errors to stat= and errmsg=.
#pragma once

#include <ISO_Fortran_binding.h>

#include <cstdint>
#include <string>

#include <mylos/mylos.h>

namespace mylos::fortran {

/// A bad argument that only Fortran can give.
struct BadArgument {
  std::string what;
};

struct Layers {
  const mylos_layer* first;
  std::int32_t count;
};

/// Holds the descriptors of one call while it lasts.
class Call {
 public:
  explicit Call(const char* name) : name_(name) {}

  /// An array of any rank and stride, as it is; or a variable of type(mylos_tensor). Absent: null.
  const mylos_tensor* tensor(const char* argument, const CFI_cdesc_t* given);
  /// Likewise; a scalar of a numeric type is a number.
  mylos_operand operand(const char* argument, const CFI_cdesc_t* given);
  /// One or several dimensions, counted from 1, or from the end with -1.
  mylos_axes axes(const char* argument, const CFI_cdesc_t* given) const;
  std::int32_t axis(const char* argument, int given) const;
  Layers layers(const char* argument, const CFI_cdesc_t* given) const;

 private:
  [[noreturn]] void fail(const char* argument, const std::string& what) const;

  const char* name_;
  mylos_tensor tensors_[16];
  int count_ = 0;
};

/// An error: to stat= and errmsg=, or without stat= the end of the program, as with error stop.
void report(mylos_status status, const char* text, int* stat, CFI_cdesc_t* errmsg);

template <class Body>
void run(const char* name, int* stat, CFI_cdesc_t* errmsg, const Body& body) {
  try {
    Call call(name);
    const mylos_status status = body(call);
    if (status != mylos_status_success) return report(status, mylos_last_error(), stat, errmsg);
    if (stat != nullptr) *stat = status;
  } catch (const BadArgument& bad) {
    report(mylos_status_invalid_argument, bad.what.c_str(), stat, errmsg);
  }
}

}  // namespace mylos::fortran
