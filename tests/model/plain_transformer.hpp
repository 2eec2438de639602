// The model as its formulas have it: one position at a time, in long double, without a gradient.
// It knows the parameters by their order alone, and shares no code with the library.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "microgpt/model.hpp"
#include "microgpt/tokenizer.hpp"

namespace microgpt {

using Exact = long double;

class PlainTransformer {
 public:
  using Row = std::vector<Exact>;

  PlainTransformer(const ModelShape& shape, std::vector<Exact> all_parameters)
      : parameters(std::move(all_parameters)), shape_(shape) {}

  /// wte, wpe, lm_head, then of each layer attn_wq, attn_wk, attn_wv, attn_wo, mlp_fc1, mlp_fc2.
  std::vector<Exact> parameters;

  /// The logits behind each of the tokens, at positions 0, 1, 2 …
  [[nodiscard]] std::vector<Row> logits(std::span<const Token> tokens) const {
    std::vector<Memory> memories(static_cast<std::size_t>(shape_.n_layer));
    std::vector<Row> rows;
    for (std::size_t t = 0; t < tokens.size(); ++t) rows.push_back(step(tokens[t], t, memories));
    return rows;
  }

  /// The mean over positions of -log p(next token).
  [[nodiscard]] Exact loss(std::span<const Token> tokens) const {
    const auto rows = logits(tokens.first(tokens.size() - 1));
    Exact sum = 0;
    for (std::size_t t = 0; t < rows.size(); ++t) {
      Exact total = 0;
      for (const Exact logit : rows[t]) total += std::exp(logit);
      sum += std::log(total) - rows[t][static_cast<std::size_t>(tokens[t + 1])];
    }
    return sum / static_cast<Exact>(rows.size());
  }

 private:
  // Keys and values of the positions so far.
  struct Memory {
    std::vector<Row> keys, values;
  };

  struct View {
    const Exact* data;
    std::int64_t rows, cols;

    [[nodiscard]] Row row(std::size_t r) const {
      const Exact* first = data + static_cast<std::int64_t>(r) * cols;
      return {first, first + cols};
    }
    Row operator*(const Row& x) const {
      Row y;
      for (std::int64_t r = 0; r < rows; ++r) {
        y.push_back(std::inner_product(x.begin(), x.end(), data + r * cols, Exact{0}));
      }
      return y;
    }
  };

  static Row sum(Row a, const Row& b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
    return a;
  }

  static Row rmsnorm(Row x) {
    const Exact squares = std::inner_product(x.begin(), x.end(), x.begin(), Exact{0});
    const Exact root = std::sqrt(squares / static_cast<Exact>(x.size()) + 1e-5L);
    for (Exact& element : x) element /= root;
    return x;
  }

  [[nodiscard]] Row activation(Row x) const {
    const Exact pi = 3.14159265358979323846264338327950288L;
    for (Exact& v : x) {
      switch (shape_.activation) {
        case Activation::relu_squared:
          v = v > 0 ? v * v : 0;
          break;
        case Activation::relu:
          v = v > 0 ? v : 0;
          break;
        case Activation::gelu:
          v = v / 2 * (1 + std::tanh(std::sqrt(2 / pi) * (v + 0.044715L * v * v * v)));
          break;
      }
    }
    return x;
  }

  [[nodiscard]] Row attention(const Row& query, const Memory& memory) const {
    const auto head_size = static_cast<std::size_t>(shape_.n_embd / shape_.n_head);
    Row out(query.size());
    for (std::size_t first = 0; first < query.size(); first += head_size) {
      Row weights;
      for (const Row& key : memory.keys) {
        Exact score = 0;
        for (std::size_t i = first; i < first + head_size; ++i) score += query[i] * key[i];
        weights.push_back(std::exp(score / std::sqrt(static_cast<Exact>(head_size))));
      }
      const Exact total = std::accumulate(weights.begin(), weights.end(), Exact{0});
      for (std::size_t s = 0; s < weights.size(); ++s) {
        for (std::size_t i = first; i < first + head_size; ++i) {
          out[i] += weights[s] / total * memory.values[s][i];
        }
      }
    }
    return out;
  }

  [[nodiscard]] Row step(Token token, std::size_t t, std::vector<Memory>& memories) const {
    const Exact* next = parameters.data();
    const auto take = [&next](std::int64_t rows, std::int64_t cols) {
      const View view{next, rows, cols};
      next += rows * cols;
      return view;
    };
    const std::int64_t width = shape_.n_embd;
    const auto wte = take(shape_.vocab_size, width);
    const auto wpe = take(shape_.block_size, width);
    const auto lm_head = take(shape_.vocab_size, width);

    Row x = rmsnorm(sum(wte.row(static_cast<std::size_t>(token)), wpe.row(t)));
    for (Memory& memory : memories) {
      const auto wq = take(width, width), wk = take(width, width), wv = take(width, width);
      const auto wo = take(width, width);
      const auto fc1 = take(4 * width, width), fc2 = take(width, 4 * width);
      const Row normed = rmsnorm(x);
      memory.keys.push_back(wk * normed);
      memory.values.push_back(wv * normed);
      x = sum(x, wo * attention(wq * normed, memory));
      x = sum(x, fc2 * activation(fc1 * rmsnorm(x)));
    }
    return lm_head * x;
  }

  ModelShape shape_;
};

}  // namespace microgpt
