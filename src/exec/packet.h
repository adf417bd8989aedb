#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

// What the launcher, the guard and the shepherds say to each other over SOCK_SEQPACKET. Both ends
// are the same binary: structs go as they are.
namespace tandem::exec {

enum class PacketKind : std::uint32_t {
  hello,          // guard → launcher, once: `value` has a bit for each Capabilities; text:
                  // sentences, one a line
  new_shepherd,   // launcher → guard; and back: `value` is its number, with its socket and its
                  // pidfd, or with no descriptor: refused
  shepherd_gone,  // guard → launcher: number `value` is dead, and so is all that it left behind
  launch,         // launcher → shepherd: text and descriptors, see LaunchFields
  terminate,      // launcher → shepherd: SIGTERM to all, kill at `value` ms from now
  kill_after,     // launcher → shepherd: kill at `value` ms from now, in place of the last one
  launched,       // shepherd → launcher: `value` is the pid, or `error` and `step`
  exited,         // shepherd → launcher: ExitFields; the shepherd is idle again
};

enum class LaunchStep : std::uint32_t {
  clone,
  network,
  limits,
  descriptors,
  terminal,
  user,
  directory,
  program
};

constexpr std::uint64_t kNoLimit = UINT64_MAX;

// The text is cwd, argv, env entries, each ended by NUL. Descriptors: stdin, stdout, stderr, then
// the control pipe if `control`, the input if `input`, then a memory file with the text if
// `text_in_file`.
struct LaunchFields {
  std::uint32_t argc, envc;
  bool pty, control, input, text_in_file, change_user, no_network;
  uid_t uid;
  gid_t gid;
  std::uint64_t memory_bytes, processes, cpu_s, open_files, file_bytes;
  std::int64_t kill_at_ms;  // of CLOCK_MONOTONIC
};

struct ExitFields {
  std::int32_t wait_status;
  bool out_of_memory, leftovers;
  bool retired;  // the shepherd takes no other job
  std::int64_t user_ms, system_ms;
  std::uint64_t max_rss_bytes;
};

struct PacketHead {
  PacketKind kind;
  std::uint32_t error = 0;  // errno
  LaunchStep step = LaunchStep::clone;
  std::int64_t value = 0;
  LaunchFields launch{};
  ExitFields exit{};
};

struct Packet {
  PacketHead head{};
  std::string text;
  std::vector<UniqueFd> fds;
};

constexpr std::size_t kMaxPacketTextBytes = 64 * 1024;
constexpr std::size_t kMaxPacketFds = 6;

// False where the other end is gone or its buffer is full; nothing was sent then.
bool send_packet(int socket, const PacketHead& head, std::string_view text = {},
                 std::span<const int> fds = {});

enum class Received { packet, nothing_yet, closed };
// Never blocks. Descriptors come close-on-exec.
Received receive_packet(int socket, Packet& packet);

}  // namespace tandem::exec
