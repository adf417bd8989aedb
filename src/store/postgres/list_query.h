#pragma once

#include "store/postgres/link.h"
#include "store/task_reader.h"

namespace tandem::store::postgres {

// The statement for a list; nothing where no task can be on it.
std::optional<Statement> list_statement(const TaskFilter& filter);

}  // namespace tandem::store::postgres
