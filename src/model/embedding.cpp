#include "model/embedding.hpp"

#include <algorithm>

#include "kernels/transpose.hpp"

namespace microgpt {
namespace {

using namespace kernels;

// to += from.
template <class Scalar>
void add_row(const Scalar* from, Index count, Scalar* to) {
  for (Index i = 0; i < count; ++i) to[i] += from[i];
}

template <class Scalar>
void clear(const Matrix<Scalar>& matrix) {
  std::fill_n(matrix.data, matrix.rows * matrix.stride, Scalar{0});
}

}  // namespace

template <class Scalar>
void embed(const Weights<const Scalar>& weights, Activations<Scalar>& activations) {
  const auto embedded = activations.embedded();
  const auto tokens = activations.tokens();
  const auto packed = activations.packed();
  constexpr int kCount = static_cast<int>(kLanes<Scalar>);

  for (Index first = 0; first < embedded.cols; first += kLanes<Scalar>) {
    const Index positions = std::min(kLanes<Scalar>, activations.positions() - first);
    for (Index i = 0; i < embedded.rows; i += kLanes<Scalar>) {
      const Index features = std::min(kLanes<Scalar>, embedded.rows - i);
      VectorSquare<Scalar> square = {};
      unrolled<kCount>([&](auto lane) __attribute__((always_inline)) {
        if (lane < positions) {
          const auto position = static_cast<std::size_t>(first + lane);
          const auto place = static_cast<Index>(packed.place[position]);
          square[lane] = load_partial(weights.wte.row(tokens[position]) + i, features) +
                         load_partial(weights.wpe.row(place) + i, features);
        }
      });
      transpose_square<Scalar>(square);
      unrolled<kCount>([&](auto v) __attribute__((always_inline)) {
        if (v < features) store(embedded.row(i + v) + first, square[v]);
      });
    }
  }
}

template <class Scalar>
void embed_backward(const Matrix<const Scalar>& d_embedded, Activations<Scalar>& activations,
                    Gradient mode, const Weights<Scalar>& gradients) {
  if (mode == Gradient::replace) {
    clear(gradients.wte);
    clear(gradients.wpe);
  }
  const auto by_position = activations.transposed(d_embedded.rows);
  transpose<Scalar>(d_embedded, by_position);
  const auto tokens = activations.tokens();
  const auto packed = activations.packed();
  for (std::size_t position = 0; position < tokens.size(); ++position) {
    const Scalar* from = by_position.row(static_cast<Index>(position));
    add_row(from, d_embedded.rows, gradients.wte.row(tokens[position]));
    const auto place = static_cast<Index>(packed.place[position]);
    add_row(from, d_embedded.rows, gradients.wpe.row(place));
  }
}

#define MICROGPT_INSTANTIATE(Scalar)                                                        \
  template void embed(const Weights<const Scalar>&, Activations<Scalar>&);                  \
  template void embed_backward(const Matrix<const Scalar>&, Activations<Scalar>&, Gradient, \
                               const Weights<Scalar>&);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt
