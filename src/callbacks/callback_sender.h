#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string_view>
#include <thread>
#include <vector>

#include "auth/callback_signer.h"
#include "base/clock.h"
#include "io/offload.h"
#include "net/http_client.h"
#include "net/outgoing_guard.h"
#include "queue/direct_outbox.h"
#include "queue/dispatcher_thread.h"
#include "store/task_reader.h"

namespace tandem::callbacks {

struct SenderLimits {
  std::size_t at_once = 8;      // deliveries under way
  std::size_t of_one_host = 4;  // of them, so that a host that stalls leaves room for others
  std::int64_t connect_timeout_ms = 5000, timeout_ms = 15'000;
  std::size_t max_answer_bytes = 64 * 1024;
};

// What a try came to: a 2xx; another try is to come; there will be none.
enum class TryResult : std::uint8_t { taken, failed, given_up };
std::string_view to_string(TryResult result);

// All of it outlives the sender, and the outbox the dispatcher's thread too.
struct SenderParts {
  queue::DispatcherThread& dispatcher;
  queue::DirectOutbox& outbox;
  store::TaskReader& reader;
  const auth::CallbackSigner& signer;
  const net::OutgoingGuard& guard;
  const Clock& clock;
  std::function<void(TryResult)> on_tried = nullptr;  // on threads of the sender
};

// Tells the callback_urls of tasks that have ended, at least once each: what is owed is in the
// store, written by the commit that ended the task, and goes when a 2xx has answered or next_try()
// gives up. Redirects are not followed. Runs on threads of its own.
class CallbackSender {
 public:
  explicit CallbackSender(SenderParts parts, SenderLimits limits = {});
  // Ends what is under way, within a second or so; it will be tried again by the next sender. To be
  // called while the dispatcher's thread runs.
  ~CallbackSender();
  CallbackSender(const CallbackSender&) = delete;
  CallbackSender& operator=(const CallbackSender&) = delete;

 private:
  // What another thread wakes; it may outlive the sender.
  struct Bell {
    std::mutex mutex;
    std::condition_variable wake;
    bool rung = false;  // guarded by mutex
    void ring();
  };

  void run();
  std::int64_t look();  // starts what is due; how long until there may be more
  void start(const store::Callback& callback, const std::string& host);
  void deliver(const store::Callback& callback, const std::string& host);
  void tell(TryResult result) const;
  bool is_delivered(const store::Callback& callback, const Task& task);
  void settle(const store::CallbackTry& made, const std::string& host);
  void release(TaskId task, const std::string& host, bool in_trouble);

  SenderParts parts_;
  const SenderLimits limits_;
  std::atomic<bool> stop_ = false;
  std::shared_ptr<Bell> bell_ = std::make_shared<Bell>();
  // Guarded by bell_->mutex.
  std::set<TaskId> under_way_;
  std::map<std::string, std::size_t> hosts_;  // how many are under way to each
  bool in_trouble_ = false;                   // the store failed: a pause, and one word about it
  bool was_in_trouble_ = false;
  std::vector<std::unique_ptr<net::HttpClient>> idle_clients_;

  io::OffloadPool pool_;
  std::thread thread_;
};

}  // namespace tandem::callbacks
