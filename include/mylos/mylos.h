/* Mylos in C (C11, and C++): every operator of the library, one function each. docs/c.md is the guide.
 *
 *   float x[64 * 1000], y[64 * 1000];
 *   const int64_t extents[] = {64, 1000};
 *   const mylos_tensor in = mylos_row_major(x, mylos_dtype_f32, 2, extents);
 *   const mylos_tensor out = mylos_row_major(y, mylos_dtype_f32, 2, extents);
 *   mylos_chain before = mylos_empty_chain();
 *   mylos_chain_gelu(&before);
 *   mylos_softmax_options options = mylos_softmax_defaults();
 *   options.before = &before;
 *   if (mylos_softmax(&in, &out, &options, NULL) != mylos_status_success) puts(mylos_last_error());
 *
 * What an operator computes, its shapes, dtypes, aliasing and error bounds are written beside the C++ function of the
 * same name: softmax in <mylos/row.hpp>, sum in reduce.hpp, mse_loss in loss.hpp, cross_entropy in vector_loss.hpp,
 * cumsum in scan.hpp, gemm in gemm.hpp, mlp in mlp.hpp, the pointwise steps in steps.def. The list of all operators
 * with their arguments, options and defaults is operators.def; the declarations below follow from it.
 *
 * Every call
 * - runs on `stream`, a cudaStream_t or hipStream_t, NULL being the default stream; where Mylos was built for the host
 *   the stream is ignored. It returns before the work on a device is done and does not wait;
 * - reads its descriptors, options and chains before it returns, so these may live on the stack. The data must live
 *   until the work is done;
 * - checks its arguments before anything is launched or written. Null pointers where something is needed, unknown
 *   values of an enumeration, ranks outside 0 to 8, negative extents, more than 2^48 elements, elements further apart
 *   than 2^48 bytes and data that is not aligned to its dtype are errors, beside all that the C++ function refuses;
 *   whether a pointer points to so much memory cannot be checked;
 * - returns a status and throws nothing. Threads may call at the same time, on streams of their own.
 *
 * Kokkos is initialised by the first call where the program has not done so; it is then finalised at exit, or by
 * mylos_finalize(). */
#ifndef MYLOS_MYLOS_H
#define MYLOS_MYLOS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- status ------------------------------------------------------------------------------------------------------ */

typedef enum mylos_status {
  mylos_status_success = 0,
  mylos_status_invalid_argument = 1, /* nothing was launched or written; or a vendor's call failed, as the text says */
  mylos_status_out_of_memory = 2,
  mylos_status_not_available = 3, /* Kokkos has been finalised already */
  mylos_status_failed = 4         /* anything else */
} mylos_status;

/* Why this thread's last call that failed did so: function, argument, what is wrong, what was expected. "" before the
 * first. Valid until this thread's next call that fails. */
const char* mylos_last_error(void);

/* The version of the library: 10000 major + 100 minor + patch. */
int32_t mylos_version(void);

/* Name of the kernel that this thread's last call chose, as "host/avx512" or "generic"; for tests and benchmarks. */
const char* mylos_last_kernel(void);

/* Makes Kokkos ready now rather than at the first call; nothing where it is ready. */
mylos_status mylos_initialize(void);
/* Finalises Kokkos now rather than at exit, where Mylos has initialised it; nothing otherwise. No call may follow. */
mylos_status mylos_finalize(void);
/* Waits for all work that was given to this stream through Mylos. */
mylos_status mylos_fence(void* stream);

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

enum { mylos_max_rank = 8, mylos_max_steps = 16, mylos_max_operands = 16 };

typedef int32_t mylos_dtype;
enum {
  mylos_dtype_f64 = 0,
  mylos_dtype_f32 = 1,
  mylos_dtype_f16 = 2,  /* IEEE 754 binary16, two bytes */
  mylos_dtype_bf16 = 3, /* the upper half of a binary32 */
  mylos_dtype_u8 = 4,   /* and bool */
  mylos_dtype_i32 = 5,
  mylos_dtype_i64 = 6
};

/* Strided data, not owned. Strides are in elements, of any sign or zero; `data` is the element with all indices 0. */
typedef struct mylos_tensor {
  void* data;
  mylos_dtype dtype;
  int32_t rank;
  int64_t extent[mylos_max_rank];
  int64_t stride[mylos_max_rank];
} mylos_tensor;

/* Without gaps: row-major with the last index the fastest (as arrays in C), column-major with the first (as arrays in
 * Fortran). `extents` has `rank` elements. What is out of range here is refused by the call that gets the tensor. */
mylos_tensor mylos_row_major(void* data, mylos_dtype dtype, int32_t rank, const int64_t* extents);
mylos_tensor mylos_column_major(void* data, mylos_dtype dtype, int32_t rank, const int64_t* extents);

/* A number, or where `tensor` is not NULL a tensor, which broadcasts as in NumPy: aligned at the last dimension. */
typedef struct mylos_operand {
  const mylos_tensor* tensor;
  double number;
} mylos_operand;

static inline mylos_operand mylos_number(double number) {
  mylos_operand o = {NULL, 0};
  o.number = number;
  return o;
}
static inline mylos_operand mylos_elements(const mylos_tensor* tensor) {
  mylos_operand o = {NULL, 0};
  o.tensor = tensor;
  return o;
}

/* Dimensions, negative ones counting from the end; none means all of them. */
typedef struct mylos_axes {
  int32_t count;
  int32_t axis[mylos_max_rank];
} mylos_axes;

static inline mylos_axes mylos_all_axes(void) {
  mylos_axes a = {0, {0}};
  return a;
}
static inline mylos_axes mylos_one_axis(int32_t axis) {
  mylos_axes a = {1, {0}};
  a.axis[0] = axis;
  return a;
}
static inline mylos_axes mylos_two_axes(int32_t first, int32_t second) {
  mylos_axes a = {2, {0}};
  a.axis[0] = first;
  a.axis[1] = second;
  return a;
}

/* ---- chains ------------------------------------------------------------------------------------------------------ */

/* One number per step, in the order of steps.def, which may change from version to version: mylos_step_gelu, ... */
typedef int32_t mylos_step_id;
enum {
#define MYLOS_STEP_ANY(name, ...) mylos_step_##name,
#include <mylos/steps.def>
  mylos_step_count
};

/* Operands with index -1 are numbers, the others elements of the chain's `operand`. Unused parameters are ignored. */
typedef struct mylos_step {
  mylos_step_id id;
  int32_t operand[2];
  double parameter[2];
  double number[2];
} mylos_step;

/* Up to 16 steps and 16 tensor operands, plain data that may be copied and kept. Made with the functions below; what is
 * beyond the two counts is neither read nor set. */
typedef struct mylos_chain {
  int32_t step_count;
  int32_t operand_count;
  mylos_step step[mylos_max_steps];
  mylos_tensor operand[mylos_max_operands];
} mylos_chain;

static inline mylos_chain mylos_empty_chain(void) {
  mylos_chain c;
  c.step_count = 0;
  c.operand_count = 0;
  return c;
}

/* One function per step of steps.def, which puts it at the end of the chain: mylos_chain_gelu(chain),
 * mylos_chain_leaky_relu(chain, negative_slope), mylos_chain_add(chain, other), mylos_chain_standardize(chain, mean,
 * variance, eps). The chain keeps the operands' descriptors, not their data. Parameters have no defaults in C. An error
 * leaves the chain as it was: NULL, more than 16 steps or operands, a bad operand. */
