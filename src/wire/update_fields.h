#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire/fields.h"
#include "wire/json_writer.h"
#include "wire/update_json.h"

// The parts of update_json that the frames of a worker's socket carry too. read_* note what is
// wrong; write_* write members into an object that is open.
namespace tandem::wire {

AttemptRef read_attempt_ref(Fields& fields);
// The member `name`, which outlives `fields`: a list of at most kMaxBatchTasks.
std::vector<AttemptRef> read_attempt_refs(Fields& fields, std::string_view name,
                                          std::vector<FieldError>& errors);
void write_attempt_refs(JsonWriter& writer, std::span<const AttemptRef> refs);
// `text` is that of the object, for the result.
Update read_update(Fields& fields, std::string_view text, std::string_view prefix,
                   std::vector<FieldError>& errors);
// One update, or those of the member `updates`.
Updates read_updates(Fields& fields, std::string_view text, std::vector<FieldError>& errors);
void write_update(JsonWriter& writer, const Update& update, std::string_view status_name);
void write_update_answer(JsonWriter& writer, const UpdateAnswer& answer);
// The member `error`.
void write_refusal(JsonWriter& writer, const Error& error);
UpdateAnswer read_update_answer(const boost::json::object& object);

}  // namespace tandem::wire
