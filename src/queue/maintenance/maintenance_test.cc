#include "queue/maintenance/maintenance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "base/manual_clock.h"

namespace tandem::queue {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Answers what it is told to, and counts.
struct ScriptedJob final : MaintenanceJob {
  std::string_view name() const override { return "sweeping"; }
  std::int64_t every_ms() const override { return 60'000; }
  Result<bool> run() override {
    ++runs;
    return answer;
  }
  Result<bool> answer = false;
  int runs = 0;
};

class MaintenanceTest : public testing::Test {
 protected:
  MaintenanceTest() {
    auto job = std::make_unique<ScriptedJob>();
    job_ = job.get();
    maintenance_.add(std::move(job));
  }
  MonoTime at(std::int64_t ms) {
    clock_.now_ms += MonoTime{ms} - clock_.mono();
    return maintenance_.run_due();
  }

  ManualClock clock_;
  std::vector<std::string> said_;
  Maintenance maintenance_{clock_, [this](const std::string& text) { said_.push_back(text); }};
  ScriptedJob* job_ = nullptr;
};

TEST_F(MaintenanceTest, AJobRunsAtOnceAndThenAtItsPace) {
  EXPECT_EQ(at(1000), MonoTime{61'000});
  EXPECT_EQ(at(60'999), MonoTime{61'000});
  EXPECT_EQ(job_->runs, 1);
  at(61'000);
  EXPECT_EQ(job_->runs, 2);
  EXPECT_THAT(said_, ElementsAre());
}

TEST_F(MaintenanceTest, AJobWithMoreToDoIsDueAtOnceAndLetsOthersHaveTheirTurn) {
  auto second = std::make_unique<ScriptedJob>();
  ScriptedJob* other = second.get();
  maintenance_.add(std::move(second));
  job_->answer = true;
  EXPECT_EQ(at(1000), MonoTime{1000});
  EXPECT_EQ(at(1000), MonoTime{1000});
  EXPECT_EQ(job_->runs, 2);
  EXPECT_EQ(other->runs, 1);
}

TEST_F(MaintenanceTest, AFailureIsSaidOnceTriedAgainAndItsEndIsSaid) {
  job_->answer = fail(Errc::store_unavailable, "no store");
  EXPECT_EQ(at(1000), MonoTime{1000 + Maintenance::kRetryMs});
  at(1000 + Maintenance::kRetryMs);
  at(1000 + 2 * Maintenance::kRetryMs);
  EXPECT_EQ(job_->runs, 3);
  EXPECT_THAT(said_, ElementsAre(testing::AllOf(HasSubstr("sweeping"), HasSubstr("no store"))));
  job_->answer = false;
  at(100'000);
  at(200'000);
  EXPECT_EQ(said_.size(), 2u);
  EXPECT_THAT(said_.back(), HasSubstr("works again"));
}

TEST(MaintenanceThreadTest, ItRunsByItselfAndStopsAtOnce) {
  struct Signalling final : MaintenanceJob {
    std::string_view name() const override { return "signalling"; }
    std::int64_t every_ms() const override { return 3600'000; }
    Result<bool> run() override {
      ran.set_value();
      return false;
    }
    std::promise<void> ran;
  };
  const SystemClock clock;
  Maintenance maintenance(clock, [](const std::string&) {});
  auto job = std::make_unique<Signalling>();
  auto ran = job->ran.get_future();
  maintenance.add(std::move(job));
  maintenance.start();
  EXPECT_EQ(ran.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  maintenance.stop();
}

}  // namespace
}  // namespace tandem::queue
