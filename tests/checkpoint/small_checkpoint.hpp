// A checkpoint of a few hundred numbers, each of them another, in a folder of its own.
#pragma once

#include <filesystem>
#include <string>

#include "microgpt/checkpoint.hpp"

namespace microgpt {

inline CheckpointInfo small_info(Precision precision) {
  CheckpointInfo info;
  info.program_version = "0.1.0";
  info.build = "a compiler, a machine";
  info.config.dataset = "/data/names.txt";
  info.config.n_layer = 2;
  info.config.n_embd = 4;
  info.config.n_head = 2;
  info.config.block_size = 3;
  info.config.learning_rate = 0.1;
  info.config.precision = precision;
  info.step = 20;
  info.epoch = 3;
  info.documents = 50;
  info.dataset_sha256 = std::string(32, 'a') + std::string(32, '7');
  info.cursor = 160;
  info.code_points = {U'a', U'b', U'é', U'𝄞'};
  info.random = PythonRandom(7).state();
  info.random.position = 600;
  info.random.gauss_next = -0.25;
  info.history = {.steps = {1, 10, 20},
                  .losses = {3.25, 2.5, 1.0 / 3.0},
                  .val_steps = {10, 20},
                  .val_losses = {2.75, 2.0}};
  return info;
}

template <class Scalar>
ModelState<Scalar> small_state(const CheckpointInfo& info) {
  ModelState<Scalar> state{ParameterLayout(info.shape())};
  Scalar number = 1;
  for (Scalar& value : state.parameters.values()) value = -1 / ++number;
  for (Scalar& value : state.m.values()) value = 1 / ++number;
  for (Scalar& value : state.v.values()) value = 1 / ++number;
  return state;
}

}  // namespace microgpt
