#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "app/cli/menu.h"
#include "base/result.h"
#include "config/settings.h"
#include "net/http_client.h"

namespace tandem::app::cli {

// Who asks whom. A client's id and secret come from flags or settings, else from clients.json of
// the data directory on the server's own machine; else there is what `tandem login` has saved.
struct Login {
  std::string server;  // no slash at its end
  std::string client_id = {}, client_secret = {};
  bool is_saved = false;     // then without a secret
  std::string ca_file = {};  // empty: the system's certificates
};
enum class Sources { all, without_saved_login };

// The settings as the environment and the flags give them; prints what is wrong. Nothing: end with
// exit_code::kSettings.
std::optional<config::Settings> client_settings(const LoginFlags& flags);
// Errors: store_unavailable (no server is known), unauthenticated (no client is known).
Result<Login> find_login(const config::Settings& settings, Sources sources = Sources::all);

// A server and a token for it, which is asked for once and kept in memory only; that of a saved
// login is kept with it. Blocks.
class Session {
 public:
  explicit Session(Login login)
      : login_(std::move(login)), http_(net::HttpClientOptions{.ca_file = login_.ca_file}) {}

  // Errors of all calls: what the server answered as a problem, or that it was not reached.
  Result<std::string> token();
  void forget_token();                 // the server did not take it: the next one is another
  Result<std::string> log_in();        // the answer of POST /token
  Result<net::Headers> credentials();  // Authorization: Bearer …
  // `path` begins with a slash. The call's URL and credentials are filled in; any answer but 2xx is
  // an error.
  Result<net::HttpAnswer> perform(std::string_view path, net::HttpCall call);
  Result<std::string> get(std::string_view path);  // the body
  Result<std::string> send(std::string_view method, std::string_view path, std::string body = {});

  const std::string& server() const { return login_.server; }
  const std::string& ca_file() const { return login_.ca_file; }

 private:
  Result<net::HttpAnswer> follow(const std::string& url, const net::HttpCall& call);

  Login login_;
  std::string token_, refused_token_;
  net::HttpClient http_;
};

// Settings, login and session of a command, then `work`; reports what goes wrong.
int with_session(const LoginFlags& flags, const std::function<int(Session&)>& work);

// For a path or a query: all but letters, digits and -._~ is written as %XX.
std::string escaped(std::string_view text);
std::string task_path(std::string_view task_id, std::string_view rest = {});

}  // namespace tandem::app::cli
