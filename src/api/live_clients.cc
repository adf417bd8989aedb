#include "api/live_clients.h"

#include <mutex>

#include "base/limits.h"

namespace tandem::api {

Result<void> LiveClients::load(store::TaskReader& reader) {
  std::optional<ClientId> after;
  while (true) {
    auto page = reader.list_clients(after, limits::kMaxPageItems);
    if (!page) return page.error();
    {
      const std::unique_lock lock(mutex_);
      for (const store::Client& client : *page) ids_.insert(client.client_id);
    }
    if (page->size() < static_cast<std::size_t>(limits::kMaxPageItems)) break;
    after = page->back().client_id;
  }
  loaded_.store(true, std::memory_order_release);
  return {};
}

bool LiveClients::contains(ClientId id) const {
  const std::shared_lock lock(mutex_);
  return ids_.contains(id);
}

void LiveClients::add(ClientId id) {
  const std::unique_lock lock(mutex_);
  ids_.insert(id);
}

void LiveClients::remove(ClientId id) {
  const std::unique_lock lock(mutex_);
  ids_.erase(id);
}

}  // namespace tandem::api
