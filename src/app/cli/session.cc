#include "app/cli/session.h"

#include <fmt/core.h>

#include <filesystem>

#include "app/cli/exit_code.h"
#include "app/cli/saved_login.h"
#include "app/installation.h"
#include "app/tls_files.h"
#include "config/load.h"
#include "wire/account_json.h"
#include "wire/json_writer.h"
#include "wire/problem.h"

namespace tandem::app::cli {
namespace {

constexpr std::string_view kPreferredClient = "admin";
constexpr int kElsewhere = 307;

Errc errc_of_status(int status) {
  switch (status) {
    case 401: return Errc::unauthenticated;
    case 403: return Errc::forbidden;
    case 404: return Errc::not_found;
    case 503: return Errc::store_unavailable;
    default: return status < 500 ? Errc::bad_request : Errc::internal;
  }
}

// The sentence of a problem document, with what is wrong in each field.
Error error_of(const net::HttpAnswer& answer) {
  wire::Problem problem = wire::decode_problem(answer.body, errc_of_status(answer.status));
  for (const wire::FieldError& field : problem.fields)
    problem.error.detail += fmt::format("\n  {}: {}", field.field, field.message);
  return problem.error;
}

Error unreached(const Error& error, const std::string& server) {
  if (error.code != Errc::store_unavailable && error.code != Errc::request_timeout) return error;
  return fail(error.code, "The server at " + server + " can't be reached: " + error.detail);
}

bool is_on_this_machine(std::string_view url) {
  for (const std::string_view host : {"://127.0.0.1", "://localhost", "://[::1]"})
    if (const auto at = url.find(host); at != std::string_view::npos) {
      const std::string_view rest = url.substr(at + host.size());
      return rest.empty() || rest.front() == ':' || rest.front() == '/';
    }
  return false;
}

// A secret of this machine's server is not shown to another one.
Result<void> take_own_client(const std::filesystem::path& data_dir, bool is_own, Login& login) {
  const auto text = is_own ? read_file(data_dir / "clients.json") : fail(Errc::not_found);
  if (!text)
    return fail(Errc::not_found,
                "Say who asks: tandem login, or --client-id and --client-secret (or "
                "TANDEM_CLIENT_ID and TANDEM_CLIENT_SECRET), or --data-dir on the server's own "
                "machine");
  auto clients = wire::decode_clients_file(*text);
  if (!clients) return clients.error();
  const std::string wanted =
      login.client_id.empty() ? std::string(kPreferredClient) : login.client_id;
  for (const wire::SavedClient& client : *clients) {
    if (client.name != wanted && client.client_id != wanted) continue;
    login.client_id = client.client_id;
    login.client_secret = client.client_secret;
    return {};
  }
  return fail(Errc::unauthenticated, "clients.json has no client " + wanted);
}

}  // namespace

std::optional<config::Settings> client_settings(const LoginFlags& flags) {
  config::Flags given;
  config::Environment environment = config::process_environment();
  const auto take = [&](const char* flag, const std::string& value) {
    if (!value.empty()) given[flag] = value;
  };
  take("server", flags.server);
  take("client-id", flags.client_id);
  take("data-dir", flags.data_dir);
  take("ca-file", flags.ca_file);
  config::Reading reading = config::read(environment, given);
  check_ca_file(reading.settings, reading.violations);
  for (const std::string& sentence : reading.violations.sentences)
    fmt::print(stderr, "tandem: {}\n", sentence);
  if (!reading.violations.sentences.empty()) return std::nullopt;
  if (!flags.client_secret.empty()) reading.settings.client_secret = flags.client_secret;
  return std::move(reading.settings);
}

Result<Login> find_login(const config::Settings& settings, Sources sources) {
  const std::filesystem::path data_dir = settings.data_dir;
  Login login{.server = settings.server_url,
              .client_id = settings.client_id,
              .client_secret = settings.client_secret,
              .ca_file = settings.ca_file};
  std::string own_url;
  if (const auto text = read_file(data_dir / "server.json"))
    if (const auto file = wire::decode_server_file(*text)) own_url = file->url;
  Result<std::optional<wire::SavedLogin>> saved = std::optional<wire::SavedLogin>();
  if (sources == Sources::all) saved = read_saved_login();
  const bool is_there = saved && *saved;
  if (login.server.empty()) login.server = own_url;
  if (login.server.empty() && is_there) login.server = (*saved)->server;
  if (login.server.empty())
    return fail(Errc::store_unavailable,
                "No server runs with the data directory " + data_dir.string() +
                    "; start one with `tandem serve`, name one with --server, or log in to one "
                    "with `tandem login`");
  while (login.server.ends_with('/')) login.server.pop_back();
  if (!login.client_id.empty() && !login.client_secret.empty()) return login;
  const bool is_own = login.server == own_url || is_on_this_machine(login.server);
  const auto taken = take_own_client(data_dir, is_own, login);
  if (taken) return login;
  const bool fits = is_there && (*saved)->server == login.server &&
                    (login.client_id.empty() || login.client_id == (*saved)->client_id);
  if (fits) login.is_saved = true;
  if (fits) return login;
  return saved ? fail(Errc::unauthenticated, taken.error().detail) : saved.error();
}

Result<std::string> Session::token() {
  if (!token_.empty()) return token_;
  if (login_.is_saved) {
    auto token = saved_access_token(http_, refused_token_);
    if (token) token_ = *token;
    return token;
  }
  const auto answer = log_in();
  if (!answer) return answer.error();
  const auto decoded = wire::decode_token_answer(*answer);
  if (!decoded) return decoded.error();
  token_ = decoded->access_token;
  return token_;
}

void Session::forget_token() { refused_token_ = std::exchange(token_, {}); }

Result<std::string> Session::log_in() {
  std::string body;
  wire::JsonWriter(body)
      .begin_object()
      .member("grant_type", "client_credentials")
      .member("client_id", login_.client_id)
      .member("client_secret", login_.client_secret)
      .end_object();
  net::Headers headers;
  headers.add("Content-Type", "application/json");
  const auto answer = http_.post(login_.server + "/token", std::move(body), headers);
  if (!answer) return unreached(answer.error(), login_.server);
  if (answer->status != 200) return error_of(*answer);
  return answer->body;
}

Result<net::Headers> Session::credentials() {
  const auto bearer = token();
  if (!bearer) return bearer.error();
  net::Headers headers;
  headers.add("Authorization", "Bearer " + *bearer);
  return headers;
}

Result<net::HttpAnswer> Session::perform(std::string_view path, net::HttpCall call) {
  for (bool is_second = false;; is_second = true) {
    const auto bearer = token();
    if (!bearer) return bearer.error();
    call.url = login_.server + std::string(path);
    call.headers.set("Authorization", "Bearer " + *bearer);
    auto answer = http_.perform(call);
    if (!answer) return unreached(answer.error(), login_.server);
    if (answer->status >= 200 && answer->status < 300) return answer;
    if (answer->status == kElsewhere)
      return follow(std::string(answer->headers.get("Location")), call);
    Error error = error_of(*answer);
    const bool is_stale =
        error.code == Errc::token_expired || (login_.is_saved && answer->status == 401);
    if (!is_stale || is_second) return error;
    forget_token();  // a long run, or a server that signs anew: another token, once
  }
}

// A file that lies elsewhere: the address is all that is needed, and no token is shown there.
Result<net::HttpAnswer> Session::follow(const std::string& url, const net::HttpCall& call) {
  net::HttpCall there;
  there.url = url;
  there.sink = call.sink;
  auto answer = http_.perform(there);
  if (!answer)
    return fail(answer.error().code, "The file can't be fetched: " + answer.error().detail);
  if (answer->status == 200) return answer;
  return fail(
      errc_of_status(answer->status),
      fmt::format("The file can't be fetched: where it lies the answer is {}", answer->status));
}

Result<std::string> Session::get(std::string_view path) { return send("GET", path); }

Result<std::string> Session::send(std::string_view method, std::string_view path,
                                  std::string body) {
  net::HttpCall call;
  call.method = method;
  if (!body.empty()) call.headers.add("Content-Type", "application/json");
  call.body = std::move(body);
  auto answer = perform(path, std::move(call));
  if (!answer) return answer.error();
  return std::move(answer->body);
}

int with_session(const LoginFlags& flags, const std::function<int(Session&)>& work) {
  const auto settings = client_settings(flags);
  if (!settings) return exit_code::kSettings;
  auto login = find_login(*settings);
  if (!login) return report(login.error());
  Session session(std::move(*login));
  return work(session);
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                          (byte >= '0' && byte <= '9') ||
                          std::string_view("-._~").find(c) != std::string_view::npos;
    if (is_plain)
      out += c;
    else
      out += fmt::format("%{:02X}", byte);
  }
  return out;
}

std::string task_path(std::string_view task_id, std::string_view rest) {
  return "/api/v1/tasks/" + escaped(task_id) + std::string(rest);
}

}  // namespace tandem::app::cli
