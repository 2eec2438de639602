// Memory for rows of numbers in whole cache lines, as a vector of any width and a message to
// another process want it; in huge pages where there is enough of it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace microgpt {

/// Where an AlignedBuffer has its memory from.
namespace line_memory {

inline constexpr std::size_t kCacheLine = 64;

/// Uninitialised, aligned to a cache line. From 2 MiB on, aligned to that, and in huge pages as far
/// as the system gives them: it takes no more memory for that. Throws std::bad_alloc.
[[nodiscard]] void* allocate(std::size_t bytes);

/// What allocate(bytes) has given.
void release(void* memory, std::size_t bytes) noexcept;

}  // namespace line_memory

/// Zeroed memory for `size` scalars, aligned to a cache line, up to the end of the last line.
template <class Scalar>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size)
      : data_(static_cast<Scalar*>(line_memory::allocate(bytes(size))), Release{bytes(size)}),
        size_(size) {
    std::uninitialized_fill_n(data_.get(), bytes(size) / sizeof(Scalar), Scalar{0});
  }

  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  /// How many cache lines `size` scalars begin.
  [[nodiscard]] static constexpr std::size_t lines(std::size_t size) {
    return (size * sizeof(Scalar) + line_memory::kCacheLine - 1) / line_memory::kCacheLine;
  }

  [[nodiscard]] Scalar* data() { return data_.get(); }
  [[nodiscard]] const Scalar* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<Scalar> values() { return {data_.get(), size_}; }
  [[nodiscard]] std::span<const Scalar> values() const { return {data_.get(), size_}; }

 private:
  static constexpr std::size_t bytes(std::size_t size) {
    return lines(size) * line_memory::kCacheLine;
  }

  struct Release {
    std::size_t bytes;
    void operator()(Scalar* memory) const noexcept { line_memory::release(memory, bytes); }
  };
  std::unique_ptr<Scalar[], Release> data_{nullptr, Release{0}};
  std::size_t size_ = 0;
};

}  // namespace microgpt
