#pragma once

#include <cstdint>
#include <string>

#include "http_load.h"
#include "latencies.h"

namespace tandem::bench {

// What GroupCommitServer does with submissions. Forks: call it while there is one thread.
//
// `requests` of one body over 64 connections, as fast as it answers.
LoadResult bare_submissions(const std::string& body, std::uint64_t requests);
// Times until the answer that it is stored, one request after the other, at `per_second`: what a
// function that is entered waits for as well.
Latencies bare_answer_times(const std::string& body, int requests, int per_second);

}  // namespace tandem::bench
