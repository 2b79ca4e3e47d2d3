// Choosing a kernel: each operator has an ordered list of candidates per backend; the generic Kokkos kernel comes last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <mylos/error.hpp>
#include <mylos/path.hpp>

namespace mylos::detail {

/// Where a candidate runs, without Kokkos' types: a CUDA or HIP stream, or a way to run a loop on a host instance.
struct Queue {
  using Body = void (*)(const void* context, std::int64_t index);
  void* stream = nullptr;
  const void* instance = nullptr;
  int threads = 1;  // of a host instance
  void (*parallel_for)(const Queue& queue, const char* label, std::int64_t count, Body body,
                       const void* context) = nullptr;
};

template <class Problem>
struct Candidate {
  const char* name;                                // "<backend>/<variant>"
  const char* (*refusal)(const Problem& problem);  // null where the candidate applies, else why it does not
  void (*run)(const Problem& problem, const Queue& queue);
  std::size_t (*workspace)(const Problem& problem) = nullptr;  // bytes of scratch memory at most; null: none
};

template <class Problem>
struct CandidateList {
  const Candidate<Problem>* begin = nullptr;
  int size = 0;
};

Path forced_path();
void set_last_kernel(const char* name);

/// For tests: while it lives, calls of this thread run the candidate of this name, or throw with its reason.
class ScopedCandidate {
 public:
  explicit ScopedCandidate(const char* name);
  ~ScopedCandidate();
  ScopedCandidate(const ScopedCandidate&) = delete;
  ScopedCandidate& operator=(const ScopedCandidate&) = delete;

 private:
  const char* previous_;
};
const char* forced_candidate();

template <class Problem>
const Candidate<Problem>* select_by_name(const char* function, const CandidateList<Problem>& candidates,
                                         const Problem& problem, const std::string& name) {
  const char* reason = "this backend has no such kernel";
  for (int i = 0; i < candidates.size; ++i) {
    if (name != candidates.begin[i].name) continue;
    reason = candidates.begin[i].refusal(problem);
    if (reason == nullptr) return &candidates.begin[i];
  }
  throw Error(std::string("mylos::") + function + ": " + name + " does not apply: " + reason);
}
/// For tests, and null otherwise: the candidate that calls of this thread run, one that selection would pass over or
/// one of the test's own.
template <class Problem>
inline thread_local const Candidate<Problem>* tested_candidate = nullptr;

/// The first candidate that applies; null for the generic kernel. Where Path::specialized is forced and none applies,
/// throws with every candidate's reason.
template <class Problem>
const Candidate<Problem>* select(const char* function, const CandidateList<Problem>& candidates,
                                 const Problem& problem) {
  if (const char* name = forced_candidate()) return select_by_name(function, candidates, problem, name);
  if (tested_candidate<Problem> != nullptr) return tested_candidate<Problem>;
  const Path path = forced_path();
  if (path == Path::generic) return nullptr;
  for (int i = 0; i < candidates.size; ++i)
    if (candidates.begin[i].refusal(problem) == nullptr) return &candidates.begin[i];
  if (path == Path::automatic) return nullptr;
  std::string reasons;
  for (int i = 0; i < candidates.size; ++i)
    reasons += std::string("; ") + candidates.begin[i].name + ": " + candidates.begin[i].refusal(problem);
  throw Error(std::string("mylos::") + function + ": no specialized kernel applies" +
              (candidates.size == 0 ? "; this backend has none" : reasons));
}

}  // namespace mylos::detail
