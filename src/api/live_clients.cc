#include "api/live_clients.h"

#include <mutex>

#include "base/limits.h"

namespace tandem::api {
namespace {

Result<std::unordered_set<ClientId>> read_all(store::TaskReader& reader) {
  std::unordered_set<ClientId> ids;
  std::optional<ClientId> after;
  while (true) {
    auto page = reader.list_clients(after, limits::kMaxPageItems);
    if (!page) return page.error();
    for (const store::Client& client : *page) ids.insert(client.client_id);
    if (page->size() < static_cast<std::size_t>(limits::kMaxPageItems)) return ids;
    after = page->back().client_id;
  }
}

}  // namespace

Result<void> LiveClients::load(store::TaskReader& reader) {
  while (true) {
    const std::uint64_t before = changes_.load();
    auto all = read_all(reader);
    if (!all) return all.error();
    const std::unique_lock lock(mutex_);
    if (changes_.load() != before) continue;  // what was read may be older
    ++changes_;
    ids_ = std::move(*all);
    loaded_.store(true, std::memory_order_release);
    return {};
  }
}

Result<void> LiveClients::look_for(store::TaskReader& reader, ClientId id) {
  while (true) {
    const std::uint64_t before = changes_.load();
    const auto client = reader.find_client(id);
    if (!client) return client.error();
    if (!*client) return {};
    const std::unique_lock lock(mutex_);
    if (changes_.load() != before) continue;  // it may be gone since
    ids_.insert(id);
    return {};
  }
}

bool LiveClients::contains(ClientId id) const {
  const std::shared_lock lock(mutex_);
  return ids_.contains(id);
}

void LiveClients::add(ClientId id) {
  const std::unique_lock lock(mutex_);
  ++changes_;
  ids_.insert(id);
}

void LiveClients::remove(ClientId id) {
  const std::unique_lock lock(mutex_);
  ++changes_;
  ids_.erase(id);
}

}  // namespace tandem::api
