#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "wire/decoded.h"

// The bodies of /token* and /api/v1/clients.
namespace tandem::wire {

struct TokenRequest {
  std::string grant_type, client_id, client_secret;
  std::string scope;  // empty: all that the client has
  std::string refresh_token;
};
// Members are read, not judged: a missing grant_type stays empty. Errors: bad_json (bad_request for
// a form), and validation_failed for unknown, doubled (forms) or non-string members.
Decoded<TokenRequest> decode_token_request(std::string_view json);
Decoded<TokenRequest> decode_token_form(std::string_view form);  // x-www-form-urlencoded
// {refresh_token} of /token/refresh, {token} or {refresh_token} of /token/revoke.
Decoded<std::string> decode_refresh_request(std::string_view json);
Decoded<std::string> decode_refresh_form(std::string_view form);

struct TokenAnswer {
  std::string access_token;
  std::int64_t expires_in_s = 0;
  std::string refresh_token;
  std::int64_t refresh_expires_in_s = 0;
  std::string scope;
};
std::string encode_token_answer(const TokenAnswer& answer);
Result<TokenAnswer> decode_token_answer(std::string_view body);

struct ClientView {
  ClientId client_id;
  std::string name;
  std::string scope;
  WallTime created_at;
  std::string client_secret;  // only in the answer that shows it, else empty and left out
};
void encode_client(const ClientView& client, std::string& out);

struct NewClient {
  std::string name;
  std::string scope;  // default "tasks"; the caller checks the names
};
Decoded<NewClient> decode_new_client(std::string_view body);

// clients.json: {"clients": [{name, client_id, client_secret, scope}]}
struct SavedClient {
  std::string name, client_id, client_secret, scope;
};
std::string encode_clients_file(const std::vector<SavedClient>& clients);
Result<std::vector<SavedClient>> decode_clients_file(std::string_view text);

// What `tandem login` keeps: one login, with the tokens it has now.
struct SavedLogin {
  std::string server, client_id;
  std::string refresh_token;
  std::string access_token;
  WallTime access_expires_at;
};
std::string encode_saved_login(const SavedLogin& login);
Result<SavedLogin> decode_saved_login(std::string_view text);

// server.json: {"url", "pid", "version"}
struct ServerFile {
  std::string url;
  std::int64_t pid = 0;
  std::string version;
};
std::string encode_server_file(const ServerFile& file);
Result<ServerFile> decode_server_file(std::string_view text);

}  // namespace tandem::wire
