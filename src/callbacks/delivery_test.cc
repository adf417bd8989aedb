#include "callbacks/delivery.h"

#include <gtest/gtest.h>

#include "wire/task_json.h"

namespace tandem::callbacks {
namespace {

constexpr WallTime kEnd{1'800'000'000'000};
const TaskId kTask(*parse_uuid("01890000-0000-7000-8000-000000000001"));

store::Callback callback(int tries = 0) {
  return {.task_id = kTask,
          .ended_at = kEnd,
          .url = "https://example.org/x",
          .tries = tries,
          .due_at = kEnd};
}

TEST(DeliveryTest, PausesDoubleUpToAnHour) {
  EXPECT_EQ(next_try(callback(0), kEnd), kEnd + 1000);
  EXPECT_EQ(next_try(callback(1), kEnd), kEnd + 2000);
  EXPECT_EQ(next_try(callback(11), kEnd), kEnd + 2'048'000);
  EXPECT_EQ(next_try(callback(12), kEnd), kEnd + 3'600'000);
  EXPECT_EQ(next_try(callback(2'000'000'000), kEnd), kEnd + 3'600'000);
}

TEST(DeliveryTest, ADayAfterTheEndItIsGivenUp) {
  const WallTime last = kEnd + (kGiveUpAfterMs - kMaxPauseMs);
  EXPECT_TRUE(next_try(callback(30), last));
  EXPECT_FALSE(next_try(callback(30), last + 1));
  int tries = 0;
  WallTime now = kEnd;
  for (auto next = std::optional(now); next; next = next_try(callback(tries++), now)) now = *next;
  EXPECT_EQ(tries, 35);
}

TEST(DeliveryTest, TheCallIsTheTaskSigned) {
  Task task;
  task.task_id = kTask;
  task.client_id = ClientId(kTask);
  task.spec.payload = "{}";
  const auth::CallbackSigner signer(std::string(32, 's'), "");
  const net::HttpCall call = call_for(callback(), task, signer, kEnd + 5);
  std::string body;
  wire::encode_task(task, body);
  EXPECT_EQ(call.method, "POST");
  EXPECT_EQ(call.url, "https://example.org/x");
  EXPECT_EQ(call.body, body);
  EXPECT_EQ(*call.headers.find("Tandem-Delivery"),
            "01890000-0000-7000-8000-000000000001.1800000000000");
  EXPECT_EQ(*call.headers.find("Tandem-Signature"), signer.sign(task.client_id, kEnd + 5, body));
}

TEST(DeliveryTest, AnotherEndIsAnotherDelivery) {
  store::Callback second = callback(3);
  EXPECT_EQ(delivery_id(second), delivery_id(callback(0)));
  second.ended_at = kEnd + 1;
  EXPECT_NE(delivery_id(second), delivery_id(callback(0)));
}

}  // namespace
}  // namespace tandem::callbacks
