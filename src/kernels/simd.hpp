// The one place that knows how wide the machine's vectors are. Vector<Scalar> is a GCC/Clang vector
// type: + - * / act on all lanes, and the same source serves SSE, AVX2, AVX-512 and NEON.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace microgpt::kernels {

#if defined(__AVX512F__)
inline constexpr std::size_t kVectorBytes = 64;
inline constexpr std::size_t kVectorRegisters = 32;
#elif defined(__AVX__)
inline constexpr std::size_t kVectorBytes = 32;
inline constexpr std::size_t kVectorRegisters = 16;
#elif defined(__aarch64__)
inline constexpr std::size_t kVectorBytes = 16;
inline constexpr std::size_t kVectorRegisters = 32;
#else
inline constexpr std::size_t kVectorBytes = 16;
inline constexpr std::size_t kVectorRegisters = 16;
#endif

template <class Scalar>
struct VectorOf {
  using Type [[gnu::vector_size(kVectorBytes)]] = Scalar;
  using InMemory [[gnu::vector_size(kVectorBytes), gnu::aligned(alignof(Scalar))]] = Scalar;
};
template <class Scalar>
using Vector = typename VectorOf<Scalar>::Type;

/// Scalars in one vector.
template <class Scalar>
inline constexpr std::ptrdiff_t kLanes = static_cast<std::ptrdiff_t>(kVectorBytes / sizeof(Scalar));

/// `count` rounded up to whole vectors: the stride of a matrix whose rows start aligned.
template <class Scalar>
constexpr std::ptrdiff_t padded(std::ptrdiff_t count) {
  return (count + kLanes<Scalar> - 1) / kLanes<Scalar> * kLanes<Scalar>;
}

// A vector in memory aliases scalars of its kind alone. (Through memcpy it would alias everything,
// and whatever a loop knows of its matrices would be read again after each store.)
template <class Scalar>
inline Vector<Scalar> load(const Scalar* from) {
  return *reinterpret_cast<const typename VectorOf<Scalar>::InMemory*>(from);
}

template <class Scalar>
inline void store(Scalar* to, Vector<Scalar> vector) {
  *reinterpret_cast<typename VectorOf<Scalar>::InMemory*>(to) = vector;
}

#if defined(__AVX__) && !defined(__AVX512F__)
/// All bits set in the first `count` lanes, none in the others.
template <class Scalar>
inline auto mask_of_first(std::ptrdiff_t count) {
  using Integer = std::conditional_t<sizeof(Scalar) == 4, std::int32_t, std::int64_t>;
  constexpr std::ptrdiff_t kCount = kLanes<Scalar>;
  static constexpr auto kSetThenUnset = [] {
    std::array<Integer, 2 * kCount> integers{};
    std::fill_n(integers.begin(), kCount, Integer{-1});
    return integers;
  }();
  return std::bit_cast<__m256i>(load(kSetThenUnset.data() + kCount - count));
}
#endif

/// The first `count` lanes from memory, zero in the others; nothing beyond is touched.
template <class Scalar>
inline Vector<Scalar> load_partial(const Scalar* from, std::ptrdiff_t count) {
#if defined(__AVX512F__)
  const auto mask = (1U << static_cast<unsigned>(count)) - 1U;
  if constexpr (sizeof(Scalar) == 4) {
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), from);
  } else {
    return _mm512_maskz_loadu_pd(static_cast<__mmask8>(mask), from);
  }
#elif defined(__AVX__)
  if constexpr (sizeof(Scalar) == 4) {
    return _mm256_maskload_ps(from, mask_of_first<Scalar>(count));
  } else {
    return _mm256_maskload_pd(from, mask_of_first<Scalar>(count));
  }
#else
  Vector<Scalar> vector{};
  for (std::ptrdiff_t lane = 0; lane < count; ++lane) vector[lane] = from[lane];
  return vector;
#endif
}

/// The first `count` lanes to memory; nothing beyond is touched.
template <class Scalar>
inline void store_partial(Scalar* to, Vector<Scalar> vector, std::ptrdiff_t count) {
#if defined(__AVX512F__)
  const auto mask = (1U << static_cast<unsigned>(count)) - 1U;
  if constexpr (sizeof(Scalar) == 4) {
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>(mask), vector);
  } else {
    _mm512_mask_storeu_pd(to, static_cast<__mmask8>(mask), vector);
  }
#elif defined(__AVX__)
  if constexpr (sizeof(Scalar) == 4) {
    _mm256_maskstore_ps(to, mask_of_first<Scalar>(count), vector);
  } else {
    _mm256_maskstore_pd(to, mask_of_first<Scalar>(count), vector);
  }
#else
  for (std::ptrdiff_t lane = 0; lane < count; ++lane) to[lane] = vector[lane];
#endif
}

/// x in every lane. (Taking 0 away leaves even -0 what it is; adding it would not.)
template <class Scalar>
[[gnu::always_inline]] inline Vector<Scalar> broadcast(Scalar x) {
  return x - Vector<Scalar>{};
}

