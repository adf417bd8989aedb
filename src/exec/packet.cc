#include "exec/packet.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/assert.h"

namespace tandem::exec {

bool send_packet(int socket, const PacketHead& head, std::string_view text,
                 std::span<const int> fds) {
  TANDEM_ASSERT(text.size() <= kMaxPacketTextBytes && fds.size() <= kMaxPacketFds);
  std::array<iovec, 2> parts{iovec{const_cast<PacketHead*>(&head), sizeof head},
                             iovec{const_cast<char*>(text.data()), text.size()}};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxPacketFds)> rights{};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  if (!fds.empty()) {
    message.msg_control = rights.data();
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* control = CMSG_FIRSTHDR(&message);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(control), fds.data(), sizeof(int) * fds.size());
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

Received receive_packet(int socket, Packet& packet) {
  // Not cleared for each packet: most have little text.
  static thread_local std::array<char, kMaxPacketTextBytes> text;
  packet.text.clear();
  packet.fds.clear();
  std::array<iovec, 2> parts{iovec{&packet.head, sizeof packet.head},
                             iovec{text.data(), text.size()}};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxPacketFds)> rights{};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  message.msg_control = rights.data();
  message.msg_controllen = rights.size();
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Received::nothing_yet;
  for (cmsghdr* control = got > 0 ? CMSG_FIRSTHDR(&message) : nullptr; control;
       control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    std::array<int, kMaxPacketFds> fds{};
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::memcpy(fds.data(), CMSG_DATA(control), count * sizeof(int));
    for (std::size_t i = 0; i < count; ++i) packet.fds.emplace_back(fds[i]);
  }
  if (got < static_cast<ssize_t>(sizeof packet.head)) return Received::closed;
  packet.text.assign(text.data(), static_cast<std::size_t>(got) - sizeof packet.head);
  return Received::packet;
}

}  // namespace tandem::exec
