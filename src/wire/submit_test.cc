#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "wire/task_json.h"

namespace tandem::wire {
namespace {

constexpr std::string_view kSeed =
    R"({"payload": {"job_type": "image-processing",
             "input_url": "https://example.com/image.jpg"},
 "queue": "default", "priority": 0, "assignment": "any", "requires": ["gpu"], "run_at": null,
 "delay_s": null,
 "max_attempts": 1, "retry_delay_s": 5, "timeout_s": null, "queue_timeout_s": null,
 "interactive": false,
  "input_timeout_s": 180, "unique_key": null, "callback_url": null,
 "env": {}, "labels": {"team": "vision"}})";

// The names of the fields that are refused, of a task with these members beside its payload.
std::vector<std::string> refused(const std::string& members) {
  const auto decoded = decode_submit(R"({"payload":{"job_type":"x"},)" + members + "}");
  std::vector<std::string> names;
  if (decoded) return names;
  EXPECT_EQ(decoded.error().error.code, Errc::validation_failed) << members;
  const Rejection rejection = decoded.error();
  for (const FieldError& field : rejection.fields) names.push_back(field.field);
  return names;
}

TEST(Submit, TakesTheProtocolsTask) {
  const auto spec = decode_submit(kSeed);
  ASSERT_TRUE(spec) << spec.error().error.detail;
  EXPECT_EQ(spec->job_type, "image-processing");
  EXPECT_EQ(spec->payload,
            R"({"job_type":"image-processing","input_url":"https://example.com/image.jpg"})");
  EXPECT_EQ(spec->requires_labels, std::vector<std::string>{"gpu"});
  EXPECT_EQ(spec->labels, (Labels{{"team", "vision"}}));
  EXPECT_EQ(spec->input_timeout_ms, 180'000);
  EXPECT_FALSE(spec->run_at || spec->delay_ms || spec->timeout_ms);
}

TEST(Submit, PayloadAloneGetsTheDefaults) {
  const auto spec =
      decode_submit(R"({"payload":{"job_type":"x","n":1.0e2,"b":18446744073709551616}})");
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->payload, R"({"job_type":"x","n":1.0e2,"b":18446744073709551616})");
  EXPECT_EQ(spec->queue, "default");
  EXPECT_EQ(spec->max_attempts, 1);
}

TEST(Submit, ReadsEveryField) {
  const auto spec = decode_submit(
      R"({"payload":{"job_type":"x"},"queue":"q","priority":-100,"assignment":"polling",
      "requires":["zone=eu","gpu","gpu"],"delay_s":0.25,"max_attempts":3,"retry_delay_s":1.5,
      "timeout_s":60,"queue_timeout_s":10,"interactive":true,"input_timeout_s":1,"unique_key":"u",
      "callback_url":"https://a.example/b","env":{"A_1":"x y"},"labels":{"a":""}})");
  ASSERT_TRUE(spec) << spec.error().error.detail;
  EXPECT_EQ(spec->requires_labels, (std::vector<std::string>{"gpu", "zone=eu"}));
  EXPECT_EQ(spec->delay_ms, 250);
  EXPECT_EQ(spec->retry_delay_ms, 1500);
  EXPECT_EQ(spec->timeout_ms, 60'000);
  EXPECT_EQ(spec->queue_timeout_ms, 10'000);
  EXPECT_EQ(spec->assignment, Assignment::polling);
  EXPECT_TRUE(spec->interactive);
  EXPECT_EQ(spec->unique_key, "u");
  EXPECT_EQ(spec->callback_url, "https://a.example/b");
  EXPECT_EQ(spec->env.at("A_1"), "x y");
}

TEST(Submit, RefusesEachFieldOutOfItsBounds) {
  using testing::ElementsAre;
  const std::string long_name(limits::kMaxNameBytes + 1, 'a');
  EXPECT_THAT(refused(R"("queue":"")"), ElementsAre("queue"));
  EXPECT_THAT(refused(R"("queue":"a\nb")"), ElementsAre("queue"));
  EXPECT_THAT(refused(R"("queue":")" + long_name + "\""), ElementsAre("queue"));
  for (const char* value : {"101", "-101", "1.5", "\"1\"", "true", "1e300"})
    EXPECT_THAT(refused(std::string(R"("priority":)") + value), ElementsAre("priority"));
  EXPECT_THAT(refused(R"("assignment":"pull")"), ElementsAre("assignment"));
  EXPECT_THAT(refused(R"("requires":"gpu")"), ElementsAre("requires"));
  EXPECT_THAT(refused(R"("requires":["a",1])"), ElementsAre("requires[1]"));
  EXPECT_THAT(refused(R"("run_at":"tomorrow")"), ElementsAre("run_at"));
  for (const char* value : {"-1", "\"5\"", "1e20", "31622401"})
    EXPECT_THAT(refused(std::string(R"("delay_s":)") + value), ElementsAre("delay_s"));
  EXPECT_THAT(refused(R"("run_at":"2030-01-01T00:00:00Z","delay_s":1)"), ElementsAre("delay_s"));
  EXPECT_THAT(refused(R"("max_attempts":0)"), ElementsAre("max_attempts"));
  EXPECT_THAT(refused(R"("max_attempts":1001)"), ElementsAre("max_attempts"));
  EXPECT_THAT(refused(R"("retry_delay_s":-0.1)"), ElementsAre("retry_delay_s"));
  EXPECT_THAT(refused(R"("timeout_s":0)"), ElementsAre("timeout_s"));
  EXPECT_THAT(refused(R"("queue_timeout_s":0)"), ElementsAre("queue_timeout_s"));
  EXPECT_THAT(refused(R"("input_timeout_s":0)"), ElementsAre("input_timeout_s"));
  EXPECT_THAT(refused(R"("interactive":1)"), ElementsAre("interactive"));
  EXPECT_THAT(refused(R"("unique_key":"")"), ElementsAre("unique_key"));
  EXPECT_THAT(refused(R"("unique_key":")" + std::string(256, 'a') + "\""),
              ElementsAre("unique_key"));
}

