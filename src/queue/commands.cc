#include "queue/commands.h"

namespace tandem::queue {

SomeCommand::SomeCommand(const SomeCommand&) = default;
SomeCommand::SomeCommand(SomeCommand&&) noexcept = default;
SomeCommand& SomeCommand::operator=(const SomeCommand&) = default;
SomeCommand& SomeCommand::operator=(SomeCommand&&) noexcept = default;
SomeCommand::~SomeCommand() = default;

}  // namespace tandem::queue
