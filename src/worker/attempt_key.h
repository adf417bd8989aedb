#pragma once

#include <cstdint>
#include <functional>

#include "base/id.h"

namespace tandem::worker {

struct AttemptKey {
  TaskId task_id;
  std::uint32_t attempt = 0;
  bool operator==(const AttemptKey&) const = default;
};

struct AttemptKeyHash {
  std::size_t operator()(const AttemptKey& key) const {
    return std::hash<Uuid>{}(key.task_id) ^ (key.attempt * 0x9E3779B97F4A7C15ull);
  }
};

}  // namespace tandem::worker
