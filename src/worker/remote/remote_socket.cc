#include <algorithm>
#include <unordered_set>
#include <utility>

#include "net/ws_client.h"
#include "wire/close_codes.h"
#include "worker/remote/remote_state.h"

// A worker's socket to its service.
namespace tandem::worker::remote {

std::vector<wire::LogLine> lines_of(const LogBatch& batch, std::uint32_t attempt);

namespace {

constexpr std::size_t kMaxFrameBytes = limits::kMaxWebSocketMessageBytes - 16 * 1024;
constexpr std::size_t kFrameLogBytes = 32u * 1024;     // of a log in one frame
constexpr std::size_t kFrameReports = 64;              // in one frame
constexpr std::size_t kFrameReportBytes = 32u * 1024;  // of results in it, or one

}  // namespace

std::string RemoteLink::socket_url() const {
  const wire::PollingConfig& config = terms_->config;
  const bool is_push = !config.push_url.empty() && !state_->push_is_disabled;
  return is_push || settings_.mode == wire::WorkerMode::push ? config.push_url
                                                             : config.websocket_url;
}

io::Awaitable<void> RemoteLink::keep_socket() {
  while (!state_->closing) {
    const MonoTime next = choice_.next_socket_try();
    if (state_->draining || next > now()) {
      const bool is_never = state_->draining || next == kNever;
      co_await state_->socket.wait(is_never ? kLongMs : next - now());
      continue;
    }
    net::WsClientOptions options;
    options.url = service::with_query(socket_url(), "batch=true");
    options.headers = terms_->headers();
    options.subprotocols = {"tandem.worker.v1"};
    options.ca_file = settings_.ca_file;
    options.silence_ms = std::max<std::int64_t>(terms_->config.heartbeat_ms * 2, 1000);
    options.max_message_bytes = 8u << 20;  // an assignment with its payload
    state_->peer_url = socket_url();
    plan_.socket_is_opening(now());
    auto peer = co_await net::connect_websocket(std::move(options));
    plan_.socket_was_tried();
    if (state_->closing && peer) (*peer)->close(net::ws_code::kNormal, "the worker stops");
    if (peer) {
      complaints_.works("The socket");
      co_await converse(std::move(*peer));
      continue;
    }
    if (peer.error().code == Errc::mode_disabled) state_->push_is_disabled = true;
    look_at_refusal(peer.error());
    complaints_.failed("The socket", peer.error());
    choice_.socket_failed(now());
    wake_all();
  }
}

io::Awaitable<void> RemoteLink::converse(std::shared_ptr<net::WsPeer> peer) {
  state_->peer = peer;
  talk_.open(now());
  choice_.socket_opened(now());
  for (const AttemptKey& key : spool_.keys()) spool_.renew(key);
  say_ready();
  wake_all();
  while (auto frame = co_await peer->receive()) take(*frame);
  socket_ended(peer->closed_by());
}

// A server that stops keeps the leases; any other end starts its clock for us to be heard of.
void RemoteLink::socket_ended(const net::WsClose& why) {
  state_->peer.reset();
  const SocketTalk::Unheard unheard = talk_.close();
  for (const AttemptKey& key : unheard.reports) spool_.report_lost_on_way(key);
  for (const AttemptKey& key : unheard.logs) spool_.logs_lost_on_way(key);
  choice_.socket_ended(now());
  if (why.code == wire::kTokenEnded) {
    state_->must_refresh = true;
    state_->refresh.wake();
  }
  if (why.code != net::ws_code::kGoingAway)
    for (const LeaseEnd& end : leases_.socket_broke(now()))
      order(LeaseOrder{end.key.task_id, end.key.attempt, end.until});
  for (const AttemptKey& key : spool_.keys()) spool_.renew(key);
  complaints_.note("The socket has ended: " + std::to_string(why.code) + " " +
                   service::one_line(why.reason));
  wake_all();
}

bool RemoteLink::send(std::string frame) {
  return state_->peer && state_->peer->send(std::make_shared<const std::string>(std::move(frame)));
}

// One message for all leases; those that find no place in it are said by updates.
void RemoteLink::beat() {
  const MonoTime sent_at = now();
  std::vector<wire::AttemptRef> refs;
  std::vector<AttemptKey> told, left = leases_.take_all(sent_at);
  while (!left.empty() && refs.size() < limits::kMaxBatchTasks) {
    const AttemptKey key = left.back();
    left.pop_back();
    const auto name = book_.name_of(key);
    if (!name) continue;
    const auto given = state_->input_seqs.find(key);
    const std::uint64_t seq = given == state_->input_seqs.end() ? 0 : given->second;
    refs.push_back({name->task_id, name->attempt, seq});
    told.push_back(key);
  }
  if (send(wire::encode_heartbeat_frame(refs)))
    talk_.sent_beat(std::move(told), sent_at);
  else
    left.insert(left.end(), told.begin(), told.end());
  for (const AttemptKey& key : left) spool_.renew(key);
  if (!left.empty()) state_->reports.wake();
}

// One that is neither named here nor lost is said by an update: that has an answer of its own.
void RemoteLink::beat_acknowledged(const std::vector<wire::AttemptRef>& renewed) {
  const auto beat = talk_.beat_answered();
  if (!beat) return;
  std::unordered_set<AttemptKey, AttemptKeyHash> left(beat->leases.begin(), beat->leases.end());
  for (const wire::AttemptRef& task : renewed) {
    const auto key = key_of(task.task_id, task.attempt);
    if (!key || !leases_.holds(*key)) continue;
    left.erase(*key);
    leased(*key, beat->sent_at);
  }
  for (const AttemptKey& key : left) spool_.renew(key);
}

void RemoteLink::say_ready() {
  const int slots = state_->draining ? 0 : free_slots();
  if (talk_.must_say_ready(slots) && send(wire::encode_ready_frame(slots))) talk_.said_ready(slots);
}

// Reports, or else a piece of a log; false: not now. What is too large for a frame goes over HTTP.
io::Awaitable<bool> RemoteLink::send_some() {
  if (auto reports = spool_.take_reports(kFrameReports, kFrameReportBytes); !reports.empty()) {
    std::vector<wire::Update> updates;
    for (const Report& report : reports) updates.push_back(update_of(report));
    std::string frame = wire::encode_update_frame(updates);
    if (frame.size() > kMaxFrameBytes) co_return co_await post_reports(std::move(reports));
    const MonoTime sent_at = now();
    const bool is_sent = send(std::move(frame));
    for (const Report& report : reports) {
      const AttemptKey key{report.task_id, report.attempt};
      if (is_sent)
        talk_.sent_report(key, sent_at);
      else
        spool_.report_lost_on_way(key);
    }
    co_return is_sent;
  }
  auto batch = spool_.take_logs(kFrameLogBytes);
  if (!batch) co_return true;
  const ServiceName name = book_.name_of(batch->key).value_or(ServiceName{});
  std::string frame = wire::encode_logs_frame(name.task_id, lines_of(*batch, name.attempt));
  if (frame.size() > kMaxFrameBytes) co_return co_await post_logs(std::move(*batch));
  if (!send(std::move(frame))) {
    spool_.logs_lost_on_way(batch->key);
    co_return false;
  }
  talk_.sent_logs(batch->key, batch->records.front().seq, now());
  co_return true;
}

void RemoteLink::take(const std::string& text) {
  auto frame = wire::decode_order_frame(text);
  if (!frame) return complaints_.failed("Reading a message", frame.error());
  std::visit([this](auto& what) { on(what); }, *frame);
}

void RemoteLink::on(wire::WelcomeFrame& frame) { hear_config(std::move(frame.config)); }
void RemoteLink::on(wire::ConfigFrame& frame) { hear_config(std::move(frame.config)); }

void RemoteLink::hear_config(wire::PollingConfig config) {
  if (config.job_update_url.empty() || service::is_same(config, terms_->config)) return;
  state_->must_refresh = true;  // by its address: what stands there counts
  state_->refresh.wake();
}

void RemoteLink::on(wire::AssignFrame& frame) {
  talk_.assigned(static_cast<int>(frame.jobs.size()));
  for (const wire::Job& job : frame.jobs) offer(job, now());
}

void RemoteLink::on(wire::AckFrame& frame) {
  talk_.heard(now());
  if (frame.about == "heartbeat") beat_acknowledged(frame.renewed);
  for (const wire::UpdateAnswer& answer : frame.answers) {
    const auto key = key_of(answer.task_id, answer.attempt);
    if (!key) continue;
    if (frame.about == "logs")
      logs_acknowledged(*key, answer, frame.committed);
    else
      report_acknowledged(*key, answer);
  }
  state_->reports.wake();
}

void RemoteLink::logs_acknowledged(const AttemptKey& key, const wire::UpdateAnswer& answer,
                                   std::uint64_t committed) {
  const auto first_seq = talk_.logs_answered(key);
  if (!first_seq) return;
  state_->are_logs_stuck = committed < *first_seq;
  if (answer.error)
    logs_refused(key, *answer.error, committed);
  else
    spool_.logs_taken(key, committed);
}

void RemoteLink::report_acknowledged(const AttemptKey& key, const wire::UpdateAnswer& answer) {
  if (const auto sent_at = talk_.report_answered(key)) answered(key, *sent_at, answer);
}

void RemoteLink::on(wire::CancelOrder& frame) {
  if (const auto key = key_of(frame.task.task_id, frame.task.attempt))
    order(CancelOrder{key->task_id, key->attempt});
}

void RemoteLink::on(wire::InputOrder& frame) {
  const auto key = key_of(frame.task.task_id, frame.task.attempt);
  if (!key) return;
  wire::UpdateAnswer news;
  news.input.push_back(std::move(frame.input));
  hear(*key, news);
}

void RemoteLink::on(wire::ResizeOrder& frame) {
  if (const auto key = key_of(frame.task.task_id, frame.task.attempt))
    order(ResizeOrder{key->task_id, key->attempt, frame.cols, frame.rows});
}

// It gives us nothing until it says otherwise; what we have goes on.
void RemoteLink::on(wire::DrainOrder&) {
  complaints_.note("The server gives no more tasks: drain");
}

void RemoteLink::on(wire::LostFrame& frame) {
  if (const auto key = key_of(frame.task.task_id, frame.task.attempt)) lose(*key);
}

// A message was refused unread: which one is not said.
void RemoteLink::on(wire::UnknownFrame& frame) {
  if (frame.type != "error") return;
  const std::vector<AttemptKey> unread = talk_.take_reports();
  if (unread.empty()) return;
  complaints_.warn("The server could not read a message; its reports are sent one by one");
  state_->apart = static_cast<int>(unread.size());
  for (const AttemptKey& key : unread) spool_.report_lost_on_way(key);
  state_->reports.wake();
}

}  // namespace tandem::worker::remote
