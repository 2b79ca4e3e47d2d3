// Writes the tables in docs/operators.md from include/mylos/steps.def and reductions.def, or says that they differ.
//
//   operators_table docs/operators.md                    rewrites what stands between the marker comments
//   operators_table --check docs/operators.md README.md  fails where that differs, or where README.md lacks an operator
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <mylos/chain.hpp>

namespace {

struct Argument {
  const char* name;
  bool is_operand;
  double standard;  // of a parameter
};

struct Row {
  const char* name;
  std::vector<Argument> arguments;
  double ulp;
  double input_ulp;
  const char* formula;
  const char* source;
};

std::vector<Row> all_rows() {
  return {
#define MYLOS_STEP(name, ...) {#name, {}, __VA_ARGS__},
#define MYLOS_STEP_1(name, p, dp, ...) {#name, {{#p, false, dp}}, __VA_ARGS__},
#define MYLOS_STEP_2(name, p, dp, q, dq, ...) {#name, {{#p, false, dp}, {#q, false, dq}}, __VA_ARGS__},
#define MYLOS_STEP_OPERAND(name, o, ...) {#name, {{#o, true, 0}}, __VA_ARGS__},
#define MYLOS_STEP_OPERAND_1(name, o, p, dp, ...) {#name, {{#o, true, 0}, {#p, false, dp}}, __VA_ARGS__},
#define MYLOS_STEP_OPERANDS(name, o1, o2, ...) {#name, {{#o1, true, 0}, {#o2, true, 0}}, __VA_ARGS__},
#define MYLOS_STEP_OPERANDS_1(name, o1, o2, p, dp, ...) \
  {#name, {{#o1, true, 0}, {#o2, true, 0}, {#p, false, dp}}, __VA_ARGS__},
#include <mylos/steps.def>
  };
}

std::string number(double value) {
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char text[32];
  std::snprintf(text, sizeof(text), "%g", value);
  return text;
}

std::string default_of(const Argument& argument) {
  if (std::string(argument.name) == "dtype")
    return mylos::name_of(static_cast<mylos::DType>(static_cast<int>(argument.standard)));
  return number(argument.standard);
}

/// As code in a table's cell, where a bar would end the cell.
std::string code(const std::string& text) {
  std::string out = "`";
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out + '`';
}

std::string arguments_of(const Row& row) {
  std::string text;
  for (const Argument& argument : row.arguments)
    text += (text.empty() ? "" : ", ") +
            code(argument.is_operand ? argument.name : argument.name + (" = " + default_of(argument)));
  return text;
}

std::string bound_of(const Row& row) {
  if (row.ulp == 0 && row.input_ulp == 0) return "exact";
  const std::string bound = number(row.ulp) + " ulp";
  return row.input_ulp == 0 ? bound : bound + " + " + number(row.input_ulp) + " ulp(x)";
}

std::string source_of(const Row& row) {
  const std::string source = row.source;
  const std::string archive = "arXiv ";
  if (source.rfind(archive, 0) != 0) return source;
  return "[" + source + "](https://arxiv.org/abs/" + source.substr(archive.size()) + ")";
}

std::string table() {
  std::string text = "| name | operands and parameters | formula | error bound | source |\n|---|---|---|---|---|\n";
  for (const Row& row : all_rows())
    text += "| " + code(row.name) + " | " + arguments_of(row) + " | " + code(row.formula) + " | " + bound_of(row) +
            " | " + source_of(row) + " |\n";
  return text;
}

struct Reduction {
  const char* name;
  const char* parameter;  // null: none
  double standard;
  const char* result;
  const char* formula;
  const char* bound;
  const char* source;
};

std::vector<Reduction> all_reductions() {
  return {
#define MYLOS_REDUCTION(name, result, monoid, prepare, finish, formula, bound, source) \
  {#name, nullptr, 0, #result, formula, bound, source},
#define MYLOS_REDUCTION_1(name, p, dp, result, monoid, prepare, finish, formula, bound, source) \
  {#name, #p, dp, #result, formula, bound, source},
#include <mylos/reductions.def>
  };
}

std::string table_of_reductions() {
  std::string text = "| name | parameter | result | formula | error bound | source |\n|---|---|---|---|---|---|\n";
  for (const Reduction& row : all_reductions()) {
    const std::string parameter = row.parameter == nullptr ? "" : code(row.parameter + (" = " + number(row.standard)));
    const std::string bound = row.bound == std::string("exact") ? "exact" : code(row.bound);
    text += "| " + code(row.name) + " | " + parameter + " | " + row.result + " | " + code(row.formula) + " | " + bound +
            " | " + row.source + " |\n";
  }
  return text;
}

std::string read(const std::string& file) {
  std::ifstream stream(file);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

/// The page with a table between the marker comments of that name; empty where it has no place for one.
std::string with_table(const std::string& page, const std::string& what, const std::string& text) {
  const std::string begin = "<!-- begin" + what + ": written by tools/operators_table.cpp -->\n";
  const std::string end = "<!-- end" + what + " -->\n";
  const std::size_t from = page.find(begin);
  const std::size_t to = from == std::string::npos ? from : page.find(end, from);
  if (to == std::string::npos) return "";
  return page.substr(0, from + begin.size()) + "\n" + text + "\n" + page.substr(to);
}

std::string with_tables(const std::string& page) {
  return with_table(with_table(page, "", table()), " reductions", table_of_reductions());
}

/// The number of complaints.
int check(const std::string& page_file, const std::string& readme_file) {
  int complaints = 0;
  const std::string page = read(page_file);
  if (page.empty() || page != with_tables(page)) {
    std::fprintf(stderr,
                 "%s does not say what steps.def and reductions.def say: build the target mylos_write_operators_table to write it anew\n",
                 page_file.c_str());
    ++complaints;
  }
  const std::string readme = read(readme_file);
  std::vector<std::string> names;
  for (const Row& row : all_rows()) names.emplace_back(row.name);
  for (const Reduction& row : all_reductions()) names.emplace_back(row.name);
  for (const std::string& name : names) {
    if (readme.find(code(name)) != std::string::npos) continue;
    std::fprintf(stderr, "%s does not name the operator %s\n", readme_file.c_str(), name.c_str());
    ++complaints;
  }
  return complaints;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "--check") return check(argv[2], argv[3]) == 0 ? 0 : 1;
  if (argc != 2) {
    std::fprintf(stderr, "usage: operators_table PAGE, or operators_table --check PAGE README\n");
    return 2;
  }
  const std::string page = with_tables(read(argv[1]));
  if (page.empty()) {
    std::fprintf(stderr, "%s has no marker comments to write between\n", argv[1]);
    return 1;
  }
  std::ofstream(argv[1]) << page;
  return 0;
}
