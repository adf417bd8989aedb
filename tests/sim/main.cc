// Runs the real dispatcher in a simulated world, once a seed, and checks the promises.
//   tandem_sim [--seed N | --seeds N [--from N]] [--servers N] [--expect-failure]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "sim/client.h"
#include "sim/cluster.h"
#include "sim/worker.h"

namespace tandem::sim {
namespace {

struct Options {
  std::uint64_t from = 1, seeds = 1000;
  int servers = 1;
  bool expect_failure = false;  // of a mutant: within the seeds one must fail
};

// Those with a label are never revoked: every task can end.
constexpr RemoteWorker::Kind kWorkers[] = {{.push = true, .polls = false, .has_gpu = true},
                                           {.push = false, .polls = true, .has_gpu = true},
                                           {.push = true, .polls = true},
                                           {.push = true, .polls = true}};
constexpr std::int64_t kQuietMs = 60'000;

std::size_t run(std::uint64_t seed, int servers) {
  // Long enough for servers to be taken for dead, and to come back.
  const std::int64_t bad_times_ms = servers > 1 ? 30'000 : 12'000;
  World world(seed);
  Ledger ledger;
  Cluster cluster(world, ledger, servers);
  cluster.start();
  Fleet fleet(world, ledger, cluster);
  std::vector<std::unique_ptr<RemoteWorker>> workers;
  for (const RemoteWorker::Kind& kind : kWorkers) {
    const auto number = static_cast<std::uint8_t>(100 + workers.size());
    workers.push_back(
        std::make_unique<RemoteWorker>(Scene{world, ledger, cluster, fleet}, number, kind));
    fleet.add(workers.back()->id(), !kind.has_gpu);
    workers.back()->start();
  }
  fleet.start(bad_times_ms - 500);
  std::vector<std::unique_ptr<SimClient>> clients;
  for (std::uint8_t i = 0; i < 2; ++i) {
    clients.push_back(std::make_unique<SimClient>(world, ledger, cluster, 1 + i));
    clients.back()->start(static_cast<int>(world.random.between(5, 25)), bad_times_ms - 1000);
  }
  world.run_until(bad_times_ms);
  cluster.calm_down();
  world.run_until(bad_times_ms + kQuietMs);
  ledger.check_end();
  cluster.check_end();
  return ledger.starts_seen();
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto number = [&] {
      if (++i < argc) return std::strtoull(argv[i], nullptr, 10);
      std::fprintf(stderr, "%s needs a number\n", name.c_str());
      std::exit(64);
    };
    if (name == "--seed") {
      options.from = number();
      options.seeds = 1;
    } else if (name == "--seeds") {
      options.seeds = number();
    } else if (name == "--from") {
      options.from = number();
    } else if (name == "--servers") {
      options.servers = static_cast<int>(number());
    } else if (name == "--expect-failure") {
      options.expect_failure = true;
    } else {
      std::fprintf(stderr, "unknown option %s\n", name.c_str());
      std::exit(64);
    }
  }
  return options;
}

int run_all(const Options& options) {
  std::uint64_t failed = 0, starts = 0;
  for (std::uint64_t seed = options.from; seed < options.from + options.seeds; ++seed) {
    try {
      starts += run(seed, options.servers);
    } catch (const Broken& broken) {
      ++failed;
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), broken.what());
      if (options.expect_failure) return 0;
      if (failed >= 5) break;
    }
  }
  std::printf("%llu seeds, %llu attempts run, %llu seeds failed\n",
              static_cast<unsigned long long>(options.seeds),
              static_cast<unsigned long long>(starts), static_cast<unsigned long long>(failed));
  if (options.expect_failure) return 1;
  return failed == 0 && starts > 0 ? 0 : 1;
}

}  // namespace
}  // namespace tandem::sim

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return tandem::sim::run_all(tandem::sim::parse(argc, argv));
}
