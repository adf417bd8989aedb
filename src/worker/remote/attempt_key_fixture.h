#pragma once

#include <cstdint>

#include "worker/attempt_key.h"

namespace tandem::worker::remote {

// For tests: the first attempt of a task that is known by a number.
inline AttemptKey numbered_key(std::uint8_t number) {
  AttemptKey key{.task_id = {}, .attempt = 1};
  key.task_id.bytes[0] = number;
  return key;
}

}  // namespace tandem::worker::remote
