#include "api/answers.h"
#include "api/query_params.h"
#include "api/resources.h"
#include "api/routes.h"
#include "api/worker_session.h"

namespace tandem::api {
namespace {

constexpr std::string_view kWorkerProtocol = "tandem.worker.v1";

}  // namespace

Answer open_worker_socket(Call& call) {
  QueryParams params(call.request.target.query, {"batch"});
  const bool batch = params.flag("batch");
  if (!params.is_fine()) co_return refuse(call, params.rejection());
  std::string protocol;
  for (std::string& offered : net::offered_subprotocols(call.request.headers))
    if (offered == kWorkerProtocol) protocol = std::move(offered);
  const bool is_push = call.caller.route->pattern == "api/v1/workers/ws";
  const auto channel = is_push ? WorkerChannel::push : WorkerChannel::polling;
  const io::Executor executor = co_await io::asio::this_coro::executor;
  auto session = std::make_shared<WorkerSession>(call, executor, channel, batch);
  net::WsSession run = [session](std::shared_ptr<net::WsPeer> peer) {
    return session->run(std::move(peer));
  };
  co_return net::Response::upgrade(std::move(protocol), std::move(run));
}

}  // namespace tandem::api