/// a · b + c: rounded once, where the machine has an instruction for it. Nothing else is fused. If
/// the compiler chose where to, the same sum could have other bits in another copy of a kernel.
template <class Scalar>
[[gnu::always_inline]] inline Vector<Scalar> fma(Vector<Scalar> a, Vector<Scalar> b,
                                                 Vector<Scalar> c) {
#if defined(__AVX512F__)
  if constexpr (sizeof(Scalar) == 4) {
    return _mm512_fmadd_ps(a, b, c);
  } else {
    return _mm512_fmadd_pd(a, b, c);
  }
#elif defined(__AVX__) && defined(__FMA__)
  if constexpr (sizeof(Scalar) == 4) {
    return _mm256_fmadd_ps(a, b, c);
  } else {
    return _mm256_fmadd_pd(a, b, c);
  }
#elif defined(__aarch64__)
  if constexpr (sizeof(Scalar) == 4) {
    return vfmaq_f32(c, a, b);
  } else {
    return vfmaq_f64(c, a, b);
  }
#else
  return a * b + c;
#endif
}
template <class Scalar>
[[gnu::always_inline]] inline Vector<Scalar> fma(Vector<Scalar> a, Scalar b, Vector<Scalar> c) {
  return fma<Scalar>(a, broadcast(b), c);
}

/// Keeps a vector in a register. With 16 of them gcc would rather read it from memory again at each
/// use, as an operand of the multiply-add, and two loads a cycle is what a core has.
template <class V>
[[gnu::always_inline]] inline void keep_in_register([[maybe_unused]] V& vector) {
#if defined(__SSE2__) && !defined(__AVX512F__)
  asm("" : "+x"(vector));
#endif
}

/// 0, 1, 2, …
template <class Scalar>
[[gnu::always_inline]] inline Vector<Scalar> lane_numbers() {
  Vector<Scalar> lane{};
  for (std::ptrdiff_t i = 0; i < kLanes<Scalar>; ++i) lane[i] = static_cast<Scalar>(i);
  return lane;
}

/// A vector of doubles from as many scalars in memory.
template <class Scalar>
inline Vector<double> load_as_double(const Scalar* from) {
  if constexpr (sizeof(Scalar) == sizeof(double)) {
    return load(from);
  } else {
#if defined(__AVX512F__)
    return _mm512_cvtps_pd(_mm256_loadu_ps(from));  // gcc 12 would convert quarters
#else
    Vector<double> vector;
    for (std::ptrdiff_t lane = 0; lane < kLanes<double>; ++lane) vector[lane] = from[lane];
    return vector;
#endif
  }
}

/// x · 2ⁿ for integers n whose power of two is a normal number.
template <class Scalar>
[[gnu::always_inline]] inline Vector<Scalar> times_power_of_two(Vector<Scalar> x,
                                                                Vector<Scalar> n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(Scalar) == 4) {
    return _mm512_scalef_ps(x, n);
  } else {
    return _mm512_scalef_pd(x, n);
  }
#else
  // Added to this, an integer stands in the lowest bits, and is shifted to where exponents are.
  constexpr int kDigits = std::numeric_limits<Scalar>::digits;
  constexpr Scalar kBias = Scalar{3} * (Scalar{1} * (std::uint64_t{1} << (kDigits - 2))) +
                           (std::numeric_limits<Scalar>::max_exponent - 1);
  using Integer = std::conditional_t<sizeof(Scalar) == 4, std::int32_t, std::int64_t>;
  return x * std::bit_cast<Vector<Scalar> >(std::bit_cast<Vector<Integer> >(n + kBias)
                                            << (kDigits - 1));
#endif
}

/// Lane l of the result is lane Lanes[l] of a and b, one behind the other.
template <int... Lanes, class V>
[[gnu::always_inline]] inline V shuffle(V a, V b, std::integer_sequence<int, Lanes...> /*lanes*/) {
  return __builtin_shufflevector(a, b, Lanes...);
}

/// All lanes of the vector combined into one, which every lane of the result holds: each with the
/// one half a vector away, then a quarter, …
template <class Scalar, int Distance = static_cast<int>(kLanes<Scalar>) / 2, class Combine>
[[gnu::always_inline]] inline Vector<Scalar> across_lanes(Vector<Scalar> v, Combine&& combine) {
  constexpr int kCount = static_cast<int>(kLanes<Scalar>);
  const Vector<Scalar> other = [&]<int... L>(std::integer_sequence<int, L...>)
      __attribute__((always_inline)) {
    return shuffle(v, v, std::integer_sequence<int, ((L + Distance) % kCount)...>{});
  }
  (std::make_integer_sequence<int, kCount>{});
  v = combine(v, other);
  if constexpr (Distance > 1) return across_lanes<Scalar, Distance / 2>(v, combine);
  return v;
}

/// Calls body(0), body(1), … body(Count - 1) with compile-time indices: an array of vectors stays
/// in registers only where every index into it is a constant.
template <int Count, class Body>
[[gnu::always_inline]] inline void unrolled(Body&& body) {
  [&]<int... Indices>(std::integer_sequence<int, Indices...>) __attribute__((always_inline)) {
    (body(std::integral_constant<int, Indices>{}), ...);
  }
  (std::make_integer_sequence<int, Count>{});
}

}  // namespace microgpt::kernels
