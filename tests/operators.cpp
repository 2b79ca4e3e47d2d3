// operators.def against the public headers and the C functions: what is missing on either side is named.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include <mylos/mylos.h>

namespace {

std::set<std::string> names_in_table() {
  return {
#define MYLOS_OPERATOR(name, family, arguments, more) #name,
#include <mylos/operators.def>
  };
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

/// Functions whose first parameter is an execution space instance, also those that a macro of the header defines.
std::set<std::string> operators_in(const std::string& text) {
  std::set<std::string> names;
  const auto collect = [&](const std::regex& pattern) {
    for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match)
      names.insert((*match)[1].str());
  };
  collect(std::regex(R"(\n\s*(?:void|auto|double) (\w+)\(const Exec& exec)"));
  collect(std::regex(R"(\nMYLOS_[A-Z_]+\(\s*(\w+)\s*\))"));
  names.erase("name");  // the macros' own text
  return names;
}

std::set<std::string> operators_in_headers() {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(MYLOS_INCLUDE_FOLDER)) {
    if (entry.path().extension() != ".hpp") continue;
    std::string text = text_of(entry.path());
    // What is in namespace detail is not public.
    for (std::size_t begin; (begin = text.find("namespace detail {")) != std::string::npos;) {
      const std::size_t end = text.find("}  // namespace detail", begin);
      if (end == std::string::npos) break;
      text.erase(begin, end - begin);
    }
    for (const std::string& name : operators_in(text)) names.insert(name);
  }
#define MYLOS_STEP_ANY(name, ...) names.insert(#name);
#include <mylos/steps.def>
#define MYLOS_REDUCTION(name, ...) names.insert(#name);
#include <mylos/reductions.def>
  return names;
}

std::set<std::string> without(const std::set<std::string>& all, const std::set<std::string>& some) {
  std::set<std::string> rest;
  std::set_difference(all.begin(), all.end(), some.begin(), some.end(), std::inserter(rest, rest.end()));
  return rest;
}

const std::set<std::string> none;

}  // namespace

TEST(OperatorsTest, TableHasEveryFunctionOfTheHeaders) {
  EXPECT_GE(operators_in_headers().size(), 100U);
  EXPECT_EQ(without(operators_in_headers(), names_in_table()), none);
}

TEST(OperatorsTest, HeadersHaveEveryOperatorOfTheTable) {
  EXPECT_EQ(without(names_in_table(), operators_in_headers()), none);
}

TEST(OperatorsTest, ScanOfHeadersSeesAllWaysToDefineAnOperator) {
  const std::string text =
      "\ntemplate <class Exec>\nvoid one(const Exec& exec, Input<Exec> x) {}"
      "\n  void name(const Exec& exec, Input<Exec> x) {}"
      "\nMYLOS_SCAN(two)\nMYLOS_SCAN_INDICES(three)\n";
  EXPECT_EQ(operators_in(text), (std::set<std::string>{"one", "two", "three"}));
}

// Links only where the library has each function with the type that the header declares.
TEST(OperatorsTest, LibraryHasEveryFunctionOfTheTable) {
  using Function = void (*)();
  const Function functions[] = {
#define MYLOS_OPERATOR(name, family, arguments, more) reinterpret_cast<Function>(&mylos_##name),
#include <mylos/operators.def>
#define MYLOS_STEP_ANY(name, ...) reinterpret_cast<Function>(&mylos_chain_##name),
#include <mylos/steps.def>
  };
  std::set<Function> different(std::begin(functions), std::end(functions));
  EXPECT_EQ(different.size(), std::size(functions));
}
