// What the machine gives, whatever is trained on it: the rate of multiply-adds, whether somebody
// else is on its cores, and how long threads take to meet and to tell each other something.
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

/// Seconds a cache line, where a core reads line after line that another has just written. The two
/// may be anywhere: a hypervisor has virtual cores far apart for a while, and then side by side.
[[nodiscard]] double line_from_another_core();

}  // namespace microgpt::bench
