// From a linear index to coordinates: division by numbers known before the kernel starts.
#pragma once

#include <mylos/detail/divider.hpp>
