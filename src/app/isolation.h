#pragma once

#include <string>
#include <vector>

#include "config/worker_file.h"
#include "exec/guard.h"

namespace tandem::app {

// A sentence for each isolation that the worker's file asks for and that cannot be had: the system
// does not let us, or the user could not reach its jobs' directories in `work_dir`, which may not
// be there yet; empty: it is in the data directory, which is closed to others.
std::vector<std::string> unmet_isolation(const config::WorkerFile& file,
                                         const exec::Capabilities& system,
                                         const std::string& work_dir);

}  // namespace tandem::app
