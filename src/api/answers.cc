#include "api/answers.h"

#include "wire/problem.h"
#include "wire/task_json.h"

namespace tandem::api {
namespace {

net::Response document(std::string body, const Error& error) {
  const ErrorRow& row = row_of(error.code);
  auto response = net::Response::text(std::move(body), "application/problem+json", row.http_status);
  response.headers.set("Cache-Control", "no-store");
  if (row.http_status == 401) {
    const bool had_token =
        error.code != Errc::unauthenticated && error.code != Errc::invalid_client;
    std::string challenge = "Bearer realm=\"tandem\"";
    if (had_token) challenge += ", error=\"invalid_token\"";
    response.headers.set("WWW-Authenticate", std::move(challenge));
  }
  if (row.http_status == 503 || row.http_status == 429) response.headers.set("Retry-After", "1");
  return response;
}

}  // namespace

net::Response problem(const Error& error, std::string_view request_id) {
  return document(wire::encode_problem(error, request_id), error);
}

net::Response problem(const wire::Rejection& rejection, std::string_view request_id) {
  return document(wire::encode_problem(rejection.error, request_id, rejection.fields),
                  rejection.error);
}

net::Response oauth_problem(const Error& error, std::string_view request_id) {
  return document(wire::encode_oauth_problem(error, request_id), error);
}

net::Response oauth_problem(const wire::Rejection& rejection, std::string_view request_id) {
  return document(wire::encode_oauth_problem(rejection.error, request_id, rejection.fields),
                  rejection.error);
}

net::Response private_json(std::string body, int status) {
  auto response = net::Response::json(std::move(body), status);
  response.headers.add("Cache-Control", "no-store");
  return response;
}

net::Response task_answer(const Task& task, int status) {
  std::string body;
  body.reserve(1024 + task.spec.payload.size() + task.result.size());
  wire::encode_task(task, body);
  return private_json(std::move(body), status);
}

}  // namespace tandem::api
