#include "store/postgres/lanes.h"

#include <set>

#include "postgres_queries.h"
#include "store/postgres/task_rows.h"
#include "store/task_codec.h"

namespace tandem::store::postgres {
namespace {

namespace sql = tandem::sql::postgres;

constexpr std::size_t kMaxKnown = 65'536;

Params columns_of(const std::vector<LaneKey>& keys) {
  Column client{Type::uuid}, queue{Type::text}, job_type{Type::text}, assignment{Type::text},
      needed{Type::bytea};
  for (const LaneKey& key : keys) {
    client.id(key.client_id);
    queue.bytes(key.queue);
    job_type.bytes(key.job_type);
    assignment.bytes(to_string(key.assignment));
    needed.bytes(pack_list(key.requires_labels));
  }
  Params params;
  params.column(client).column(queue).column(job_type).column(assignment).column(needed);
  return params;
}

}  // namespace

// `keys` in order, so that two servers which make the same lanes do not wait for each other in a
// ring.
Result<void> Lanes::look_up(const std::vector<LaneKey>& keys, bool make) {
  std::vector<Statement> statements;
  if (make) statements.push_back({sql::insert_lanes, columns_of(keys)});
  statements.push_back({sql::find_lanes, columns_of(keys)});
  auto answers = runner_.run(statements);
  if (!answers) return answers.error();
  const Rows& found = answers->back();
  for (int i = 0; i < found.size(); ++i) {
    const auto place = static_cast<std::size_t>(found.number(i, 0)) - 1;
    if (place >= keys.size()) return unreadable();
    known_[keys[place]] = found.number(i, 1);
  }
  return {};
}

Result<std::vector<std::int64_t>> Lanes::numbers_of(const std::vector<LaneKey>& keys) {
  std::set<LaneKey> missing;
  for (const LaneKey& key : keys)
    if (!known_.contains(key)) missing.insert(key);
  if (!missing.empty()) {
    if (known_.size() + missing.size() > kMaxKnown) {
      known_.clear();
      missing.insert(keys.begin(), keys.end());
    }
    const std::vector<LaneKey> wanted(missing.begin(), missing.end());
    if (auto found = look_up(wanted, true); !found) return found.error();
  }
  std::vector<std::int64_t> numbers;
  for (const LaneKey& key : keys) {
    const auto known = known_.find(key);
    if (known == known_.end()) return unreadable();
    numbers.push_back(known->second);
  }
  return numbers;
}

Result<std::optional<std::int64_t>> Lanes::find(const LaneKey& key) {
  if (!known_.contains(key))
    if (auto found = look_up({key}, false); !found) return found.error();
  const auto known = known_.find(key);
  if (known == known_.end()) return std::optional<std::int64_t>{};
  return std::optional(known->second);
}

}  // namespace tandem::store::postgres
