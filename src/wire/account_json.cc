#include "wire/account_json.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/limits.h"
#include "wire/fields.h"
#include "wire/json_writer.h"
#include "wire/loose.h"

namespace tandem::wire {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kMaxCredentialBytes = 4096;

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out.push_back(' ');
    } else if (text[i] == '%') {
      const auto byte = from_hex(text.substr(i + 1, std::min<std::size_t>(2, text.size() - i - 1)));
      if (!byte || byte->size() != 1) return std::nullopt;
      out += *byte;
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  if (!is_utf8(out)) return std::nullopt;
  return out;
}

Decoded<Pairs> form_pairs(std::string_view form) {
  Pairs pairs;
  while (!form.empty()) {
    const std::string_view pair = form.substr(0, form.find('&'));
    form.remove_prefix(std::min(form.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = percent_decoded(pair.substr(0, equals));
    auto value = percent_decoded(pair.substr(std::min(pair.size(), equals + 1)));
    if (!name || !value) return reject(fail(Errc::bad_request, "The form can't be read"));
    const auto same = [&](const auto& other) { return other.first == *name; };
    if (std::any_of(pairs.begin(), pairs.end(), same))
      return reject(std::vector<FieldError>{{name->substr(0, 64), "is given twice"}});
    pairs.emplace_back(std::move(*name), std::move(*value));
  }
  return pairs;
}

std::string* slot_of(TokenRequest& request, std::string_view name) {
  if (name == "grant_type") return &request.grant_type;
  if (name == "client_id") return &request.client_id;
  if (name == "client_secret") return &request.client_secret;
  if (name == "scope") return &request.scope;
  if (name == "refresh_token") return &request.refresh_token;
  return nullptr;
}

std::string* refresh_slot(std::string& token, std::string_view name) {
  return name == "refresh_token" || name == "token" ? &token : nullptr;
}

Decoded<std::string> checked(std::string token) {
  if (!token.empty()) return token;
  return reject(std::vector<FieldError>{{"refresh_token", "is required"}});
}

}  // namespace

Decoded<TokenRequest> decode_token_request(std::string_view json) {
  Document document;
  auto object = object_of(document, json);
  if (!object) return object.error();
  std::vector<FieldError> errors;
  Fields fields(**object, "", errors);
  TokenRequest request;
  for (const std::string_view name :
       {"grant_type", "client_id", "client_secret", "scope", "refresh_token"})
    fields.text(name, *slot_of(request, name), kMaxCredentialBytes);
  fields.finish();
  if (!errors.empty()) return reject(std::move(errors));
  return request;
}

Decoded<TokenRequest> decode_token_form(std::string_view form) {
  auto pairs = form_pairs(form);
  if (!pairs) return pairs.error();
  TokenRequest request;
  std::vector<FieldError> errors;
  for (auto& [name, value] : *pairs) {
    if (std::string* slot = slot_of(request, name))
      *slot = std::move(value);
    else
      errors.push_back({name.substr(0, 64), "is unknown"});
  }
  if (!errors.empty()) return reject(std::move(errors));
  return request;
}

Decoded<std::string> decode_refresh_request(std::string_view json) {
  Document document;
  auto object = object_of(document, json);
  if (!object) return object.error();
  std::vector<FieldError> errors;
  Fields fields(**object, "", errors);
  std::string token, hint;
  fields.text("token", token, kMaxCredentialBytes);
  fields.text("refresh_token", token, kMaxCredentialBytes);
  fields.text("grant_type", hint, kMaxCredentialBytes);
  fields.text("token_type_hint", hint, kMaxCredentialBytes);
  fields.finish();
  if (!errors.empty()) return reject(std::move(errors));
  return checked(std::move(token));
}

Decoded<std::string> decode_refresh_form(std::string_view form) {
  auto pairs = form_pairs(form);
  if (!pairs) return pairs.error();
  std::string token;
  for (auto& [name, value] : *pairs) {
    if (std::string* slot = refresh_slot(token, name))
      *slot = std::move(value);
    else if (name != "grant_type" && name != "token_type_hint")
      return reject(std::vector<FieldError>{{name.substr(0, 64), "is unknown"}});
  }
  return checked(std::move(token));
}

std::string encode_token_answer(const TokenAnswer& answer) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object()
      .member("access_token", answer.access_token)
      .member("token_type", "Bearer")
      .key("expires_in")
      .integer(answer.expires_in_s)
      .member("refresh_token", answer.refresh_token)
      .key("refresh_expires_in")
      .integer(answer.refresh_expires_in_s)
      .member("scope", answer.scope)
      .end_object();
  return out;
}

