#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "config/settings.h"
#include "core/task.h"
#include "net/http_client.h"
#include "queue/commands.h"

namespace tandem::api {

// For tests: an answer, and its body as JSON.
struct Reply : net::HttpAnswer {
  boost::json::object json() const;                 // throws where it is none
  std::string text(std::string_view member) const;  // of a string member; else its JSON text
  std::string code() const { return text("code"); }
};

struct TestClient {
  ClientId id;
  std::string secret;
  std::string token;  // with all of its scopes
};

// For tests: the whole API over a real server on loopback, with SQLite in a directory of its own.
class TestServer {
 public:
  explicit TestServer(std::function<void(config::Settings&)> change = {});
  ~TestServer();

  const std::string& url() const;
  Reply request(std::string method, std::string_view path, std::string_view token,
                std::string body = {}, net::Headers headers = {});
  Reply perform(net::HttpCall call);  // `url` is a path
  Reply get(std::string_view path, std::string_view token) { return request("GET", path, token); }
  Reply post(std::string_view path, std::string_view token, std::string body = {}) {
    return request("POST", path, token, std::move(body));
  }

  void shift_wall_clock(std::int64_t ms);

  TestClient make_client(const std::string& name, const std::string& scope);
  // An access token signed by the server's secret, as it likes.
  std::string token_for(ClientId client, std::string_view scope, std::int64_t ttl_s);
  std::string submit(std::string_view token, std::string_view more = {});  // answers the id

  // The one worker of the tests. It takes all there is; orders are gathered.
  void open_worker(int slots);
  Task await_assignment();
  queue::WorkerOrder await_order();
  Result<queue::UpdateAnswer> update(const Task& task, queue::UpdateKind kind,
                                     std::function<void(queue::Update&)> change = {});
  void log(const Task& task, std::uint64_t first_seq, const std::vector<std::string>& lines);
  void add_output(const Task& task, std::string_view name, std::string_view content,
                  std::vector<FileInfo>& outputs);
  bool has_input_file(TaskId task, std::string_view name, std::string* content = nullptr);
  std::size_t log_records(TaskId task);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// For tests: a WebSocket of a client, blocking.
class TestSocket {
 public:
  // `offer`: subprotocols.
  TestSocket(const TestServer& server, std::string path, std::string token,
             net::Headers headers = {}, std::vector<std::string> offer = {});
  ~TestSocket();
  std::optional<Error> refused() const;
  void send(std::string text);
  std::optional<std::string> receive();  // nothing: closed
  int close_code();                      // after receive() gave nothing

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::api
