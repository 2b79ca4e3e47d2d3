// c = a b of f32 where b is small, 64 x 64 at most, and a has many rows: memory takes the time. Every block has b in
// shared memory, split as TensorTileSums splits it (gemm_tiles_sums.cuh); its warps take 32 rows of a after the other,
// each on its own, and have the next ones on their way.
#include "cuda/gemm.hpp"
#include "cuda/gemm_epilogue.cuh"
#include "cuda/gemm_split_tf32.cuh"
#include "cuda/primitives/async.cuh"
#include "cuda/primitives/device.hpp"
#include "cuda/primitives/launch.cuh"

namespace mylos::cuda {
namespace {

constexpr int warps = 8;
constexpr int chunk = 32;   // rows of a warp at once
constexpr int widest = 64;  // of b
constexpr int deepest = 64;

/// `Groups` of 16 along K, `Blocks` of 32 columns.
template <int Groups, int Blocks>
struct Skinny {
  static constexpr int depth = Groups * 16;
  static constexpr int columns = Blocks * 32;
  static constexpr int pitch = depth + 4;  // rows that lanes read together are in other banks
  static constexpr int chunk_words = chunk * pitch;
  static constexpr int stages = Groups == 1 ? 4 : 2;     // of a warp
  static constexpr int fragments = Groups * Blocks * 4;  // of four elements for each lane, in both halves
  static constexpr int fragment_words = fragments * 2 * 32 * 4;
  static constexpr int plain_words = depth * columns;
  static constexpr int bytes = 4 * (fragment_words + plain_words + warps * stages * chunk_words);
  static constexpr int blocks = bytes <= (110 << 10) ? 2 : 1;  // of a multiprocessor
  float* memory;

  __device__ __forceinline__ std::uint32_t* fragment(int index, int half) const {
    return reinterpret_cast<std::uint32_t*>(memory) +
           ((index * 2 + half) * 32 + static_cast<int>(threadIdx.x) % 32) * 4;
  }
  __device__ __forceinline__ float* plain() const { return memory + fragment_words; }
  __device__ __forceinline__ float* rows(int stage) const {
    return memory + fragment_words + plain_words + (static_cast<int>(threadIdx.x) / 32 * stages + stage) * chunk_words;
  }
};

/// The column of a block of 32 that fragment c has at place g: neighbouring lanes then store neighbours.
constexpr MYLOS_HOST_DEVICE int column_of(int g, int c) { return g % 2 * 16 + g / 2 * 4 + c; }

/// All threads: b as it is, with zeros around it, and its fragments. Whether all of it can be split.
template <class S>
__device__ __forceinline__ bool take_columns(const GemmParameters& p, const S& block) {
  const GemmFactor& b = p.factor[1];
  for (int i = static_cast<int>(threadIdx.x); i < S::plain_words; i += warps * 32) {
    const int k = i / S::columns;
    const int column = i % S::columns;
    block.plain()[i] = k < p.k && column < b.rows ? b.data[column * b.row + k * b.depth] : 0.F;
  }
  __syncthreads();
  SplitTf32 split;
  const int g = static_cast<int>(threadIdx.x) % 32 / 4;
  const int t = static_cast<int>(threadIdx.x) % 4;
  bool finite = true;
  for (int index = static_cast<int>(threadIdx.x) / 32; index < S::fragments; index += warps) {
    const int column = index / 4 % (S::columns / 32) * 32 + column_of(g, index % 4);
    const int k = index / 4 / (S::columns / 32) * 16 + t * 4;
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      const float v = block.plain()[(k + e) * S::columns + column];
      finite = finite && isfinite(v);
      split(v, block.fragment(index, 0)[e], block.fragment(index, 1)[e]);
    }
  }
  return __syncthreads_and(finite && split.fits()) != 0;
}

/// One warp: rows from `first` on to shared memory. Vectors along K.
template <class S>
__device__ __forceinline__ void take_rows(const GemmParameters& p, std::int64_t first, float* to) {
  const GemmFactor& a = p.factor[0];
  constexpr int vectors = S::depth / 4;
#pragma unroll
  for (int i = 0; i < chunk * vectors / 32; ++i) {
    const int at = i * 32 + static_cast<int>(threadIdx.x) % 32;
    const int row = at / vectors;
    const int k = at % vectors * 4;
    const bool exists = first + row < a.rows && k < p.k;
    copy_async<16>(shared_address(to + row * S::pitch + k), exists ? a.data + (first + row) * a.row + k : a.data,
                   exists ? ::min(static_cast<int>(p.k) - k, 4) * 4 : 0);
  }
}

/// Sums of a lane's four rows, 4 * (lane / 4) on, and columns column_of(2 * (lane % 4) + side, c).
template <class S>
struct SkinnySums {
  float of[S::columns / 32][4][2][4] = {};  // [32 columns][row][side][c]

  /// Whether they are right.
  __device__ __forceinline__ bool add(const S& block, const float* rows) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    SplitTf32 split;
#pragma unroll 1
    for (int group = 0; group < S::depth / 16; ++group) {
      std::uint32_t a_high[4][4];
      std::uint32_t a_low[4][4];
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        const float4 v =
            *reinterpret_cast<const float4*>(rows + (lane / 4 * 4 + r) * S::pitch + group * 16 + lane % 4 * 4);
        split(v.x, a_high[r][0], a_low[r][0]);
        split(v.y, a_high[r][1], a_low[r][1]);
        split(v.z, a_high[r][2], a_low[r][2]);
        split(v.w, a_high[r][3], a_low[r][3]);
      }
#pragma unroll
      for (int j = 0; j < S::columns / 32; ++j)
#pragma unroll
        for (int c = 0; c < 4; ++c) {
          const int index = (group * (S::columns / 32) + j) * 4 + c;
          const uint4 high = *reinterpret_cast<const uint4*>(block.fragment(index, 0));
          const uint4 low = *reinterpret_cast<const uint4*>(block.fragment(index, 1));
          const std::uint32_t b_high[4] = {high.x, high.y, high.z, high.w};
          const std::uint32_t b_low[4] = {low.x, low.y, low.z, low.w};
#pragma unroll
          for (int i = 0; i < 2; ++i) {
            float sum[4] = {};
            multiply_split(sum, a_high[2 * i], a_high[2 * i + 1], a_low[2 * i], a_low[2 * i + 1], b_high, b_low);
#pragma unroll
            for (int r = 0; r < 2; ++r)
#pragma unroll
              for (int s = 0; s < 2; ++s) of[j][2 * i + r][s][c] += sum[2 * r + s];
          }
        }
    }
    bool finite = true;
#pragma unroll
    for (int j = 0; j < S::columns / 32; ++j)
#pragma unroll
      for (int r = 0; r < 4; ++r)
#pragma unroll
        for (int s = 0; s < 2; ++s)
#pragma unroll
          for (int c = 0; c < 4; ++c) finite = finite && isfinite(of[j][r][s][c]);
    return finite && split.fits();
  }
  /// Whole vectors.
  __device__ __forceinline__ void store(const GemmParameters& p, std::int64_t first) const {
    const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
    for (int j = 0; j < S::columns / 32; ++j)
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        const std::int64_t row = first + lane / 4 * 4 + r;
        float* const to = p.c + row * p.c_row + j * 32 + lane % 4 * 4;
#pragma unroll
        for (int s = 0; s < 2; ++s) {
          if (row >= p.factor[0].rows || j * 32 + s * 16 + lane % 4 * 4 >= p.factor[1].rows) continue;
          float4 v = make_float4(p.alpha * of[j][r][s][0], p.alpha * of[j][r][s][1], p.alpha * of[j][r][s][2],
                                 p.alpha * of[j][r][s][3]);
          if (p.beta != 0.F) {
            const float4 old = *reinterpret_cast<const float4*>(to + s * 16);
            v = make_float4(fmaf(p.beta, old.x, v.x), fmaf(p.beta, old.y, v.y), fmaf(p.beta, old.z, v.z),
                            fmaf(p.beta, old.w, v.w));
          }
          *reinterpret_cast<float4*>(to + s * 16) = v;
        }
      }
  }
};

/// In f32, one product after the other: a lane has a column. A call of its own, for it is rare and has its registers.
template <class S>
__device__ __noinline__ void store_plainly(const GemmParameters& p, const S& block, const float* rows,
                                           std::int64_t first) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll 1
  for (int column = lane; column < S::columns; column += 32)
#pragma unroll 1
    for (int row = 0; row < chunk; row += 8) {
      detail::RegisterTile<float, 8> v;
#pragma unroll
      for (int i = 0; i < 8; ++i) v[i] = 0.F;
#pragma unroll 1
      for (int k = 0; k < p.k; ++k) {
        const float b = block.plain()[k * S::columns + column];
#pragma unroll
        for (int i = 0; i < 8; ++i) v[i] = fmaf(rows[(row + i) * S::pitch + k], b, v[i]);
      }
      store_sums<false>(p, 0, first + row, column, 0xffU, v);
    }
}

template <class S>
__global__ void __launch_bounds__(warps * 32, S::blocks) skinny_kernel(const __grid_constant__ GemmParameters p) {
  extern __shared__ __align__(16) float skinny_memory[];
  const S block{skinny_memory};
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * warps * chunk;
  std::int64_t first = (static_cast<std::int64_t>(blockIdx.x) * warps + threadIdx.x / 32) * chunk;
  const auto take = [&](std::int64_t from, int stage) {
    if (from < p.factor[0].rows) take_rows<S>(p, from, block.rows(stage));
    end_copies();
  };
#pragma unroll
  for (int s = 0; s < S::stages - 1; ++s) take(first + s * step, s);
  const bool may_split = take_columns(p, block);
  int stage = 0;
#pragma unroll 1
  for (; first < p.factor[0].rows; first += step) {
    take(first + (S::stages - 1) * step, (stage + S::stages - 1) % S::stages);
    wait_for_copies<S::stages - 1>();
    __syncwarp();
    SkinnySums<S> sums;
    const bool right = sums.add(block, block.rows(stage)) && may_split;
    if (__all_sync(0xffffffffU, right))
      sums.store(p, first);
    else
      store_plainly(p, block, block.rows(stage), first);
    __syncwarp();  // all have read the rows that make room for others
    stage = (stage + 1) % S::stages;
  }
}

template <class S>
void launch_skinny(const GemmParameters& p, void* stream) {
  const std::int64_t rows = warps * chunk;
  const std::int64_t needed = (p.factor[0].rows + rows - 1) / rows;
  const std::int64_t fit = static_cast<std::int64_t>(device_attribute(cudaDevAttrMultiProcessorCount)) * S::blocks;
  launch(skinny_kernel<S>, needed < fit ? needed : fit, warps * 32, stream, p, S::bytes);
}

/// visit(Skinny) that has room for b.
template <class Visit>
auto with_skinny(const GemmParameters& p, const Visit& visit) {
  const bool wide = p.factor[1].rows > 32;
  switch ((p.k + 15) / 16) {
    case 1:
      return wide ? visit(Skinny<1, 2>{}) : visit(Skinny<1, 1>{});
    case 2:
      return wide ? visit(Skinny<2, 2>{}) : visit(Skinny<2, 1>{});
    case 3:
      return wide ? visit(Skinny<3, 2>{}) : visit(Skinny<3, 1>{});
    default:
      return wide ? visit(Skinny<4, 2>{}) : visit(Skinny<4, 1>{});
  }
}

bool is_aligned(const void* data) { return reinterpret_cast<std::uintptr_t>(data) % 16 == 0; }

}  // namespace

const char* refuse_gemm_any_skinny(const GemmProblem& problem) {
  if (problem.a.dtype != DType::f32 || problem.b.dtype != DType::f32 || problem.c.dtype != DType::f32)
    return "a, b and c are not all f32";
  if (problem.k > deepest || (problem.m > widest && problem.n > widest)) return "neither factor is small";
  if (problem.k < split_least_depth) return "the bound leaves no room for split products";
  // What is not split exactly enough makes 32 rows be computed otherwise.
  if (problem.determinism == Determinism::batch_invariant) return "rows are to have the same bits in any batch";
  if (!problem.is_general()) return "a triangular or symmetric factor";
  if (!problem.before->empty() || !problem.after->empty()) return "a chain";
  if (problem.batch.count != 1) return "there are several products";
  const GemmParameters p = make_gemm_parameters(problem);
  if (p.factor[1].rows > widest) return "c lies the other way";
  if (p.factor[0].depth != 1 || p.factor[0].row % 4 != 0 || !is_aligned(p.factor[0].data))
    return "the rows of the large factor are no vectors along k";
  if (p.c_column != 1 || p.c_row % 4 != 0 || p.factor[1].rows % 4 != 0 || !is_aligned(p.c))
    return "the rows of c are no vectors";
  if (with_skinny(p, [](auto skinny) { return decltype(skinny)::bytes; }) >
      device_attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin))
    return "the device has too little shared memory";
  return nullptr;
}

void run_gemm_skinny(const GemmProblem& problem, const detail::Queue& queue) {
  const GemmParameters p = make_gemm_parameters(problem);
  with_skinny(p, [&](auto skinny) { launch_skinny<decltype(skinny)>(p, queue.stream); });
}

}  // namespace mylos::cuda
