#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/task.h"
#include "wire/decoded.h"

namespace tandem::wire {

// The body of POST /api/v1/tasks (and the part `task` of a multipart body).
Decoded<TaskSpec> decode_submit(std::string_view body);
// {"tasks": [1..kMaxBatchTasks]}: all or none; fields are named `tasks[3].priority`.
Decoded<std::vector<TaskSpec>> decode_batch(std::string_view body);

// Every member of the protocol's task, in its order.
void encode_task(const Task& task, std::string& out);
// {"tasks": […]}
void encode_tasks(std::span<const Task> tasks, std::string& out);
// A submit's body, for clients; members that have their default are left out.
void encode_spec(const TaskSpec& spec, std::string& out);

// What encode_task wrote, read back by a client: unknown members are passed over. What the wire
// does not carry (env, inputs, retry rules) keeps its default. Errors: bad_json, bad_request.
Result<Task> decode_task(std::string_view text);

// [{name, size_bytes, sha256, content_type}]
void encode_files(std::span<const FileInfo> files, std::string& out);

// The schema of GET …/polling/config/statuses: {"statuses": [{name, terminal, settable_by_worker,
// next: […]}], "schema": {…}}. Made once; the view lives for ever.
std::string_view statuses_json();

}  // namespace tandem::wire
