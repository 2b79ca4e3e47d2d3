// The way a vendor's library is called, with plain loops in its place; compiled once for all tests of products.
#pragma once

#include <Kokkos_Core.hpp>

#include "gemm/vendor_plan.hpp"

namespace mylos::test {

/// Those of rocBLAS, but that matrices of a few dozen rows are cut as large ones are.
mylos::detail::VendorLimits gemm_vendor_limits();

/// On a host space. Throws where the libraries do not have the product.
template <class Exec>
void run_gemm_vendor(const mylos::detail::GemmProblem& problem, const mylos::detail::Queue& queue);
std::size_t gemm_vendor_workspace(const mylos::detail::GemmProblem& problem);

}  // namespace mylos::test
