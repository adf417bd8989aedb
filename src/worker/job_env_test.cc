#include "worker/job_env.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

namespace tandem::worker {
namespace {

TEST(JobEnvTest, HasASanePathWhereTheWorkerHasNone) {
  const char* before = ::getenv("PATH");
  const std::string kept = before == nullptr ? "" : before;
  ::unsetenv("PATH");
  const auto env = make_environment({}, {});
  ::setenv("PATH", kept.c_str(), 1);
  ASSERT_TRUE(env);
  EXPECT_THAT(env->at("PATH"), testing::HasSubstr("/usr/bin"));
}

TEST(JobEnvTest, RefusesWhatChangesTheCodeThatRuns) {
  for (const char* name : {"LD_PRELOAD", "LD_LIBRARY_PATH", "PATH", "BASH_ENV", "PYTHONPATH",
                           "TANDEM_TASK_ID", "NODE_OPTIONS", "IFS"}) {
    EXPECT_FALSE(may_be_set(name)) << name;
    EXPECT_FALSE(make_environment({{name, "x"}}, {})) << name;
    EXPECT_TRUE(make_environment({{name, "x"}}, {name})) << name;  // the operator's word counts
  }
  EXPECT_TRUE(may_be_set("COLOUR"));
}

TEST(JobEnvTest, RefusesNamesAndValuesThatCannotBe) {
  for (const std::string name : {"", "1A", "A=B", "A B", "A\n", "Ä"})
    EXPECT_FALSE(make_environment({{name, "x"}}, {})) << name;
  EXPECT_FALSE(make_environment({{"A", "two\nlines"}}, {}));
  EXPECT_FALSE(make_environment({{"A", std::string(1, '\0')}}, {}));
  EXPECT_TRUE(make_environment({{"A", "täglich = 1"}}, {}));
}

TEST(JobEnvTest, FindsProgramsInThePathOnly) {
  EXPECT_EQ(*find_program("sh", "/nowhere:/bin"), "/bin/sh");
  EXPECT_EQ(*find_program("/bin/sh", ""), "/bin/sh");
  EXPECT_FALSE(find_program("sh", "/nowhere"));
  EXPECT_FALSE(find_program("./sh", "/bin"));
  EXPECT_FALSE(find_program("sh", "::bin:"));
  EXPECT_FALSE(find_program("", "/bin"));
  EXPECT_FALSE(find_program("/bin", ""));
}

}  // namespace
}  // namespace tandem::worker
