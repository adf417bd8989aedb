#include <fmt/core.h>

#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>

#include "app/cli/exit_code.h"
#include "app/cli/menu.h"
#include "app/cli/payload.h"
#include "app/cli/task_text.h"
#include "app/cli/watch.h"
#include "app/installation.h"
#include "wire/task_json.h"

namespace tandem::app::cli {
namespace {

struct SubmitFlags {
  std::string what;                // a job type, or a payload that begins with {
  std::vector<std::string> words;  // argv of exec, the script of shell, or a payload
  std::string payload, payload_file, idempotency_key;
  std::vector<std::string> set, files, labels, env, requires_labels;
  std::vector<std::string> options;  // as in Submission
  bool interactive = false, wait = false;
};

Result<std::string> text_of(const std::string& path) {
  if (path != "-") return read_file(path);
  return std::string(std::istreambuf_iterator<char>(std::cin), {});
}

Result<void> read_words(const SubmitFlags& flags, Submission& submission) {
  if (flags.what.starts_with('{'))
    submission.payload = flags.what;
  else if (flags.what != "-")
    submission.job_type = flags.what;
  if (flags.words.empty()) return {};
  if (flags.what == "exec") {
    submission.argv = flags.words;
    return {};
  }
  if (flags.words.size() > 1)
    return fail(Errc::bad_request, "There are more words than the job type takes");
  if (flags.what == "shell")
    submission.script = flags.words.front();
  else
    submission.payload = flags.words.front();
  return {};
}

Result<void> add_map(std::string_view name, const std::vector<std::string>& pairs,
                     Submission& submission) {
  std::map<std::string, std::string> map;
  for (const std::string& text : pairs) {
    auto pair = split_pair(text);
    if (!pair) return fail(Errc::bad_request, "'" + text + "' is not written key=value");
    map.insert_or_assign(std::move(pair->first), std::move(pair->second));
  }
  if (!map.empty()) submission.options.push_back(map_option(name, map));
  return {};
}

Result<std::string> body_of(const SubmitFlags& flags) {
  Submission submission;
  submission.set = flags.set;
  submission.options = flags.options;
  if (flags.interactive) submission.options.push_back(raw_option("interactive", "true"));
  submission.payload = flags.payload;
  std::string file = flags.payload_file;
  if (flags.what == "-") file = "-";
  if (!file.empty()) {
    auto text = text_of(file);
    if (!text) return text.error();
    submission.payload = std::move(*text);
  }
  if (auto read = read_words(flags, submission); !read) return read.error();
  if (auto done = add_map("labels", flags.labels, submission); !done) return done.error();
  if (auto done = add_map("env", flags.env, submission); !done) return done.error();
  if (!flags.requires_labels.empty())
    submission.options.push_back(list_option("requires", flags.requires_labels));
  return encode_submission(submission);
}

Result<Task> post_task(Session& session, const SubmitFlags& flags, std::string body,
                       std::string& answered) {
  net::HttpCall call;
  call.method = "POST";
  if (!flags.idempotency_key.empty()) call.headers.add("Idempotency-Key", flags.idempotency_key);
  if (flags.files.empty()) {
    call.headers.add("Content-Type", "application/json");
    call.body = std::move(body);
  } else {
    call.parts.push_back({"task", "application/json", std::move(body), "", ""});
    for (const std::string& path : flags.files)
      call.parts.push_back({"file", "", "", path, std::filesystem::path(path).filename().string()});
  }
  auto answer = session.perform("/api/v1/tasks", call);
  // A server in polling mode takes jobs for those who poll.
  if (!answer && answer.error().code == Errc::mode_disabled)
    answer = session.perform("/api/v1/polling/jobs", std::move(call));
  if (!answer) return answer.error();
  answered = std::move(answer->body);
  return wire::decode_task(answered);
}

int wait_for_task(Session& session, const Task& task, bool json) {
  const std::string id = to_string(task.task_id);
  if (!json) fmt::print(stderr, "tandem: task {}\n", id);
  WatchOptions options;
  options.answers = true;
  options.cancels = true;
  options.log_to_stderr = json;
  options.has_progress = true;
  const auto watched = watch(session, id, options);
  if (!watched) return report(watched.error());
  if (json) {
    const auto body = session.get(task_path(id));
    if (!body) return report(body.error());
    fmt::print("{}\n", *body);
  }
  if (watched->left || !watched->task) {
    fmt::print(stderr, "tandem: left task {}; `tandem attach` goes back to it\n", id);
    return exit_code::kCancelled;
  }
  if (watched->task->status != TaskStatus::completed)
    fmt::print(stderr, "tandem: {}\n", ending_sentence(*watched->task));
  return job_exit_code(*watched->task);
}

int submit(Session& session, const SubmitFlags& flags, bool json) {
  auto body = body_of(flags);
  if (!body) return report_usage(body.error().detail);
  for (const std::string& path : flags.files)
    if (std::error_code error; !std::filesystem::is_regular_file(path, error))
      return report_usage("There is no file " + path);
  std::string answered;
  const auto task = post_task(session, flags, std::move(*body), answered);
  if (!task) return report(task.error());
  if (flags.wait) return wait_for_task(session, *task, json);
  fmt::print("{}\n", json ? answered : to_string(task->task_id));
  return exit_code::kOk;
}

using Shared = std::shared_ptr<SubmitFlags>;

void add_number(Command command, const Shared& flags, const std::string& flag,
                const std::string& member, const std::string& help) {
  const auto keep = [flags, member](double number) {
    flags->options.push_back(raw_option(member, fmt::format("{}", number)));
  };
  command.number("--" + flag, keep, help);
}

void add_text(Command command, const Shared& flags, const std::string& flag,
              const std::string& member, const std::string& help) {
  const auto keep = [flags, member](const std::string& text) {
    flags->options.push_back(text_option(member, text));
  };
  command.text("--" + flag, keep, help);
}

void add_task_options(Command command, const Shared& flags) {
  add_text(command, flags, "queue", "queue", "The queue (default)");
  add_number(command, flags, "priority", "priority", "-100..100, higher first (0)");
  add_text(command, flags, "assignment", "assignment", "any, push or polling");
  add_number(command, flags, "max-attempts", "max_attempts", "How often it is tried (1)");
  add_number(command, flags, "retry-delay", "retry_delay_s", "Seconds before another try");
  add_number(command, flags, "timeout", "timeout_s", "Seconds an attempt may take");
  add_number(command, flags, "queue-timeout", "queue_timeout_s", "Seconds to wait for a worker");
  add_number(command, flags, "delay", "delay_s", "Seconds before it may start");
  add_text(command, flags, "run-at", "run_at", "When it may start: 2026-01-31T12:00:00Z");
  add_number(command, flags, "input-timeout", "input_timeout_s", "Seconds to wait for an answer");
  add_text(command, flags, "unique-key", "unique_key", "Only one unfinished task with this key");
  add_text(command, flags, "callback-url", "callback_url", "Told when the task has ended");
  command.option("--requires", flags->requires_labels, "Labels a worker must have").one_each();
  command.option("--label", flags->labels, "k=v; may be repeated").one_each();
  command.option("--env", flags->env, "NAME=value for the job").one_each();
  command.flag("--interactive", flags->interactive, "Give the job a terminal");
}

}  // namespace

void add_submit(const Menu& menu) {
  const Command command =
      menu.client_command("submit",
                          "Submit a task: submit render --set scene=star; submit exec -- ls -l; "
                          "submit shell 'echo hi'; submit '{\"job_type\": \"render\"}'");
  auto flags = std::make_shared<SubmitFlags>();
  command.option("job_type", flags->what, "The job type, a payload, or - for one on stdin")
      .required();
  command.option("words", flags->words, "The command of exec, the script of shell, a payload");
  command.option("--payload", flags->payload, "A JSON object");
  command.option("--payload-file", flags->payload_file, "A file with it; -: stdin");
  command.option("--set", flags->set, "key=value into the payload; may be repeated").one_each();
  command.option("--file", flags->files, "An input file; may be repeated").one_each();
  command.option("--idempotency-key", flags->idempotency_key,
                 "Submitting again with it makes no second task");
  command.flag("--wait", flags->wait,
               "Follow the task, answer its questions, end with its exit code");
  add_task_options(command, flags);
  menu.on(command, [flags, &login = menu.login] {
    return with_session(login,
                        [&](Session& session) { return submit(session, *flags, login.json); });
  });
}

}  // namespace tandem::app::cli
