#pragma once

#include <string>
#include <vector>

#include "core/task.h"
#include "store/account_store.h"
#include "store/postgres/link.h"

namespace tandem::store::postgres {

// Rows of the views task_rows and finished_rows, and of clients, as both the writer and the readers
// read them. store_unavailable where a packed column can't be read.
// `server`: whose view it is, so that those of other servers are marked; nil: nobody's.
Result<std::vector<Task>> tasks_of(const Rows& rows, const Uuid& server);
Error unreadable();

// Labels as one text: key=value, a unit separator between them; no name or value has one.
std::string label_text(const Labels& labels);
std::string label_text(const std::vector<std::pair<std::string, std::string>>& labels);

Result<std::optional<Client>> find_client_row(Runner& runner, const ClientId& id);
Result<std::vector<Client>> list_client_rows(Runner& runner, const std::optional<ClientId>& after,
                                             int limit);

}  // namespace tandem::store::postgres
