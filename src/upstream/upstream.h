#pragma once

#include <map>
#include <string>

#include "base/random.h"
#include "io/task_group.h"
#include "queue/commands.h"
#include "service/back_off.h"
#include "service/client.h"
#include "service/complaints.h"
#include "service/terms.h"
#include "service/wakeup.h"
#include "upstream/report_book.h"
#include "upstream/site_room.h"

namespace tandem::upstream {

struct UpstreamSettings {
  std::string config_url, token;
  std::string ca_file = {};  // PEM, whom to trust; empty: the system's
  ClientId client_id;        // whose tasks its jobs are
  std::string queue;
  std::size_t max_jobs = 1000;
  std::int64_t poll_interval_ms = 5000;  // where the service names none
  std::int64_t grace_ms = 5000;          // that a task may take to end once it is cancelled
};
// All of it outlives the upstream.
struct UpstreamParts {
  io::Executor executor;  // of its loop
  Outbox& outbox;         // of the same loop
  SiteParts site;
  Random& random;
  IdSource& ids;
  service::Say say;
};

// The site's workers behind one connection to a service that gives out jobs: asks it for as many as
// they have room for, makes a task of each, and tells the service how they are. A task is named
// after its job, and its end is owed, as a callback is, until the service has taken it. So nothing
// is lost or run twice whenever the server dies; a report may come twice.
// A service of ours offers an attempt to another site where it is not heard of: it must have taken
// that the job runs here before there is a task, and the task ends before its lease does. Where the
// server dies in between, the lease ends, and the job's own rules say what follows. Any other
// service gives a job once: it is in the store before the service hears anything of it.
// All of it on its loop.
class Upstream {
 public:
  Upstream(UpstreamParts parts, UpstreamSettings settings);
  ~Upstream();  // after finish() has returned, and with the loop stopped

  void start();
  // Asks for nothing more; a job that an answer still brings is kept.
  void drain();
  // Tells what is left to tell, for a few seconds, then ends. While the dispatcher's thread runs.
  io::Awaitable<void> finish();

 private:
  // upstream.cc: what is known of the service, and of its jobs since before
  io::Awaitable<void> begin();
  io::Awaitable<Result<void>> recover();
  io::Awaitable<Result<void>> recover_unfinished();
  io::Awaitable<Result<void>> recover_owed();
  io::Awaitable<void> sweep();
  io::Awaitable<Result<void>> fetch_config();
  io::Awaitable<Result<void>> adopt(wire::PollingConfig config);
  io::Awaitable<void> refresh();
  io::Awaitable<void> catch_up();
  void look_at_refusal(const Error& error);
  std::optional<ForeignJob> job_of(const Task& task) const;

  // jobs.cc: asking for jobs
  io::Awaitable<void> poll();
  io::Awaitable<std::size_t> room();
  io::Awaitable<Result<bool>> poll_once(std::size_t room);
  io::Awaitable<Result<bool>> take_jobs(const std::string& body);
  io::Awaitable<void> take(wire::Job job);
  io::Awaitable<void> keep(ForeignJob job, TaskSpec spec);
  io::Awaitable<Result<queue::Submitted>> submit(const ForeignJob& job, const TaskSpec& spec);
  io::Awaitable<void> watch(ForeignJob job, TaskId task_id);
  void reject(const ForeignJob& job, const std::string& why);

  // reports.cc: telling of them
  io::Awaitable<void> tell();
  io::Awaitable<bool> post(const ReportBook::Due& due);
  io::Awaitable<void> settle(const ForeignJob& job);
  io::Awaitable<void> give_up_unheard();
  io::Awaitable<void> cancel(const ForeignJob& job, const std::string& why);
  io::Awaitable<bool> refused(const ReportBook::Due& due, const Error& error);

  MonoTime now() const { return parts_.site.clock.mono(); }

  struct Watching {
    TaskId task_id;
    std::uint64_t watch_id = 0;
    bool is_cancelled = false;  // it was asked for
  };
  UpstreamParts parts_;
  const UpstreamSettings settings_;
  const std::string service_;  // its name
  service::Client client_;
  service::Complaints complaints_;
  service::TermsPtr terms_;
  SiteRoom site_;
  ReportBook book_;
  std::map<ForeignJob, Watching> watches_;
  std::map<ForeignJob, TaskSpec> offers_;  // tasks to be, once the service has taken that they run
  std::size_t room_ = 0;  // jobs that may be asked for before the workers are looked at again
  bool is_draining_ = false, is_closing_ = false, is_polling_ = false, must_refresh_ = false;
  service::Wakeup polls_, reports_, refresh_, end_;
  io::TaskGroup tasks_;
};

}  // namespace tandem::upstream
