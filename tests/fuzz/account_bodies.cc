// Requests for tokens and clients, cursors, problem documents, and the files of an installation.
#include "base/encoding.h"
#include "base/id.h"
#include "tests/fuzz/decoded.h"
#include "wire/account_json.h"
#include "wire/list_json.h"
#include "wire/problem.h"

namespace tandem::fuzz {
namespace {

void check_token_requests(std::string_view input) {
  for (const auto& request : {wire::decode_token_request(input), wire::decode_token_form(input)}) {
    if (!request)
      check_rejection(request.error());
    else
      TANDEM_ASSERT(is_utf8(request->client_id) && is_utf8(request->scope));
  }
  for (const auto& token : {wire::decode_refresh_request(input), wire::decode_refresh_form(input)})
    if (!token) check_rejection(token.error());
  const auto client = wire::decode_new_client(input);
  if (!client) check_rejection(client.error());
}

// A cursor that is taken is the one that is given out for this place.
void check_cursor(std::string_view input) {
  const auto position = wire::decode_cursor("tasks", input);
  if (position) TANDEM_ASSERT(wire::encode_cursor("tasks", *position) == input);
  const std::string cursor = wire::encode_cursor("tasks", input);
  const auto again = wire::decode_cursor("tasks", cursor);
  TANDEM_ASSERT(again && *again == input);
  TANDEM_ASSERT(!wire::decode_cursor("clients", cursor));
}

void check_problem(std::string_view input) {
  const wire::Problem problem = wire::decode_problem(input, Errc::internal);
  const std::string written =
      wire::encode_problem(problem.error, problem.request_id, problem.fields);
  TANDEM_ASSERT(wire::check_json(written));
  const wire::Problem again = wire::decode_problem(written, Errc::internal);
  TANDEM_ASSERT(again.error.code == problem.error.code);
  if (!problem.fields.empty()) TANDEM_ASSERT(again.fields == problem.fields);
}

void check_ids_and_times(std::string_view input) {
  if (const auto id = parse_uuid(input)) TANDEM_ASSERT(to_string(*id) == input);
  const auto time = parse_rfc3339(input);
  if (time) TANDEM_ASSERT(parse_rfc3339(to_rfc3339(*time)) == *time);
}

}  // namespace

void check(std::string_view input) {
  check_token_requests(input);
  check_cursor(input);
  check_problem(input);
  check_ids_and_times(input);
  check_round_trip(input, wire::decode_token_answer, wire::encode_token_answer);
  check_round_trip(input, wire::decode_clients_file, wire::encode_clients_file);
  check_round_trip(input, wire::decode_saved_login, wire::encode_saved_login);
  check_round_trip(input, wire::decode_server_file, wire::encode_server_file);
}

}  // namespace tandem::fuzz
