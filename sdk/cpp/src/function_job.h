#pragma once

#include "io/offload.h"
#include "tandem/worker.h"
#include "worker/function_job.h"

namespace tandem::sdk {

// Handlers as the worker knows functions. Both are borrowed, and outlive the worker.
worker::FunctionHandler function_of(const Handler& handler, io::OffloadPool& pool);
worker::QuickFunction quick_function_of(const QuickHandler& handler);

}  // namespace tandem::sdk
