// The embeddings of tokens and places: x_t = wte[token_t] + wpe[t], and its gradient.
#pragma once

#include "model/activations.hpp"
#include "model/gradient.hpp"
#include "model/weights.hpp"

namespace microgpt {

/// Fills activations.embedded() for its piece; 0 in the columns behind the last position.
template <class Scalar>
void embed(const Weights<const Scalar>& weights, Activations<Scalar>& activations);

/// Each position's gradient (d_embedded: C x positions) goes to the rows of its token and place.
template <class Scalar>
void embed_backward(const Matrix<const Scalar>& d_embedded, Activations<Scalar>& activations,
                    Gradient mode, const Weights<Scalar>& gradients);

}  // namespace microgpt