#define MYLOS_STEP(name, ...) mylos_status mylos_chain_##name(mylos_chain* chain);
#define MYLOS_STEP_1(name, p, dp, ...) mylos_status mylos_chain_##name(mylos_chain* chain, double p);
#define MYLOS_STEP_2(name, p, dp, q, dq, ...) mylos_status mylos_chain_##name(mylos_chain* chain, double p, double q);
#define MYLOS_STEP_OPERAND(name, o, ...) mylos_status mylos_chain_##name(mylos_chain* chain, mylos_operand o);
#define MYLOS_STEP_OPERAND_1(name, o, p, dp, ...) \
  mylos_status mylos_chain_##name(mylos_chain* chain, mylos_operand o, double p);
#define MYLOS_STEP_OPERANDS(name, o, q, ...) \
  mylos_status mylos_chain_##name(mylos_chain* chain, mylos_operand o, mylos_operand q);
#define MYLOS_STEP_OPERANDS_1(name, o, q, p, dp, ...) \
  mylos_status mylos_chain_##name(mylos_chain* chain, mylos_operand o, mylos_operand q, double p);
#include <mylos/steps.def>

/* A layer of mylos_mlp: chain(weight x + bias). weight (out, in), bias (out). */
typedef struct mylos_layer {
  mylos_tensor weight;
  mylos_tensor bias; /* not given: data NULL, rank 0 */
  mylos_chain chain;
} mylos_layer;

/* A layer with an empty chain, to which steps may be added. bias: NULL for none. */
static inline mylos_layer mylos_layer_of(mylos_tensor weight, const mylos_tensor* bias) {
  mylos_layer l;
  const mylos_tensor none = {NULL, mylos_dtype_f32, 0, {0}, {0}};
  l.weight = weight;
  l.bias = bias != NULL ? *bias : none;
  l.chain.step_count = 0;
  l.chain.operand_count = 0;
  return l;
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

typedef int32_t mylos_loss_reduction;
enum {
  mylos_loss_reduction_none = 0,
  mylos_loss_reduction_sum = 1,
  mylos_loss_reduction_mean = 2,
  mylos_loss_reduction_batch_mean = 3
};

typedef int32_t mylos_scan; /* any of these, joined with | */
enum { mylos_scan_forward = 0, mylos_scan_reverse = 1, mylos_scan_exclusive = 2 };

typedef int32_t mylos_precision;
enum { mylos_precision_standard = 0, mylos_precision_tf32 = 1, mylos_precision_half = 2 };

typedef int32_t mylos_determinism;
enum { mylos_determinism_run_to_run = 0, mylos_determinism_batch_invariant = 1 };

typedef int32_t mylos_matrix_structure;
enum {
  mylos_matrix_structure_general = 0,
  mylos_matrix_structure_lower = 1,
  mylos_matrix_structure_upper = 2,
  mylos_matrix_structure_symmetric_lower = 3,
  mylos_matrix_structure_symmetric_upper = 4
};

/* Every operator but the pointwise steps has
 *
 *   typedef struct mylos_<name>_options { size_t struct_size; ... } mylos_<name>_options;
 *   mylos_<name>_options mylos_<name>_defaults(void);
 *
 * with the options of operators.def as members: `double eps`, `mylos_axes axes`, `const mylos_tensor* weight` and
 * `const mylos_chain* before` (NULL: not given, empty), and so on. Start from the defaults, which also set struct_size:
 * later versions may add members at the end, and know by it what they are given. */
#define MYLOS_IN_OR_NONE(name) const mylos_tensor* name;
#define MYLOS_OUT_OR_NONE(name) const mylos_tensor* name;
#define MYLOS_OPERAND_OR(name, number) mylos_operand name;
#define MYLOS_REAL_OR(name, value) double name;
#define MYLOS_INT_OR(name, value) int64_t name;
#define MYLOS_AXIS_OR(name, value) int32_t name;
#define MYLOS_AXES_OR(name, value) mylos_axes name;
#define MYLOS_AXES_OR_ALL(name) mylos_axes name;
#define MYLOS_FLAG_OR(name, value) int32_t name;
#define MYLOS_CHOICE_OR(name, type, value) mylos_##type name;
#define MYLOS_CHAIN(name) const mylos_chain* name;
#define MYLOS_POINTWISE(name, arguments, parameters)
#define MYLOS_OPERATOR(name, family, arguments, more) \
  typedef struct mylos_##name##_options {             \
    size_t struct_size;                               \
    more                                              \
  } mylos_##name##_options;
