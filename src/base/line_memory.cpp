// Memory in whole cache lines and huge pages (see microgpt/aligned_buffer.hpp).
#include <new>

#include "microgpt/aligned_buffer.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace microgpt::line_memory {
namespace {

// A huge page takes one entry of a core's table of pages, where 512 usual ones would compete.
constexpr std::size_t kHugePage = std::size_t{1} << 21U;

std::align_val_t alignment_for(std::size_t bytes) {
  return std::align_val_t{bytes >= kHugePage ? kHugePage : kCacheLine};
}

}  // namespace

void* allocate(std::size_t bytes) {
  void* const memory = ::operator new[](bytes, alignment_for(bytes));
#if defined(MADV_HUGEPAGE)
  // Advice: where it is not taken, the pages are small.
  if (bytes >= kHugePage) (void)madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

void release(void* memory, std::size_t bytes) noexcept {
  ::operator delete[](memory, alignment_for(bytes));
}

}  // namespace microgpt::line_memory
