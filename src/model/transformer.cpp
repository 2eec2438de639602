#include "model/transformer.hpp"

#include <algorithm>

#include "kernels/activation.hpp"
#include "kernels/attention.hpp"
#include "kernels/cross_entropy.hpp"
#include "kernels/product.hpp"
#include "kernels/rmsnorm.hpp"
#include "kernels/transpose.hpp"
#include "model/embedding.hpp"

namespace microgpt {
namespace {

using namespace kernels;

// For each document the mean over its positions of what cross_entropy has found.
template <class Scalar>
void mean_losses(const PackedDocuments& piece, std::span<const Scalar> position_losses,
                 std::span<double> losses) {
  std::size_t position = 0;
  for (std::size_t d = 0; d < piece.documents.size(); ++d) {
    const Index length = piece.documents[d].length;
    double sum = 0;
    for (Index t = 0; t < length; ++t) sum += static_cast<double>(position_losses[position++]);
    losses[d] = sum / static_cast<double>(length);
  }
}

// A document's loss is a mean: each of its positions counts document_scale / length.
template <class Scalar>
void fill_loss_scales(const PackedDocuments& piece, double document_scale,
                      Activations<Scalar>& activations) {
  Scalar* scale = activations.loss_scales();
  Scalar* const end = scale + activations.columns();
  for (const Document& document : piece.documents) {
    const auto value = static_cast<Scalar>(document_scale / static_cast<double>(document.length));
    scale = std::fill_n(scale, document.length, value);
  }
  std::fill(scale, end, Scalar{0});
}

// dW = dy · xᵀ, over the positions of the piece, part by part.
template <class Scalar>
void weight_gradient(const Matrix<const Scalar>& dy, const Matrix<const Scalar>& x_transposed,
                     const Activations<Scalar>& activations, Gradient mode,
                     const Matrix<Scalar>& dw) {
  const auto dy_of_positions = dy.column_range(0, x_transposed.rows);
  if (mode == Gradient::replace) {
    multiply_parts<Scalar>(dy_of_positions, x_transposed, activations.parts(), dw);
  } else {
    accumulate<Scalar>(dy_of_positions, x_transposed, dw);
  }
}

// A copy of x, positions x features.
template <class Scalar>
Matrix<const Scalar> by_position(const Matrix<const Scalar>& x,
                                 const Activations<Scalar>& activations) {
  const auto copy = activations.transposed(x.rows);
  transpose<Scalar>(x, copy);
  return copy;
}

// The same of rmsnorm(x), made again.
template <class Scalar>
Matrix<const Scalar> normed_by_position(const Matrix<const Scalar>& x, const Scalar* inverse_rms,
                                        const Activations<Scalar>& activations) {
  const auto copy = activations.transposed(x.rows);
  transpose_scaled<Scalar>(x, inverse_rms, copy);
  return copy;
}

// The same of what forward's activation gave, made again; d_hidden takes the activation's slope. So
// few rows at a time that they are still in a first-level cache when they are transposed.
template <class Scalar>
Matrix<const Scalar> activated_by_position(Activation activation,
                                           const Matrix<const Scalar>& hidden,
                                           const Matrix<Scalar>& d_hidden,
                                           const Activations<Scalar>& activations) {
  constexpr Index kRows = 16;
  const auto copy = activations.transposed(hidden.rows);
  for (Index row = 0; row < hidden.rows; row += kRows) {
    const Index rows = std::min(kRows, hidden.rows - row);
    const auto activated = activations.activated().row_range(0, rows);
    activate_backward<Scalar>(activation, hidden.row_range(row, rows), activated,
                              d_hidden.row_range(row, rows));
    transpose<Scalar>(activated, copy.column_range(row, rows));
  }
  return copy;
}

}  // namespace

template <class Scalar>
void forward(const TransformerWeights<Scalar>& model, const PackedDocuments& piece,
             Activations<Scalar>& activations) {
  const ModelShape& shape = model.shape;
  activations.set_piece(piece);
  const auto normed = activations.normed();
  const auto activated = activations.activated();

  embed<Scalar>(model.weights, activations);
  rmsnorm<Scalar>(activations.embedded(), activations.embedded_inverse_rms(),
                  activations.layer(0).input);

  for (Index l = 0; l < shape.n_layer; ++l) {
    const auto layer = activations.layer(l);
    const auto& weights = model.weights.layers[static_cast<std::size_t>(l)];
    const auto next = l + 1 < shape.n_layer ? activations.layer(l + 1).input : activations.output();

    rmsnorm<Scalar>(layer.input, layer.input_inverse_rms, normed);
    multiply<Scalar>(weights.attn_wqkv, normed, layer.qkv);
    attention<Scalar>(layer.qkv, activations.packed(), shape.n_head,
                      activations.attention_scratch(l), layer.softmax_terms, layer.attended);
    multiply_add<Scalar>(weights.attn_wo, layer.attended, layer.input, layer.middle);

    rmsnorm<Scalar>(layer.middle, layer.middle_inverse_rms, normed);
    multiply<Scalar>(weights.mlp_fc1, normed, layer.hidden);
    activate<Scalar>(shape.activation, layer.hidden, activated);
    multiply_add<Scalar>(weights.mlp_fc2, activated, layer.middle, next);
  }

  multiply<Scalar>(model.weights.lm_head, activations.output(), activations.logits());
}

template <class Scalar>
void document_losses(const PackedDocuments& piece, Activations<Scalar>& activations,
                     std::span<double> losses) {
  cross_entropy<Scalar>(activations.logits(), activations.targets(), activations.losses());
  mean_losses<Scalar>(piece, activations.losses(), losses);
}

template <class Scalar>
void backward(const TransformerWeights<Scalar>& model, const PackedDocuments& piece,
              double document_scale, Activations<Scalar>& activations, std::span<double> losses,
              const Weights<Scalar>& gradients, Gradient mode) {
  const ModelShape& shape = model.shape;
  const auto d_logits = activations.logits();
  const auto d_residual = activations.d_residual();
  const auto d_narrow = activations.d_narrow();
  const auto d_qkv = activations.d_qkv();
  const auto d_hidden = activations.d_hidden();

  fill_loss_scales(piece, document_scale, activations);
  cross_entropy_with_gradient<Scalar>(d_logits, activations.targets(), activations.loss_scales(),
                                      activations.losses());
  mean_losses<Scalar>(piece, activations.losses(), losses);
  weight_gradient<Scalar>(d_logits, by_position<Scalar>(activations.output(), activations),
                          activations, mode, gradients.lm_head);
  multiply_transposed<Scalar>(model.weights.lm_head, d_logits, d_residual);

  for (Index l = shape.n_layer - 1; l >= 0; --l) {
    const auto layer = activations.layer(l);
    const auto& weights = model.weights.layers[static_cast<std::size_t>(l)];
    const auto& gradient = gradients.layers[static_cast<std::size_t>(l)];

    multiply_transposed<Scalar>(weights.mlp_fc2, d_residual, d_hidden);
    weight_gradient<Scalar>(
        d_residual,
        activated_by_position<Scalar>(shape.activation, layer.hidden, d_hidden, activations),
        activations, mode, gradient.mlp_fc2);
    weight_gradient<Scalar>(
        d_hidden, normed_by_position<Scalar>(layer.middle, layer.middle_inverse_rms, activations),
        activations, mode, gradient.mlp_fc1);
    multiply_transposed<Scalar>(weights.mlp_fc1, d_hidden, d_narrow);
    rmsnorm_backward_add<Scalar>(layer.middle, layer.middle_inverse_rms, d_narrow, d_residual);

    weight_gradient<Scalar>(d_residual, by_position<Scalar>(layer.attended, activations),
                            activations, mode, gradient.attn_wo);
    multiply_transposed<Scalar>(weights.attn_wo, d_residual, d_narrow);
    attention_backward<Scalar>(layer.qkv, activations.packed(), shape.n_head, layer.softmax_terms,
                               layer.attended, d_narrow, activations.attention_scratch(l), d_qkv);
    weight_gradient<Scalar>(
        d_qkv, normed_by_position<Scalar>(layer.input, layer.input_inverse_rms, activations),
        activations, mode, gradient.attn_wqkv);
    multiply_transposed<Scalar>(weights.attn_wqkv, d_qkv, d_narrow);
    rmsnorm_backward_add<Scalar>(layer.input, layer.input_inverse_rms, d_narrow, d_residual);
  }

  rmsnorm_backward<Scalar>(activations.embedded(), activations.embedded_inverse_rms(), d_residual,
                           d_residual);
  embed_backward<Scalar>(d_residual, activations, mode, gradients);
}

#define MICROGPT_INSTANTIATE(Scalar)                                                              \
  template void forward(const TransformerWeights<Scalar>&, const PackedDocuments&,                \
                        Activations<Scalar>&);                                                    \
  template void document_losses(const PackedDocuments&, Activations<Scalar>&, std::span<double>); \
  template void backward(const TransformerWeights<Scalar>&, const PackedDocuments&, double,       \
                         Activations<Scalar>&, std::span<double>, const Weights<Scalar>&,         \
                         Gradient);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt
