// What a worker sends, and what it reads of a server that may be somebody else's.
#include "base/limits.h"
#include "tests/fuzz/decoded.h"
#include "wire/fleet_json.h"
#include "wire/worker_frames.h"

namespace tandem::fuzz {
namespace {

std::vector<wire::LogLine> lines_of(const std::vector<wire::OwnedLogLine>& records) {
  std::vector<wire::LogLine> lines;
  for (const auto& record : records)
    lines.push_back({record.seq, record.ts, record.attempt, record.stream, record.data});
  return lines;
}

std::string update_text(const wire::Update& update) {
  std::string out;
  wire::encode_update(update, out);
  return out;
}

std::string updates_text(const wire::Updates& updates) {
  if (!updates.is_batch) return update_text(updates.updates.at(0));
  std::string out;
  for (const wire::Update& update : updates.updates)
    out += (out.empty() ? "" : ",") + update_text(update);
  return "{\"updates\":[" + out + "]}";
}

std::string log_text(const wire::LogBatch& batch) {
  TANDEM_ASSERT(!batch.records.empty());
  std::uint64_t seq = batch.first_seq;
  for (const auto& record : batch.records) {
    TANDEM_ASSERT(record.seq == seq++ && record.attempt == batch.attempt);
    TANDEM_ASSERT(record.data.size() <= limits::kMaxRecordBytes);
  }
  std::string out;
  wire::encode_log_batch(lines_of(batch.records), out);
  return out;
}

std::string claim_text(const wire::Claim& claim) { return wire::encode_claim(claim); }

struct WorkerFrameWriter {
  std::string operator()(const wire::ReadyFrame& frame) const {
    return wire::encode_ready_frame(frame.slots_free);
  }
  std::string operator()(const wire::UpdateFrame& frame) const {
    return wire::encode_update_frame(frame.updates);
  }
  std::string operator()(const wire::LogsFrame& frame) const {
    return wire::encode_logs_frame(frame.task_id, lines_of(frame.batch.records));
  }
  std::string operator()(const wire::HeartbeatFrame& frame) const {
    return wire::encode_heartbeat_frame(frame.tasks);
  }
  std::string operator()(const wire::ByeFrame&) const { return wire::encode_bye_frame(); }
};

// Empty for the frames that are made of more than what a worker reads of them.
struct OrderWriter {
  std::string operator()(const wire::AckFrame& ack) const {
    return wire::encode_ack_frame(ack, ack.answers.size() != 1);
  }
  std::string operator()(const wire::CancelOrder& order) const {
    return wire::encode_cancel_order(order);
  }
  std::string operator()(const wire::InputOrder& order) const {
    return wire::encode_input_order(order);
  }
  std::string operator()(const wire::ResizeOrder& order) const {
    return wire::encode_resize_order(order);
  }
  std::string operator()(const wire::DrainOrder&) const { return wire::encode_drain_order(); }
  std::string operator()(const wire::ConfigFrame& frame) const {
    return wire::encode_config_frame(frame.config);
  }
  std::string operator()(const wire::LostFrame& frame) const {
    return wire::encode_lost_frame(frame.task);
  }
  std::string operator()(const wire::WelcomeFrame& frame) const {
    return wire::encode_welcome_frame(frame.config, frame.worker_id);
  }
  std::string operator()(const wire::AssignFrame&) const { return R"({"type":"no frame"})"; }
  std::string operator()(const wire::UnknownFrame&) const { return R"({"type":"no frame"})"; }
};

void check_jobs(std::string_view input) {
  const auto jobs = wire::decode_jobs(input);
  if (!jobs) return;
  for (const wire::Job& job : *jobs)
    TANDEM_ASSERT(job.payload.empty() || wire::check_json(job.payload));
}

}  // namespace

void check(std::string_view input) {
  check_round_trip(input, wire::decode_updates, updates_text);
  check_round_trip(input, wire::decode_log_batch, log_text);
  check_round_trip(input, wire::decode_registration, wire::encode_registration);
  check_round_trip(input, wire::decode_claim, claim_text);
  check_round_trip(input, wire::decode_worker_frame,
                   [](const auto& frame) { return std::visit(WorkerFrameWriter{}, frame); });

  check_round_trip(input, wire::decode_order_frame,
                   [](const auto& order) { return std::visit(OrderWriter{}, order); });
  check_round_trip(input, wire::decode_update_answers,
                   [](const auto& answers) { return wire::encode_update_answers(answers); });
  check_round_trip(input, wire::decode_registered, wire::encode_registered);
  check_round_trip(input, wire::decode_rotated_token, wire::encode_rotated_token);
  check_round_trip(input, wire::decode_polling_config,
                   [](const auto& config) { return wire::encode_polling_config(config, {}); });
  check_jobs(input);
  if (const auto revocation = wire::decode_revocation(input); revocation)
    TANDEM_ASSERT(revocation->reason.size() <= limits::kMaxLabelBytes);
}

}  // namespace tandem::fuzz
