#include "suite/cases/suites.hpp"

#include <stdexcept>

namespace mylos::bench {
namespace {

struct Suite {
  const char* name;
  Cases (*cases)();
};
const Suite suites[] = {{"quick", quick_cases},
                        {"seeds", seeds_cases},
                        {"kernelbench1", kernelbench1_cases},
                        {"hpc", hpc_cases},
                        {"sweep", sweep_cases}};

}  // namespace

const std::vector<std::string>& suite_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Suite& suite : suites) list.emplace_back(suite.name);
    return list;
  }();
  return names;
}

template <class E>
std::vector<SuiteCase<E>> suite_cases(const std::string& name) {
  for (const Suite& suite : suites)
    if (name == suite.name) return suite.cases();
  std::string known;
  for (const std::string& one : suite_names()) known += (known.empty() ? "" : ", ") + one;
  throw std::runtime_error("there is no suite '" + name + "'; there are " + known);
}

template std::vector<SuiteCase<Exec>> suite_cases<Exec>(const std::string& suite);

}  // namespace mylos::bench
