// A group of one: nobody to talk to, so nothing to do.
#pragma once

#include <cstdlib>

#include "microgpt/process_group.hpp"

namespace microgpt {

class SingleProcess final : public ProcessGroup {
 public:
  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int size() const override { return 1; }
  [[nodiscard]] std::string host() const override { return "this machine"; }
  [[nodiscard]] int on_this_host() const override { return 1; }
  [[nodiscard]] int on_these_cores() const override { return 1; }
  void all_gather(std::byte* /*data*/, Unit /*unit*/,
                  std::span<const std::int64_t> /*bounds*/) override {}
  void gather(const std::byte* /*mine*/, std::byte* /*data*/, Unit /*unit*/,
              std::span<const std::int64_t> /*bounds*/) override {}
  void exchange(const std::byte* data, Unit unit, std::span<const std::int64_t> bounds,
                std::span<const char> senders, std::byte* received) override;
  [[noreturn]] void abort(int exit_code) override { std::_Exit(exit_code); }
};

}  // namespace microgpt
