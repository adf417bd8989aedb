#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/task.h"
#include "service/terms.h"
#include "wire/update_json.h"

// Whether a 2xx says that what was told has arrived. A service of ours names what it has; what it
// does not name was lost on the way, whoever has answered, and is told again.
namespace tandem::service {

// The answers to updates of the jobs `told`, in their order; nothing where one has none. Any
// service but ours acknowledges by whatever it says, and is heard where that can be read.
std::vector<std::optional<wire::UpdateAnswer>> answers_to(const Terms& terms,
                                                          std::span<const wire::AttemptRef> told,
                                                          std::string_view body);
// Of ours alone. The last durable seq of a log.
std::optional<std::uint64_t> committed_in(std::string_view body);
// This very file was stored.
bool has_stored(std::string_view body, const FileInfo& file);

// What a 2xx without one comes to.
Error no_receipt();

}  // namespace tandem::service
