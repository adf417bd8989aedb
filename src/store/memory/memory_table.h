#pragma once

#include <map>
#include <optional>
#include <utility>

namespace tandem::store {

// Rows of a kind with what a transaction needs: reads see its writes, `committed` does not, and
// rollback brings the old rows back. Costs what was touched, not what is there.
template <class Key, class Row>
class MemoryTable {
 public:
  using Rows = std::map<Key, Row>;

  const Rows& rows() const { return rows_; }
  const Row* find(const Key& key) const {
    const auto at = rows_.find(key);
    return at == rows_.end() ? nullptr : &at->second;
  }
  void put(const Key& key, Row row) {
    const auto [at, fresh] = rows_.try_emplace(key);
    if (fresh) {
      before_.try_emplace(key, std::nullopt);
    } else {
      before_.try_emplace(key, std::move(at->second));
    }
    at->second = std::move(row);
  }
  void erase(const Key& key) {
    const auto at = rows_.find(key);
    if (at == rows_.end()) return;
    before_.try_emplace(key, std::move(at->second));
    rows_.erase(at);
  }

  // What the transaction touched, and the row as it was.
  const std::map<Key, std::optional<Row>>& before() const { return before_; }
  const Row* committed(const Key& key) const {
    const auto old = before_.find(key);
    if (old == before_.end()) return find(key);
    return old->second ? &*old->second : nullptr;
  }
  // Calls visit(row) for the committed rows with greatest key first until it answers false.
  template <class Visit>
  void visit_committed_down(Visit visit) const;

  void commit() { before_.clear(); }
  void rollback() {
    for (auto& [key, row] : before_) {
      if (row) {
        rows_.insert_or_assign(key, std::move(*row));
      } else {
        rows_.erase(key);
      }
    }
    before_.clear();
  }

 private:
  Rows rows_;
  std::map<Key, std::optional<Row>> before_;
};

template <class Key, class Row>
template <class Visit>
void MemoryTable<Key, Row>::visit_committed_down(Visit visit) const {
  auto now = rows_.rbegin();
  auto old = before_.rbegin();
  while (now != rows_.rend() || old != before_.rend()) {
    const bool take_old =
        old != before_.rend() && (now == rows_.rend() || !(old->first < now->first));
    if (!take_old) {
      if (!visit(now->second)) return;
      ++now;
      continue;
    }
    if (now != rows_.rend() && !(now->first < old->first)) ++now;
    if (old->second && !visit(*old->second)) return;
    ++old;
  }
}

}  // namespace tandem::store
