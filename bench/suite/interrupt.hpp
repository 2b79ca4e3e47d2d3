// Ctrl-C, and the end of a job's time, leave what has been measured so far.
#pragma once

#include <csignal>

namespace mylos::bench {

/// While one exists, the first SIGINT and the first SIGTERM are noted; the second of either ends the program as ever.
class InterruptWatch {
 public:
  InterruptWatch() {
    asked_ = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { asked_ = 1; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, &earlier_interrupt_);
    sigaction(SIGTERM, &action, &earlier_end_);
  }
  ~InterruptWatch() {
    sigaction(SIGINT, &earlier_interrupt_, nullptr);
    sigaction(SIGTERM, &earlier_end_, nullptr);
  }
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  bool asked() const { return asked_ != 0; }

 private:
  static inline volatile std::sig_atomic_t asked_ = 0;
  struct sigaction earlier_interrupt_ {};
  struct sigaction earlier_end_ {};
};

}  // namespace mylos::bench
