#include "worker/process_job.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "exec/launcher.h"
#include "io/task_group.h"
#include "worker/alarm.h"
#include "worker/answer_pipe.h"
#include "worker/control_reader.h"
#include "worker/job_directory.h"
#include "worker/job_env.h"
#include "worker/output_reader.h"
#include "worker/process_outcome.h"

namespace tandem::worker {
namespace {

constexpr std::int64_t kBusyPauseMs = 20;

class ProcessJob final : public Job {
 public:
  ProcessJob(const ProcessServices& services, CommandHandler command, TaskPtr task,
             JobListener& listener);

  io::Awaitable<Outcome> run() override;
  void cancel() override { stop(StopReason::cancelled); }
  void kill() override;
  void input(std::string data, bool eof) override;
  void resize(int cols, int rows) override;
  void keep_until(MonoTime until) override;

 private:
  struct Piece {
    std::string data;
    bool eof = false;
  };

  io::Awaitable<Outcome> attempt();
  Result<exec::ProcessSpec> specify();
  io::Awaitable<void> supervise(exec::ExitTruth& truth);
  void read_all();
  io::Awaitable<void> clear_up(Outcome& outcome);
  Result<void> take_outputs(FoundOutputs& found, std::vector<FileInfo>& taken);
  void asked(wire::InputRequestLine line);
  void type(Piece piece);
  io::Awaitable<void> type_all();
  void stop(StopReason reason);
  void terminate();
  void arm();
  bool is_interactive() const { return task_->spec.interactive; }
  const JobRules& rules() const { return *command_.rules; }
  std::optional<std::int64_t> timeout_ms() const {
    return rules().timeout_of(task_->spec.timeout_ms);
  }
  void say(std::string sentence) { log_.say(rules().masked(std::move(sentence))); }

  // As io::offload, but waits where the threads are busy.
  template <class Function>
  auto offload(Function function)
      -> decltype(io::offload(std::declval<io::OffloadPool&>(), function)) {
    while (true) {
      auto done = co_await io::offload(services_.offload, function);
      const bool is_busy = !done && done.error().code == Errc::too_many_requests;
      if (!is_busy || killed_) co_return done;
      co_await io::sleep_for(kBusyPauseMs);
    }
  }

  ProcessServices services_;
  CommandHandler command_;
  TaskPtr task_;
  JobListener& listener_;
  AttemptLog log_;
  ControlReader control_;
  OutputReader stdout_, stderr_;
  AnswerPipe answers_;
  JobDirectory directory_;
  std::unique_ptr<exec::Process> process_;

