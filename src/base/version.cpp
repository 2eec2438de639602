#include "microgpt/version.hpp"

namespace microgpt {
namespace {

constexpr const char* kCompiler =
#if defined(__clang__)
    "clang " __clang_version__;
#elif defined(__GNUC__)
    "gcc " __VERSION__;
#else
    "unknown compiler";
#endif

constexpr const char* kInstructions =
#if defined(__AVX512F__)
    "x86-64 with AVX-512";
#elif defined(__AVX2__)
    "x86-64 with AVX2";
#elif defined(__AVX__)
    "x86-64 with AVX";
#elif defined(__x86_64__)
        "x86-64";
#elif defined(__aarch64__)
        "AArch64";
#else
        "generic";
#endif

}  // namespace

std::string program_version() { return MICROGPT_VERSION; }

std::string build_description() { return std::string(kCompiler) + ", " + kInstructions; }

}  // namespace microgpt
