#include "model/transformer.hpp"

#include <algorithm>

#include "kernels/activation.hpp"
#include "kernels/attention.hpp"
#include "kernels/cross_entropy.hpp"
#include "kernels/rmsnorm.hpp"
#include "kernels/rows.hpp"

namespace microgpt {
namespace {

using namespace kernels;

// Calls body(document, first_row, index) for each document of the piece.
template <class Body>
void for_documents(const PackedDocuments& piece, Body&& body) {
  Index first_row = 0;
  for (std::size_t d = 0; d < piece.documents.size(); ++d) {
    const Document& document = piece.documents[d];
    body(document, first_row, d);
    first_row += document.length;
  }
}

Token token_at(const PackedDocuments& piece, const Document& document, Index position) {
  return piece.stream[static_cast<std::size_t>(document.offset + position)];
}

// to = from: rows of equal length.
template <class Scalar>
void copy_rows(Matrix<const Scalar> from, Matrix<Scalar> to) {
  for (Index r = 0; r < from.rows; ++r) std::copy_n(from.row(r), from.cols, to.row(r));
}

// embedded_t = wte[token_t] + wpe[t].
template <class Scalar>
void embed(const Weights<const Scalar>& weights, const PackedDocuments& piece,
           Matrix<Scalar> embedded) {
  for_documents(piece, [&](const Document& document, Index first_row, std::size_t) {
    for (Index t = 0; t < document.length; ++t) {
      const Scalar* token = weights.wte.row(token_at(piece, document, t));
      const Scalar* position = weights.wpe.row(t);
      Scalar* to = embedded.row(first_row + t);
      for (Index i = 0; i < embedded.cols; ++i) to[i] = token[i] + position[i];
    }
  });
}

template <class Scalar>
void embed_backward(const Weights<Scalar>& gradients, const PackedDocuments& piece,
                    Matrix<const Scalar> d_embedded) {
  for_documents(piece, [&](const Document& document, Index first_row, std::size_t) {
    for (Index t = 0; t < document.length; ++t) {
      const Scalar* from = d_embedded.row(first_row + t);
      Scalar* token = gradients.wte.row(token_at(piece, document, t));
      Scalar* position = gradients.wpe.row(t);
      for (Index i = 0; i < d_embedded.cols; ++i) {
        token[i] += from[i];
        position[i] += from[i];
      }
    }
  });
}

}  // namespace

template <class Scalar>
void forward(const TransformerWeights<Scalar>& model, const PackedDocuments& piece,
             Activations<Scalar>& activations) {
  const ModelShape& shape = model.shape;
  const Index rows = piece.positions();
  const auto normed = activations.normed(rows);
  const auto activated = activations.activated(rows);
  const auto residual_after = [&](Index layer) {
    return layer + 1 < shape.n_layer ? activations.layer(layer + 1, rows).input
                                     : activations.output(rows);
  };

  const auto document_start = activations.document_start(rows);
  for_documents(piece, [&](const Document& document, Index first_row, std::size_t) {
    std::ranges::fill(document_start.subspan(static_cast<std::size_t>(first_row),
                                             static_cast<std::size_t>(document.length)),
                      first_row);
  });

  embed(model.weights, piece, activations.embedded(rows));
  rmsnorm<Scalar>(activations.embedded(rows), activations.embedded_inverse_rms(),
                  activations.layer(0, rows).input);

  for (Index l = 0; l < shape.n_layer; ++l) {
    const auto layer = activations.layer(l, rows);
    const auto& transposed = model.transposed.layer(static_cast<std::size_t>(l));
    const auto next = residual_after(l);

    rmsnorm<Scalar>(layer.input, layer.input_inverse_rms, normed);
    multiply<Scalar>(normed, transposed.attn_wqkv, layer.qkv);
    attention<Scalar>(layer.qkv, document_start, shape.n_head, activations.attention_scratch(),
                      layer.log_sum_exp, layer.attended);
    copy_rows<Scalar>(layer.input, layer.middle);
    multiply_add<Scalar>(layer.attended, transposed.attn_wo, layer.middle);

    rmsnorm<Scalar>(layer.middle, layer.middle_inverse_rms, normed);
    multiply<Scalar>(normed, transposed.mlp_fc1, layer.hidden);
    activate<Scalar>(shape.activation, layer.hidden, activated);
    copy_rows<Scalar>(layer.middle, next);
    multiply_add<Scalar>(activated, transposed.mlp_fc2, next);
  }

  multiply<Scalar>(activations.output(rows), model.transposed.lm_head(), activations.logits(rows));
}

template <class Scalar>
void document_losses(const PackedDocuments& piece, Activations<Scalar>& activations,
                     std::span<double> losses) {
  const auto logits = activations.logits(piece.positions());
  for_documents(piece, [&](const Document& document, Index first_row, std::size_t d) {
    double sum = 0;
    for (Index t = 0; t < document.length; ++t) {
      sum +=
          cross_entropy(logits.row(first_row + t), logits.cols, token_at(piece, document, t + 1));
    }
    losses[d] = sum / static_cast<double>(document.length);
  });
}

template <class Scalar>
void backward(const TransformerWeights<Scalar>& model, const PackedDocuments& piece,
              double document_scale, Activations<Scalar>& activations, std::span<double> losses,
              const Weights<Scalar>& gradients) {
  const ModelShape& shape = model.shape;
  const Index rows = piece.positions();
  const auto normed = activations.normed(rows);
  const auto activated = activations.activated(rows);
  const auto d_logits = activations.logits(rows);
  const auto d_residual = activations.d_residual(rows);
  const auto d_narrow = activations.d_narrow(rows);
  const auto d_qkv = activations.d_qkv(rows);
  const auto d_hidden = activations.d_hidden(rows);

  for_documents(piece, [&](const Document& document, Index first_row, std::size_t d) {
    const auto length = static_cast<double>(document.length);
    const auto scale = static_cast<Scalar>(document_scale / length);
    double sum = 0;
    for (Index t = 0; t < document.length; ++t) {
      sum += cross_entropy_with_gradient(d_logits.row(first_row + t), d_logits.cols,
                                         token_at(piece, document, t + 1), scale);
    }
    losses[d] = sum / length;
  });
  multiply_transposed_add<Scalar>(d_logits, activations.output(rows), gradients.lm_head);
  multiply<Scalar>(d_logits, model.weights.lm_head, d_residual);

  for (Index l = shape.n_layer - 1; l >= 0; --l) {
    const auto layer = activations.layer(l, rows);
    const auto& weights = model.weights.layers[static_cast<std::size_t>(l)];
    const auto& gradient = gradients.layers[static_cast<std::size_t>(l)];

    activate<Scalar>(shape.activation, layer.hidden, activated);
    multiply_transposed_add<Scalar>(d_residual, activated, gradient.mlp_fc2);
    multiply<Scalar>(d_residual, weights.mlp_fc2, d_hidden);
    activate_backward<Scalar>(shape.activation, layer.hidden, d_hidden);
    rmsnorm_again<Scalar>(layer.middle, layer.middle_inverse_rms, normed);
    multiply_transposed_add<Scalar>(d_hidden, normed, gradient.mlp_fc1);
    multiply<Scalar>(d_hidden, weights.mlp_fc1, d_narrow);
    rmsnorm_backward_add<Scalar>(layer.middle, layer.middle_inverse_rms, d_narrow, d_residual);

    multiply_transposed_add<Scalar>(d_residual, layer.attended, gradient.attn_wo);
    multiply<Scalar>(d_residual, weights.attn_wo, d_narrow);
    attention_backward<Scalar>(layer.qkv, activations.document_start(rows), shape.n_head,
                               layer.log_sum_exp, d_narrow, activations.attention_scratch(), d_qkv);
    rmsnorm_again<Scalar>(layer.input, layer.input_inverse_rms, normed);
    multiply_transposed_add<Scalar>(d_qkv, normed, gradient.attn_wqkv);
    multiply<Scalar>(d_qkv, weights.attn_wqkv, d_narrow);
    rmsnorm_backward_add<Scalar>(layer.input, layer.input_inverse_rms, d_narrow, d_residual);
  }

  rmsnorm_backward<Scalar>(activations.embedded(rows), activations.embedded_inverse_rms(),
                           d_residual, d_residual);
  embed_backward<Scalar>(gradients, piece, d_residual);
}

#define MICROGPT_INSTANTIATE(Scalar)                                                              \
  template void forward(const TransformerWeights<Scalar>&, const PackedDocuments&,                \
                        Activations<Scalar>&);                                                    \
  template void document_losses(const PackedDocuments&, Activations<Scalar>&, std::span<double>); \
  template void backward(const TransformerWeights<Scalar>&, const PackedDocuments&, double,       \
                         Activations<Scalar>&, std::span<double>, const Weights<Scalar>&);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt
