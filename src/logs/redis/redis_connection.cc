#include "logs/redis/redis_connection.h"

#include <hiredis/hiredis.h>

#include <cerrno>
#include <utility>

namespace tandem::logs {
namespace {

timeval span_of(std::int64_t ms) {
  return {.tv_sec = ms / 1000, .tv_usec = static_cast<suseconds_t>(ms % 1000 * 1000)};
}

void append_number(char mark, std::size_t number, std::string& out) {
  out += mark;
  out += std::to_string(number);
  out += "\r\n";
}

// What Redis answers instead of a result.
Error refusal(std::string_view text) {
  const auto is = [text](std::string_view code) { return text.starts_with(code); };
  if (is("OOM")) return fail(Errc::disk_full, "Redis has no memory left for logs (maxmemory).");
  if (is("MISCONF")) return fail(Errc::disk_full, "Redis can't write to its disk.");
  if (is("READONLY"))
    return fail(Errc::store_unavailable, "Redis is a read-only replica: logs need its primary.");
  if (is("LOADING")) return fail(Errc::store_unavailable, "Redis is loading its data.");
  if (is("BUSY")) return fail(Errc::store_unavailable, "Redis is busy with a script.");
  if (is("NOAUTH") || is("WRONGPASS") || is("ERR invalid password") ||
      is("ERR AUTH <password> called"))
    return fail(Errc::store_unavailable, "Redis refuses the user or the password.");
  if (is("NOPERM"))
    return fail(Errc::store_unavailable, "Redis does not allow the user to keep logs.");
  return fail(Errc::store_unavailable,
              "Redis refused: " + std::string(text.substr(0, RedisConnection::kMaxErrorText)));
}

}  // namespace

void RedisReplyFree::operator()(redisReply* reply) const { freeReplyObject(reply); }
void RedisConnection::Free::operator()(redisContext* context) const { redisFree(context); }

Result<RedisConnection> RedisConnection::open(const RedisAddress& address) {
  RedisConnection made(
      redisConnectWithTimeout(address.host.c_str(), address.port, span_of(kConnectMs)));
  if (made.context_ == nullptr || made.context_->err != 0)
    return fail(Errc::store_unavailable, "Redis can't be reached.");
  redisEnableKeepAlive(made.context_.get());
  made.be_patient(kGreetingMs);
  if (auto greeted = made.greet(address); !greeted) return greeted.error();
  made.be_patient(kReplyMs);
  return made;
}

Result<void> RedisConnection::greet(const RedisAddress& address) {
  int waiting = 2;
  const std::string db = std::to_string(address.db);
  if (!address.user.empty())
    add({"AUTH", address.user, address.password});
  else if (!address.password.empty())
    add({"AUTH", address.password});
  else
    --waiting;
  add({"SELECT", db});
  for (; waiting > 0; --waiting)
    if (auto answer = reply(); !answer) return answer.error();
  return {};
}

void RedisConnection::be_patient(std::int64_t reply_ms) {
  redisSetTimeout(context_.get(), span_of(reply_ms));
}

void RedisConnection::add(std::span<const std::string_view> command) {
  append_number('*', command.size(), buffer_);
  for (const std::string_view part : command) {
    append_number('$', part.size(), buffer_);
    buffer_ += part;
    buffer_ += "\r\n";
  }
}

// To hiredis, which sends it.
void RedisConnection::hand_over() {
  if (buffer_.empty()) return;
  redisAppendFormattedCommand(context_.get(), buffer_.data(), buffer_.size());
  buffer_.clear();
}

Result<void> RedisConnection::send() {
  hand_over();
  for (int is_done = 0; is_done == 0;)
    if (redisBufferWrite(context_.get(), &is_done) != REDIS_OK) return broken();
  return {};
}

int RedisConnection::fd() const { return context_->fd; }

Result<RedisReply> RedisConnection::reply() {
  if (fault_ != Fault::none) return fail(Errc::store_unavailable, "Redis can't be reached.");
  hand_over();
  void* taken = nullptr;
  if (redisGetReply(context_.get(), &taken) != REDIS_OK) return broken();
  RedisReply answer(static_cast<redisReply*>(taken));
  if (answer->type != REDIS_REPLY_ERROR) return answer;
  fault_ = Fault::refused;  // what else is in the pipeline is of no use to anybody
  return refusal({answer->str, answer->len});
}

Error RedisConnection::broken() {
  const bool is_slow = context_->err == REDIS_ERR_IO && (errno == EAGAIN || errno == ETIMEDOUT);
  fault_ = is_slow ? Fault::slow : Fault::cut_off;
  return is_slow ? fail(Errc::store_unavailable, "Redis does not answer in time.")
                 : fail(Errc::store_unavailable, "The connection to Redis broke.");
}

Result<void> RedisConnection::load(std::string_view script) {
  const auto digest = ask({"SCRIPT", "LOAD", script});
  if (!digest) return digest.error();
  script_digest_.assign((*digest)->str, (*digest)->len);
  return {};
}

}  // namespace tandem::logs
