// The transformer itself: forward and hand-written backward over packed, unpadded documents.
//
// Activations are features x positions, so that a linear layer reads as in the textbook:
//
//   y = W · x      dx = Wᵀ · dy      dW = dy · xᵀ
//
// each one product over all positions of the piece; attention keeps to each document. Each backward
// step stands in reverse order of its forward step, in the same words.
#pragma once

#include <span>

#include "model/activations.hpp"
#include "model/gradient.hpp"
#include "model/weights.hpp"

namespace microgpt {

/// The model's numbers as forward and backward read them.
template <class Scalar>
struct TransformerWeights {
  const ModelShape& shape;
  const Weights<const Scalar>& weights;
};

/// Lays the piece out in `activations`, and fills its logits and all that backward needs.
template <class Scalar>
void forward(const TransformerWeights<Scalar>& model, const PackedDocuments& piece,
             Activations<Scalar>& activations);

/// After forward: losses[d] = the mean over the positions of document d of -log p(target). Spends
/// the logits.
template <class Scalar>
void document_losses(const PackedDocuments& piece, Activations<Scalar>& activations,
                     std::span<double> losses);

/// After forward: losses as above, and the gradient of the sum over the documents of
/// document_scale · loss goes to `gradients`: the sum over each part of the piece, replacing what
/// was there or added to it. Spends the activations.
template <class Scalar>
void backward(const TransformerWeights<Scalar>& model, const PackedDocuments& piece,
              double document_scale, Activations<Scalar>& activations, std::span<double> losses,
              const Weights<Scalar>& gradients, Gradient mode);

}  // namespace microgpt
