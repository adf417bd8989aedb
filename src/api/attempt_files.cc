#include <algorithm>
#include <charconv>
#include <span>

#include "api/answers.h"
#include "api/ask.h"
#include "api/query_params.h"
#include "api/resources.h"
#include "base/limits.h"
#include "blobs/content_type.h"
#include "core/file_name.h"
#include "io/offload.h"
#include "wire/task_json.h"

namespace tandem::api {
namespace {

// From X-Attempt or, of a GET, from the query.
Result<std::uint32_t> attempt_from(std::string_view text, std::string_view field) {
  std::uint32_t attempt = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), attempt);
  if (read.ec == std::errc() && read.ptr == text.data() + text.size() && attempt > 0)
    return attempt;
  return fail(Errc::validation_failed, "must be the number of the attempt", std::string(field));
}

io::Awaitable<Result<queue::TaskPtr>> held_task(Call& call, std::uint32_t attempt) {
  queue::CheckLease check{
      .worker_id = call.caller.worker->worker_id, .lease = {call.task_id(), attempt}, .done = {}};
  co_return co_await ask(call.services(), call.outbox, std::move(check));
}

struct NewOutput {
  TaskId task;
  std::uint32_t attempt = 0;
  std::string name;
  std::string sha256;     // as the worker says; empty: it does not
  bool is_first = false;  // of the attempt, and there was one before
};

io::Awaitable<Result<std::unique_ptr<blobs::BlobWriter>>> receive(Call& call,
                                                                  const NewOutput& output) {
  const Services& services = call.services();
  auto create = [&] {
    // What stays of earlier attempts takes room until the task is removed, no more.
    if (output.is_first) (void)services.blobs.remove_outputs_before(output.task, output.attempt);
    return services.blobs.create(output.task, blobs::BlobFolder::out(output.attempt), output.name);
  };
  auto writer = co_await io::offload(services.reading, create);
  if (!writer) co_return writer.error();
  std::string held, chunk;
  auto write = [&] { return (*writer)->write(held); };
  while (true) {
    const auto more = co_await call.request.body_stream->next(chunk);
    if (!more) co_return more.error();
    held += chunk;
    if (*more && held.size() < io::kHopBytes) continue;
    const auto written = co_await io::offload(services.reading, write);
    if (!written) co_return written.error();
    held.clear();
    if (!*more) co_return std::move(*writer);
  }
}

}  // namespace

// Seen only when it is whole, and only for the attempt that holds the task then.
Answer put_output(Call& call) {
  const auto attempt = attempt_from(call.request.headers.get("X-Attempt"), "X-Attempt");
  if (!attempt) co_return refuse(call, attempt.error());
  NewOutput output{.task = call.task_id(),
                   .attempt = *attempt,
                   .name = call.caller.name,
                   .sha256 = std::string(call.request.headers.get("X-Sha256"))};
  if (auto fine = check_file_name(output.name); !fine)
    co_return refuse(call, fail(Errc::validation_failed, fine.error().detail, "name"));
  const auto before = co_await held_task(call, *attempt);
  if (!before) co_return refuse(call, before.error());
  if ((*before)->outputs.size() >= limits::kMaxOutputFiles)
    co_return refuse(call, fail(Errc::too_large, "There are too many output files"));
  output.is_first = *attempt > 1 && (*before)->outputs.empty();
  auto writer = co_await receive(call, output);
  if (!writer) co_return refuse(call, writer.error());
  const auto still = co_await held_task(call, *attempt);
  if (!still) co_return refuse(call, still.error());
  auto finish = [&]() -> Result<FileInfo> {
    if (output.sha256.empty()) return (*writer)->finish(std::nullopt);
    return (*writer)->finish(output.sha256);
  };
  auto file = co_await io::offload(call.services().reading, finish);
  if (!file) co_return refuse(call, file.error());
  if (file->content_type.empty()) file->content_type = blobs::content_type_of(file->name);
  std::string body;
  wire::encode_files(std::span(&*file, 1), body);
  body = body.substr(1, body.size() - 2);  // the one of the list
  queue::AddOutput add{.worker_id = call.caller.worker->worker_id,
                       .lease = {output.task, *attempt},
                       .file = std::move(*file),
                       .done = {}};
  const auto added = co_await ask(call.services(), call.outbox, std::move(add));
  if (!added) co_return refuse(call, added.error());
  co_return private_json(std::move(body), 201);
}

Answer get_input_file(Call& call) {
  const QueryParams params(call.request.target.query, {"attempt"});
  if (!params.is_fine()) co_return refuse(call, params.rejection());
  const auto attempt = attempt_from(params.text("attempt").value_or(""), "attempt");
  if (!attempt) co_return refuse(call, attempt.error());
  const auto task = co_await held_task(call, *attempt);
  if (!task) co_return refuse(call, task.error());
  const auto& inputs = (*task)->inputs;
  const auto file = std::find_if(inputs.begin(), inputs.end(),
                                 [&](const FileInfo& one) { return one.name == call.caller.name; });
  if (file == inputs.end())
    co_return refuse(call, fail(Errc::not_found, "The task has no input file of this name"));
  const Services& services = call.services();
  auto open = [&] {
    return services.blobs.open(call.task_id(), blobs::BlobFolder::in(), file->name);
  };
  auto blob = co_await io::offload(services.reading, open);
  if (!blob) co_return refuse(call, blob.error());
  const std::uint64_t size = (*blob)->size_bytes();
  net::FileRange whole{.file = std::move(*blob), .offset = 0, .length = size};
  auto response = net::Response::file(std::move(whole), "application/octet-stream");
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add("Cache-Control", "no-store");
  co_return response;
}

}  // namespace tandem::api