  StopReason reason_ = StopReason::none;
  MonoTime kill_at_ = kNever, lease_until_ = kNever;  // the end of the grace; of the lease
  bool killed_ = false, exited_ = false, ended_by_itself_ = false, has_leftovers_ = false;
  std::uint64_t questions_ = 0;
  std::string open_question_;  // its id; empty: none
  std::deque<Piece> typed_;    // for the terminal
  bool typing_ = false;
  std::uint16_t cols_ = 80, rows_ = 24;
  Alarm time_is_over_, answer_is_late_, log_is_late_;
  io::TaskGroup readers_, writer_;
};

ProcessJob::ProcessJob(const ProcessServices& services, CommandHandler command, TaskPtr task,
                       JobListener& listener)
    : services_(services),
      command_(std::move(command)),
      task_(std::move(task)),
      listener_(listener),
      log_(services.base.log, services.base.clock, services.base.executor),
      control_(listener, log_, command_.rules->mask, services.base.executor),
      stdout_(log_, logs::LogStream::stdout_, command_.rules->mask, services.base.executor),
      stderr_(log_, logs::LogStream::stderr_, command_.rules->mask, services.base.executor),
      answers_(services.base.executor),
      time_is_over_(services.base.executor),
      answer_is_late_(services.base.executor),
      log_is_late_(services.base.executor),
      readers_(services.base.executor),
      writer_(services.base.executor) {
  log_.open(task_->task_id, task_->attempt,
            std::min(services.settings.max_log_bytes, rules().log_bytes));
}

io::Awaitable<Outcome> ProcessJob::run() {
  auto make = [this] { return services_.directories.take(*task_, services_.files, rules().user); };
  auto made = co_await offload(make);
  Outcome outcome;
  if (made) {
    directory_ = std::move(*made);
    outcome = co_await attempt();
    co_await clear_up(outcome);
  } else {
    outcome = failed("inputs_unavailable", made.error().detail);
  }
  if (outcome.error) outcome.error->message = rules().masked(std::move(outcome.error->message));
  outcome.log = co_await log_.settle();
  co_return outcome;
}

io::Awaitable<Outcome> ProcessJob::attempt() {
  auto spec = specify();
  if (!spec) co_return failed(error_code::kRejected, spec.error().detail);
  if (reason_ != StopReason::none || killed_) co_return Outcome{.ending = Ending::cancelled};
  auto launched = co_await services_.launcher.launch(std::move(*spec));
  if (!launched) {
    const bool is_refused = launched.error().code == Errc::validation_failed;
    co_return failed(is_refused ? error_code::kRejected : "launch_failed",
                     is_refused ? "The job's program can't be run: " + launched.error().detail
                                : "The worker could not start a process.");
  }
  process_ = std::move(*launched);
  exec::ExitTruth truth;
  co_await supervise(truth);
  const JobBounds bounds{.timeout_ms = timeout_ms().value_or(0),
                         .input_timeout_ms = task_->spec.input_timeout_ms,
                         .limits = rules().limits};
  Outcome outcome = outcome_of(truth, reason_, bounds);
  has_leftovers_ = truth.leftovers;
  if (has_leftovers_) log_.say("A process of the job could not be killed: the kernel holds it.");
  if (reason_ != StopReason::cancelled) outcome.result = control_.result();
  ended_by_itself_ = reason_ == StopReason::none && truth.exit_code.has_value() && !killed_;
  co_return outcome;
}

Result<exec::ProcessSpec> ProcessJob::specify() {
  auto env = make_environment(task_->spec.env, services_.settings.env_allow, rules().env);
  if (!env) return env.error();
  exec::ProcessSpec spec;
  spec.argv = command_.argv;
  auto program = find_program(spec.argv.at(0), (*env)["PATH"]);
  if (!program) return program.error();
  spec.argv[0] = *program;
  (*env)["HOME"] = directory_.work();
  (*env)["TMPDIR"] = directory_.temporary();
  (*env)["TANDEM_PAYLOAD_FILE"] = directory_.payload();
  (*env)["TANDEM_INPUT_DIR"] = directory_.in();
  (*env)["TANDEM_OUTPUT_DIR"] = directory_.out();
  (*env)["TANDEM_TASK_ID"] =
      services_.known_as.empty() ? to_string(task_->task_id) : services_.known_as;
  (*env)["TANDEM_ATTEMPT"] = std::to_string(task_->attempt);
  (*env)["TANDEM_JOB_TYPE"] = task_->spec.job_type;
  (*env)["TANDEM_CONTROL_FD"] = "3";
  spec.cwd = directory_.work();
  spec.limits = rules().limits;
  spec.user = rules().user;
  spec.network = rules().network;
  spec.kill_at = lease_until_;
  spec.control = true;
  if (is_interactive()) {
    (*env)["TERM"] = "xterm-256color";
    spec.pty = true;
    spec.cols = cols_;
    spec.rows = rows_;
  } else {
    auto answers = answers_.open();
    if (!answers) return answers.error();
    spec.input_fd = std::move(*answers);
    (*env)["TANDEM_INPUT_FD"] = "4";
    spec.stdin_fd = std::move(directory_.payload_file);
  }
  spec.env = std::move(*env);
  return spec;
}

// Until no process of the job is alive and all it has written is in the log.
io::Awaitable<void> ProcessJob::supervise(exec::ExitTruth& truth) {
  if (killed_)
    process_->kill();
  else if (reason_ != StopReason::none)
    terminate();
  else if (const auto limit_ms = timeout_ms())
    time_is_over_.set(*limit_ms, [this] { stop(StopReason::timeout); });
  if (!killed_) arm();
  read_all();
  if (!typed_.empty()) type({});
  truth = co_await process_->wait();
  exited_ = true;
  time_is_over_.clear();
  answer_is_late_.clear();
  answers_.close();
  writer_.cancel();
  if (truth.leftovers) readers_.cancel();  // who is left may hold the pipes
  co_await writer_.join();
  co_await readers_.join();
}

void ProcessJob::read_all() {
  exec::Process* process = process_.get();
  const OutputReader::Read out = [process](std::span<char> to) { return process->read_stdout(to); };
  const OutputReader::Read err = [process](std::span<char> to) { return process->read_stderr(to); };
  const ControlReader::Read said = [process](std::span<char> to) {
    return process->read_control(to);
  };
  const ControlReader::Asked question = [this](wire::InputRequestLine line) {
    asked(std::move(line));
  };
  readers_.spawn("job stdout", stdout_.run(out));
  readers_.spawn("job stderr", stderr_.run(err));
  readers_.spawn("job control", control_.run(said, question));
}

// Takes the outputs of a job that ended by itself, and removes its directory, in one go. Files that
// a failed job has made are taken too: they often say why.
io::Awaitable<void> ProcessJob::clear_up(Outcome& outcome) {
  FoundOutputs found;
  std::vector<FileInfo> taken;
  auto work = [this, &found, &taken]() -> Result<void> {
    const Result<void> done = ended_by_itself_ ? take_outputs(found, taken) : Result<void>();
    services_.directories.give_back(directory_, !has_leftovers_);
    return done;
  };
  const Result<void> done = co_await offload(work);
  for (std::string& sentence : found.left_out) say(std::move(sentence));
  if (done) {
    outcome.outputs = std::move(taken);
  } else if (outcome.ending == Ending::completed) {
    outcome.ending = Ending::failed;
    outcome.error = TaskError{std::string(error_code::kUploadFailed), done.error().detail};
  } else {
    say("The outputs were not taken: " + done.error().detail);
  }
}

// Blocks.
Result<void> ProcessJob::take_outputs(FoundOutputs& found, std::vector<FileInfo>& taken) {
  if (directory_.has_no_outputs()) return {};
  auto all = find_outputs(directory_.out(), rules().output_bytes);
  if (!all) return all.error();
  found = std::move(*all);
  for (const FoundOutputs::File& file : found.files) {
    auto info = services_.files.take_output(*task_, file.name, file.path);
    if (!info)
      return fail(info.error().code, "The output " + file.name + ": " + info.error().detail);
    taken.push_back(std::move(*info));
  }
  return {};
}

void ProcessJob::asked(wire::InputRequestLine line) {
  if (exited_ || reason_ != StopReason::none) return;
  open_question_ = question_id(task_->attempt, ++questions_);
  const InputRequest request{.request_id = open_question_,
                             .prompt = std::move(line.prompt),
                             .password = line.password,
                             .asked_at = services_.base.clock.wall()};
  answer_is_late_.set(task_->spec.input_timeout_ms, [this] { stop(StopReason::input_timeout); });
  listener_.asks(request);
}

void ProcessJob::input(std::string data, bool eof) {
  if (exited_) return;
  answer_is_late_.clear();
  const std::string question = std::exchange(open_question_, {});
  if (is_interactive()) {
    // An answer is typed with Enter.
    if (!question.empty() && !eof && !data.ends_with('\n') && !data.ends_with('\r')) data += '\n';
    type({std::move(data), eof});
    return;
  }
  if (!data.empty() || !eof) answers_.answer(question, data);
  if (eof) answers_.end();
}

void ProcessJob::type(Piece piece) {
  const bool is_full = typed_.size() >= limits::kMaxPendingInputPieces;
  if (!is_full && (!piece.data.empty() || piece.eof)) typed_.push_back(std::move(piece));
  if (process_ == nullptr || typing_) return;
  typing_ = true;
  writer_.spawn("job terminal", type_all());
}

io::Awaitable<void> ProcessJob::type_all() {
  while (!typed_.empty()) {
    const Piece piece = std::move(typed_.front());
    typed_.pop_front();
    if (!piece.data.empty()) {
      const Result<void> written = co_await process_->write_stdin(piece.data);
      if (!written) break;
    }
    if (piece.eof) process_->close_stdin();
  }
  typing_ = false;
}

void ProcessJob::resize(int cols, int rows) {
  cols_ = static_cast<std::uint16_t>(cols);
  rows_ = static_cast<std::uint16_t>(rows);
  if (process_ != nullptr && is_interactive()) process_->resize(cols_, rows_);
}

void ProcessJob::stop(StopReason reason) {
  if (reason_ != StopReason::none || exited_) return;
  reason_ = reason;
  answer_is_late_.clear();
  if (process_ != nullptr) terminate();
}

void ProcessJob::terminate() {
  kill_at_ = services_.base.clock.mono() + services_.settings.grace_ms;
  process_->terminate(services_.settings.grace_ms);
  arm();
}

void ProcessJob::keep_until(MonoTime until) {
  lease_until_ = until;
  if (process_ != nullptr && !exited_ && !killed_) arm();
}

// The shepherd kills at the earlier of the two: a process of its own, so nothing here can delay it.
void ProcessJob::arm() {
  if (lease_until_ == kNever) return;
  const std::int64_t left_ms = std::min(lease_until_, kill_at_) - services_.base.clock.mono();
  process_->kill_after(std::max<std::int64_t>(left_ms, 0));
}

void ProcessJob::kill() {
  if (killed_) return;
  killed_ = true;
  log_is_late_.set(kLastWordsMs, [this] { log_.give_up(); });
  if (process_ != nullptr && !exited_) process_->kill();
}

}  // namespace

std::unique_ptr<Job> make_process_job(const ProcessServices& services, CommandHandler command,
                                      TaskPtr task, JobListener& listener) {
  if (!command.rules) command.rules = std::make_shared<const JobRules>();
  return std::make_unique<ProcessJob>(services, std::move(command), std::move(task), listener);
}

}  // namespace tandem::worker
