#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/limits.h"
#include "service/discovery.h"
#include "wire/raw_json.h"
#include "worker/remote/remote_state.h"

// How a worker far away learns its service's configuration, and asks for jobs.
namespace tandem::worker::remote {
namespace {

constexpr std::int64_t kCallMs = 20'000;  // for an answer that does not wait
constexpr int kMaxRefusals = 6;           // of the token

bool is_blank(std::string_view body) {
  return body.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

io::Awaitable<void> RemoteLink::begin() {
  service::BackOff pause(parts_.random);
  while (!state_->closing) {
    const auto fetched = co_await fetch_config();
    if (fetched) break;
    complaints_.failed("Reading the configuration", fetched.error());
    co_await io::sleep_for(pause.next_ms(client_.asked_pause_ms(service::Lane::calls)));
  }
  if (state_->closing) co_return;
  complaints_.works("Reading the configuration");
  tasks_.spawn("socket", keep_socket());
  tasks_.spawn("polls", poll());
  tasks_.spawn("news", hear_news());
  tasks_.spawn("reports", tell());
  tasks_.spawn("leases", keep_leases());
  tasks_.spawn("configuration", refresh());
}

// In the seed's form the configuration and the poll are one address: a job may come with it.
io::Awaitable<Result<void>> RemoteLink::fetch_config() {
  auto call = service::config_call(settings_.config_url, settings_.token, terms_.get());
  const MonoTime asked_at = now();
  auto body = co_await client_.call(service::Lane::calls, std::move(call));
  if (!body) {
    look_at_refusal(body.error());
    co_return body.error();
  }
  auto config = service::read_config(*body, settings_.poll_interval_ms);
  if (!config) co_return config.error();
  auto adopted = co_await adopt(std::move(*config));
  if (!adopted) co_return adopted.error();
  if (auto jobs = take_jobs(*body, asked_at); !jobs) complaints_.failed("A job", jobs.error());
  co_return adopted;
}

io::Awaitable<Result<void>> RemoteLink::adopt(wire::PollingConfig config) {
  Result<void> done;
  if (terms_ && service::is_same(terms_->config, config)) co_return done;
  auto made = co_await service::make_terms(client_, std::move(config), settings_.token);
  if (!made) co_return made.error();
  const bool is_change = terms_ != nullptr;
  {
    const std::lock_guard lock(terms_mutex_);
    terms_ = std::move(*made);
  }
  state_->push_is_disabled = false;
  leases_.set_terms(lease_terms_of(terms_->config));
  talk_.set_heartbeat(lease_terms_of(terms_->config).heartbeat_ms);
  plan_.set_terms(*terms_);
  choice_.set_offer(offer_of(terms_->config), now());
  if (is_change) complaints_.note("The service's configuration has changed");
  if (state_->peer && state_->peer_url != socket_url())
    state_->peer->close(net::ws_code::kNormal, "another address");
  wake_all();
  co_return done;
}

ChannelOffer RemoteLink::offer_of(const wire::PollingConfig& config) const {
  using enum wire::WorkerMode;
  const bool may_poll = settings_.mode != push;
  ChannelOffer offer;
  offer.websocket = settings_.mode == push ? !config.push_url.empty()
                                           : settings_.mode == hybrid && !socket_url().empty();
  offer.long_poll = may_poll && !config.claim_url.empty();
  offer.plain_poll = may_poll;
  return offer;
}

io::Awaitable<void> RemoteLink::refresh() {
  service::BackOff pause(parts_.random);
  while (!state_->closing) {
    const std::int64_t wait_ms = service::refresh_ms(*terms_);
    if (!state_->must_refresh) co_await state_->refresh.wait(wait_ms);
    if (state_->closing) co_return;
    state_->must_refresh = false;
    const auto fetched = co_await fetch_config();
    if (fetched) {
      complaints_.works("Reading the configuration");
      pause.reset();
    } else {
      complaints_.failed("Reading the configuration", fetched.error());
    }
    // Also where each call asks for it.
    co_await io::sleep_for(pause.next_ms(client_.asked_pause_ms(service::Lane::calls)));
  }
}

io::Awaitable<Result<std::string>> RemoteLink::ask(service::Lane lane, net::HttpCall call,
                                                   std::string* refusal) {
  auto body = co_await client_.call(lane, std::move(call), refusal);
  if (body)
    state_->refusals = 0;
  else
    look_at_refusal(body.error());
  co_return body;
}

// The header may have changed as well as the token: the configuration says which. Where the service
// has moved it says so too.
void RemoteLink::look_at_refusal(const Error& error) {
  const bool is_transient = row_of(error.code).retryable;
  if (!is_transient) {
    state_->must_refresh = true;
    state_->refresh.wake();
  }
  if (!service::is_of_token(error.code)) return;
  const bool is_final = error.code == Errc::token_revoked || ++state_->refusals >= kMaxRefusals;
  if (!is_final || std::exchange(state_->is_refused, true)) return;
  state_->end.wake();
  parts_.on_refused(error);
}

io::Awaitable<void> RemoteLink::poll() {
  while (!state_->closing) {
    const PollPlan::Step step = plan_.next(choice_.current(now()), free_slots(), now());
    if (step.channel == Channel::none) {
      co_await state_->polls.wait(std::min(kLongMs, step.look_again_at - now()));
      continue;
    }
    plan_.asked(now());
    Result<bool> found = false;
    if (step.channel == Channel::long_poll)
      found = co_await poll_long(service::Lane::polls, step.most);
    else
      found = co_await poll_plainly(step.most);
    const std::int64_t rest_ms = found ? plan_.answered(step, *found, now())
                                       : plan_.failed(client_.asked_pause_ms(service::Lane::polls));
    end_poll();
    if (state_->closing || state_->draining) continue;
    if (found)
      complaints_.works("Asking for jobs");
    else
      complaints_.failed("Asking for jobs", found.error());
    if (rest_ms > 0) co_await io::sleep_for(rest_ms);
  }
}

io::Awaitable<Result<bool>> RemoteLink::poll_plainly(int most) {
  net::HttpCall call;
  call.url = terms_->config.polling_url;
  if (terms_->is_tandem()) call.url = service::with_query(call.url, "max=" + std::to_string(most));
  call.headers = terms_->headers();
  call.timeout_ms = kCallMs;
  const MonoTime asked_at = now();
  auto body = co_await ask(service::Lane::polls, std::move(call));
  if (!body) co_return body.error();
  if (is_blank(*body)) co_return false;
  if (auto checked = wire::check_json(*body); !checked)
    co_return fail(Errc::bad_json, "The answer is no JSON");
  if (auto config = service::read_config(*body, settings_.poll_interval_ms)) {
    auto adopted = co_await adopt(std::move(*config));
    if (!adopted) complaints_.failed("Reading the configuration", adopted.error());
  }
  co_return take_jobs(*body, asked_at);
}

// Those whose acceptance the service has not acknowledged.
std::vector<wire::AttemptRef> RemoteLink::known_offers() const {
  std::vector<wire::AttemptRef> known;
  for (const auto& [key, task] : offered_) {
    if (known.size() == limits::kMaxBatchTasks) break;
    if (const auto name = book_.name_of(key)) known.push_back({name->task_id, name->attempt});
  }
  return known;
}

io::Awaitable<Result<bool>> RemoteLink::poll_long(service::Lane lane, int most) {
  constexpr std::int64_t kBeyondMs = 15'000;
  const std::int64_t wait_ms = std::clamp<std::int64_t>(terms_->config.max_wait_ms, 0, 60'000);
  net::HttpCall call;
  call.method = "POST";
  call.url = terms_->config.claim_url;
  call.headers = terms_->headers();
  call.headers.add("Content-Type", "application/json");
  call.body = wire::encode_claim({.max = most, .wait_ms = wait_ms, .known = known_offers()});
  call.timeout_ms = wait_ms + kBeyondMs;
  const MonoTime asked_at = now();
  auto body = co_await ask(lane, std::move(call));
  if (!body) {
    const Errc code = body.error().code;
    const bool is_unknown = code == Errc::not_found || code == Errc::not_implemented;
    const bool is_cut = PollPlan::was_cut(body.error(), asked_at, now());
    if (is_unknown || is_cut) choice_.long_poll_failed(is_unknown, now());
    co_return body.error();
  }
  choice_.long_poll_worked();
  if (auto updates = wire::decode_update_answers(*body))
    for (const wire::UpdateAnswer& update : *updates)
      if (const auto key = key_of(update.task_id, update.attempt)) hear(*key, update);
  co_return take_jobs(*body, asked_at);
}

io::Awaitable<void> RemoteLink::hear_news() {
  while (!state_->closing) {
    if (!plan_.is_news_due(choice_.current(now()), leases_.size() > 0)) {
      co_await state_->news.wait(kLongMs);
      continue;
    }
    const MonoTime asked_at = now();
    const auto heard = co_await poll_long(service::Lane::calls, 0);
    const std::int64_t rest_ms =
        heard ? plan_.heard_news(asked_at, now())
              : plan_.missed_news(client_.asked_pause_ms(service::Lane::calls));
    if (rest_ms > 0) co_await io::sleep_for(rest_ms);
  }
}

Result<bool> RemoteLink::take_jobs(const std::string& body, MonoTime asked_at) {
  auto jobs = wire::decode_jobs(body);
  if (!jobs) {
    const bool is_object = wire::check_json(body).has_value();
    const std::string task_id = is_object ? wire::string_member(body, "task_id") : "";
    if (!task_id.empty() && !terms_->is_tandem()) reject(task_id, jobs.error().detail);
    return jobs.error();
  }
  for (const wire::Job& job : *jobs) offer(job, asked_at);
  return !jobs->empty();
}

// A job that can't be run is failed, so that it does not come again and again.
void RemoteLink::reject(const std::string& task_id, const std::string& why) {
  if (book_.find({task_id, 0})) return;
  const AttemptKey key = book_.add({task_id, 0});
  spool_.open(key, ReportSpool::FirstWord::any);
  Report refusal{.task_id = key.task_id, .attempt = key.attempt, .kind = ReportKind::failed};
  refusal.error = TaskError{"rejected", why};
  [[maybe_unused]] const bool is_open = spool_.add_report(std::move(refusal), {});
  state_->reports.wake();
}

void RemoteLink::end_poll() {
  if (plan_.is_under_way() || !state_->withdrawn) return;
  io::asio::post(parts_.executor, std::exchange(state_->withdrawn, {}));
}

}  // namespace tandem::worker::remote
