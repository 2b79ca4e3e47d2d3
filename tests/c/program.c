/* Every family of operators, called from C, against plain loops; Kokkos is left to Mylos. */
#include <math.h>
#include <mylos/mylos.h>
#include <stdio.h>
#include <string.h>

enum { rows = 6, columns = 10, size = rows * columns };

static int failures = 0;

static void expect(int holds, const char* what) {
  if (holds) return;
  printf("not so: %s (last error: %s)\n", what, mylos_last_error());
  ++failures;
}

static int near(double value, double expected) { return fabs(value - expected) <= 1e-5 * (1 + fabs(expected)); }

static double gelu(double x) { return 0.5 * x * (1 + erf(x / sqrt(2.0))); }

static float x[size];
static const int64_t extents[] = {rows, columns};

static void fill(void) {
  for (int i = 0; i < size; ++i) x[i] = (float)sin(1.0 + i);
}

static void softmax_after_gelu(const mylos_tensor* in) {
  float y[size];
  const mylos_tensor out = mylos_row_major(y, mylos_dtype_f32, 2, extents);
  mylos_chain before = mylos_empty_chain();
  expect(mylos_chain_gelu(&before) == mylos_status_success, "a chain takes gelu");
  mylos_softmax_options options = mylos_softmax_defaults();
  options.before = &before;
  expect(mylos_softmax(in, &out, &options, NULL) == mylos_status_success, "softmax runs");
  expect(mylos_fence(NULL) == mylos_status_success, "a fence");
  for (int r = 0; r < rows; ++r) {
    double sum = 0;
    for (int k = 0; k < columns; ++k) sum += exp(gelu((double)x[r * columns + k]));
    for (int k = 0; k < columns; ++k)
      expect(near((double)y[r * columns + k], exp(gelu((double)x[r * columns + k])) / sum), "softmax(gelu(x))");
  }
}

static void steps(const mylos_tensor* in) {
  float y[size];
  float bias[columns];
  const int64_t extent = columns;
  for (int k = 0; k < columns; ++k) bias[k] = (float)k;
  const mylos_tensor out = mylos_row_major(y, mylos_dtype_f32, 2, extents);
  const mylos_tensor operand = mylos_row_major(bias, mylos_dtype_f32, 1, &extent);
  expect(mylos_add(in, mylos_elements(&operand), &out, NULL) == mylos_status_success, "add runs");
  for (int i = 0; i < size; ++i) expect(near((double)y[i], (double)x[i] + i % columns), "x + bias");
  expect(mylos_clamp(in, &out, -0.25, 0.5, NULL) == mylos_status_success, "clamp runs");
  for (int i = 0; i < size; ++i) expect(near((double)y[i], fmin(fmax((double)x[i], -0.25), 0.5)), "clamp(x)");

  mylos_chain chain = mylos_empty_chain();
  mylos_chain_mul(&chain, mylos_number(2.0));
  mylos_chain_add(&chain, mylos_elements(&operand));
  mylos_chain_leaky_relu(&chain, 0.1);
  expect(mylos_map(&chain, in, &out, NULL, NULL) == mylos_status_success, "map runs");
  for (int i = 0; i < size; ++i) {
    const double value = 2 * (double)x[i] + i % columns;
    expect(near((double)y[i], value > 0 ? value : 0.1 * value), "leaky_relu(2 x + bias)");
  }
}

static void reductions(const mylos_tensor* in) {
  double total = 0;
  double of_rows[rows];
  const int64_t extent = rows;
  const mylos_tensor scalar = mylos_row_major(&total, mylos_dtype_f64, 0, NULL);
  const mylos_tensor vector = mylos_row_major(of_rows, mylos_dtype_f64, 1, &extent);
  expect(mylos_sum(in, &scalar, NULL, NULL) == mylos_status_success, "sum runs");
  mylos_norm_options options = mylos_norm_defaults();
  options.axes = mylos_one_axis(1);
  options.p = 1;
  expect(mylos_norm(in, &vector, &options, NULL) == mylos_status_success, "norm runs");
  double sum = 0;
  for (int r = 0; r < rows; ++r) {
    double norm = 0;
    for (int k = 0; k < columns; ++k) {
      sum += (double)x[r * columns + k];
      norm += fabs((double)x[r * columns + k]);
    }
    expect(near(of_rows[r], norm), "sum |x| of a row");
  }
  expect(near(total, sum), "sum x");
}

static void scan_and_loss(const mylos_tensor* in) {
  float y[size];
  float zeros[size] = {0};
  float loss = 0;
  const mylos_tensor out = mylos_row_major(y, mylos_dtype_f32, 2, extents);
  const mylos_tensor target = mylos_row_major(zeros, mylos_dtype_f32, 2, extents);
  const mylos_tensor scalar = mylos_row_major(&loss, mylos_dtype_f32, 0, NULL);
  mylos_cumsum_options options = mylos_cumsum_defaults();
  options.axis = 0;
  options.scan = mylos_scan_reverse | mylos_scan_exclusive;
  expect(mylos_cumsum(in, &out, &options, NULL) == mylos_status_success, "cumsum runs");
  double squares = 0;
  for (int k = 0; k < columns; ++k) {
    double sum = 0;
    for (int r = rows - 1; r >= 0; --r) {
      expect(near((double)y[r * columns + k], sum), "the sum of what follows");
      sum += (double)x[r * columns + k];
      squares += (double)x[r * columns + k] * (double)x[r * columns + k];
    }
  }
  mylos_mse_loss_options mean_of_squares = mylos_mse_loss_defaults();
  mean_of_squares.reduction = mylos_loss_reduction_sum;
  expect(mylos_mse_loss(in, &target, &scalar, &mean_of_squares, NULL) == mylos_status_success, "mse_loss runs");
  expect(near((double)loss, squares), "the sum of squares");
}

/* A network of two layers equals two calls of linear. */
static void products(const mylos_tensor* in) {
  enum { hidden = 7, outputs = 3 };
  float w1[hidden * columns], b1[hidden], w2[outputs * hidden];
  float h[rows * hidden], y[rows * outputs], z[rows * outputs];
  for (int i = 0; i < hidden * columns; ++i) w1[i] = (float)cos(2.0 * i);
  for (int i = 0; i < outputs * hidden; ++i) w2[i] = (float)cos(3.0 * i);
  for (int i = 0; i < hidden; ++i) b1[i] = (float)i / 4;
  const int64_t shape1[] = {hidden, columns}, shape2[] = {outputs, hidden};
  const int64_t shape_h[] = {rows, hidden}, shape_y[] = {rows, outputs};
  const mylos_tensor weight1 = mylos_row_major(w1, mylos_dtype_f32, 2, shape1);
  const mylos_tensor weight2 = mylos_row_major(w2, mylos_dtype_f32, 2, shape2);
  const mylos_tensor bias1 = mylos_row_major(b1, mylos_dtype_f32, 1, shape1);
  const mylos_tensor hidden_values = mylos_row_major(h, mylos_dtype_f32, 2, shape_h);
  const mylos_tensor by_linear = mylos_row_major(y, mylos_dtype_f32, 2, shape_y);
  const mylos_tensor by_mlp = mylos_row_major(z, mylos_dtype_f32, 2, shape_y);

  mylos_chain tanh_step = mylos_empty_chain();
  mylos_chain_tanh(&tanh_step);
  mylos_linear_options options = mylos_linear_defaults();
  options.after = &tanh_step;
  expect(mylos_linear(in, &weight1, &bias1, &hidden_values, &options, NULL) == mylos_status_success, "linear runs");
  expect(mylos_linear(&hidden_values, &weight2, NULL, &by_linear, NULL, NULL) == mylos_status_success,
         "linear runs without a bias");

  mylos_layer network[2] = {mylos_layer_of(weight1, &bias1), mylos_layer_of(weight2, NULL)};
  mylos_chain_tanh(&network[0].chain);
  expect(mylos_mlp(network, 2, in, &by_mlp, NULL, NULL) == mylos_status_success, "mlp runs");
  for (int r = 0; r < rows; ++r) {
    double value = 0;
    for (int j = 0; j < hidden; ++j) {
      double sum = (double)b1[j];
      for (int k = 0; k < columns; ++k) sum += (double)w1[j * columns + k] * (double)x[r * columns + k];
      value += (double)w2[j] * tanh(sum);
    }
    expect(near((double)y[r * outputs], value), "w2 tanh(w1 x + b1) by linear");
    expect(near((double)z[r * outputs], value), "w2 tanh(w1 x + b1) by mlp");
  }
}

static void errors(const mylos_tensor* in) {
  expect(mylos_gelu(in, NULL, NULL) == mylos_status_invalid_argument, "NULL is refused");
  expect(strstr(mylos_last_error(), "mylos::gelu: y: NULL") != NULL, "the error names the argument");
}

int main(void) {
  fill();
  expect(strcmp(mylos_last_error(), "") == 0, "no error before the first");
  expect(mylos_version() >= 100, "a version");
  const mylos_tensor in = mylos_row_major(x, mylos_dtype_f32, 2, extents);
  softmax_after_gelu(&in);
  steps(&in);
  reductions(&in);
  scan_and_loss(&in);
  products(&in);
  errors(&in);
  expect(mylos_finalize() == mylos_status_success, "Kokkos is finalised by the one who initialised it");
  expect(mylos_gelu(&in, &in, NULL) == mylos_status_not_available, "no call follows");
  if (failures == 0) puts("ok");
  return failures == 0 ? 0 : 1;
}
