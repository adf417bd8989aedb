#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/task.h"

namespace tandem::store {

// The packed columns of a task: members that no query looks at. Reading answers false where the
// bytes are not what was written.

// requires_labels of a lane.
std::string pack_list(const std::vector<std::string>& list);
bool unpack_list(std::string_view bytes, std::vector<std::string>& list);

// Labels, as pairs in order; empty where there are none.
std::string pack_labels(const Labels& labels);
std::string pack_labels(const std::vector<std::pair<std::string, std::string>>& labels);
bool unpack_labels(std::string_view bytes, Labels& labels);
// Are all pairs of `wanted` among `labels`?
bool has_labels(std::string_view labels, std::string_view wanted);

// What never changes: the spec's durations and switches, callback_url, env, and the input files.
std::string pack_spec(const Task& task);
bool unpack_spec(std::string_view bytes, Task& task);

// What an attempt has brought so far: progress, input_request, error, exit_code, signal, outputs,
// log. Empty where nothing of it is set.
std::string pack_state(const Task& task);
bool unpack_state(std::string_view bytes, Task& task);

}  // namespace tandem::store
