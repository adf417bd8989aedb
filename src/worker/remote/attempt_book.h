#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/id.h"
#include "worker/attempt_key.h"

namespace tandem::worker::remote {

// What a service calls an attempt. Its ids may have any form.
struct ServiceName {
  std::string task_id;
  std::uint32_t attempt = 0;  // 0: it numbers none
  auto operator<=>(const ServiceName&) const = default;
};

// The attempts that are ours, by their service's names and by ours. Thread-safe.
class AttemptBook {
 public:
  explicit AttemptBook(IdSource& ids) : ids_(ids) {}

  // Ours for this name, which is new: the id itself where it has our form.
  AttemptKey add(const ServiceName& name);
  void remove(const AttemptKey& key);
  std::optional<AttemptKey> find(const ServiceName& name) const;
  std::optional<ServiceName> name_of(const AttemptKey& key) const;
  // The attempt of this task with the highest number, where the service's words name none.
  std::optional<AttemptKey> latest(const std::string& task_id) const;

 private:
  IdSource& ids_;
  mutable std::mutex mutex_;
  std::map<ServiceName, AttemptKey> keys_;                             // guarded by mutex_
  std::unordered_map<AttemptKey, ServiceName, AttemptKeyHash> names_;  // guarded by mutex_
};

}  // namespace tandem::worker::remote
