#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "io/task_group.h"
#include "net/ws_peer.h"
#include "service/client.h"
#include "service/complaints.h"
#include "wire/worker_frames.h"
#include "worker/remote/attempt_book.h"
#include "worker/remote/channel_choice.h"
#include "worker/remote/lease_keeper.h"
#include "worker/remote/poll_plan.h"
#include "worker/remote/remote_files.h"
#include "worker/remote/remote_parts.h"
#include "worker/remote/report_spool.h"
#include "worker/remote/socket_talk.h"

namespace tandem::worker::remote {

// A worker's way to a service on another machine: performs what the machines beside it decide, with
// a coroutine for each of configuration, socket, polls, news, reports and leases. All of it on the
// worker's loop, but for files(), which blocks threads of its own.
class RemoteLink final : public ServerLink, public LogSink {
 public:
  RemoteLink(RemoteParts parts, RemoteSettings settings);
  ~RemoteLink() override;  // after finish() has returned

  void open(OnOrder on_order) override;
  void ready(int slots) override;
  void withdraw(std::function<void()> done) override;
  void report(Report report, OnAnswer answer) override;
  void flush() override;
  void close() override;
  void hurry() override;

  void append(logs::LogAppend append, Done done) override;
  bool is_congested() const override;

  JobFiles& files() { return files_; }
  // After close(): tells what is left to tell, for as long as its leases last, but a few seconds
  // only after hurry(); then ends all connections.
  io::Awaitable<void> finish();

 private:
  // remote_link.cc: offers and orders
  void offer(const wire::Job& job, MonoTime asked_at);
  void accept_waiting();
  void release_waiting();
  void give(const AttemptKey& key, std::optional<MonoTime> lease_until);
  void order(const Order& order);
  void lose(const AttemptKey& key);
  void forget(const AttemptKey& key);
  int free_slots() const { return std::max(0, credits_ - static_cast<int>(waiting_.size())); }
  std::optional<AttemptKey> key_of(const std::string& task_id, std::uint32_t attempt) const;
  io::Awaitable<void> keep_leases();
  void renew_leases();
  std::int64_t next_leases_ms() const;
  std::int64_t last_words_ms() const;
  void wake_all();
  service::TermsPtr shared_terms() const;
  MonoTime now() const { return parts_.clock.mono(); }

  // remote_polls.cc: the configuration, and asking for jobs
  io::Awaitable<void> begin();
  io::Awaitable<Result<void>> fetch_config();
  io::Awaitable<Result<void>> adopt(wire::PollingConfig config);
  io::Awaitable<void> refresh();
  io::Awaitable<void> poll();
  io::Awaitable<Result<bool>> poll_plainly(int most);
  io::Awaitable<Result<bool>> poll_long(service::Lane lane, int most);
  std::vector<wire::AttemptRef> known_offers() const;
  io::Awaitable<void> hear_news();
  Result<bool> take_jobs(const std::string& body, MonoTime asked_at);
  void reject(const std::string& task_id, const std::string& why);
  io::Awaitable<Result<std::string>> ask(service::Lane lane, net::HttpCall call,
                                         std::string* refusal = nullptr);
  void look_at_refusal(const Error& error);
  void end_poll();
  ChannelOffer offer_of(const wire::PollingConfig& config) const;

  // remote_reports.cc: what is told, over HTTP
  io::Awaitable<void> tell();
  io::Awaitable<bool> post_reports();
  io::Awaitable<bool> post_logs();
  io::Awaitable<bool> post_reports(std::vector<Report> reports);
  io::Awaitable<bool> post_logs(LogBatch batch);
  wire::Update update_of(const Report& report) const;
  using Answers = std::vector<std::optional<wire::UpdateAnswer>>;
  bool take_answers(const std::vector<AttemptKey>& keys, const Answers& answers, MonoTime sent_at);
  void answered(const AttemptKey& key, MonoTime sent_at, const wire::UpdateAnswer& answer);
  void hear(const AttemptKey& key, const wire::UpdateAnswer& news);
  void refused(const AttemptKey& key, const Error& error);
  void logs_refused(const AttemptKey& key, const Error& error, std::uint64_t committed);

  // remote_socket.cc
  io::Awaitable<void> keep_socket();
  io::Awaitable<void> converse(std::shared_ptr<net::WsPeer> peer);
  io::Awaitable<bool> send_some();
  void socket_ended(const net::WsClose& why);
  void say_ready();
  std::string socket_url() const;
  bool send(std::string frame);
  void beat();
  void beat_acknowledged(const std::vector<wire::AttemptRef>& renewed);
  void leased(const AttemptKey& key, MonoTime sent_at);
  void take(const std::string& frame);
  void logs_acknowledged(const AttemptKey& key, const wire::UpdateAnswer& answer,
                         std::uint64_t committed);
  void report_acknowledged(const AttemptKey& key, const wire::UpdateAnswer& answer);
  void hear_config(wire::PollingConfig config);
  void on(wire::WelcomeFrame& frame);
  void on(wire::AssignFrame& frame);
  void on(wire::AckFrame& frame);
  void on(wire::CancelOrder& frame);
  void on(wire::InputOrder& frame);
  void on(wire::ResizeOrder& frame);
  void on(wire::DrainOrder& frame);
  void on(wire::ConfigFrame& frame);
  void on(wire::LostFrame& frame);
  void on(wire::UnknownFrame& frame);

  struct State;  // what only this folder's files need to see
  RemoteParts parts_;
  RemoteSettings settings_;
  mutable std::mutex terms_mutex_;
  service::TermsPtr terms_;  // guarded by terms_mutex_ for other threads than the loop's
  service::Client client_;
  AttemptBook book_;
  RemoteFiles files_;
  LeaseKeeper leases_;
  ReportSpool spool_;
  ChannelChoice choice_;
  PollPlan plan_;
  SocketTalk talk_;
  service::Complaints complaints_;
  OnOrder on_order_;
  int credits_ = 0;
  std::unordered_map<AttemptKey, TaskPtr, AttemptKeyHash> offered_;  // not given to the worker yet
  std::deque<AttemptKey> waiting_;                                   // of these, for a free slot
  std::unique_ptr<State> state_;
  io::TaskGroup tasks_;
};

}  // namespace tandem::worker::remote
