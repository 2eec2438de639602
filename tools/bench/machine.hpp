// What the machine gives, whatever is trained on it: the rate of multiply-adds, whether somebody
// else is on its cores, and how long threads take to meet.
#pragma once

namespace microgpt::bench {

/// Floating-point operations a second (two a multiply-add) of the calling thread, from a loop of
/// independent fused multiply-adds in float32 that takes some milliseconds.
[[nodiscard]] double fma_rate();

/// The same of so many threads together.
[[nodiscard]] double fma_rate_together(int threads);

/// How much of their rate so many threads keep, the one that keeps least, when each multiply-add
/// comes with half an instruction more. A core has room for those beside its multiply-adds: the
/// rate stays (1). If another machine's thread is on the same core, as a hyperthread, each gets
/// half of the instructions a cycle, and it falls to 0.7 or so.
[[nodiscard]] double room_beside_multiply_adds(int threads);

/// Seconds that it takes a pool of so many workers to begin and end a phase: what it takes longer
/// than one worker alone when each has the same work.
[[nodiscard]] double handing_over(int threads);

}  // namespace microgpt::bench
