#pragma once

#include <gtest/gtest.h>

#include <boost/asio/use_future.hpp>
#include <future>
#include <memory>
#include <string>

#include "exec/guard.h"
#include "exec/launcher.h"
#include "io/loop.h"
#include "io/task_group.h"

namespace tandem::exec {

struct Ran {
  std::string out, err, control;
  ExitTruth truth;
  Error error;  // of the launch
  bool launched = false;
};

inline ProcessSpec shell(const std::string& script) {
  ProcessSpec spec;
  spec.argv = {"/bin/bash", "-c", script};
  spec.cwd = "/";
  spec.env = {{"PATH", "/usr/bin:/bin"}};
  return spec;
}

enum class Output { out, err, control };

inline io::Awaitable<void> collect(Process& process, Output which, std::string& into) {
  std::string buffer(64 * 1024, '\0');
  while (true) {
    Result<std::size_t> got = std::size_t{0};
    if (which == Output::out) got = co_await process.read_stdout(buffer);
    if (which == Output::err) got = co_await process.read_stderr(buffer);
    if (which == Output::control) got = co_await process.read_control(buffer);
    if (!got || *got == 0) co_return;
    into.append(buffer, 0, *got);
  }
}

// Runs a job to its end with all that it wrote.
inline io::Awaitable<Ran> run_job(Launcher& launcher, ProcessSpec spec) {
  Ran ran;
  auto process = co_await launcher.launch(std::move(spec));
  ran.launched = process.has_value();
  if (!process) {
    ran.error = process.error();
    co_return ran;
  }
  io::TaskGroup readers(co_await io::asio::this_coro::executor);
  readers.spawn("out", collect(**process, Output::out, ran.out));
  readers.spawn("err", collect(**process, Output::err, ran.err));
  readers.spawn("control", collect(**process, Output::control, ran.control));
  ran.truth = co_await (*process)->wait();
  co_await readers.join();
  co_return ran;
}

// A guard and a launcher on a loop of its own, with cgroups (true) or without.
class ExecTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    auto started = Guard::start(GetParam());
    ASSERT_TRUE(started) << started.error().detail;
    guard = std::move(*started);
    if (GetParam() && guard->capabilities().containment != Containment::cgroup) {
      GTEST_SKIP() << "this system lets us use no cgroup v2";
    }
    launcher = std::make_unique<Launcher>(loop.executor(), *guard);
    loop.start();
  }
  void TearDown() override {
    if (launcher) {
      std::promise<void> closed;
      loop.post([this, &closed] {
        launcher.reset();
        closed.set_value();
      });
      closed.get_future().get();
    }
    loop.stop();
    guard.reset();
  }
  template <class T>
  T run(io::Awaitable<T> work) {
    return io::asio::co_spawn(loop.executor(), std::move(work), io::asio::use_future).get();
  }
  Ran job(ProcessSpec spec) { return run(run_job(*launcher, std::move(spec))); }
  Ran script(const std::string& text) { return job(shell(text)); }

  std::unique_ptr<Guard> guard;
  io::Loop loop{"exec"};
  std::unique_ptr<Launcher> launcher;
};

}  // namespace tandem::exec
