#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "io/offload.h"
#include "net/handler.h"
#include "net/request_parser.h"
#include "net/response_head.h"
#include "net/server.h"
#include "net/transport.h"

namespace tandem::net {

class Connection;

// What the connections of one loop share.
struct LoopState {
  Handler& handler;
  const ServerOptions& options;
  const Clock& clock;
  io::OffloadPool* files;
  RequestIds ids;
  std::vector<char> scratch;  // filled and emptied within one step, never held while waiting
  std::set<Connection*> connections;
  bool draining = false;
  bool cut = false;
};

// A connection that is to go on as a WebSocket.
struct PendingUpgrade {
  Transport transport;
  Request request;
  WsUpgrade upgrade;
};

// One HTTP/1.x connection: reads, asks the handler, answers, in order. On its loop only.
class Connection {
 public:
  Connection(LoopState& loop, Transport transport, std::string remote_address);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  io::Awaitable<std::optional<PendingUpgrade>> run();
  void sweep(MonoTime now);  // ends what is overdue; tells the handler of a lost peer
  void drain();              // an idle connection ends at once, another after its answer
  void cut();

  // For body_stream.
  io::Awaitable<Result<bool>> next_body(std::string& chunk);
  std::uint64_t request_number() const { return request_number_; }

 private:
  enum class Phase { idle, reading, handling, writing };
  enum class Next { request, answered, close };

  // Reading
  io::Awaitable<Next> read_request(Request& request);
  io::Awaitable<Result<bool>> read_whole_body(Request& request);
  io::Awaitable<bool> fill(bool wait_first = false);
  void note_head(Request& request);
  void consume(std::size_t bytes);
  std::string_view unread() const { return std::string_view(in_).substr(in_at_); }
  void release_idle_memory();
  bool rest_of_body_is_here();

  // Answering
  RouteDecision decide(const Request& request);
  io::Awaitable<RouteDecision> decide_later(const Request& request, RouteDecision first);
  RouteDecision undecided(const Request& request, const std::string& what);
  io::Awaitable<Response> call_handler(Request& request);
  io::Awaitable<Response> produce(Request& request);
  std::optional<Error> check_upgrade(const Request& request) const;
  io::Awaitable<bool> refuse(Request& request, Error error);
  io::Awaitable<bool> answer(Request& request, Response response);
  io::Awaitable<bool> write_body(Response::Body& body, bool chunked);
  io::Awaitable<bool> write_stream(BodySource& source, bool chunked);
  io::Awaitable<bool> write_file(const FileRange& range);
  io::Awaitable<bool> write_bytes(std::string_view bytes);
  io::Awaitable<bool> flush();
  io::Awaitable<void> linger();
  void flush_while_handling();
  io::Awaitable<bool> exchange(Request& request);
  void arm(Phase phase, std::int64_t timeout_ms);

  LoopState& loop_;
  Transport transport_;
  RequestParser parser_;
  std::string remote_address_;
  std::string in_;  // bytes read; those before in_at_ are used up
  std::size_t in_at_ = 0;
  std::string out_;  // answers not yet written
  std::optional<WsUpgrade> upgrade_;
  Request* current_ = nullptr;
  std::shared_ptr<Connection*> self_;  // emptied by the destructor
  MonoTime deadline_ = kNever;
  std::int64_t body_budget_ms_ = 0;  // waiting time left for the next 64 KiB of the body
  std::size_t body_since_refill_ = 0;
  std::uint64_t request_number_ = 0;
  std::uint64_t body_bytes_out_ = 0;
  int batch_ = 0;  // answers since the last wait
  Phase phase_ = Phase::idle;
  bool expired_ = false;
  bool close_ = false;
  bool want_continue_ = false;
  bool body_broken_ = false;
  bool flush_posted_ = false;
};

}  // namespace tandem::net
