#include "tandem/client.h"

#include <algorithm>
#include <utility>

#include "failure.h"
#include "net/http_client.h"
#include "wire/account_json.h"
#include "wire/json_writer.h"
#include "wire/problem.h"
#include "wire/task_json.h"

namespace tandem::sdk {
namespace {

constexpr std::int64_t kLongestWaitMs = 60'000;  // that the server takes

std::string escaped(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain)
      out += c;
    else
      (out += '%').append({kHex[byte >> 4], kHex[byte & 15]});
  }
  return out;
}

std::string body_of(const Submission& submission) {
  TaskSpec spec;
  spec.payload = submission.payload;
  spec.queue = submission.queue;
  spec.priority = submission.priority;
  spec.max_attempts = submission.max_attempts;
  if (submission.timeout) spec.timeout_ms = submission.timeout->count();
  spec.requires_labels = submission.requires_labels;
  spec.interactive = submission.interactive;
  std::string body;
  wire::encode_spec(spec, body);
  return body;
}

TaskView view_of(std::string json) {
  const Result<Task> task = wire::decode_task(json);
  if (!task) raise(task.error());
  TaskView view;
  view.task_id = to_string(task->task_id);
  view.job_type = task->spec.job_type;
  view.status = to_string(task->status);
  view.attempt = task->attempt;
  if (task->input_request) view.question = task->input_request->prompt;
  view.result = task->result;
  if (task->error) view.error_code = task->error->code;
  if (task->error) view.error_message = task->error->message;
  view.exit_code = task->exit_code;
  view.json = std::move(json);
  return view;
}

}  // namespace

struct Client::Impl {
  explicit Impl(ClientOptions given)
      : options(std::move(given)), http(net::HttpClientOptions{.ca_file = options.ca_file}) {
    while (options.server.ends_with('/')) options.server.pop_back();
  }

  void log_in() {
    std::string body;
    wire::JsonWriter writer(body);
    writer.begin_object()
        .member("grant_type", "client_credentials")
        .member("client_id", options.client_id)
        .member("client_secret", options.client_secret)
        .end_object();
    net::Headers headers;
    headers.set("Content-Type", "application/json");
    const auto answer = http.post(options.server + "/token", std::move(body), std::move(headers));
    if (!answer) raise(answer.error());
    if (answer->status != 200) refuse(*answer);
    const auto decoded = wire::decode_token_answer(answer->body);
    if (!decoded) raise(decoded.error());
    token = decoded->access_token;
  }

  [[noreturn]] static void refuse(const net::HttpAnswer& answer) {
    wire::Problem problem = wire::decode_problem(answer.body, Errc::bad_request);
    for (const wire::FieldError& field : problem.fields)
      problem.error.detail += " (" + field.field + ": " + field.message + ")";
    raise(problem.error);
  }

  // An access token that has expired is replaced, once.
  net::HttpAnswer ask(std::string_view path, net::HttpCall call) {
    call.url = options.server + "/api/v1/tasks" + std::string(path);
    for (const bool is_last : {false, true}) {
      if (token.empty()) log_in();
      call.headers.set("Authorization", "Bearer " + token);
      auto answer = http.perform(call);
      if (!answer) raise(answer.error());
      if (answer->status == 401 && !is_last) {
        token.clear();
        continue;
      }
      if (answer->status >= 300) refuse(*answer);
      return std::move(*answer);
    }
    raise(fail(Errc::unauthenticated));
  }

  std::string get(std::string_view path, const char* accept = "application/json") {
    net::HttpCall call;
    call.headers.set("Accept", accept);
    return ask(path, std::move(call)).body;
  }

  std::string post(std::string_view path, std::string body, const std::string& key = {}) {
    net::HttpCall call;
    call.method = "POST";
    call.body = std::move(body);
    call.headers.set("Content-Type", "application/json");
    if (!key.empty()) call.headers.set("Idempotency-Key", key);
    return ask(path, std::move(call)).body;
  }

  ClientOptions options;
  net::HttpClient http;
  std::string token;
};

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

TaskView Client::submit(const Submission& submission) {
  return view_of(impl_->post("", body_of(submission), submission.idempotency_key));
}

TaskView Client::get(std::string_view task_id) {
  return view_of(impl_->get("/" + escaped(task_id)));
}

TaskView Client::wait(std::string_view task_id, std::chrono::milliseconds at_most) {
  const auto until = std::chrono::steady_clock::now() + at_most;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    const std::int64_t wait_ms = std::clamp<std::int64_t>(left.count(), 0, kLongestWaitMs);
    const std::string seconds =
        std::to_string(wait_ms / 1000) + "." + std::to_string(wait_ms % 1000 / 100);
    TaskView view = view_of(impl_->get("/" + escaped(task_id) + "?wait_s=" + seconds));
    if (view.is_over() || left.count() <= 0) return view;
  }
}

std::string Client::log(std::string_view task_id) {
  return impl_->get("/" + escaped(task_id) + "/logs", "text/plain");
}

void Client::follow_log(std::string_view task_id,
                        const std::function<bool(std::string_view)>& take) {
  net::HttpCall call;
  call.headers.set("Accept", "text/plain");
  bool goes_on = true;
  call.sink = [&](std::string_view piece) { return goes_on = take(piece); };
  try {
    impl_->ask("/" + escaped(task_id) + "/logs?follow=true", std::move(call));
  } catch (const Failure&) {
    if (goes_on) throw;
  }
}

void Client::input(std::string_view task_id, std::string_view answer) {
  std::string body;
  wire::JsonWriter writer(body);
  writer.begin_object().member("data", answer).end_object();
  impl_->post("/" + escaped(task_id) + "/input", std::move(body));
}

TaskView Client::cancel(std::string_view task_id) {
  return view_of(impl_->post("/" + escaped(task_id) + "/cancel", ""));
}

std::string Client::output(std::string_view task_id, std::string_view name) {
  return impl_->get("/" + escaped(task_id) + "/download?name=" + escaped(name), "*/*");
}

}  // namespace tandem::sdk
