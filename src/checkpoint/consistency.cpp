#include "checkpoint/consistency.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string_view>
#include <type_traits>

#include "base/printable.hpp"

namespace microgpt {
namespace {

using Fault = std::optional<std::string>;

// No run comes so far, and whoever counts on from here may add any batch.
constexpr std::int64_t kMostCounted = INT64_MAX / 2;

bool is_short_line(const std::string& text) {
  return text.size() <= 200 && printable(text) == text;
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_scalar_value(char32_t character) {
  return character < 0xd800 || (character > 0xdfff && character <= 0x10ffff);
}

bool is_rising(const auto& values) {
  return std::ranges::adjacent_find(values, std::greater_equal<>()) == values.end();
}

bool all_finite(const auto& values) {
  return std::ranges::all_of(values, [](auto value) { return std::isfinite(value); });
}

Fault find_fault(const std::vector<std::int64_t>& steps, const std::vector<double>& losses,
                 std::int64_t last_step) {
  if (steps.size() != losses.size()) return "the history has not one loss for each step";
  if (!is_rising(steps)) return "the steps of the history do not rise";
  if (!steps.empty() && (steps.front() < 1 || steps.back() > last_step)) {
    return "the history holds steps that were not made";
  }
  if (!all_finite(losses)) return "the history holds a loss that is not finite";
  return {};
}

Fault find_fault(const CheckpointInfo& info) {
  if (!is_short_line(info.program_version)) return "program_version is not a short line of text";
  if (!is_short_line(info.build)) return "build is not a short line of text";
  if (!info.config.batch_size) return "batch_size is not a number";
  if (info.step < 0) return "step is negative";
  if (info.step > kMostCounted) return "step is too large";
  if (info.epoch < 0) return "epoch is negative";
  if (info.documents < 1) return "there are no documents";
  if (info.cursor < 0) return "cursor is negative";
  if (info.cursor > kMostCounted) return "cursor is too large";
  if (!is_sha256(info.dataset_sha256)) return "the dataset's sha256 is not 64 hexadecimal digits";
  if (info.code_points.empty()) return "there are no characters";
  if (!is_rising(info.code_points) || !std::ranges::all_of(info.code_points, is_scalar_value)) {
    return "code_points are not Unicode characters in rising order";
  }
  if (info.random.position > info.random.words.size()) return "the generator's position is too big";
  if (!std::isfinite(info.random.gauss_next.value_or(0.0))) return "gauss_next is not finite";
  const TrainingHistory& history = info.history;
  if (Fault fault = find_fault(history.steps, history.losses, info.step)) return fault;
  return find_fault(history.val_steps, history.val_losses, info.step);
}

}  // namespace

template <class Scalar>
Fault find_fault(const CheckpointInfo& info, const ModelState<Scalar>& state) {
  if (Fault fault = find_fault(info)) return fault;
  constexpr Precision kPrecision =
      std::is_same_v<Scalar, float> ? Precision::float32 : Precision::float64;
  if (info.config.precision != kPrecision) return "the model is not in the config's precision";
  const auto size = static_cast<std::size_t>(ParameterLayout(info.shape()).size());
  if (state.parameters.size() != size || state.m.size() != size || state.v.size() != size) {
    return "the model has not the config's shape";
  }
  if (!all_finite(state.parameters.values())) return "a parameter is not finite";
  if (!all_finite(state.m.values()) || !all_finite(state.v.values())) {
    return "a moment of the optimizer is not finite";
  }
  if (std::ranges::any_of(state.v.values(), [](Scalar value) { return value < 0; })) {
    return "a second moment of the optimizer is negative";
  }
  return {};
}

template Fault find_fault(const CheckpointInfo&, const ModelState<float>&);
template Fault find_fault(const CheckpointInfo&, const ModelState<double>&);

}  // namespace microgpt
