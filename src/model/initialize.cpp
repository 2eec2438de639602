// The first weights: normal draws from the random stream, in the order of the tensors.
#include "microgpt/model.hpp"

namespace microgpt {

template <class Scalar>
void initialize_parameters(const ParameterLayout& layout, double init_std, bool zero_init_residual,
                           PythonRandom& random, std::span<Scalar> parameters) {
  for (const TensorSpec& tensor : layout.tensors()) {
    const bool ends_residual =
        tensor.name.ends_with(".attn_wo") || tensor.name.ends_with(".mlp_fc2");
    const double deviation = zero_init_residual && ends_residual ? 0.0 : init_std;
    for (Scalar& parameter : parameters.subspan(static_cast<std::size_t>(tensor.offset),
                                                static_cast<std::size_t>(tensor.size()))) {
      parameter = static_cast<Scalar>(random.gauss(0.0, deviation));
    }
  }
}

template void initialize_parameters(const ParameterLayout&, double, bool, PythonRandom&,
                                    std::span<float>);
template void initialize_parameters(const ParameterLayout&, double, bool, PythonRandom&,
                                    std::span<double>);

}  // namespace microgpt
