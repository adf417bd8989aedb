// The real dispatcher and its thread over the memory store, and a real HTTP server.
#include "callbacks/callback_sender.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <future>

#include "base/unique_fd.h"
#include "callbacks/delivery.h"
#include "core/attempt.h"
#include "net/test_server.h"
#include "store/memory/memory_store.h"
#include "wire/raw_json.h"

namespace tandem::callbacks {
namespace {

// The machine's clock, which can be moved on.
class MovableClock final : public Clock {
 public:
  WallTime wall() const override { return real_.wall() + ahead_ms; }
  MonoTime mono() const override { return real_.mono() + ahead_ms; }
  std::atomic<std::int64_t> ahead_ms = 0;

 private:
  SystemClock real_;
};

// Takes connections on localhost and says nothing.
class SilentListener {
 public:
  SilentListener() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(fd_.get(), raw, size), 0);
    EXPECT_EQ(::listen(fd_.get(), 64), 0);
    EXPECT_EQ(::getsockname(fd_.get(), raw, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  std::string url() const { return "http://localhost:" + std::to_string(port_) + "/"; }

 private:
  UniqueFd fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  int port_ = 0;
};

class CallbackSenderTest : public testing::Test {
 public:
  ~CallbackSenderTest() override {
    sender_.reset();
    dispatcher_thread_.stop();
  }

 protected:
  CallbackSenderTest() {
    server_.handler.on_handle = [this](net::Request& request) { return take(request); };
    dispatcher_thread_.start();
  }

  // Named parameters only: a coroutine lambda may not capture.
  io::Awaitable<net::Response> take(net::Request& request) {
    net::Response response = net::Response::empty(status_.load());
    if (status_ == 307) response.headers.add("Location", server_.url("/elsewhere"));
    const std::lock_guard lock(mutex_);
    taken_.push_back({std::string(request.headers.get("Tandem-Delivery")), request.body});
    arrived_.notify_all();
    co_return response;
  }

  void start(SenderLimits limits = {}) {
    const auto count = [this](TryResult result) { ++tried_.at(static_cast<std::size_t>(result)); };
    sender_ = std::make_unique<CallbackSender>(
        SenderParts{dispatcher_thread_, outbox_, store_.reader(), signer_, guard_, clock_, count},
        limits);
  }
  int tried(TryResult result) const { return tried_.at(static_cast<std::size_t>(result)); }

  template <class What, class T>
  Result<T> ask(What what, T*) {
    std::promise<Result<T>> answered;
    what.done = [&answered](Result<T> value) { answered.set_value(std::move(value)); };
    dispatcher_thread_.post({.outbox = &outbox_, .what = std::move(what)});
    return answered.get_future().get();
  }
  TaskId submit(const std::string& url) {
    TaskSpec spec;
    spec.payload = R"({"job_type":"echo"})";
    spec.job_type = "echo";
    spec.callback_url = url;
    queue::Submit command{.client_id = kClient, .tasks = {}, .done = {}};
    const TaskId id = ids_.make<TaskId>();
    command.tasks.push_back({.task_id = id, .spec = spec, .inputs = {}});
    ask(std::move(command), static_cast<queue::Submitted*>(nullptr)).value();
    return id;
  }
  Result<queue::Cancelled> cancel(TaskId id) {
    queue::Cancel command{.actor = {.client_id = kClient}, .task_id = id, .done = {}};
    return ask(std::move(command), static_cast<queue::Cancelled*>(nullptr));
  }
  TaskId end_one(const std::string& url) {
    const TaskId id = submit(url);
    cancel(id).value();
    return id;
  }
  std::vector<store::Callback> owed() { return store_.reader().list_callbacks("", 99).value(); }
  bool wait_taken(std::size_t count) {
    std::unique_lock lock(mutex_);
    return arrived_.wait_for(lock, std::chrono::seconds(30),
                             [&] { return taken_.size() >= count; });
  }
  void wait_until(const std::function<bool()>& condition) {
    for (int spins = 0; spins < 10'000'000; ++spins) {
      if (condition()) return;
      std::this_thread::yield();
    }
    FAIL() << "it did not come to be";
  }

  struct Taken {
    std::string delivery, body;
  };
  const ClientId kClient{*parse_uuid("01890000-0000-7000-8000-00000000000a")};
  MovableClock clock_;
  SystemRandom random_;
  IdSource ids_{clock_, random_};
  store::MemoryStore store_;
  queue::DirectOutbox outbox_;
  queue::Dispatcher dispatcher_{store_, clock_, queue::DispatcherSettings()};
  queue::DispatcherThread dispatcher_thread_{dispatcher_, clock_};
  auth::CallbackSigner signer_{std::string(32, 's'), ""};
  net::OutgoingGuard guard_{{"127.0.0.1"}};
  std::atomic<int> status_ = 204;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Taken> taken_;  // guarded by mutex_
  std::array<std::atomic<int>, 3> tried_ = {};
  net::TestServer server_;
  std::unique_ptr<CallbackSender> sender_;
};

TEST_F(CallbackSenderTest, AnEndIsToldOnceAndOwedNoMore) {
  start();
  const TaskId id = end_one(server_.url("/hook"));
  ASSERT_TRUE(wait_taken(1));
  wait_until([this] { return owed().empty(); });
  sender_.reset();
  ASSERT_EQ(taken_.size(), 1u);
  EXPECT_EQ(wire::string_member(taken_[0].body, "task_id"), to_string(id));
  EXPECT_EQ(wire::string_member(taken_[0].body, "status"), "cancelled");
  EXPECT_TRUE(taken_[0].delivery.starts_with(to_string(id)));
}

TEST_F(CallbackSenderTest, ItMayEndWhileTheDispatcherStillAnswersIt) {
  for (int again = 0; again < 300; ++again) {
    start();
    sender_.reset();
  }
}

TEST_F(CallbackSenderTest, WhatWasOwedBeforeItStartedIsTold) {
  end_one(server_.url("/hook"));
  EXPECT_EQ(owed().size(), 1u) << "written by the commit that ended the task";
  start();
  EXPECT_TRUE(wait_taken(1));
}

TEST_F(CallbackSenderTest, ATaskWithoutAnUrlAndOneThatHasNotEndedOweNothing) {
  submit(server_.url("/hook"));
  end_one("");
  EXPECT_TRUE(owed().empty());
}

TEST_F(CallbackSenderTest, ACommitThatFailsOwesNothing) {
  const TaskId id = submit(server_.url("/hook"));
  store_.fail_commit(1, store::CommitFault::before);
  EXPECT_FALSE(cancel(id));
  EXPECT_TRUE(owed().empty());
}

TEST_F(CallbackSenderTest, ARefusalIsRepeatedUnderTheSameIdUntilItIsTaken) {
  status_ = 500;
  start();
  end_one(server_.url("/hook"));
  ASSERT_TRUE(wait_taken(1));
  wait_until([this] { return owed().at(0).tries == 1; });
  status_ = 200;
  clock_.ahead_ms += 1000;
  end_one("http://127.0.0.1:9/");  // wakes the sender, which else sleeps by its own clock
  ASSERT_TRUE(wait_taken(2));
  wait_until([this] { return tried(TryResult::taken) == 1; });
  sender_.reset();
  EXPECT_EQ(taken_[0].delivery, taken_[1].delivery);
  EXPECT_GE(tried(TryResult::failed), 1);  // nobody listens at the other's
  EXPECT_EQ(tried(TryResult::given_up), 0);
}

TEST_F(CallbackSenderTest, ARedirectIsNotFollowed) {
  status_ = 307;
  start();
  end_one(server_.url("/hook"));
  wait_until([this] { return !owed().empty() && owed().at(0).tries == 1; });
  sender_.reset();
  EXPECT_EQ(taken_.size(), 1u);
}

TEST_F(CallbackSenderTest, ADayLaterItIsGivenUp) {
  status_ = 500;
  end_one(server_.url("/hook"));
  clock_.ahead_ms += kGiveUpAfterMs;
  start();
  ASSERT_TRUE(wait_taken(1));
  wait_until([this] { return owed().empty(); });
  EXPECT_EQ(tried(TryResult::given_up), 1);
  EXPECT_EQ(tried(TryResult::failed) + tried(TryResult::taken), 0);
}

TEST_F(CallbackSenderTest, AnAddressThatIsNotPublicIsNeverReached) {
  std::string url = server_.url("/hook");
  url.replace(url.find("127.0.0.1"), 9, "localhost");
  start();
  end_one(url);
  wait_until([this] { return !owed().empty() && owed().at(0).tries == 1; });
  sender_.reset();
  EXPECT_TRUE(taken_.empty());
}

TEST_F(CallbackSenderTest, ATaskThatRunsAgainIsNotToldOf) {
  const TaskId id = end_one(server_.url("/hook"));
  queue::Retry retry{.actor = {.client_id = kClient}, .task_id = id, .done = {}};
  ask(std::move(retry), static_cast<queue::TaskPtr*>(nullptr)).value();
  start();
  wait_until([this] { return owed().empty(); });
  clock_.ahead_ms += 5;  // another end, at another time
  cancel(id).value();
  ASSERT_TRUE(wait_taken(1));
  sender_.reset();
  EXPECT_EQ(taken_.size(), 1u);
}

TEST_F(CallbackSenderTest, AStoreThatFailsIsAskedAgain) {
  end_one(server_.url("/hook"));
  store_.set_down(Errc::store_unavailable);
  start();
  store_.set_down(std::nullopt);
  EXPECT_TRUE(wait_taken(1));
}

TEST_F(CallbackSenderTest, AHostThatStallsLeavesRoomForOthersAndDoesNotHoldUpTheEnd) {
  const net::OutgoingGuard guard({"127.0.0.1", "localhost"});
  const SilentListener silent;
  for (int i = 0; i < 20; ++i) end_one(silent.url());
  end_one(server_.url("/hook"));
  sender_ = std::make_unique<CallbackSender>(
      SenderParts{dispatcher_thread_, outbox_, store_.reader(), signer_, guard, clock_});
  EXPECT_TRUE(wait_taken(1));
  wait_until([this] { return owed().size() == 20; });
  const MonoTime before = clock_.mono();
  sender_.reset();
  EXPECT_LT(clock_.mono() - before, 10'000) << "less than one of them may take";
  ASSERT_EQ(owed().size(), 20u);
  EXPECT_EQ(owed().at(0).tries, 0) << "one that was cut off was no try";
}

}  // namespace
}  // namespace tandem::callbacks
