// Everything.
#pragma once

#include <mylos/axes.hpp>
#include <mylos/chain.hpp>
#include <mylos/error.hpp>
#include <mylos/loss.hpp>
#include <mylos/map.hpp>
#include <mylos/op.hpp>
#include <mylos/path.hpp>
#include <mylos/pointwise.hpp>
#include <mylos/reduce.hpp>
#include <mylos/row.hpp>
#include <mylos/tensor.hpp>
#include <mylos/types.hpp>
#include <mylos/vector_loss.hpp>
#include <mylos/version.hpp>
#include <mylos/view.hpp>
