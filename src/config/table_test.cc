#include "config/table.h"

#include <gtest/gtest.h>

#include <set>

#include "config/load.h"

namespace tandem::config {
namespace {

TEST(Table, NamesAreUniqueAndRowsComplete) {
  std::set<std::string_view> envs, flags;
  for (const Row& row : settings_table()) {
    EXPECT_TRUE(envs.insert(row.env).second) << row.env;
    EXPECT_TRUE(row.flag.empty() || flags.insert(row.flag).second) << row.flag;
    EXPECT_FALSE(row.help.empty()) << row.env;
    EXPECT_NE(row.apply, nullptr) << row.env;
    EXPECT_TRUE(row.help.ends_with('.')) << row.env;
    EXPECT_FALSE(is_job_variable(row.env)) << row.env;
  }
}

TEST(Table, HasWhatTheProtocolLists) {
  std::set<std::string_view> envs;
  for (const Row& row : settings_table()) envs.insert(row.env);
  for (const char* env :
       {"TASK_ASSIGNMENT_MODE", "TANDEM_LISTEN", "TANDEM_PUBLIC_URL", "TANDEM_TLS_CERT",
        "TANDEM_TLS_KEY", "TANDEM_DATA_DIR", "TANDEM_DATABASE_URL", "TANDEM_LOGS_URL",
        "TANDEM_JWT_SECRET", "TANDEM_ACCESS_TOKEN_TTL_S", "TANDEM_EMBEDDED_SLOTS",
        "TANDEM_HANDLERS_DIR", "TANDEM_LEASE_S", "TANDEM_HEARTBEAT_S", "TANDEM_ACCEPT_TIMEOUT_S",
        "TANDEM_RETENTION_DAYS", "TANDEM_MAX_BODY_BYTES", "TANDEM_LOG_LEVEL"})
    EXPECT_TRUE(envs.contains(env)) << env;
}

TEST(Table, EveryDefaultAndBoundIsTakenByItsOwnRow) {
  for (const Row& row : settings_table()) {
    Settings settings;
    const bool is_auto = row.unit == Unit::count && row.default_value == "auto";
    if (!row.default_value.empty() && !is_auto) {
      EXPECT_EQ(row.apply(row, row.default_value, settings), "") << row.env;
    }
    if (row.max == 0) continue;
    EXPECT_EQ(row.apply(row, std::to_string(row.max), settings), "") << row.env;
    EXPECT_NE(row.apply(row, std::to_string(row.max + 1), settings), "") << row.env;
    EXPECT_NE(row.apply(row, std::to_string(row.min - 1), settings), "") << row.env;
  }
}

TEST(Table, TextsNameEveryRow) {
  const std::string markdown = settings_markdown();
  for (const Row& row : settings_table()) {
    EXPECT_NE(markdown.find("`" + std::string(row.env) + "`"), std::string::npos);
    EXPECT_NE(settings_text(row.section).find(row.env), std::string::npos);
  }
}

}  // namespace
}  // namespace tandem::config
