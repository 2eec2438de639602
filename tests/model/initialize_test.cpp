// The parameters that a seed gives: those of CPython's random.gauss, in the order of the layout.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

#include "microgpt/model.hpp"

namespace microgpt {
namespace {

template <class Scalar>
class InitializeParameters : public ::testing::Test {
 protected:
  // Fills the parameters from seed 42.
  void initialize(double init_std, bool zero_init_residual) {
    random_ = PythonRandom(42);
    initialize_parameters<Scalar>(layout_, init_std, zero_init_residual, random_,
                                  parameters_.values());
  }

  // The parameters of a tensor.
  std::span<const Scalar> tensor(std::string_view name) const {
    for (const TensorSpec& spec : layout_.tensors()) {
      if (spec.name == name) {
        return parameters_.values().subspan(static_cast<std::size_t>(spec.offset),
                                            static_cast<std::size_t>(spec.size()));
      }
    }
    return {};
  }

  // The first and the last parameter of a tensor.
  void expect_ends(const std::map<std::string, std::pair<double, double>>& expected) const {
    for (const auto& [name, ends] : expected) {
      EXPECT_EQ(tensor(name).front(), static_cast<Scalar>(ends.first)) << name;
      EXPECT_EQ(tensor(name).back(), static_cast<Scalar>(ends.second)) << name;
    }
  }

  ParameterLayout layout_{ModelShape{27, 2, 16, 4, 8}};
  AlignedBuffer<Scalar> parameters_{static_cast<std::size_t>(layout_.size())};
  PythonRandom random_{0};
};

using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(InitializeParameters, Scalars);

// CPython 3.11: random.seed(42), then random.gauss(0, 0.02) for each.
TYPED_TEST(InitializeParameters, DrawsWhatPythonDraws) {
  this->initialize(0.02, true);
  this->expect_ends({
      {"wte", {-0.002881806591558567, 0.01306411742663935}},
      {"wpe", {0.02260946801717632, -0.01808441304279953}},
      {"lm_head", {-0.017328601670883365, 0.004654987893717742}},
      {"layer0.attn_wq", {-0.02043718748383276, 0.018531978333274694}},
      {"layer0.attn_wk", {0.01697717166257103, 0.02137906770576281}},
      {"layer0.attn_wv", {0.0010405126212522607, -0.0316488731969333}},
      {"layer0.attn_wo", {0.0, 0.0}},
      {"layer0.mlp_fc1", {-0.009834552897270681, 0.007340218647912115}},
      {"layer0.mlp_fc2", {0.0, 0.0}},
      {"layer1.attn_wq", {-0.014745691224560169, 0.014041853001069866}},
      {"layer1.mlp_fc1", {0.028809551249141755, 0.015455425803854646}},
  });
  EXPECT_EQ(this->random_.next_word(), 1773060475U);
}

// The same with gauss(0, 0.08) for each, nothing zeroed.
TYPED_TEST(InitializeParameters, DrawsWhatPythonDrawsWithNothingZeroed) {
  this->initialize(0.08, false);
  this->expect_ends({
      {"wte", {-0.011527226366234268, 0.0522564697065574}},
      {"layer0.attn_wv", {0.004162050485009043, -0.1265954927877332}},
      {"layer0.attn_wo", {-0.07641506073152925, -0.06832433574157536}},
      {"layer0.mlp_fc1", {-0.039338211589082725, 0.02936087459164846}},
      {"layer0.mlp_fc2", {-0.05688052724445959, 0.047264844325628434}},
      {"layer1.attn_wq", {-0.058982764898240676, 0.056167412004279466}},
      {"layer1.attn_wo", {0.05568553561036054, -1.7732713743130613e-05}},
      {"layer1.mlp_fc2", {0.012796420115827179, 0.04480951063245281}},
  });
  EXPECT_EQ(this->random_.next_word(), 1773060475U);
}

TYPED_TEST(InitializeParameters, ZeroesWhatEndsAResidualBranchAndNothingElse) {
  this->initialize(0.02, true);
  for (const TensorSpec& spec : this->layout_.tensors()) {
    const bool zeroed = spec.name.ends_with(".attn_wo") || spec.name.ends_with(".mlp_fc2");
    for (const TypeParam parameter : this->tensor(spec.name)) {
      ASSERT_EQ(parameter == 0, zeroed) << spec.name;
    }
  }
}

}  // namespace
}  // namespace microgpt
