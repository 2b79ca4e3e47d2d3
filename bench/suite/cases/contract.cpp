#include <algorithm>
#include <array>

#include "reference/gemm.hpp"
#include "suite/cases/families.hpp"
#include "support/gemm_peers.hpp"

namespace mylos::bench {
namespace {

namespace reference = test::reference;

/// Matrix number i of a stack (..., rows, columns), that stack broadcast over `batch`.
Tensor matrix_of(const Tensor& t, const Shape& batch, std::int64_t i) {
  const Shape place = place_of(i, batch);
  Tensor stack = t;
  stack.rank = static_cast<std::int8_t>(t.rank - 2);
  Tensor m = moved(t, broadcast_offset(stack, batch, place));
  m.rank = 2;
  for (int d = 0; d < 2; ++d) {
    m.extent[d] = t.extent[t.rank - 2 + d];
    m.stride[d] = t.stride[t.rank - 2 + d];
  }
  return m;
}

Tensor line_of(const Tensor& matrix, int along, std::int64_t i) {
  Tensor line = moved(matrix, i * matrix.stride[1 - along]);
  line.rank = 1;
  line.extent[0] = matrix.extent[along];
  line.stride[0] = matrix.stride[along];
  return line;
}

Tensor turned(Tensor t) {
  std::swap(t.extent[t.rank - 1], t.extent[t.rank - 2]);
  std::swap(t.stride[t.rank - 1], t.stride[t.rank - 2]);
  return t;
}

/// Row (along 1) or column (along 0) i of a matrix of which the structure lets a part be seen.
std::vector<Real> seen_line(const Exec& exec, const Tensor& matrix, int along, std::int64_t i,
                            MatrixStructure structure) {
  std::vector<Real> line;
  for (const double v : read(exec, line_of(matrix, along, i))) line.push_back(static_cast<Real>(v));
  if (structure == MatrixStructure::general) return line;
  const reference::MatrixElement seen = reference::structured(
      [&](std::int64_t row, std::int64_t column) { return line[static_cast<std::size_t>(along == 1 ? column : row)]; },
      structure);
  std::vector<Real> part;
  for (std::int64_t q = 0; q < matrix.extent[along]; ++q) part.push_back(along == 1 ? seen(i, q) : seen(q, i));
  return part;
}

/// a, b and c as stacks of matrices; elements of c where sampled rows meet sampled columns, of up to three matrices.
ErrorFigures check_product(const Exec& exec, const Tensor& a, const Tensor& b, const Tensor& c,
                           const Product& product) {
  const Arithmetic arithmetic{a.dtype, c.dtype};
  const std::int64_t lines = std::clamp<std::int64_t>((std::int64_t{1} << 22) / product.k, 4, 24);
  const Shape batch(c.extent, c.extent + c.rank - 2);
  const auto stored = reference::format_of(c.dtype);
  ErrorMeter meter;
  for (const std::int64_t i : spread(3, count_of(batch))) {
    const Tensor ai = matrix_of(a, batch, i);
    const Tensor bi = matrix_of(b, batch, i);
    const Tensor ci = matrix_of(c, batch, i);
    const std::vector<std::int64_t> columns = spread(lines, product.n);
    std::vector<std::vector<Real>> b_columns;
    for (const std::int64_t j : columns) b_columns.push_back(seen_line(exec, bi, 0, j, product.b));
    for (const std::int64_t r : spread(lines, product.m)) {
      const std::vector<Real> a_row = seen_line(exec, ai, 1, r, product.a);
      std::vector<std::int64_t> offsets;
      for (const std::int64_t j : columns) offsets.push_back(r * ci.stride[0] + j * ci.stride[1]);
      const std::vector<double> found = read_at(exec, ci, offsets);
      for (std::size_t j = 0; j < columns.size(); ++j) {
        const reference::ProductSum exact = reference::product(a_row, b_columns[j]);
        const Real rounding = reference::ulp_of(exact.value, stored) / 2;  // of storing c
        Real error = std::fabs(static_cast<Real>(found[j]) - exact.value);
        if (!arithmetic.in_f64() && is_sixteen_bit(c.dtype)) error = std::max(error - rounding, Real(0));
        if (std::isnan(found[j]) || exact.absolute > 0)
          meter.add_share(error / exact.absolute);
        else
          meter.add(found[j], 0, 0);  // a sum of nothing
      }
    }
  }
  return meter.figures();
}

/// gemm.hpp: (min(k, 1024) + k / 1024 + 8) u, and the rounding of c where that is no more than f32's.
double product_bound(std::int64_t k, DType dtype) {
  return static_cast<double>(reference::gemm_tolerance(k, dtype == DType::f64, 1)) +
         (dtype == DType::f64 ? 0x1p-53 : 0x1p-24);
}

/// Of any way to add k products one after the other.
double plain_product_bound(std::int64_t k, DType dtype) {
  return static_cast<double>(k + 8) * (dtype == DType::f64 ? 0x1p-53 : 0x1p-24);
}

Shape with(const Shape& batch, std::int64_t rows, std::int64_t columns) {
  Shape shape = batch;
  shape.push_back(rows);
  shape.push_back(columns);
  return shape;
}

double share_of(MatrixStructure structure, std::int64_t n) {
  return structure == MatrixStructure::general ? 1 : 0.5 * static_cast<double>(n + 1) / static_cast<double>(n);
}

CaseSpec contract_spec(const Title& title, double flops, const std::string& formula, const std::string& shape) {
  CaseSpec spec = case_spec(title, "contract", shape);
  spec.flops = flops;
  spec.flops_formula = formula;
  return spec;
}

void judge_as_product(CaseSpec& spec, std::int64_t k) {
  spec.error_unit = "share of the sum of absolute products";
  spec.error_bound = product_bound(k, spec.dtype);
}

/// a and b as the product sees them.
Tensor operand_a(const Tensors& t, const Product& p) { return p.a_turned ? turned(t[0]) : t[0]; }
Tensor operand_b(const Tensors& t, const Product& p) { return p.b_turned ? turned(t[1]) : t[1]; }

/// (batch, rows, columns), as peers take it.
Tensor as_stack(const Tensor& t) {
  if (t.rank == 3) return t;
  Tensor stack = t;
  stack.rank = 3;
  stack.extent[0] = 1;
  stack.stride[0] = t.extent[0] * t.extent[1];
  for (int d = 0; d < 2; ++d) {
    stack.extent[d + 1] = t.extent[t.rank - 2 + d];
    stack.stride[d + 1] = t.stride[t.rank - 2 + d];
  }
  return stack;
}

}  // namespace

double Product::flops() const {
  const auto d = [](std::int64_t v) { return static_cast<double>(v); };
  const double all = 2 * d(count_of(batch)) * d(m) * d(n) * d(k);
  const bool triangles = a == b && (a == MatrixStructure::lower || a == MatrixStructure::upper);
  if (triangles) return d(n) * d(n + 1) * d(n + 2) / 3;  // of pairs of triangles: terms that are not zero
  return a == MatrixStructure::lower || a == MatrixStructure::upper ? all / 2 : all;
}

std::string Product::text() const {
  Shape shape = batch;
  shape.insert(shape.end(), {m, n, k});
  return text_of(shape);
}

CaseSpec gemm_case(const Title& title, const Product& p) {
  const bool triangles = p.a == p.b && (p.a == MatrixStructure::lower || p.a == MatrixStructure::upper);
  CaseSpec spec = contract_spec(title, p.flops(), triangles ? "n (n + 1) (n + 2) / 3" : "2 m n k", p.text());
  if (!p.batch.empty()) spec.flops_formula = "batches 2 m n k";
  const Shape b_batch = p.b_batched ? p.batch : Shape();
  spec.tensors = {{"a",
                   title.dtype,
                   p.a_turned ? with(p.batch, p.k, p.m) : with(p.batch, p.m, p.k),
                   Role::input,
                   Layout::right,
                   {},
                   share_of(p.a, p.m)},
                  {"b",
                   title.dtype,
                   p.b_turned ? with(b_batch, p.n, p.k) : with(b_batch, p.k, p.n),
                   Role::input,
                   Layout::right,
                   {},
                   share_of(p.b, p.n)},
                  output("c", title.dtype, with(p.batch, p.m, p.n))};
  GemmOptions options;
  options.a = p.a;
  options.b = p.b;
  spec.bind = [=](const Exec& exec, const Tensors& t) -> Call {
    const Tensor a = operand_a(t, p);
    const Tensor b = operand_b(t, p);
    return [=] { gemm(exec, a, b, t[2], options); };
  };
  spec.check = [=](const Exec& exec, const Tensors& t) {
    return check_product(exec, operand_a(t, p), operand_b(t, p), t[2], p);
  };
  judge_as_product(spec, p.k);
  return spec;
}

void add_gemm_peers(Cases& cases, const CaseSpec& spec, const Product& p) {
  for (const GemmPeer<Exec>& peer : gemm_peers<Exec>()) {
    // What the peers take: gemm_peers.hpp.
    if (!on_host ||
        (p.batch.empty() && (spec.dtype == DType::f32 || (spec.dtype == DType::f64 && peer.name != "onednn"))))
      add_peer(
          cases, spec, peer.name,
          [=](const Exec& exec, const Tensors& t) -> Call {
            const Tensor a = as_stack(operand_a(t, p));
            const Tensor b = as_stack(operand_b(t, p));
            const Tensor c = as_stack(t[2]);
            return [=] {
              if (!peer.run(exec, a, b, c)) throw std::runtime_error(peer.name + " does not serve this product");
            };
          },
          plain_product_bound(p.k, spec.dtype));
  }
}

CaseSpec gemv_case(const Title& title, std::int64_t m, std::int64_t k) {
  Product p;
  p.m = m;
  p.k = k;
  CaseSpec spec = contract_spec(title, p.flops(), "2 m k", p.text());
  spec.tensors = {{"a", title.dtype, {m, k}}, {"x", title.dtype, {k, 1}}, output("y", title.dtype, {m, 1})};
  spec.bind = [=](const Exec& exec, const Tensors& t) -> Call {
    const Tensor x(t[1].data, t[1].dtype, 1, &k, nullptr);
    const Tensor y(t[2].data, t[2].dtype, 1, &m, nullptr);
    return [=] { gemv(exec, t[0], x, y); };
  };
  spec.check = [=](const Exec& exec, const Tensors& t) { return check_product(exec, t[0], t[1], t[2], p); };
  judge_as_product(spec, k);
  return spec;
}

CaseSpec diagonal_case(const Title& title, const Shape& shape) {
  MapArguments a;
  a.operands = {{"d", title.dtype, {shape[0], 1}}};
  a.chain = [](const Tensors& t) { return mul(t[2]); };
  a.call = [](const Exec& exec, const Tensors& t) {
    const Tensor d(t[2].data, t[2].dtype, 1, t[2].extent, nullptr);
    diagonal_mm(exec, d, t[0], t[1]);
  };
  CaseSpec spec = map_case(title, shape, a);
  spec.family = "contract";
  return spec;
}

}  // namespace mylos::bench
