#pragma once

#include <string_view>

#include "store/task_reader.h"

namespace tandem::store {

// The meaning of TaskFilter, the same for all engines: true where the task belongs on the list.
// `before` counts, `limit` does not.
bool matches(const Task& task, const TaskFilter& filter);

// What TaskFilter::search looks at.
bool search_hits(std::string_view needle, std::string_view job_type, const TaskId& id,
                 std::string_view payload);

}  // namespace tandem::store
