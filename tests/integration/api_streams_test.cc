#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

#include <thread>

#include "base/encoding.h"
#include "integration/test_server.h"

namespace tandem::api {
namespace {

boost::json::object parsed(const std::optional<std::string>& text) {
  return boost::json::parse(text.value()).as_object();
}

class ApiStreams : public testing::Test {
 protected:
  ApiStreams() { server_.open_worker(4); }
  std::string path(const std::string& more = {}) { return "/api/v1/tasks/" + id_ + more; }
  Task start(std::string_view more = {}) {
    id_ = server_.submit(alice_.token, more);
    return server_.await_assignment();
  }
  Reply accept(const std::string& more, const std::string& type, net::Headers headers = {}) {
    headers.set("Accept", type);
    return server_.request("GET", path(more), alice_.token, "", std::move(headers));
  }

  TestServer server_;
  const TestClient admin_ = server_.make_client("admin", "admin tasks workers");
  const TestClient alice_ = server_.make_client("alice", "tasks");
  const TestClient bob_ = server_.make_client("bob", "tasks");
  std::string id_;
};

TEST_F(ApiStreams, logPages) {
  const Task task = start();
  server_.log(task, 1, {"one\n", "two\n", std::string("\xff\x00\n", 3)});
  const Reply first = server_.get(path("/logs?limit=2"), alice_.token);
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(first.json().at("items").at(1).at("data").as_string(), "two\n");
  EXPECT_EQ(first.text("next_after"), "1-2");
  const Reply rest = server_.get(path("/logs?after=1-2"), alice_.token);
  EXPECT_EQ(rest.json().at("items").at(0).at("data_base64").as_string(), "/wAK");
  EXPECT_TRUE(rest.json().at("next_cursor").is_null());
  const Reply by_cursor =
      server_.get(path("/logs?cursor=" + first.text("next_cursor")), alice_.token);
  EXPECT_EQ(by_cursor.body, rest.body);
  EXPECT_EQ(accept("/logs", "text/plain").body, std::string("one\ntwo\n\xff\x00\n", 11));
  const Reply several = accept("/logs", "application/json, text/plain, */*");
  EXPECT_EQ(several.json().at("items").as_array().size(), 3u);
  EXPECT_EQ(accept("/logs?after=2", "text/plain").body, std::string("\xff\x00\n", 3));
  EXPECT_EQ(server_.get(path("/logs?after=x"), alice_.token).status, 422);
  EXPECT_EQ(server_.get(path("/logs?limit=10001"), alice_.token).status, 422);
}

TEST_F(ApiStreams, eventsReplayThenFollowToTheEnd) {
  const Task task = start();
  server_.log(task, 1, {"one\n"});
  std::string seen;
  net::HttpCall call{.method = "GET", .url = path("/logs?follow=true")};
  call.headers.set("Authorization", "Bearer " + alice_.token);
  std::thread job;
  call.sink = [&](std::string_view piece) {
    seen += piece;
    if (!job.joinable() && seen.find("id: 1-1\n") != std::string::npos)
      job = std::thread([&] {
        server_.log(task, 2, {"two\n"});
        server_.update(task, queue::UpdateKind::completed).value();
      });
    return true;
  };
  const Reply reply = server_.perform(std::move(call));
  ASSERT_TRUE(job.joinable());
  job.join();
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(reply.headers.get("Content-Type").starts_with("text/event-stream"));
  const std::size_t one = seen.find("id: 1-1\nevent: log\ndata: {"), two = seen.find("id: 1-2\n");
  const std::size_t end = seen.find("event: end\ndata: {\"status\":\"completed\"}\n\n");
  EXPECT_LT(one, two);
  EXPECT_LT(two, end);
  EXPECT_NE(end, std::string::npos) << seen;
  EXPECT_EQ(seen.find("id: 1-1\n", one + 1), std::string::npos);

  net::Headers again;
  again.set("Last-Event-ID", "1-1");
  const std::string rest = accept("/logs", "text/event-stream", again).body;
  EXPECT_EQ(rest.find("id: 1-1\n"), std::string::npos);
  EXPECT_NE(rest.find("id: 1-2\n"), std::string::npos);
  EXPECT_EQ(accept("/logs?follow=true", "text/plain").body, "one\ntwo\n");
}

TEST_F(ApiStreams, socketReplaysFollowsAndEnds) {
  const Task task = start();
  server_.log(task, 1, {"one\n", "two\n"});
  TestSocket socket(server_, "/api/v1/tasks/" + id_ + "/ws?after=1", alice_.token);
  ASSERT_FALSE(socket.refused());
  EXPECT_EQ(parsed(socket.receive()).at("type").as_string(), "status");
  const auto replayed = parsed(socket.receive());
  EXPECT_EQ(replayed.at("type").as_string(), "log");
  ASSERT_EQ(replayed.at("records").as_array().size(), 1u);
  EXPECT_EQ(replayed.at("records").at(0).at("seq").as_int64(), 2);
  for (int i = 3; i < 200; ++i) server_.log(task, static_cast<std::uint64_t>(i), {"more\n"});
  server_.update(task, queue::UpdateKind::completed).value();
  std::int64_t last = 2;
  std::string type;
  while (type != "end") {
    const auto frame = parsed(socket.receive());
    type = frame.at("type").as_string();
    if (type == "status") {
      EXPECT_EQ(last, 199);
    }
    if (type != "log") continue;
    for (const auto& record : frame.at("records").as_array())
      EXPECT_EQ(record.at("seq").as_int64(), ++last);
  }
  EXPECT_EQ(last, 199);
  EXPECT_FALSE(socket.receive());
  EXPECT_EQ(socket.close_code(), 1000);
}

TEST_F(ApiStreams, aStalledReaderIsToldOfItsGap) {
  const Task task = start();
  TestSocket socket(server_, "/ws/" + id_, alice_.token);
  EXPECT_EQ(parsed(socket.receive()).at("type").as_string(), "status");
  std::uint64_t seq = 1;  // much more than all buffers on the way hold
  for (int i = 0; i < 40; ++i, seq += 16)
    server_.log(task, seq, std::vector<std::string>(16, std::string(60'000, 'x')));
  EXPECT_EQ(server_.get(path("?wait_s=3"), alice_.token).text("status"), "running");
  std::uint64_t last = 0;
  int gaps = 0;
  std::string type;
  while (type != "end") {
    const auto frame = parsed(socket.receive());
    type = frame.at("type").as_string();
    if (type == "log") {
      for (const auto& record : frame.at("records").as_array())
        ASSERT_EQ(record.at("seq").to_number<std::uint64_t>(), ++last);
    }
    if (type != "gap") continue;
    ++gaps;
    EXPECT_EQ(frame.at("from").as_string(), "1-" + std::to_string(last));
    last = seq - 1;
    EXPECT_EQ(frame.at("to").as_string(), "1-" + std::to_string(last));
    server_.log(task, seq, {"live again\n"});
    server_.update(task, queue::UpdateKind::completed).value();
  }
  EXPECT_EQ(gaps, 1);
  EXPECT_EQ(last, seq);
}

TEST_F(ApiStreams, socketTakesInputAndCancel) {
  const Task task = start(",\"interactive\":true");
  TestSocket socket(server_, "/ws/" + id_, "", {}, {"tandem.v1", "bearer." + alice_.token});
  ASSERT_FALSE(socket.refused()) << socket.refused()->detail;
  EXPECT_EQ(parsed(socket.receive()).at("type").as_string(), "status");
  socket.send(R"({"type":"ping"})");
  EXPECT_EQ(parsed(socket.receive()).at("type").as_string(), "pong");
  socket.send(R"({"type":"input","data":"hi"})");
  EXPECT_EQ(std::get<store::InputPiece>(server_.await_order()).data, "hi");
  socket.send(R"({"type":"eof"})");
  EXPECT_TRUE(std::get<store::InputPiece>(server_.await_order()).eof);
  socket.send(R"({"type":"resize","cols":100,"rows":30})");
  EXPECT_EQ(std::get<queue::ResizeOrder>(server_.await_order()).cols, 100);
  socket.send(R"({"type":"dance"})");
  EXPECT_EQ(parsed(socket.receive()).at("type").as_string(), "error");
  server_
      .update(task, queue::UpdateKind::waiting_for_input,
              [](queue::Update& update) {
                update.input_request = InputRequest{
                    .request_id = "q1", .prompt = "Name?", .password = true, .asked_at = {}};
              })
      .value();
  EXPECT_EQ(parsed(socket.receive()).at("type").as_string(), "status");
  const auto request = parsed(socket.receive());
  EXPECT_EQ(request.at("type").as_string(), "input_request");
  EXPECT_EQ(request.at("prompt").as_string(), "Name?");
  socket.send(R"({"type":"cancel"})");
  EXPECT_TRUE(std::holds_alternative<queue::CancelOrder>(server_.await_order()));
}

TEST_F(ApiStreams, socketRefusals) {
  start();
  const std::string ws = "/ws/" + id_;
  const auto refused = [&](const std::string& token, net::Headers headers = {}) {
    return TestSocket(server_, ws, token, std::move(headers)).refused().value_or(Error{}).code;
  };
  EXPECT_EQ(refused(""), Errc::unauthenticated);
  EXPECT_EQ(refused("x"), Errc::token_invalid);
  EXPECT_EQ(refused(bob_.token), Errc::not_found);
  net::Headers foreign;
  foreign.set("Origin", "https://evil.example");
  EXPECT_EQ(refused(alice_.token, foreign), Errc::origin_not_allowed);
}

TEST_F(ApiStreams, socketClosesWithItsTokenOrClient) {
  start();
  TestSocket expiring(server_, "/ws/" + id_, server_.token_for(alice_.id, "tasks", 2));
  ASSERT_FALSE(expiring.refused());
  while (expiring.receive()) {
  }
  EXPECT_EQ(expiring.close_code(), 4401);
  TestSocket orphan(server_, "/ws/" + id_, alice_.token);
  ASSERT_FALSE(orphan.refused());
  server_.request("DELETE", "/api/v1/clients/" + to_string(alice_.id), admin_.token);
  while (orphan.receive()) {
  }
  EXPECT_EQ(orphan.close_code(), 4401);
}

TEST_F(ApiStreams, downloads) {
  const Task task = start();
  EXPECT_EQ(server_.get(path("/download"), alice_.token).code(), "not_finished");
  std::vector<FileInfo> outputs;
  server_.add_output(task, "a.html", "<b>0123456789</b>", outputs);
  server_.add_output(task, "b.txt", "second", outputs);
  server_
      .update(task, queue::UpdateKind::completed,
              [&](queue::Update& update) { update.outputs = outputs; })
      .value();
  const Reply zip = server_.get(path("/download"), alice_.token);
  EXPECT_EQ(zip.status, 200);
  EXPECT_EQ(zip.headers.get("Content-Type"), "application/zip");
  EXPECT_TRUE(zip.body.starts_with("PK"));
  const Reply whole = server_.get(path("/download?name=a.html"), alice_.token);
  EXPECT_EQ(whole.body, "<b>0123456789</b>");
  EXPECT_TRUE(whole.headers.get("Content-Disposition").starts_with("attachment"));
  EXPECT_EQ(whole.headers.get("X-Content-Type-Options"), "nosniff");
  const std::string etag(whole.headers.get("ETag"));
  EXPECT_EQ(etag, "\"" + outputs[0].sha256 + "\"");
  const auto with = [&](const char* name, const std::string& value, const std::string& only_if) {
    net::Headers headers;
    headers.set(name, value);
    if (!only_if.empty()) headers.set("If-Range", only_if);
    return server_.request("GET", path("/download?name=a.html"), alice_.token, "", headers);
  };
  const Reply part = with("Range", "bytes=3-5", "");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "012");
  EXPECT_EQ(part.headers.get("Content-Range"), "bytes 3-5/17");
  EXPECT_EQ(with("Range", "bytes=3-5", etag).status, 206);
  EXPECT_EQ(with("Range", "bytes=3-5", "\"old\"").status, 200);
  EXPECT_EQ(with("Range", "bytes=99-", "").status, 416);
  EXPECT_EQ(with("If-None-Match", etag, "").status, 304);
  EXPECT_EQ(server_.get(path("/download?name=c"), alice_.token).code(), "no_output");
}

TEST_F(ApiStreams, inputFiles) {
  const auto upload = [&](std::string task,
                          std::vector<std::pair<std::string, std::string>> files) {
    net::HttpCall call{.method = "POST", .url = "/api/v1/tasks"};
    call.headers.set("Authorization", "Bearer " + alice_.token);
    call.parts.push_back({.name = "task", .content_type = "application/json", .data = task});
    for (auto& [name, data] : files)
      call.parts.push_back({.name = "file", .content_type = "", .data = data, .file_name = name});
    return server_.perform(std::move(call));
  };
  const std::string task = "{\"payload\":{\"job_type\":\"echo\"}}";
  const std::string big(1'500'000, 'x');
  const Reply made = upload(task, {{"a.txt", "hello"}, {"big", big}});
  ASSERT_EQ(made.status, 201) << made.body;
  const TaskId id = TaskId::parse(made.text("task_id")).value();
  std::string content;
  EXPECT_TRUE(server_.has_input_file(id, "big", &content));
  EXPECT_EQ(content, big);
  EXPECT_EQ(server_.await_assignment().inputs.size(), 2u);
  EXPECT_EQ(upload(task, {{"a", "1"}, {"a", "2"}}).status, 422);
  EXPECT_EQ(upload("{\"payload\":{}}", {{"a", "1"}}).status, 422);
  EXPECT_EQ(upload("{", {{"a", "1"}}).status, 400);
  EXPECT_EQ(upload(task, {{"a", std::string(4'300'000, 'x')}}).status, 413);
}

}  // namespace
}  // namespace tandem::api
