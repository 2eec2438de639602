// How backward leaves the gradients of a piece in its worker's buffer.
#pragma once

namespace microgpt {

/// Whether a gradient joins what its buffer holds, or replaces it.
enum class Gradient { replace, add };

}  // namespace microgpt
