#include "wire/fleet_json.h"

#include <gtest/gtest.h>

namespace tandem::wire {
namespace {

constexpr std::string_view kId = "01890a5d-ac96-774b-bcce-b302099a8057";

TEST(Worker, HasEveryMemberOfTheProtocol) {
  WorkerView worker;
  worker.worker_id = *WorkerId::parse(kId);
  worker.name = "w";
  worker.mode = "hybrid";
  std::string text;
  encode_worker(worker, text);
  EXPECT_EQ(text,
            "{\"worker_id\":\"" + std::string(kId) +
                R"(","name":"w","mode":"hybrid","labels":{},"job_types":[],"queues":[],"slots":1,)"
                R"("version":null,"host":null,"status":"away","channel":null,"tasks":[],)"
                R"("created_at":"1970-01-01T00:00:00.000Z","last_seen_at":null,)"
                R"("revoked_at":null,"revoke_reason":null})");
  worker.status = WorkerStatus::connected;
  worker.channel = WorkerChannel::polling;
  worker.tasks = {{*TaskId::parse(kId), 2, TaskStatus::running}};
  worker.revoke_reason = "lost";
  text.clear();
  encode_worker(worker, text);
  EXPECT_NE(text.find(R"("status":"connected","channel":"polling")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("attempt":2,"status":"running"})"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("revoke_reason":"lost")"), std::string::npos) << text;
}

TEST(RotatedToken, ComesBack) {
  const auto back = decode_rotated_token(encode_rotated_token({"tdw_x", {1'700'000'000'000}}));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->worker_token, "tdw_x");
  EXPECT_EQ(back->previous_valid_until, WallTime{1'700'000'000'000});
  EXPECT_FALSE(decode_rotated_token("{}"));
}

TEST(Empty, TakesNothingElse) {
  EXPECT_TRUE(decode_empty(""));
  EXPECT_TRUE(decode_empty("{}"));
  for (const char* body : {"{\"x\":1}", "[]", "{", "null"})
    EXPECT_FALSE(decode_empty(body)) << body;
}

TEST(Revocation, IsStrict) {
  const std::string id = "\"worker_id\":\"" + std::string(kId) + "\"";
  EXPECT_EQ(decode_revocation("{" + id + "}")->worker_id, *WorkerId::parse(kId));
  EXPECT_EQ(decode_revocation("{" + id + ",\"reason\":\"lost\"}")->reason, "lost");
  for (const std::string& body :
       std::vector<std::string>{"", "{}", "{\"worker_id\":\"x\"}", "{" + id + ",\"x\":1}",
                                "{" + id + ",\"reason\":\"\"}", "{" + id + ",\"reason\":\"a\\nb\"}",
                                "{" + id + ",\"reason\":\"" + std::string(257, 'x') + "\"}"})
    EXPECT_FALSE(decode_revocation(body)) << body;
}

TEST(RevokeReason, MayBeLeftOut) {
  EXPECT_EQ(*decode_revoke_reason(""), "");
  EXPECT_EQ(*decode_revoke_reason("{}"), "");
  EXPECT_EQ(*decode_revoke_reason(R"({"reason":"lost"})"), "lost");
  EXPECT_FALSE(decode_revoke_reason(R"({"why":"lost"})"));
}

}  // namespace
}  // namespace tandem::wire
