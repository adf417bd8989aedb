#pragma once

// Faults put in on purpose: the simulator is built once with each and has to find it. Every build
// that is shipped has none.
namespace tandem::queue {

enum class Mutant {
  none,
  no_attempt_check,
  answer_before_commit,
  expiry_by_id_only,
  offer_not_returned,
  idempotency_forgotten,  // by the simulator's store, at a restart
  two_channels_active,
  heartbeat_renews_lost_lease,
  offer_given_to_two,
  // By the simulator's store, among several servers:
  draw_from_the_living,
  draw_untold,
};

#ifdef TANDEM_MUTANT
inline constexpr Mutant kMutant = Mutant::TANDEM_MUTANT;
#else
inline constexpr Mutant kMutant = Mutant::none;
#endif

}  // namespace tandem::queue