TEST(Submit, RefusesUrlsThatAreNotPlainHttp) {
  for (const char* url : {"ftp://a/b", "http://", "https://user:pw@a/b", "javascript:1",
                          "http:///x", "http://a b/", "file:///etc/passwd", "//a/b"})
    EXPECT_THAT(refused(R"("callback_url":")" + std::string(url) + "\""),
                testing::ElementsAre("callback_url"))
        << url;
}

TEST(Submit, RefusesEnvironmentThatWouldChangeTheJob) {
  for (const char* entry :
       {R"("PATH":"/x")", R"("LD_PRELOAD":"x.so")", R"("LD_LIBRARY_PATH":"x")",
        R"("TANDEM_TASK_ID":"x")", R"("1A":"x")", R"("A-B":"x")", R"("":"x")", R"("A=B":"x")",
        R"("A":"b\nc")", R"("A":"b\u0000c")", R"("A":"b\rc")", R"("A":1)", R"("A":null)"})
    EXPECT_EQ(refused(std::string(R"("env":{)") + entry + "}").size(), 1u) << entry;
  EXPECT_THAT(refused(R"("env":[])"), testing::ElementsAre("env"));
}

TEST(Submit, RefusesLabelsOutOfBounds) {
  std::string many = R"("l0":"")";
  for (int i = 1; i <= 64; ++i) many += ",\"l" + std::to_string(i) + "\":\"\"";
  EXPECT_THAT(refused("\"labels\":{" + many + "}"), testing::ElementsAre("labels"));
  EXPECT_THAT(refused(R"("labels":{"a":1})"), testing::ElementsAre("labels.a"));
  EXPECT_THAT(refused(R"("labels":{"a=b":""})"), testing::ElementsAre("labels.a=b"));
  EXPECT_EQ(refused(R"("labels":{"a":")" + std::string(257, 'x') + "\"}").size(), 1u);
}

TEST(Submit, RefusesUnknownAndReadOnlyFieldsTogether) {
  const auto decoded = decode_submit(
      R"({"payload":{"job_type":"x"},"colour":1,"status":"completed","task_id":"x"})");
  ASSERT_FALSE(decoded);
  EXPECT_THAT(decoded.error().fields, testing::ElementsAre(FieldError{"colour", "is unknown"},
                                                           FieldError{"status", "is read-only"},
                                                           FieldError{"task_id", "is read-only"}));
}

TEST(Submit, RefusesPayloadsWithoutAJobType) {
  for (const char* body : {R"({})", R"({"payload":null})", R"({"payload":[]})", R"({"payload":{}})",
                           R"({"payload":{"job_type":1}})", R"({"payload":{"job_type":""}})",
                           R"({"payload":{"job_type":"../x"}})", R"({"payload":{"job_type":".x"}})",
                           R"({"payload":{"job_type":"a b"}})", R"([])", R"("x")"}) {
    const auto decoded = decode_submit(body);
    ASSERT_FALSE(decoded) << body;
    EXPECT_EQ(decoded.error().error.code, Errc::validation_failed);
    EXPECT_EQ(decoded.error().fields.size(), 1u) << body;
  }
  EXPECT_FALSE(decode_submit(R"({"payload":{"job_type":")" + std::string(129, 'a') + "\"}}"));
  EXPECT_TRUE(decode_submit(R"({"payload":{"job_type":")" + std::string(128, 'a') + "\"}}"));
  const std::string big(limits::kMaxPayloadBytes, 'a');
  EXPECT_FALSE(decode_submit(R"({"payload":{"job_type":"a","b":")" + big + "\"}}"));
}

TEST(Submit, UnreadableIsBadJson) {
  EXPECT_EQ(decode_submit("{").error().error.code, Errc::bad_json);
}

TEST(Batch, NamesTheIndex) {
  const auto decoded = decode_batch(
      R"({"tasks":[{"payload":{"job_type":"x"}},7,{"payload":{"job_type":"x"},"priority":500}]})");
  ASSERT_FALSE(decoded);
  ASSERT_EQ(decoded.error().fields.size(), 2u);
  EXPECT_EQ(decoded.error().fields[0].field, "tasks[1]");
  EXPECT_EQ(decoded.error().fields[1].field, "tasks[2].priority");
}

TEST(Batch, TakesAllOrNoneWithinItsBounds) {
  const auto two = decode_batch(
      R"({"tasks":[ {"payload":{"job_type":"a", "n":1}}, {"payload":{"job_type":"b"}} ]})");
  ASSERT_TRUE(two);
  EXPECT_EQ(two->at(0).payload, R"({"job_type":"a","n":1})");
  EXPECT_EQ(two->at(1).payload, R"({"job_type":"b"})");
  for (const char* body : {R"({"tasks":[]})", R"({})", R"({"tasks":{}})", R"({"tasks":[],"x":1})"})
    EXPECT_FALSE(decode_batch(body)) << body;
  std::string many = R"({"payload":{"job_type":"a"}})";
  std::string list = many;
  for (int i = 1; i < 1000; ++i) list += "," + many;
  EXPECT_EQ(decode_batch("{\"tasks\":[" + list + "]}")->size(), 1000u);
  EXPECT_FALSE(decode_batch("{\"tasks\":[" + list + "," + many + "]}"));
}

}  // namespace
}  // namespace tandem::wire
