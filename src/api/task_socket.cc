#include <exception>

#include "api/answers.h"
#include "api/query_params.h"
#include "api/resources.h"
#include "api/socket_session.h"
#include "io/task_group.h"

namespace tandem::api {
namespace {

constexpr std::string_view kProtocol = "tandem.v1";

std::string chosen_protocol(const net::Headers& headers) {
  for (std::string& offered : net::offered_subprotocols(headers))
    if (offered == kProtocol) return std::move(offered);
  return {};
}

// Runs both directions; neither outlives this coroutine.
io::Awaitable<void> run_socket(std::shared_ptr<SocketSession> session,
                               std::shared_ptr<net::WsPeer> peer) {
  io::TaskGroup group(co_await io::asio::this_coro::executor);
  group.spawn("task socket, from the client", session->receive(*peer));
  std::exception_ptr error;
  try {
    co_await session->send(*peer);
  } catch (...) {
    error = std::current_exception();
  }
  peer->set_on_drained({});
  co_await io::asio::this_coro::reset_cancellation_state(io::asio::disable_cancellation());
  group.cancel();
  co_await group.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace

Answer open_task_socket(Call& call) {
  QueryParams params(call.request.target.query, {"after"});
  logs::LogPosition after;
  if (const auto text = params.text("after")) {
    if (const auto place = logs::parse_log_position(*text))
      after = *place;
    else
      params.wrong("after", "must be a place in a log, such as 17 or 2-17");
  }
  if (!params.is_fine()) co_return refuse(call, params.rejection());
  auto task =
      co_await TaskFollow::open(call.services(), call.outbox, call.caller.actor, call.task_id());
  if (!task) co_return refuse(call, task.error());
  auto session = std::make_shared<SocketSession>(call, std::move(*task), after);
  net::WsSession run = [session](std::shared_ptr<net::WsPeer> peer) {
    return run_socket(session, std::move(peer));
  };
  co_return net::Response::upgrade(chosen_protocol(call.request.headers), std::move(run));
}

}  // namespace tandem::api
