#include "app/upstream_loop.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <future>
#include <memory>
#include <string>

#include "app/installation.h"
#include "app/long_running.h"

namespace tandem::app {
namespace {

upstream::UpstreamSettings settings_of(const config::Settings& settings, ClientId client) {
  return {.config_url = settings.upstream_config_url,
          .token = settings.upstream_token,
          .ca_file = settings.ca_file,
          .client_id = client,
          .queue = settings.upstream_queue,
          .max_jobs = settings.upstream_max_jobs,
          .poll_interval_ms = settings.poll_interval_ms,
          .grace_ms = settings.grace_ms};
}

}  // namespace

Result<std::optional<ClientId>> upstream_client_of(const config::Settings& settings,
                                                   store::Store& store, IdSource& ids) {
  if (settings.upstream_config_url.empty()) return std::optional<ClientId>();
  if (settings.upstream_client_id.empty()) {
    auto own = Installation::upstream_client(store, ids);
    if (!own) return own.error();
    return std::optional(*own);
  }
  const ClientId named = *ClientId::parse(settings.upstream_client_id);
  const auto is_known = Installation::has_client(store, named);
  if (!is_known) return is_known.error();
  if (!*is_known)
    return fail(Errc::not_found, "TANDEM_UPSTREAM_CLIENT_ID names no client of this server");
  return std::optional(named);
}

UpstreamLoop::UpstreamLoop(const UpstreamWorld& world, const config::Settings& settings,
                           ClientId client)
    : upstream_(upstream::UpstreamParts{.executor = loop_.executor(),
                                        .outbox = outbox_,
                                        .site = world.site,
                                        .random = world.random,
                                        .ids = world.ids,
                                        .say = say},
                settings_of(settings, client)) {
  loop_.start();
  loop_.post([this] { upstream_.start(); });
}

UpstreamLoop::~UpstreamLoop() { loop_.stop(); }

void UpstreamLoop::drain() {
  loop_.post([this] { upstream_.drain(); });
}

void UpstreamLoop::finish() {
  auto finished = std::make_shared<std::promise<void>>();
  loop_.post([this, finished] {
    io::asio::co_spawn(loop_.executor(), upstream_.finish(),
                       [finished](std::exception_ptr) { finished->set_value(); });
  });
  finished->get_future().wait();
}

}  // namespace tandem::app
