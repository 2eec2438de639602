#include "model/embedding.hpp"

#include <algorithm>
#include <numeric>
#include <span>

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

// Two matrices of gradients that are made, added and cleared together.
template <class Scalar>
struct Embeddings {
  Matrix<Scalar> wte, wpe;
};

// The rows of the tokens and places of some positions take their gradients; all others become 0.
template <class Scalar>
void sum_positions(const Matrix<const Scalar>& by_position, Index first, Index count,
                   const Activations<Scalar>& activations, const Embeddings<Scalar>& sum) {
  const auto tokens = activations.tokens();
  const Scalar* places = activations.packed().place;
  const auto add_to = [&](Scalar* row, const Scalar* from) {
    add(row, from, static_cast<std::size_t>(by_position.cols), row);
  };
  clear(sum.wte);
  clear(sum.wpe);
  for (Index position = first; position < first + count; ++position) {
    const Scalar* from = by_position.row(position);
    add_to(sum.wte.row(tokens[static_cast<std::size_t>(position)]), from);
    add_to(sum.wpe.row(static_cast<Index>(places[position])), from);
  }
}

template <class Scalar>
void add_embeddings(const Embeddings<Scalar>& from, const Embeddings<Scalar>& to) {
  add_all<Scalar>(from.wte, to.wte);
  add_all<Scalar>(from.wpe, to.wpe);
}

// Where a level's sum lies until it is added to another.
template <class Scalar>
Embeddings<Scalar> waiting(const Activations<Scalar>& activations, int level, Index vocab_size) {
  const auto both = activations.d_embeddings(level);
  return {both.row_range(0, vocab_size), both.row_range(vocab_size, both.rows - vocab_size)};
}

// The sum over 1, 2 or 4 parts, from position `first` on: halves are summed apart, then added.
template <class Scalar>
void sum_parts(const Matrix<const Scalar>& by_position, Index first, std::span<const Index> parts,
               const Activations<Scalar>& activations, const Embeddings<Scalar>& sum) {
  if (parts.size() == 1) {
    return sum_positions<Scalar>(by_position, first, parts[0], activations, sum);
  }
  const auto half = parts.first(parts.size() / 2);
  const Index middle = std::accumulate(half.begin(), half.end(), first);
  const int level = half.size() == 1 ? 0 : 1;
  const auto other = waiting<Scalar>(activations, level, sum.wte.rows);
  sum_parts<Scalar>(by_position, first, half, activations, sum);
  sum_parts<Scalar>(by_position, middle, parts.last(half.size()), activations, other);
  add_embeddings(other, sum);
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
  const Embeddings<Scalar> result{gradients.wte, gradients.wpe};
  if (mode == Gradient::replace) {
    sum_parts<Scalar>(by_position, 0, activations.parts(), activations, result);
  } else {
    const auto sum = waiting<Scalar>(activations, 0, gradients.wte.rows);
    sum_positions<Scalar>(by_position, 0, activations.positions(), activations, sum);
    add_embeddings(sum, result);
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
