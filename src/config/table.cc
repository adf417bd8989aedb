#include "config/table.h"

#include <array>

#include "base/id.h"
#include "base/limits.h"
#include "config/values.h"

namespace tandem::config {
namespace {

using S = Settings;
using namespace values;  // the appliers

constexpr double kYearS = 366.0 * 24 * 3600, kDayS = 24.0 * 3600;

std::string listen(const Row&, std::string_view text, Settings& settings) {
  return split_address(text, settings.listen_host, settings.listen_port);
}

std::string public_url(const Row& row, std::string_view text, Settings& settings) {
  while (text.ends_with('/')) text.remove_suffix(1);
  return url<&S::public_url>(row, text, settings);
}

std::string worker_mode(const Row& row, std::string_view text, Settings& settings) {
  settings.worker_mode = text;
  return check_choice(row, text);
}

std::string client_id(const Row&, std::string_view text, Settings& settings) {
  settings.upstream_client_id = text;
  return ClientId::parse(text) ? "" : "must be the id of a client";
}

std::string queue_name(const Row&, std::string_view text, Settings& settings) {
  settings.upstream_queue = text;
  if (text.size() <= limits::kMaxNameBytes) return {};
  return "must have at most " + std::to_string(limits::kMaxNameBytes) + " bytes";
}

// Columns: name, env, flag, default, unit, min, max, choices, section, help, apply.
constexpr std::array kRows = {
    Row{"assignment mode", "TASK_ASSIGNMENT_MODE", "assignment-mode", "hybrid", Unit::choice, 0, 0,
        "push|polling|hybrid", Section::server, "How tasks reach workers.",
        choice<&S::assignment_mode>},
    Row{"listen", "TANDEM_LISTEN", "listen", "127.0.0.1:8080", Unit::address, 0, 0, "",
        Section::server, "Address and port to listen on; port 0 is any free one.", listen},
    Row{"public URL", "TANDEM_PUBLIC_URL", "public-url", "", Unit::url, 0, 0, "http|https",
        Section::server, "The address under which others reach this server.", public_url},
    Row{"TLS certificate", "TANDEM_TLS_CERT", "tls-cert", "", Unit::path, 0, 0, "", Section::server,
        "Certificate chain (PEM). With a key, the server speaks TLS.", text<&S::tls_cert>},
    Row{"TLS key", "TANDEM_TLS_KEY", "tls-key", "", Unit::path, 0, 0, "", Section::server,
        "Private key (PEM).", text<&S::tls_key>},
    Row{"data directory", "TANDEM_DATA_DIR", "data-dir", "./tandem-data", Unit::path, 0, 0, "",
        Section::server, "Where everything is kept that must last.", text<&S::data_dir>},
    Row{"database", "TANDEM_DATABASE_URL", "database-url", "", Unit::url, 0, 0,
        "postgres|postgresql|sqlite", Section::server,
        "Database for tasks and accounts; empty: SQLite in the data directory.",
        url<&S::database_url>},
    Row{"logs", "TANDEM_LOGS_URL", "logs-url", "", Unit::url, 0, 0, "redis", Section::server,
        "Where task logs are kept: redis://[user[:password]@]host[:port][/db]; empty: in the data "
        "directory.",
        url<&S::logs_url>},
    Row{"files", "TANDEM_BLOBS_URL", "blobs-url", "", Unit::url, 0, 0, "s3|file", Section::server,
        "Where files of tasks are kept: "
        "s3://bucket[/prefix][?endpoint=URL&region=NAME&presign_s=SECONDS], or file:///directory, "
        "which several servers may share; empty: in the data directory.",
        url<&S::blobs_url>},
    Row{"S3 access key", "TANDEM_S3_ACCESS_KEY", "", "", Unit::secret, 0, 0, "", Section::server,
        "The key id for the files; empty: AWS_ACCESS_KEY_ID.", text<&S::s3_access_key>},
    Row{"S3 secret key", "TANDEM_S3_SECRET_KEY", "", "", Unit::secret, 0, 0, "", Section::server,
        "The secret for the files; empty: AWS_SECRET_ACCESS_KEY.", text<&S::s3_secret_key>},
    Row{"event loops", "TANDEM_LOOPS", "loops", "0", Unit::count, 0, 256, "", Section::server,
        "Event loops; 0: one for each core.", count<&S::loops>},
    Row{"allowed origins", "TANDEM_ALLOWED_ORIGINS", "allowed-origins", "", Unit::list, 0, 0, "",
        Section::server, "Origins of other web pages that may open WebSockets and call the API.",
        list<&S::allowed_origins>},
    Row{"max body", "TANDEM_MAX_BODY_BYTES", "max-body-bytes", "8388608", Unit::bytes, 1024,
        1073741824, "", Section::server, "Largest JSON body.", count<&S::max_body_bytes>},
    Row{"max input file", "TANDEM_MAX_INPUT_FILE_BYTES", "max-input-file-bytes", "1073741824",
        Unit::bytes, 1024, 1099511627776, "", Section::server, "Largest input file of a task.",
        count<&S::max_input_file_bytes>},
    Row{"max connections", "TANDEM_MAX_CONNECTIONS", "max-connections", "16384", Unit::count, 16,
        1000000, "", Section::server, "Connections at the same time.", count<&S::max_connections>},

    Row{"token secret", "TANDEM_JWT_SECRET", "", "", Unit::secret, 0, 0, "", Section::tokens,
        "Signs access tokens, 32 bytes at least; empty: made and kept in the data directory.",
        text<&S::jwt_secret>},
    Row{"previous token secret", "TANDEM_JWT_SECRET_PREVIOUS", "", "", Unit::secret, 0, 0, "",
        Section::tokens, "Still good for verifying, after the secret was changed.",
        text<&S::jwt_secret_previous>},
    Row{"access token life", "TANDEM_ACCESS_TOKEN_TTL_S", "access-token-ttl-s", "3600",
        Unit::seconds, 60, kDayS, "", Section::tokens, "How long an access token is good.",
        duration<&S::access_token_ttl_ms, 1000>},
    Row{"refresh token life", "TANDEM_REFRESH_TOKEN_TTL_S", "refresh-token-ttl-s", "2592000",
        Unit::seconds, 300, kYearS, "", Section::tokens, "How long a refresh token is good.",
        duration<&S::refresh_token_ttl_ms, 1000>},

    Row{"lease", "TANDEM_LEASE_S", "lease-s", "30", Unit::seconds, 1, 3600, "", Section::tasks,
        "A worker that says nothing for so long has lost its tasks.", duration<&S::lease_ms, 1000>},
    Row{"heartbeat", "TANDEM_HEARTBEAT_S", "heartbeat-s", "10", Unit::seconds, 0.2, 1200, "",
        Section::tasks, "How often a worker renews its leases; at most half a lease.",
        duration<&S::heartbeat_ms, 1000>},
    Row{"accept timeout", "TANDEM_ACCEPT_TIMEOUT_S", "accept-timeout-s", "15", Unit::seconds, 0.2,
        3600, "", Section::tasks, "An offer not accepted within it goes back to the queue.",
        duration<&S::accept_timeout_ms, 1000>},
    Row{"grace", "TANDEM_GRACE_S", "grace-s", "5", Unit::seconds, 0, 600, "", Section::tasks,
        "Between SIGTERM and SIGKILL, when a task is cancelled or times out.",
        duration<&S::grace_ms, 1000>},
    Row{"drain timeout", "TANDEM_DRAIN_TIMEOUT_S", "drain-timeout-s", "30", Unit::seconds, 0, kDayS,
        "", Section::tasks, "How long SIGTERM waits for running tasks.",
        duration<&S::drain_timeout_ms, 1000>},
    Row{"retention", "TANDEM_RETENTION_DAYS", "retention-days", "30", Unit::days, 0, 36500, "",
        Section::tasks, "Finished tasks are removed after so many days; 0: never.",
        duration<&S::retention_ms, 86'400'000>},
    Row{"poll interval", "TANDEM_POLL_INTERVAL_S", "poll-interval-s", "5", Unit::seconds, 0.1, 3600,
        "", Section::tasks, "What the polling configuration tells workers that do not wait.",
        duration<&S::poll_interval_ms, 1000>},
    Row{"reconnect", "TANDEM_RECONNECT_S", "reconnect-s", "1.5", Unit::seconds, 0.1, 3600, "",
        Section::tasks,
        "A worker whose socket has ended is waited for so long, before its tasks are lost.",
        duration<&S::reconnect_ms, 1000>},
    Row{"private hosts", "TANDEM_ALLOW_PRIVATE_HOSTS", "allow-private-hosts", "", Unit::list, 0, 0,
        "", Section::tasks, "Hosts with private addresses that outgoing URLs may reach.",
        list<&S::callback_allow_hosts>},

    Row{"upstream configuration", "TANDEM_UPSTREAM_CONFIG_URL", "upstream-config-url", "",
        Unit::url, 0, 0, "http|https", Section::upstream,
        "The polling configuration of a service whose jobs the server fetches for its own workers.",
        url<&S::upstream_config_url>},
    Row{"upstream token", "TANDEM_UPSTREAM_TOKEN", "", "", Unit::secret, 0, 0, "",
        Section::upstream, "The token that this service knows the server by.",
        text<&S::upstream_token>},
    Row{"upstream client", "TANDEM_UPSTREAM_CLIENT_ID", "upstream-client-id", "", Unit::none, 0, 0,
        "", Section::upstream,
        "The client whose tasks its jobs are; empty: one of their own, seen by admins only.",
        client_id},
    Row{"upstream queue", "TANDEM_UPSTREAM_QUEUE", "upstream-queue", "default", Unit::none, 0, 0,
        "", Section::upstream, "The queue that its jobs wait in.", queue_name},
    Row{"upstream jobs", "TANDEM_UPSTREAM_MAX_JOBS", "upstream-max-jobs", "1000", Unit::count, 1,
        10000, "", Section::upstream,
        "Its jobs at the same time, also those whose end it has not heard of; fewer where the "
        "workers have fewer free slots.",
        count<&S::upstream_max_jobs>},

    Row{"embedded slots", "TANDEM_EMBEDDED_SLOTS", "embedded-slots", "auto", Unit::count, 0, 1000,
        "", Section::worker,
        "Tasks that the server's own worker runs at once; auto: the number of cores; 0: no worker "
        "inside.",
        count<&S::embedded_slots>},
    Row{"slots", "TANDEM_SLOTS", "slots", "auto", Unit::count, 1, 1000, "", Section::worker,
        "Tasks that `tandem worker` runs at once; auto: the number of cores.", count<&S::slots>},
    Row{"handlers directory", "TANDEM_HANDLERS_DIR", "handlers-dir", "./handlers", Unit::path, 0, 0,
        "", Section::worker, "Executable files, one for each job type.", text<&S::handlers_dir>},
    Row{"worker configuration", "TANDEM_WORKER_CONFIG", "worker-config", "", Unit::path, 0, 0, "",
        Section::worker, "A TOML file with handlers and their limits.", text<&S::worker_config>},
    Row{"worker name", "TANDEM_WORKER_NAME", "name", "", Unit::none, 0, 0, "", Section::worker,
        "The worker's name; empty: the host's.", text<&S::worker_name>},
    Row{"labels", "TANDEM_LABELS", "labels", "", Unit::list, 0, 0, "", Section::worker,
        "What the worker offers: gpu,zone=eu.", list<&S::worker_labels>},
    Row{"job types", "TANDEM_JOB_TYPES", "job-types", "", Unit::list, 0, 0, "", Section::worker,
        "Job types that the worker takes; empty: all that it has handlers for.",
        list<&S::job_types>},
    Row{"queues", "TANDEM_QUEUES", "queues", "", Unit::list, 0, 0, "", Section::worker,
        "Queues that the worker takes from; empty: all.", list<&S::queues>},
    Row{"worker mode", "TANDEM_WORKER_MODE", "mode", "hybrid", Unit::choice, 0, 0,
        "push|polling|hybrid", Section::worker, "How the worker gets its tasks.", worker_mode},
    Row{"configuration URL", "TANDEM_CONFIG_URL", "config-url", "", Unit::url, 0, 0, "http|https",
        Section::worker, "The /polling/config of the service to work for.", url<&S::config_url>},
    Row{"worker token", "TANDEM_WORKER_TOKEN", "worker-token", "", Unit::secret, 0, 0, "",
        Section::worker, "The worker's token, from its registration.", text<&S::worker_token>},
    Row{"registration token", "TANDEM_REGISTRATION_TOKEN", "registration-token", "", Unit::secret,
        0, 0, "", Section::worker, "An access token to register with.",
        text<&S::registration_token>},
    Row{"allow exec", "TANDEM_ALLOW_EXEC", "allow-exec", "auto", Unit::choice, 0, 0, "auto|yes|no",
        Section::worker,
        "Allow the job types exec and shell; auto: where the server listens on loopback only.",
        choice<&S::allow_exec>},
    Row{"environment allow-list", "TANDEM_ENV_ALLOW", "env-allow", "LANG,LC_ALL,TZ", Unit::list, 0,
        0, "", Section::worker, "Variables of the worker's own environment that jobs get.",
        list<&S::env_allow>},
    Row{"work directory", "TANDEM_WORK_DIR", "work-dir", "", Unit::path, 0, 0, "", Section::worker,
        "Where jobs have their directories; empty: in the data directory.", text<&S::work_dir>},
    Row{"keep work directories", "TANDEM_KEEP_WORK_DIRS", "keep-work-dirs", "false", Unit::flag, 0,
        0, "", Section::worker, "Leave a job's directory behind, to look at it.",
        flag<&S::keep_work_dirs>},

    Row{"server", "TANDEM_SERVER", "server", "", Unit::url, 0, 0, "http|https", Section::client,
        "The server that client commands speak to.", url<&S::server_url>},
    Row{"client id", "TANDEM_CLIENT_ID", "client-id", "", Unit::none, 0, 0, "", Section::client,
        "Who asks.", text<&S::client_id>},
    Row{"client secret", "TANDEM_CLIENT_SECRET", "client-secret", "", Unit::secret, 0, 0, "",
        Section::client, "The client's secret.", text<&S::client_secret>},
    Row{"trusted certificates", "TANDEM_CA_FILE", "ca-file", "", Unit::path, 0, 0, "",
        Section::client,
        "Certificates (PEM) that client commands, `tandem worker` and the server towards its "
        "upstream trust; empty: the system's.",
        text<&S::ca_file>},

    Row{"log level", "TANDEM_LOG_LEVEL", "log-level", "info", Unit::choice, 0, 0,
        "trace|debug|info|warn|error", Section::logging, "What the process says about itself.",
        choice<&S::log_level>},
    Row{"JSON log", "TANDEM_LOG_JSON", "log-json", "false", Unit::flag, 0, 0, "", Section::logging,
        "One JSON object for each line.", flag<&S::log_json>},
};

}  // namespace

std::span<const Row> settings_table() { return kRows; }

std::string_view to_string(Section section) {
  constexpr std::array<std::string_view, 7> kNames = {
      "Server",           "Tokens",          "Tasks and leases", "Jobs of another service",
      "Workers and jobs", "Client commands", "Logging"};
  return kNames.at(static_cast<std::size_t>(section));
}

bool is_job_variable(std::string_view env) {
  for (const std::string_view name :
       {"TANDEM_TASK_ID", "TANDEM_ATTEMPT", "TANDEM_JOB_TYPE", "TANDEM_PAYLOAD_FILE",
        "TANDEM_INPUT_DIR", "TANDEM_OUTPUT_DIR", "TANDEM_CONTROL_FD", "TANDEM_INPUT_FD",
        "TANDEM_BIN", "TANDEM_PRESET", "TANDEM_JOBS"})
    if (env == name) return true;
  return false;
}

}  // namespace tandem::config
