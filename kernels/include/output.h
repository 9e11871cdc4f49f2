// One output of a model: what each row contributes to its loss and gradient.
#pragma once
#include "exp_log1p.h"
#include "storage.h"

// Output mirrors backend.Model on the device, one for each row of coefficients.
// Null pointers stand for weight 1 and offset 0; fold -1 leaves no row out.
struct Output {
  const int *label;
  const real *weight, *offset;
  int cls, fold;
};

// Coefficients of one output: ldw numbers, w first, zeros up to the last, the intercept last.

// Logistic is one row's loss, its derivative r = p - y, and p(1-p), each formed without
// cancellation: with e = exp(-|z|), t = 1/(1+e) and u = e t are the probabilities of the
// likelier and the less likely side.
struct Logistic { real loss, r, q; };
DEV Logistic logistic(real z, bool y) {
  real a = abs_(z), e = exp_neg(a), t = 1 / (1 + e), u = e * t;
  bool right = (z >= 0) == y;
  real r = right ? u : t;
  return {log1p_unit(e) + (right ? (real)0 : a), y ? -r : r, u * t};
}

// Weigh is a row's weight in a model, and whether the model leaves the row out.
struct Weigh { real m; bool held; };
DEV Weigh weigh(const Output &o, const int *folds, i64 i) {
  return {o.weight ? o.weight[i] : (real)1, o.fold >= 0 && folds[i] == o.fold};
}

// Facts is what a row brings beside its numbers. Loops ask for it together with the
// numbers, so that one wait for memory serves both. No row: weight 0.
struct Facts { real m, offset; bool y, held; };
DEV Facts facts_of(const Output &o, const int *folds, i64 i) {
  const Weigh w = weigh(o, folds, i);
  return {w.m, o.offset ? o.offset[i] : (real)0, o.label[i] == o.cls, w.held};
}

// row_term turns the dots of a row into the factor r of x_i in the gradient (HESS: of
// x_i in the Hessian's product) and adds the row's loss to loss or held. A row of
// weight 0 adds nothing, whatever z is.
template <bool HESS>
DEV real row_term(const Facts &f, real z, real u, double &loss, double &held) {
  const Logistic l = logistic(z + f.offset, f.y);
  if (f.m == 0) return 0;
  if (!HESS) {
    const double term = (double)f.m * (double)l.loss;
    if (f.held) held += term; else loss += term;
  }
  if (f.held) return 0;
  return HESS ? f.m * l.q * u : f.m * l.r;
}
template <bool HESS>
DEV real row_term(const Output &o, const int *folds, i64 i, real z, real u, double &loss, double &held) {
  return row_term<HESS>(facts_of(o, folds, i), z, u, loss, held);
}
