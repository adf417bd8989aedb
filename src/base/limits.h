#pragma once

#include <cstddef>
#include <cstdint>

// Every bound that is not a setting, in one place. Sizes in bytes, times in milliseconds.
namespace tandem::limits {

// Tasks
inline constexpr std::size_t kMaxBatchTasks = 1000;
inline constexpr std::size_t kMaxNameBytes = 128;   // job_type, queue, worker and client names
inline constexpr std::size_t kMaxLabels = 64;       // labels, requires, env: entries of each
inline constexpr std::size_t kMaxLabelBytes = 256;  // a key or a value
inline constexpr std::size_t kMaxEnvValueBytes = 32 * 1024;
inline constexpr std::size_t kMaxPayloadBytes = 1024 * 1024;
inline constexpr std::size_t kMaxResultBytes = 1024 * 1024;
inline constexpr std::size_t kMaxMessageBytes = 4096;  // progress and error messages, prompts
inline constexpr std::size_t kMaxUrlBytes = 2048;
inline constexpr std::size_t kMaxIdempotencyKeyBytes = 255;
inline constexpr std::int64_t kIdempotencyTtlMs = 24 * 3600 * 1000;
inline constexpr int kMinPriority = -100, kMaxPriority = 100;
inline constexpr int kMaxAttempts = 1000;
inline constexpr std::int64_t kMaxDurationMs = 366ll * 24 * 3600 * 1000;
inline constexpr int kMaxWorkerLosses = 3;  // then the task fails for good (promise 8)
inline constexpr std::size_t kMaxInputBytes = 64 * 1024;  // one piece of input
inline constexpr std::size_t kMaxPendingInputPieces = 1024;

// Workers
inline constexpr std::int64_t kPreviousTokenMs = 3600 * 1000;  // a replaced token is still good
inline constexpr int kMaxClaimJobs = 100;
inline constexpr std::size_t kMaxWorkersOfClient = 10'000;  // registered by it and not revoked
inline constexpr std::uint64_t kMaxJobProcesses = 4096;     // of one job, where a cgroup can count

// Dispatcher
inline constexpr std::size_t kMaxTurnCommands = 2000;
inline constexpr std::size_t kReadyWindow = 2048;  // pending tasks of one lane kept in memory

// JSON
inline constexpr std::size_t kMaxJsonDepth = 64;

// HTTP
inline constexpr std::size_t kMaxHeaderBytes = 16 * 1024;
inline constexpr std::int64_t kHeaderTimeoutMs = 15'000;
inline constexpr std::int64_t kBodyTimeoutMs = 60'000;
inline constexpr std::int64_t kIdleTimeoutMs = 75'000;
inline constexpr std::int64_t kWriteTimeoutMs = 60'000;
inline constexpr std::size_t kMaxPipelined = 64;
inline constexpr std::size_t kMaxConnections = 16'384;
inline constexpr std::size_t kMaxWebSocketMessageBytes = 256 * 1024;
inline constexpr std::size_t kMaxWebSocketQueueBytes =
    1024 * 1024;  // then the reader is given a gap

// Lists
inline constexpr int kDefaultPageItems = 50, kMaxPageItems = 500;
inline constexpr int kMaxLogPageRecords = 10'000;
inline constexpr std::int64_t kMaxWaitMs = 60'000;

// Logs
inline constexpr std::size_t kMaxRecordBytes = 64 * 1024;
inline constexpr std::uint64_t kMaxLogBytesPerAttempt = 1ull << 30;

// Files
inline constexpr std::size_t kMaxFileNameBytes = 255;
inline constexpr std::size_t kMaxInputFiles = 100;
inline constexpr std::size_t kMaxOutputFiles = 1000;
inline constexpr std::uint64_t kMaxOutputBytes = 16ull << 30;  // all outputs of one attempt

}  // namespace tandem::limits
