// A worker with a few functions. It asks who is to be greeted, or counts until it is asked to stop.
#include <tandem/worker.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <thread>

namespace {

std::string greet(tandem::sdk::Job& job) {
  job.log("attempt " + std::to_string(job.attempt()) + " of " + job.task_id() + "\n");
  job.progress(50, "about to ask");
  const std::string name = job.ask("Who is there? ");
  job.log("it is " + name + "\n");
  return "{\"greeting\":\"Hello, " + name + "\"}";
}

// Looks between its pieces of work whether anybody still wants it.
std::string count(tandem::sdk::Job& job) {
  for (int rounds = 1; !job.is_cancelled(); ++rounds) {
    job.progress(0, "round " + std::to_string(rounds));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  job.log("asked to stop\n");
  return "";
}

// Until SIGTERM or SIGINT comes.
void wait_for_signal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  int number = 0;
  sigwait(&signals, &number);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: greet_worker CONFIG_URL REGISTRATION_TOKEN [push|polling|hybrid]\n";
    return 64;
  }
  // Before there are threads: all of them leave the signals to wait_for_signal().
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);

  const std::string mode = argc > 3 ? argv[3] : "hybrid";
  tandem::sdk::WorkerOptions options;
  options.config_url = argv[1];
  options.registration_token = argv[2];
  options.name = "greeter";
  options.slots = 4;
  options.mode = mode == "push"      ? tandem::sdk::Mode::push
                 : mode == "polling" ? tandem::sdk::Mode::polling
                                     : tandem::sdk::Mode::hybrid;
  tandem::sdk::Worker worker(options);
  worker.handle("greet", greet);
  worker.handle("count", count);
  worker.handle("refuse", [](tandem::sdk::Job&) -> std::string {
    throw tandem::sdk::Failure("not_today", "Nobody is greeted today");
  });
  worker.handle_quickly("echo", [](const std::string& payload) { return payload; });
  std::thread stopper([&worker] {
    wait_for_signal();
    worker.stop();
  });
  int exit_code = 0;
  try {
    worker.run();
  } catch (const tandem::sdk::Failure& failure) {
    std::cerr << failure.code() << ": " << failure.what() << "\n";
    exit_code = 1;
    ::raise(SIGTERM);
  }
  stopper.join();
  return exit_code;
}
