// A group of processes over MPI. The one place that calls it.
#pragma once

#include <mpi.h>

#include <vector>

#include "microgpt/process_group.hpp"

namespace microgpt {

class MpiProcessGroup final : public ProcessGroup {
 public:
  /// Initialises MPI; at most one object in the life of a process. Every call of the object has to
  /// come from the thread that made it. Throws RunError.
  MpiProcessGroup();
  ~MpiProcessGroup() override;
  MpiProcessGroup(const MpiProcessGroup&) = delete;
  MpiProcessGroup& operator=(const MpiProcessGroup&) = delete;

  /// Name and version, for instance "Open MPI v4.1.4".
  [[nodiscard]] static std::string library();

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }
  [[nodiscard]] std::string host() const override;
  [[nodiscard]] int on_this_host() const override { return on_this_host_; }
  [[nodiscard]] int on_these_cores() const override { return on_these_cores_; }
  void all_gather(std::byte* data, Unit unit, std::span<const std::int64_t> bounds) override;
  void gather(const std::byte* mine, std::byte* data, Unit unit,
              std::span<const std::int64_t> bounds) override;
  void exchange(const std::byte* data, Unit unit, std::span<const std::int64_t> bounds,
                std::span<const char> senders, std::byte* received) override;
  [[noreturn]] void abort(int exit_code) override;

 private:
  // MPI counts in int, so what travels is counted in lines: up to 128 GiB.
  struct Parts {
    std::vector<int> counts;
    std::vector<int> starts;
  };

  [[nodiscard]] MPI_Datatype type_of(Unit unit) const;
  void look_around();
  void set_parts(std::span<const std::int64_t> bounds, Parts& parts) const;

  int rank_ = 0;
  int size_ = 1;
  int on_this_host_ = 1;
  int on_these_cores_ = 1;
  MPI_Datatype line_ = MPI_DATATYPE_NULL;
  Parts outgoing_;
  Parts incoming_;
};

}  // namespace microgpt
