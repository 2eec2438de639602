// What one core could do: the rate of independent fused multiply-adds in float32.
#pragma once

namespace microgpt::bench {

/// Floating-point operations a second (two a multiply-add) of the calling thread, from a loop of
/// some milliseconds.
[[nodiscard]] double fma_rate();

/// The same of so many threads together.
[[nodiscard]] double fma_rate_together(int threads);

}  // namespace microgpt::bench
