// The end of a loss of vectors: a row's state becomes its loss, and the rows' losses one number.
#pragma once

#include "reduce/lanes.hpp"
#include "vector_loss/reducer.hpp"

namespace mylos::detail {

/// A loss of vectors as kernels see it.
template <class T>
struct VectorLossParameters {
  ReduceParameters<T> box;
  VectorLossOptions o;
};

template <class T>
VectorLossParameters<T> make_vector_loss_parameters(const VectorLossProblem& problem) {
  return {make_reduce_parameters<T>(problem.box), problem.options};
}

/// A row's loss, and what it counts in the mean.
struct RowLoss {
  double loss;
  double weight;
};

/// Of the rows that one block ends, of which there are few.
template <class T>
struct ThreadSum;

/// Of some rows.
struct LossSum {
  CompensatedSum loss;
  CompensatedSum weight;
  MYLOS_FUNCTION void add(const RowLoss& row) {
    loss.add(row.loss);
    weight.add(row.weight);
  }
  MYLOS_FUNCTION void add(const LossSum& other) {
    accumulate(loss, other.loss);
    accumulate(weight, other.weight);
  }
};

template <>
struct ThreadSum<double> : LossSum {
  MYLOS_FUNCTION void merge(const ThreadSum& other) { LossSum::add(static_cast<const LossSum&>(other)); }
  MYLOS_FUNCTION const LossSum& sum() const { return *this; }
};
template <>
struct ThreadSum<float> {
  RowLoss all;
  MYLOS_FUNCTION void add(const RowLoss& row) {
    all.loss += row.loss;
    all.weight += row.weight;
  }
  MYLOS_FUNCTION void merge(const ThreadSum& other) { add(other.all); }
  MYLOS_FUNCTION LossSum sum() const { return {{all.loss, 0.0}, {all.weight, 0.0}}; }
};

template <class T>
MYLOS_FUNCTION T row_operand(const ReduceParameters<T>& p, int operand, std::int64_t row, std::int64_t position) {
  const LoweredOperand<max_rank>& t = p.operand[operand];
  return load_element<T>(t.dtype, t.data, kept_offset(p, t.stride, row) + position_offset(p, t.stride, position));
}

/// Class indices do not go through a floating type.
template <class T>
MYLOS_FUNCTION std::int64_t class_index(const ReduceParameters<T>& p, int operand, std::int64_t row) {
  const LoweredOperand<max_rank>& t = p.operand[operand];
  return load_element<std::int64_t>(t.dtype, t.data, kept_offset(p, t.stride, row));
}

/// x at one position of a row, through `before`.
template <class T>
MYLOS_FUNCTION T score_at(const ReduceParameters<T>& p, std::int64_t row, std::int64_t position) {
  RegisterTile<T, 1> v{
      {load_element<T>(p.x_dtype, p.x, kept_offset(p, p.x_stride, row) + position_offset(p, p.x_stride, position))}};
  if (p.before.size != 0) transform_values<1>(p, false, row, position, 0, v);
  return v[0];
}

/// log sum e^x; NaN where PyTorch's log_softmax is, with +inf among the scores or with nothing else than -inf.
template <class T>
MYLOS_FUNCTION double log_of_scores(const typename Reducer<Monoid::log_sum_exp, T>::State& s) {
  const auto sum = static_cast<double>(math::Precise::log(static_cast<T>(s.sum)));
  const double value = sum + static_cast<double>(Reducer<Monoid::log_sum_exp, T>::reference(s.shift));
  return value - value == 0.0 ? value : __builtin_nan("");
}

/// factor * (log_sum - score), 0 where the factor is 0 and the rest is a number.
template <VectorLoss L, class T, class Score>
MYLOS_FUNCTION RowLoss class_loss(const VectorLossParameters<T>& k, const typename VectorReducer<L, T>::State& state,
                                  std::int64_t row, const Score& score) {
  const VectorLossOptions& o = k.o;
  const std::int64_t target = class_index(k.box, o.target, row);
  if (target == o.ignore_index) return {0.0, 0.0};
  if (target < 0 || target >= k.box.count) {
    if (o.status != nullptr) *o.status = 1;
    return {__builtin_nan(""), __builtin_nan("")};
  }
  const double weight = o.weight < 0 ? 1.0 : static_cast<double>(row_operand(k.box, o.weight, row, target));
  const auto x = static_cast<double>(score(k.box, row, target));
  if constexpr (L == VectorLoss::scores) {
    return {weight * (log_of_scores<T>(state) - x), weight};
  } else if constexpr (L == VectorLoss::weighted_scores) {
    const double log_sum = log_of_scores<T>(state.scores);
    const double even = log_sum * state.weight - state.weighted;
    return {(1.0 - o.smoothing) * (weight * (log_sum - x)) + o.smoothing / static_cast<double>(k.box.count) * even,
            weight};
  } else {
    return {-(weight * x), weight};
  }
}

template <class T>
MYLOS_FUNCTION RowLoss cosine_loss(const VectorLossParameters<T>& k,
                                   const typename VectorReducer<VectorLoss::cosine, T>::State& s, std::int64_t row) {
  const auto larger = [](double a, double b) { return a < b ? b : a; };  // NaN stays
  if (k.o.end == RowEnd::similarity)
    return {s.product / (larger(::sqrt(s.x_squares), k.o.eps) * larger(::sqrt(s.a_squares), k.o.eps)), 1.0};
  const double cosine = s.product / ::sqrt((s.x_squares + k.o.eps) * (s.a_squares + k.o.eps));
  const T target = row_operand(k.box, k.o.target, row, 0);
  if (target == T(1)) return {1.0 - cosine, 1.0};
  return {target == T(-1) ? larger(cosine - k.o.margin, 0.0) : 0.0, 1.0};
}

template <class T>
MYLOS_FUNCTION RowLoss triplet_loss(const VectorLossParameters<T>& k,
                                    const typename VectorReducer<VectorLoss::triplet, T>::State& s) {
  const auto distance = [&](double sum) {
    if (k.o.norm == NormKind::two) return ::sqrt(sum);
    return k.o.norm == NormKind::power ? ::pow(sum, 1.0 / k.o.p) : sum;
  };
  double negative = distance(s.negative);
  if (k.o.swap) {
    const double swapped = distance(s.swapped);
    negative = swapped < negative || swapped != swapped ? swapped : negative;
  }
  const double loss = k.o.margin + distance(s.positive) - negative;
  return {loss < 0.0 ? 0.0 : loss, 1.0};
}

/// score(box, row, position): as score_at().
template <VectorLoss L, class T, class Score>
MYLOS_FUNCTION RowLoss row_loss(const VectorLossParameters<T>& k, const typename VectorReducer<L, T>::State& state,
                                std::int64_t row, const Score& score) {
  if constexpr (L == VectorLoss::cosine) {
    return cosine_loss(k, state, row);
  } else if constexpr (L == VectorLoss::triplet) {
    return triplet_loss(k, state);
  } else {
    if constexpr (L == VectorLoss::weighted_scores)
      if (k.o.end == RowEnd::probabilities)
        return {log_of_scores<T>(state.scores) * state.weight - state.weighted, 1.0};
    return class_loss<L>(k, state, row, score);
  }
}

template <class T>
MYLOS_FUNCTION void store_row(const ReduceParameters<T>& p, std::int64_t row, const RowLoss& loss) {
  store_element<T>(p.y_dtype[0], p.y[0], kept_offset(p, p.y_stride[0], row), static_cast<T>(loss.loss));
}

template <class T>
MYLOS_FUNCTION void store_total(const VectorLossParameters<T>& k, const LossSum& sum) {
  const double loss = sum.loss.value();
  const double value = k.o.reduction == LossReduction::mean ? loss / sum.weight.value() : loss;
  store_element<T>(k.o.total_dtype, k.o.total, 0, static_cast<T>(value));
}

}  // namespace mylos::detail
