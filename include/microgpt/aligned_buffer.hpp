// Memory for rows of numbers in whole cache lines, as a vector of any width and a message to
// another process want it.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>

namespace microgpt {

/// Zeroed memory for `size` scalars, aligned to a cache line, up to the end of the last line.
template <class Scalar>
class AlignedBuffer {
 public:
  static constexpr std::size_t kAlignment = 64;

  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size)
      : data_(static_cast<Scalar*>(
            ::operator new[](lines(size) * kAlignment, std::align_val_t{kAlignment}))),
        size_(size) {
    std::uninitialized_fill_n(data_.get(), lines(size) * kAlignment / sizeof(Scalar), Scalar{0});
  }

  /// How many cache lines `size` scalars begin.
  [[nodiscard]] static constexpr std::size_t lines(std::size_t size) {
    return (size * sizeof(Scalar) + kAlignment - 1) / kAlignment;
  }

  [[nodiscard]] Scalar* data() { return data_.get(); }
  [[nodiscard]] const Scalar* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<Scalar> values() { return {data_.get(), size_}; }
  [[nodiscard]] std::span<const Scalar> values() const { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(Scalar* pointer) const {
      ::operator delete[](pointer, std::align_val_t{kAlignment});
    }
  };
  std::unique_ptr<Scalar[], Free> data_;
  std::size_t size_ = 0;
};

}  // namespace microgpt
