#include "worker/remote/attempt_book.h"

#include <algorithm>
#include <limits>

namespace tandem::worker::remote {

AttemptKey AttemptBook::add(const ServiceName& name) {
  const auto same_form = TaskId::parse(name.task_id);
  const AttemptKey key{same_form ? *same_form : ids_.make<TaskId>(), std::max(name.attempt, 1u)};
  const std::lock_guard lock(mutex_);
  keys_[name] = key;
  names_[key] = name;
  return key;
}

void AttemptBook::remove(const AttemptKey& key) {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(key);
  if (found == names_.end()) return;
  keys_.erase(found->second);
  names_.erase(found);
}

std::optional<AttemptKey> AttemptBook::find(const ServiceName& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = keys_.find(name);
  if (found == keys_.end()) return std::nullopt;
  return found->second;
}

std::optional<ServiceName> AttemptBook::name_of(const AttemptKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(key);
  if (found == names_.end()) return std::nullopt;
  return found->second;
}

std::optional<AttemptKey> AttemptBook::latest(const std::string& task_id) const {
  const std::lock_guard lock(mutex_);
  const auto after = keys_.upper_bound({task_id, std::numeric_limits<std::uint32_t>::max()});
  if (after == keys_.begin()) return std::nullopt;
  const auto last = std::prev(after);
  if (last->first.task_id != task_id) return std::nullopt;
  return last->second;
}

}  // namespace tandem::worker::remote
