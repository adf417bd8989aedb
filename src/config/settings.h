#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::config {

enum class AssignmentMode : std::uint8_t { push, polling, hybrid };
enum class LogLevel : std::uint8_t { trace, debug, info, warn, error };
enum class AllowExec : std::uint8_t {
  auto_,
  yes,
  no
};  // auto_: where the server listens on loopback only

std::string_view to_string(AssignmentMode mode);
std::string_view to_string(LogLevel level);
std::string_view to_string(AllowExec allow);

// All that can be set, checked. What each means stands in table.cc. Made by load().
struct Settings {
  AssignmentMode assignment_mode = AssignmentMode::hybrid;

  // Server
  std::string listen_host;  // 127.0.0.1; without brackets for IPv6
  std::uint16_t listen_port = 8080;
  std::string public_url;  // no slash at its end; empty: as listened on
  std::string tls_cert, tls_key;
  std::string data_dir;
  std::string database_url;  // empty: SQLite in data_dir
  std::string logs_url;      // empty: embedded
  std::string blobs_url;     // empty: files in data_dir
  std::string s3_access_key, s3_secret_key;
  int loops = 0;  // 0: one for each core
  std::vector<std::string> allowed_origins;
  std::size_t max_body_bytes = 0;
  std::size_t max_input_file_bytes = 0;
  int max_connections = 0;

  // Tokens
  std::string jwt_secret, jwt_secret_previous;  // empty: the file in data_dir; none
  std::int64_t access_token_ttl_ms = 0;
  std::int64_t refresh_token_ttl_ms = 0;

  // Tasks and leases
  std::int64_t lease_ms = 0, heartbeat_ms = 0, accept_timeout_ms = 0, grace_ms = 0;
  std::int64_t drain_timeout_ms = 0;
  std::int64_t retention_ms = 0;  // 0: for ever
  std::int64_t poll_interval_ms = 0, reconnect_ms = 0;
  std::vector<std::string> callback_allow_hosts;  // private hosts that outgoing URLs may reach

  // Jobs of another service
  std::string upstream_config_url, upstream_token;  // both or neither
  std::string upstream_client_id;                   // empty: a client of their own
  std::string upstream_queue;
  std::size_t upstream_max_jobs = 0;

  // Jobs and workers
  int embedded_slots = 0;  // 0: no worker inside
  int slots = 0;           // of `tandem worker`
  std::string handlers_dir;
  std::string worker_config;  // a TOML file; empty: none
  std::string worker_name;    // empty: the host's
  std::vector<std::string> worker_labels, job_types, queues;
  std::string worker_mode;  // push, polling, hybrid; empty: hybrid
  std::string config_url, worker_token, registration_token;
  AllowExec allow_exec = AllowExec::auto_;
  std::vector<std::string> env_allow;  // names that jobs get of the worker's own environment
  std::string work_dir;                // empty: below data_dir
  bool keep_work_dirs = false;

  // Clients
  std::string server_url, client_id, client_secret;
  std::string ca_file;  // empty: the system's certificates

  LogLevel log_level = LogLevel::info;
  bool log_json = false;

  bool is_loopback() const;  // does it listen on loopback only?
};

}  // namespace tandem::config
