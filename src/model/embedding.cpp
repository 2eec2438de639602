#include "model/embedding.hpp"

#include <algorithm>

#include "kernels/gradient_sums.hpp"
#include "kernels/transpose.hpp"

namespace microgpt {
namespace {

using namespace kernels;

template <class Scalar>
void clear(const Matrix<Scalar>& matrix) {
  std::fill_n(matrix.data, matrix.rows * matrix.stride, Scalar{0});
}

// to += from; both without gaps between rows.
template <class Scalar>
void add_all(const Matrix<const Scalar>& from, const Matrix<Scalar>& to) {
  add(to.data, from.data, static_cast<std::size_t>(from.rows * from.cols), to.data);
}

// The rows of a part's tokens and places take the gradients of its positions.
template <class Scalar>
void add_positions(const Matrix<Scalar>& by_position,
                   const typename Activations<Scalar>::Part& part,
                   const Activations<Scalar>& activations, const Matrix<Scalar>& d_wte,
                   const Matrix<Scalar>& d_wpe) {
  const auto tokens = activations.tokens();
  const Scalar* places = activations.packed().place;
  const auto add_to = [&](Scalar* row, const Scalar* from) {
    add(row, from, static_cast<std::size_t>(by_position.cols), row);
  };
  for (Index position = part.first; position < part.first + part.count; ++position) {
    const Scalar* from = by_position.row(position);
    add_to(d_wte.row(tokens[static_cast<std::size_t>(position)]), from);
    add_to(d_wpe.row(static_cast<Index>(places[position])), from);
  }
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
  const auto by_position = activations.transposed(d_embedded.rows);
  transpose<Scalar>(d_embedded, by_position);
  for (const auto& part : activations.parts()) {
    if (part.count == 0) continue;
    if (mode == Gradient::replace) {
      clear(gradients.wte);
      clear(gradients.wpe);
      add_positions(by_position, part, activations, gradients.wte, gradients.wpe);
    } else {
      const auto sum = activations.d_embeddings();
      clear(sum);
      const Index vocab_size = gradients.wte.rows;
      const auto d_wte = sum.row_range(0, vocab_size);
      const auto d_wpe = sum.row_range(vocab_size, gradients.wpe.rows);
      add_positions(by_position, part, activations, d_wte, d_wpe);
      add_all<Scalar>(d_wte, gradients.wte);
      add_all<Scalar>(d_wpe, gradients.wpe);
    }
    mode = Gradient::add;
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