#include <mylos/operators.def>

#define MYLOS_IN_OR_NONE(name) o.name = NULL;
#define MYLOS_OUT_OR_NONE(name) o.name = NULL;
#define MYLOS_OPERAND_OR(name, value) o.name = mylos_number(value);
#define MYLOS_REAL_OR(name, value) o.name = value;
#define MYLOS_INT_OR(name, value) o.name = value;
#define MYLOS_AXIS_OR(name, value) o.name = value;
#define MYLOS_AXES_OR(name, value) o.name = mylos_one_axis(value);
#define MYLOS_AXES_OR_ALL(name) o.name = mylos_all_axes();
#define MYLOS_FLAG_OR(name, value) o.name = value;
#define MYLOS_CHOICE_OR(name, type, value) o.name = mylos_##type##_##value;
#define MYLOS_CHAIN(name) o.name = NULL;
#define MYLOS_POINTWISE(name, arguments, parameters)
#define MYLOS_OPERATOR(name, family, arguments, more)                  \
  static inline mylos_##name##_options mylos_##name##_defaults(void) { \
    mylos_##name##_options o;                                          \
    o.struct_size = sizeof(o);                                         \
    more return o;                                                     \
  }
#include <mylos/operators.def>

/* ---- operators --------------------------------------------------------------------------------------------------- */

/* Pointwise steps by their names, with every operand and parameter:
 *
 *   mylos_status mylos_gelu(const mylos_tensor* x, const mylos_tensor* y, void* stream);
 *   mylos_status mylos_add(const mylos_tensor* x, mylos_operand other, const mylos_tensor* y, void* stream);
 *   mylos_status mylos_clamp(const mylos_tensor* x, const mylos_tensor* y, double min, double max, void* stream);
 *
 * mylos_cast takes the number of a floating dtype. All others, the arguments of operators.def in its order, then the
 * options (NULL: all defaults) and the stream:
 *
 *   mylos_status mylos_softmax(const mylos_tensor* x, const mylos_tensor* y, const mylos_softmax_options* options,
 *                              void* stream);
 *   mylos_status mylos_group_norm(const mylos_tensor* x, const mylos_tensor* y, int64_t groups,
 *                                 const mylos_group_norm_options* options, void* stream);
 *   mylos_status mylos_map(const mylos_chain* chain, const mylos_tensor* x, const mylos_tensor* y, ...);
 *   mylos_status mylos_mlp(const mylos_layer* network, int32_t network_size, const mylos_tensor* x, ...);
 *
 * Reductions of everything write to a tensor of rank 0. mylos_linear takes NULL for its bias. */
#define MYLOS_IN(name) const mylos_tensor *name,
#define MYLOS_IN_OPTIONAL(name) const mylos_tensor *name,
#define MYLOS_OUT(name) const mylos_tensor *name,
#define MYLOS_OPERAND(name) mylos_operand name,
#define MYLOS_INTEGER(name) int64_t name,
#define MYLOS_NUMBER(name) double name,
#define MYLOS_CHOICE(name, type) mylos_##type name,
#define MYLOS_STEPS(name) const mylos_chain *name,
#define MYLOS_LAYERS(name) const mylos_layer *name, int32_t name##_size,
#define MYLOS_REAL_OR(name, value) double name,
#define MYLOS_POINTWISE(name, arguments, parameters) mylos_status mylos_##name(arguments parameters void* stream);
#define MYLOS_OPERATOR(name, family, arguments, more) \
  mylos_status mylos_##name(arguments const mylos_##name##_options* options, void* stream);
#include <mylos/operators.def>

#ifdef __cplusplus
}
#endif

#endif
