#pragma once

#include <boost/json/array.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "wire/fields.h"
#include "wire/json_writer.h"
#include "wire/log_json.h"

// The parts of log_json that other messages carry too.
namespace tandem::wire {

// attempt, first_seq and records of `fields`; notes what is wrong.
LogBatch read_log_batch(Fields& fields, std::string_view prefix, std::vector<FieldError>& errors);
// The same members, into an object that is open.
void write_log_batch(JsonWriter& writer, std::span<const LogLine> lines);
std::vector<OwnedLogLine> read_log_lines(const boost::json::array& values);

}  // namespace tandem::wire
