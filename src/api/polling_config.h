#pragma once

#include <span>
#include <string>

#include "api/call.h"
#include "net/response.h"
#include "wire/worker_json.h"

namespace tandem::api {

// The configuration as a request on this side, /polling/ or /workers/, is to see it. What the
// server's mode does not offer has no address in it.
wire::PollingConfig polling_config(const Call& call);

// The configuration with these jobs, each as wire::encode_job wrote it; 304 where the caller has
// the configuration already and there are no jobs.
net::Response config_answer(const Call& call, std::span<const std::string> jobs);

}  // namespace tandem::api
