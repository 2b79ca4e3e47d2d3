// What becomes of the single losses: shared by loss.hpp and vector_loss.hpp.
#pragma once

#include <cstdint>

namespace mylos {

enum class LossReduction : std::uint8_t { none, sum, mean, batch_mean };

}  // namespace mylos
