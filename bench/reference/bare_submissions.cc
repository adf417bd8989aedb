#include "reference/bare_submissions.h"

#include "http_client.h"
#include "reference/group_commit_server.h"
#include "usage.h"

namespace tandem::bench {
namespace {

constexpr int kConnections = 64;
constexpr std::uint64_t kWarmUp = 5'000;

}  // namespace

LoadResult bare_submissions(const std::string& body, std::uint64_t requests) {
  const GroupCommitServer bare;
  const HttpLoad load(bare.port(), kConnections);
  const std::string request = request_text("POST", "/api/v1/tasks", "", body);
  load.run(request, kWarmUp);
  return load.run(request, requests);
}

Latencies bare_answer_times(const std::string& body, int requests, int per_second) {
  const GroupCommitServer bare;
  HttpClient client(bare.port(), "");
  Latencies times;
  const std::int64_t began = now_us();
  for (int i = 0; i < requests; ++i) {
    wait_until_us(began + static_cast<std::int64_t>(i) * 1'000'000 / per_second);
    const std::int64_t sent = now_us();
    client.post("/api/v1/tasks", body);
    times.add(now_us() - sent);
  }
  return times;
}

}  // namespace tandem::bench
