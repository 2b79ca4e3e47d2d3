#include <algorithm>

#include "reference/scan.hpp"
#include "suite/cases/families.hpp"

namespace mylos::bench {
namespace {

namespace reference = test::reference;
using mylos::detail::ScanId;

ErrorFigures check_scan(const Exec& exec, const Tensors& t, ScanId id, int axis, Scan scan) {
  const Arithmetic arithmetic{t[0].dtype, t[1].dtype};
  const Rows rows(t[0], {axis});
  ErrorMeter meter;
  for (const std::int64_t r : rows.sample()) {
    const std::vector<double> x = read(exec, rows.row(t[0], r));
    const std::vector<double> mask = t.size() > 2 ? read(exec, rows.row(t[2], r)) : std::vector<double>();
    std::vector<double> found = read(exec, rows.row(t[1], r));
    std::vector<reference::Scanned> values;
    for (std::size_t i = 0; i < x.size(); ++i)
      values.push_back({static_cast<Real>(x[i]), mask.empty() || mask[i] != 0});
    if (has(scan, Scan::reverse)) {
      std::reverse(values.begin(), values.end());
      std::reverse(found.begin(), found.end());
    }
    const std::vector<reference::ScanResult> exact =
        reference::scan(id, values, has(scan, Scan::exclusive), arithmetic.u(), is_sixteen_bit(t[0].dtype));
    for (std::size_t i = 0; i < exact.size(); ++i)
      meter.add_stored(found[i], exact[i].value, exact[i].tolerance, arithmetic);
  }
  return meter.figures();
}

}  // namespace

CaseSpec scan_case(const Title& title, const Shape& shape, ScanId id, int axis, Scan scan, bool masked, Layout layout) {
  CaseSpec spec = case_spec(title, "scan", text_of(shape), layout);
  // Products stay within the range of f32 where the factors are near 1.
  const Content content =
      id == ScanId::cumprod ? Content{Content::Kind::normal, 0x1p-8, 1} : Content{Content::Kind::normal};
  spec.tensors = {{"x", title.dtype, shape, Role::input, layout, content}, output("y", title.dtype, shape, layout)};
  if (masked) spec.tensors.push_back({"mask", DType::u8, shape, Role::input, layout, {Content::Kind::mask}});
  spec.bind = [=](const Exec& exec, const Tensors& t) -> Call {
    const mylos::detail::ScanCall call{id, "scan", t[0], t[1], {}, masked ? t[2] : Tensor(), axis, scan};
    return [=] { mylos::detail::scan(mylos::detail::Execution(exec), call, {}, {}); };
  };
  spec.check = [=](const Exec& exec, const Tensors& t) { return check_scan(exec, t, id, axis, scan); };
  return spec;
}

}  // namespace mylos::bench
