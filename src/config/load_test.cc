#include "config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem::config {
namespace {

using testing::HasSubstr;

std::vector<std::string> violations(const Environment& environment, const Flags& flags = {}) {
  const auto settings = load(environment, flags);
  return settings ? std::vector<std::string>{} : settings.error().sentences;
}

TEST(Load, DefaultsAreTheProtocols) {
  const auto settings = load({}, {});
  ASSERT_TRUE(settings) << settings.error().sentences.front();
  EXPECT_EQ(settings->assignment_mode, AssignmentMode::hybrid);
  EXPECT_EQ(settings->listen_host, "127.0.0.1");
  EXPECT_EQ(settings->listen_port, 8080);
  EXPECT_EQ(settings->data_dir, "./tandem-data");
  EXPECT_EQ(settings->lease_ms, 30'000);
  EXPECT_EQ(settings->heartbeat_ms, 10'000);
  EXPECT_EQ(settings->accept_timeout_ms, 15'000);
  EXPECT_EQ(settings->grace_ms, 5000);
  EXPECT_GE(settings->embedded_slots, 1);
  EXPECT_EQ(settings->env_allow, (std::vector<std::string>{"LANG", "LC_ALL", "TZ"}));
  EXPECT_TRUE(settings->is_loopback());
}

TEST(Load, FlagsWinOverTheEnvironment) {
  const auto settings = load({{"TANDEM_LISTEN", "0.0.0.0:1"},
                              {"TANDEM_LEASE_S", "2.5"},
                              {"TANDEM_HEARTBEAT_S", "0.5"},
                              {"PATH", "/bin"}},
                             {{"listen", "[::]:0"}, {"embedded-slots", "0"}});
  ASSERT_TRUE(settings) << settings.error().sentences.front();
  EXPECT_EQ(settings->listen_host, "::");
  EXPECT_EQ(settings->listen_port, 0);
  EXPECT_EQ(settings->lease_ms, 2500);
  EXPECT_EQ(settings->embedded_slots, 0);
  EXPECT_FALSE(settings->is_loopback());
}

TEST(Load, TellsEveryViolationAtOnce) {
  const auto sentences = violations({{"TASK_ASSIGNMENT_MODE", "pull"},
                                     {"TANDEM_LEASE_S", "x"},
                                     {"TANDEM_MAX_BODY_BYTES", "1"},
                                     {"TANDEM_TLS_CERT", "c.pem"},
                                     {"TANDEM_LEASES_S", "5"},
                                     {"TANDEM_LOG_LEVEL", "loud"}});
  EXPECT_THAT(sentences,
              testing::IsSupersetOf(
                  {HasSubstr("TASK_ASSIGNMENT_MODE must be one of push|polling|hybrid"),
                   HasSubstr("TANDEM_LEASE_S must be a number within 1..3600 s"),
                   HasSubstr("TANDEM_MAX_BODY_BYTES"), HasSubstr("must be set together"),
                   HasSubstr("did you mean TANDEM_LEASE_S?"), HasSubstr("TANDEM_LOG_LEVEL")}));
}

TEST(Load, RefusesUnknownAndDoubled) {
  EXPECT_THAT(violations({{"TANDEM_DATADIR", "x"}}),
              testing::ElementsAre(HasSubstr("did you mean TANDEM_DATA_DIR?")));
  EXPECT_THAT(violations({{"TANDEM_DATA_DIR", "x"}, {"TANDEM_DATA_DIR", "y"}}),
              testing::ElementsAre("TANDEM_DATA_DIR is set more than once."));
  EXPECT_THAT(violations({}, {{"data-dirr", "x"}}),
              testing::ElementsAre(HasSubstr("did you mean --data-dir?")));
  EXPECT_TRUE(violations({{"TANDEM_TASK_ID", "x"}}).empty());
}

TEST(Load, RefusesBadValues) {
  for (const auto& [name, value] :
       Environment{{"TANDEM_LISTEN", "8080"},
                   {"TANDEM_LISTEN", "a:70000"},
                   {"TANDEM_LISTEN", ":80"},
                   {"TANDEM_LISTEN", "::1:80"},
                   {"TANDEM_LISTEN", "a:"},
                   {"TANDEM_LISTEN", "example.com:80"},
                   {"TANDEM_LISTEN", "300.0.0.1:80"},
                   {"TANDEM_PUBLIC_URL", "example.com"},
                   {"TANDEM_PUBLIC_URL", "ftp://x"},
                   {"TANDEM_DATABASE_URL", "mysql://x"},
                   {"TANDEM_LOGS_URL", "redis://"},
                   {"TANDEM_LEASE_S", "nan"},
                   {"TANDEM_LEASE_S", "inf"},
                   {"TANDEM_LEASE_S", "1e3"},
                   {"TANDEM_LEASE_S", "-1"},
                   {"TANDEM_LEASE_S", "30s"},
                   {"TANDEM_LOOPS", "1.5"},
                   {"TANDEM_ALLOW_EXEC", "maybe"},
                   {"TANDEM_LOG_JSON", "ja"},
                   {"TANDEM_HEARTBEAT_S", "20"},
                   {"TANDEM_JWT_SECRET", "short"},
                   {"TANDEM_JWT_SECRET_PREVIOUS", "changeme-changeme-changeme-changeme"},
                   {"TANDEM_JWT_SECRET", ""},
                   {"TANDEM_UPSTREAM_TOKEN", "t"},
                   {"TANDEM_UPSTREAM_CONFIG_URL", "https://a/polling/config"},
                   {"TANDEM_UPSTREAM_CONFIG_URL", "ftp://a"},
                   {"TANDEM_UPSTREAM_CLIENT_ID", "tasks"},
                   {"TANDEM_UPSTREAM_QUEUE", std::string(129, 'q')},
                   {"TANDEM_UPSTREAM_MAX_JOBS", "0"},
                   {"TANDEM_WORKER_MODE", "x"}})
    EXPECT_THAT(violations({{name, value}}), testing::ElementsAre(HasSubstr(name)))
        << name << "=" << value;
}

TEST(Load, ReadingKeepsWhatIsRight) {
  const Reading reading = read({{"TANDEM_LEASE_S", "never"}, {"TANDEM_UPSTREAM_TOKEN", "t"}},
                               {{"data-dir", "/there"}, {"upstream-config-url", "ftp://service"}});
  EXPECT_THAT(
      reading.violations.sentences,
      testing::ElementsAre(HasSubstr("TANDEM_LEASE_S"), HasSubstr("--upstream-config-url")));
  EXPECT_THAT(reading.refused,
              testing::ElementsAre("TANDEM_LEASE_S", "TANDEM_UPSTREAM_CONFIG_URL"));
  EXPECT_EQ(reading.settings.data_dir, "/there");
  EXPECT_EQ(reading.settings.lease_ms, 30'000);
}

TEST(Load, NeverShowsSecrets) {
  for (const char* name : {"TANDEM_JWT_SECRET", "TANDEM_DATABASE_URL"})
    for (const std::string& sentence : violations({{name, "hunter2://hunter2"}}))
      EXPECT_EQ(sentence.find("hunter2"), std::string::npos) << sentence;
}

}  // namespace
}  // namespace tandem::config
