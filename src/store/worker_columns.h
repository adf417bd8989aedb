#pragma once

namespace tandem::store {

// The columns of a worker, in the order in which the queries of every engine give them.
struct WorkerColumn {
  enum : int {
    kWorkerId,
    kName,
    kMode,
    kLabels,
    kJobTypes,
    kQueues,
    kSlots,
    kVersion,
    kHost,
    kClientId,
    kTokenSha256,
    kPreviousSha256,
    kPreviousUntil,
    kCreatedAt,
    kDraining,
    kRevokedAt,
    kRevokeReason,
    kLastSeenAt,
  };
};

}  // namespace tandem::store
