#include <algorithm>

#include "api/answers.h"
#include "api/encoded_chunks.h"
#include "api/log_streams.h"
#include "api/query_params.h"
#include "api/resources.h"
#include "api/task_access.h"
#include "base/limits.h"
#include "io/offload.h"
#include "wire/list_json.h"
#include "wire/log_json.h"

namespace tandem::api {
namespace {

constexpr std::string_view kLogsList = "logs";
constexpr int kDefaultRecords = 1000;
constexpr std::size_t kAnswerPageBytes = 4 * 1024 * 1024;

enum class Format : std::uint8_t { json, raw, events, followed_raw };

// The first that the caller names: many clients name several.
Format format_of(const net::RequestHead& head, bool follow) {
  const std::string_view accept = head.headers.get("Accept");
  const std::size_t json = accept.find("application/json");
  const std::size_t raw = accept.find("text/plain");
  const std::size_t events = accept.find("text/event-stream");
  const bool wants_raw = raw < json && raw < events;
  if (follow) return wants_raw ? Format::followed_raw : Format::events;
  if (events < json && events < raw) return Format::events;
  return wants_raw ? Format::raw : Format::json;
}

// Where to begin: `after`, `cursor`, or a browser's Last-Event-ID when it connects again.
void read_place(QueryParams& params, const net::RequestHead& head, LogSelection& selection) {
  const auto take = [&](std::string_view name, std::string_view text) {
    if (const auto place = logs::parse_log_position(text))
      selection.after = *place;
    else
      params.wrong(name, "must be a place in a log, such as 17 or 2-17");
  };
  if (const auto text = params.text("after")) take("after", *text);
  if (const auto text = params.cursor(kLogsList)) take("cursor", *text);
  const std::string* last = head.headers.find("Last-Event-ID");
  if (last != nullptr && !last->empty()) take("Last-Event-ID", *last);
}

LogSelection read_selection(QueryParams& params, const net::RequestHead& head) {
  LogSelection selection;
  read_place(params, head, selection);
  if (params.text("limit"))
    selection.limit =
        static_cast<int>(params.integer("limit", kDefaultRecords, 1, limits::kMaxLogPageRecords));
  if (const auto name = params.text("stream")) {
    selection.stream = logs::log_stream_from(*name);
    if (!selection.stream) params.wrong("stream", "must be stdout, stderr or system");
  }
  return selection;
}

Answer page_of(Call& call, LogSelection selection) {
  const Services& services = call.services();
  const TaskId id = call.task_id();
  const int limit = selection.limit.value_or(kDefaultRecords);
  auto read = [&services, &selection, id, limit] {
    return services.logs.reader().read(id, selection.after, limit + 1, kAnswerPageBytes);
  };
  const auto records = co_await io::offload(services.reading, read);
  if (!records) co_return refuse(call, records.error());
  const std::size_t count = std::min(records->size(), static_cast<std::size_t>(limit));
  std::size_t bytes = 0;
  std::string body, item;
  wire::ListWriter list(body);
  for (std::size_t i = 0; i < count; ++i) {
    const logs::LogRecord& record = (*records)[i];
    bytes += record.data.size();
    if (selection.stream && *selection.stream != record.stream) continue;
    item.clear();
    wire::encode_log_line(line_of(record), item);
    list.items().raw(item);
  }
  const logs::LogPosition end = count > 0 ? (*records)[count - 1].position() : selection.after;
  const bool has_more = records->size() > count || bytes >= kAnswerPageBytes;
  list.finish(has_more ? wire::encode_cursor(kLogsList, position_text(end)) : std::string());
  body.pop_back();  // one more member
  body += ",\"next_after\":\"" + position_text(end) + "\"}";
  co_return private_json(std::move(body));
}

net::Response streamed(std::unique_ptr<net::BodySource> source, std::string_view content_type) {
  auto response = net::Response::stream(std::move(source), content_type);
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add("X-Accel-Buffering", "no");
  return response;
}

Answer follow(Call& call, LogSelection selection, FollowFormat format) {
  auto task =
      co_await TaskFollow::open(call.services(), call.outbox, call.caller.actor, call.task_id());
  if (!task) co_return refuse(call, task.error());
  auto source = followed_log(call, std::move(*task), selection, format);
  co_return streamed(std::move(source), format == FollowFormat::events
                                            ? "text/event-stream"
                                            : "text/plain; charset=utf-8");
}

}  // namespace

Answer get_logs(Call& call) {
  QueryParams params(call.request.target.query, {"after", "limit", "cursor", "stream", "follow"});
  const Format format = format_of(call.request, params.flag("follow"));
  const LogSelection selection = read_selection(params, call.request);
  if (!params.is_fine()) co_return refuse(call, params.rejection());
  if (format == Format::events) co_return co_await follow(call, selection, FollowFormat::events);
  if (format == Format::followed_raw) co_return co_await follow(call, selection, FollowFormat::raw);
  const auto task = co_await find_task(call);
  if (!task) co_return refuse(call, task.error());
  if (format == Format::json) co_return co_await page_of(call, selection);
  co_return streamed(raw_log(call.services(), call.task_id(), selection),
                     "text/plain; charset=utf-8");
}

}  // namespace tandem::api
