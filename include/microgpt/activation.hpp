// The activations that the MLP of a layer may have.
#pragma once

namespace microgpt {

/// relu_squared is max(0, x)²; gelu is GPT-2's, by tanh.
enum class Activation { relu_squared, relu, gelu };

}  // namespace microgpt
