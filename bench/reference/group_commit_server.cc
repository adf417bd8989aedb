#include "reference/group_commit_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <memory>
#include <vector>

#include "http_client.h"
#include "reference/bare_table.h"

namespace tandem::bench {
namespace {

struct Peer {
  UniqueFd fd;
  std::string in;
};

const std::string kAnswer =
    "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 56\r\n\r\n"
    "{\"task_id\":\"00000000-0000-7000-8000-000000000000\",\"a\":1}\n";

class Loop {
 public:
  Loop(UniqueFd listener, const std::string& path)
      : listener_(std::move(listener)), table_(path), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    watch(listener_.get(), nullptr);
  }

  [[noreturn]] void run() {
    while (true) {
      std::array<epoll_event, 256> events;
      const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
      std::vector<Peer*> served;
      table_.begin();
      for (int i = 0; i < count; ++i) {
        auto* peer = static_cast<Peer*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (peer == nullptr) {
          accept();
        } else if (read(*peer)) {
          served.push_back(peer);
        }
      }
      table_.commit();
      for (Peer* peer : served) write_all(peer->fd.get(), kAnswer);
    }
  }

 private:
  void watch(int fd, Peer* peer) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = peer}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }

  void accept() {
    peers_.push_back(std::make_unique<Peer>());
    Peer& peer = *peers_.back();
    peer.fd = UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const int one = 1;
    ::setsockopt(peer.fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    watch(peer.fd.get(), &peer);
  }

  // Stores the request once it is whole.
  bool read(Peer& peer) {
    std::array<char, 16384> buffer;
    const ssize_t got = ::recv(peer.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got <= 0) {
      peer.fd.reset();
      return false;
    }
    peer.in.append(buffer.data(), static_cast<std::size_t>(got));
    int status = 0;
    std::size_t head = 0;
    const std::size_t size = answer_size(peer.in, status, head);
    if (size == 0) return false;
    table_.insert(std::string_view(peer.in).substr(head, size - head));
    peer.in.erase(0, size);
    return true;
  }

  UniqueFd listener_;
  BareTable table_;
  UniqueFd epoll_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

}  // namespace

GroupCommitServer::GroupCommitServer() {
  directory_ = (std::filesystem::temp_directory_path() / "tandem-bench-XXXXXX").string();
  if (::mkdtemp(directory_.data()) == nullptr) ::abort();
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size);
  ::listen(listener.get(), 512);
  ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  pid_ = ::fork();
  if (pid_ == 0) Loop(std::move(listener), directory_ + "/bare.db").run();
}

GroupCommitServer::~GroupCommitServer() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

}  // namespace tandem::bench
