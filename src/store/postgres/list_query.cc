#include "store/postgres/list_query.h"

#include <algorithm>

#include "base/encoding.h"
#include "postgres_queries.h"
#include "store/postgres/task_rows.h"

namespace tandem::store::postgres {
namespace {

namespace sql = tandem::sql::postgres;

std::string status_list(const StatusSet& statuses) {
  if (statuses.empty()) return {};
  std::string list = ",";
  for (const TaskStatus status : kAllStatuses)
    if (statuses.contains(status)) list.append(to_string(status)).push_back(',');
  return list;
}

template <class Predicate>
bool asks_for_any(const StatusSet& statuses, Predicate predicate) {
  return statuses.empty() ||
         std::any_of(kAllStatuses.begin(), kAllStatuses.end(), [&](TaskStatus status) {
           return statuses.contains(status) && predicate(status);
         });
}

bool asks_for_leased_only(const StatusSet& statuses) {
  return !statuses.empty() &&
         !asks_for_any(statuses, [](TaskStatus status) { return !is_leased(status); });
}

std::string lower_ascii(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// No row can hold another text, and the database would refuse to look for it.
bool is_text(std::string_view text) {
  return is_utf8(text) && text.find('\0') == std::string_view::npos;
}

bool can_match(const TaskFilter& filter) {
  const bool texts = is_text(filter.job_type) && is_text(filter.queue) && is_text(filter.search);
  return texts && std::all_of(filter.labels.begin(), filter.labels.end(), [](const auto& label) {
           const auto separators = std::string_view("=\x1f");
           return label.first.find_first_of(separators) == std::string::npos &&
                  label.second.find('\x1f') == std::string::npos && is_text(label.first) &&
                  is_text(label.second);
         });
}

}  // namespace

std::optional<Statement> list_statement(const TaskFilter& filter) {
  if (filter.limit <= 0 || !can_match(filter)) return std::nullopt;
  const bool leased_only = asks_for_leased_only(filter.statuses);
  Statement list{leased_only        ? sql::list_leased
                 : filter.client_id ? sql::list_of_client
                                    : sql::list_all};
  TaskId above_all;
  above_all.bytes.fill(0xff);
  Params& params = list.params;
  params.id(filter.before.value_or(above_all)).text_or_null(status_list(filter.statuses));
  params.text_or_null(filter.job_type).text_or_null(filter.queue);
  filter.worker_id ? params.id(*filter.worker_id) : params.null();
  params.text_or_null(label_text(filter.labels)).text_or_null(lower_ascii(filter.search));
  params.time(filter.created_after).time(filter.created_before).bigint(filter.limit);
  if (!leased_only) {
    const auto active = [](TaskStatus status) { return !is_terminal(status); };
    params.boolean(asks_for_any(filter.statuses, active));
    params.boolean(asks_for_any(filter.statuses, is_terminal));
  }
  if (leased_only || filter.client_id) params.id(filter.client_id);
  return list;
}

}  // namespace tandem::store::postgres
