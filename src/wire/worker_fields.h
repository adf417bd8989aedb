#pragma once

#include "wire/json_writer.h"
#include "wire/loose.h"
#include "wire/worker_json.h"

// The configuration's members, which GET …/config and the frames of a worker's socket share.
namespace tandem::wire {

void write_polling_config(JsonWriter& writer, const PollingConfig& config);
PollingConfig read_polling_config(const loose::Object& object);

}  // namespace tandem::wire
