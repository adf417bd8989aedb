#pragma once

#include <string>

#include "api/call.h"
#include "net/response.h"
#include "wire/decoded.h"

namespace tandem::api {

// A problem document with the headers that belong to it: WWW-Authenticate with 401, Retry-After
// where a repeat may succeed.
net::Response problem(const Error& error, std::string_view request_id);
net::Response problem(const wire::Rejection& rejection, std::string_view request_id);
// With RFC 6749's members, for /token*.
net::Response oauth_problem(const Error& error, std::string_view request_id);
net::Response oauth_problem(const wire::Rejection& rejection, std::string_view request_id);

inline net::Response refuse(const Call& call, const Error& error) {
  return problem(error, call.request.request_id);
}
inline net::Response refuse(const Call& call, const wire::Rejection& rejection) {
  return problem(rejection, call.request.request_id);
}

// JSON that nobody may keep.
net::Response private_json(std::string body, int status = 200);
net::Response task_answer(const Task& task, int status = 200);

}  // namespace tandem::api