Result<TokenAnswer> decode_token_answer(std::string_view body) {
  Document document;
  if (auto parsed = document.parse(body); !parsed) return parsed.error();
  const loose::Object* object = document.root().if_object();
  TokenAnswer answer;
  if (object != nullptr) {
    answer.access_token = loose::text(*object, "access_token");
    answer.expires_in_s = loose::integer(*object, "expires_in", 0);
    answer.refresh_token = loose::text(*object, "refresh_token");
    answer.refresh_expires_in_s = loose::integer(*object, "refresh_expires_in", 0);
    answer.scope = loose::text(*object, "scope");
  }
  if (answer.access_token.empty()) return fail(Errc::bad_request, "The answer holds no token");
  return answer;
}

void encode_client(const ClientView& client, std::string& out) {
  JsonWriter writer(out);
  writer.begin_object()
      .key("client_id")
      .id(client.client_id)
      .member("name", client.name)
      .member("scope", client.scope)
      .key("created_at")
      .time(client.created_at);
  if (!client.client_secret.empty()) writer.member("client_secret", client.client_secret);
  writer.end_object();
}

Decoded<NewClient> decode_new_client(std::string_view body) {
  Document document;
  auto object = object_of(document, body);
  if (!object) return object.error();
  std::vector<FieldError> errors;
  Fields fields(**object, "", errors);
  NewClient client;
  client.scope = "tasks";
  fields.required("name");
  fields.name("name", client.name, limits::kMaxNameBytes);
  fields.name("scope", client.scope, limits::kMaxNameBytes);
  fields.finish();
  if (!errors.empty()) return reject(std::move(errors));
  return client;
}

std::string encode_clients_file(const std::vector<SavedClient>& clients) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().key("clients").begin_array();
  for (const SavedClient& client : clients)
    writer.begin_object()
        .member("name", client.name)
        .member("client_id", client.client_id)
        .member("client_secret", client.client_secret)
        .member("scope", client.scope)
        .end_object();
  writer.end_array().end_object();
  return out + "\n";
}

Result<std::vector<SavedClient>> decode_clients_file(std::string_view text) {
  Document document;
  if (auto parsed = document.parse(text); !parsed) return parsed.error();
  const loose::Object* object = document.root().if_object();
  const auto* entries = object == nullptr ? nullptr : loose::array(*object, "clients");
  if (entries == nullptr) return fail(Errc::bad_request, "The file holds no list of clients");
  std::vector<SavedClient> clients;
  for (const boost::json::value& value : *entries)
    if (const loose::Object* entry = value.if_object()) {
      SavedClient& client = clients.emplace_back();
      client.name = loose::text(*entry, "name");
      client.client_id = loose::text(*entry, "client_id");
      client.client_secret = loose::text(*entry, "client_secret");
      client.scope = loose::text(*entry, "scope");
    }
  return clients;
}

std::string encode_saved_login(const SavedLogin& login) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object()
      .member("server", login.server)
      .member("client_id", login.client_id)
      .member("refresh_token", login.refresh_token)
      .member("access_token", login.access_token)
      .key("access_expires_at")
      .time(login.access_expires_at)
      .end_object();
  return out + "\n";
}

Result<SavedLogin> decode_saved_login(std::string_view text) {
  Document document;
  if (auto parsed = document.parse(text); !parsed) return parsed.error();
  const loose::Object* object = document.root().if_object();
  SavedLogin login;
  if (object != nullptr) {
    login.server = loose::text(*object, "server");
    login.client_id = loose::text(*object, "client_id");
    login.refresh_token = loose::text(*object, "refresh_token");
    login.access_token = loose::text(*object, "access_token");
    const auto expiry = parse_rfc3339(loose::text(*object, "access_expires_at"));
    login.access_expires_at = expiry.value_or(WallTime());
  }
  if (login.server.empty() || login.refresh_token.empty())
    return fail(Errc::bad_request, "The file holds no login");
  return login;
}

std::string encode_server_file(const ServerFile& file) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object()
      .member("url", file.url)
      .key("pid")
      .integer(file.pid)
      .member("version", file.version)
      .end_object();
  return out + "\n";
}

Result<ServerFile> decode_server_file(std::string_view text) {
  Document document;
  if (auto parsed = document.parse(text); !parsed) return parsed.error();
  const loose::Object* object = document.root().if_object();
  ServerFile file;
  if (object != nullptr) {
    file.url = loose::text(*object, "url");
    file.pid = loose::integer(*object, "pid", 0);
    file.version = loose::text(*object, "version");
  }
  if (file.url.empty()) return fail(Errc::bad_request, "The file holds no url");
  return file;
}

}  // namespace tandem::wire
