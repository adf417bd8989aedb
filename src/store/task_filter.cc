#include "store/task_filter.h"

#include <algorithm>

namespace tandem::store {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool contains(std::string_view text, std::string_view needle) {
  return std::search(text.begin(), text.end(), needle.begin(), needle.end(),
                     [](char a, char b) { return lower(a) == lower(b); }) != text.end() ||
         needle.empty();
}

bool has_labels(const Task& task, const TaskFilter& filter) {
  return std::all_of(filter.labels.begin(), filter.labels.end(), [&](const auto& wanted) {
    const auto found = task.spec.labels.find(wanted.first);
    return found != task.spec.labels.end() && found->second == wanted.second;
  });
}

template <class T>
bool equals(const std::optional<T>& wanted, const T& value) {
  return !wanted || *wanted == value;
}

bool equals(const std::string& wanted, const std::string& value) {
  return wanted.empty() || wanted == value;
}

}  // namespace

bool search_hits(std::string_view needle, std::string_view job_type, const TaskId& id,
                 std::string_view payload) {
  return contains(job_type, needle) || contains(to_string(id), needle) || contains(payload, needle);
}

bool matches(const Task& task, const TaskFilter& filter) {
  const TaskSpec& spec = task.spec;
  return equals(filter.client_id, task.client_id) &&
         (filter.statuses.empty() || filter.statuses.contains(task.status)) &&
         equals(filter.job_type, spec.job_type) && equals(filter.queue, spec.queue) &&
         equals(filter.worker_id, task.worker_id) &&
         (!filter.created_after || task.created_at > *filter.created_after) &&
         (!filter.created_before || task.created_at < *filter.created_before) &&
         (!filter.before || task.task_id < *filter.before) && has_labels(task, filter) &&
         (filter.search.empty() ||
          search_hits(filter.search, spec.job_type, task.task_id, spec.payload));
}

}  // namespace tandem::store
