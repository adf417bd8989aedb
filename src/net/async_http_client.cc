#include "net/async_http_client.h"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "net/http_exchange.h"

namespace tandem::net {
namespace {

struct FreeMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

// A socket of curl's, which curl opens and closes.
struct Watched {
  using Descriptor = io::asio::posix::basic_stream_descriptor<io::Executor>;
  Watched(io::Executor executor, curl_socket_t socket) : descriptor(executor, socket) {}
  ~Watched() { leave(); }
  // At once when curl says so: the number may soon be that of another socket.
  void leave() {
    if (descriptor.is_open()) descriptor.release();
  }
  Descriptor descriptor;
  bool wants_read = false, wants_write = false;
  bool waits_to_read = false, waits_to_write = false;
};

// One call that is under way, known to curl by its handle.
struct Transfer {
  Transfer(io::Executor executor, Curl handle, const HttpClientOptions& options,
           const HttpCall& call)
      : curl(std::move(handle)),
        exchange(curl.get(), options, call),
        ended(executor, io::Timer::time_point::max()) {}
  Curl curl;
  HttpExchange exchange;
  std::optional<CURLcode> code;
  io::Timer ended;  // never expires; cancelled when there is a code
};

}  // namespace

// curl's multi interface, told by the loop when a socket is ready or its time is over
// (curl_multi_socket_action). Its callbacks only note what it wants: it must not be called in them.
class AsyncHttpClient::Engine : public std::enable_shared_from_this<Engine> {
 public:
  Engine(io::Executor executor, HttpClientOptions options)
      : executor_(executor), options_(std::move(options)), timer_(executor) {
    curl_ = make_curl();  // the library is set up by it
    multi_.reset(curl_multi_init());
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
  }

  Result<HttpAnswer> refusal() const { return fail(Errc::shutting_down, "It was stopped."); }
  bool is_cut() const { return is_cut_; }
  std::unique_ptr<Transfer> make(const HttpCall& call) {
    return std::make_unique<Transfer>(executor_, curl_ ? std::move(curl_) : make_curl(), options_,
                                      call);
  }
  void add(Transfer& transfer) {
    curl_easy_setopt(transfer.curl.get(), CURLOPT_PRIVATE, &transfer);
    curl_multi_add_handle(multi_.get(), transfer.curl.get());
    transfers_.insert(&transfer);
  }
  void remove(Transfer& transfer) {
    if (transfers_.erase(&transfer) > 0)
      curl_multi_remove_handle(multi_.get(), transfer.curl.get());
  }
  // Its handle serves the next call.
  Result<HttpAnswer> finish(Transfer& transfer) {
    auto answer = transfer.exchange.finish(*transfer.code);
    curl_ = std::move(transfer.curl);
    return answer;
  }
  void cut() {
    is_cut_ = true;
    while (!transfers_.empty()) end(**transfers_.begin(), CURLE_ABORTED_BY_CALLBACK);
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, nullptr);
    for (const auto& [socket, watched] : std::exchange(watched_, {})) watched->leave();
    timer_.cancel();
  }

 private:
  static int on_socket(CURL*, curl_socket_t socket, int what, void* user, void*) {
    static_cast<Engine*>(user)->watch(socket, what);
    return 0;
  }
  static int on_timer(CURLM*, long delay_ms, void* user) {
    static_cast<Engine*>(user)->set_timer(delay_ms);
    return 0;
  }

  void watch(curl_socket_t socket, int what);
  void wait_for(curl_socket_t socket, const std::shared_ptr<Watched>& watched);
  void set_timer(long delay_ms);
  void act(curl_socket_t socket, int events);
  void end(Transfer& transfer, CURLcode code);

  io::Executor executor_;
  const HttpClientOptions options_;
  io::Timer timer_;
  std::unique_ptr<CURLM, FreeMulti> multi_;
  Curl curl_;  // for the next call
  std::set<Transfer*> transfers_;
  std::map<curl_socket_t, std::shared_ptr<Watched>> watched_;
  bool is_cut_ = false;
};

void AsyncHttpClient::Engine::watch(curl_socket_t socket, int what) {
  if (what == CURL_POLL_REMOVE || is_cut_) {
    const auto gone = watched_.extract(socket);
    if (gone) gone.mapped()->leave();
    return;
  }
  auto& watched = watched_[socket];
  if (!watched) watched = std::make_shared<Watched>(executor_, socket);
  watched->wants_read = (what & CURL_POLL_IN) != 0;
  watched->wants_write = (what & CURL_POLL_OUT) != 0;
  wait_for(socket, watched);
}

void AsyncHttpClient::Engine::wait_for(curl_socket_t socket,
                                       const std::shared_ptr<Watched>& watched) {
  const auto wait = [&](Watched::Descriptor::wait_type type, bool Watched::*waits, int event) {
    if (std::exchange((*watched).*waits, true)) return;
    watched->descriptor.async_wait(
        type, [weak = weak_from_this(), held = std::weak_ptr(watched), socket, waits,
               event](const boost::system::error_code& error) {
          const auto self = weak.lock();
          const auto seen = held.lock();
          if (error || !self || !seen) return;
          (*seen).*waits = false;
          const bool is_wanted = event == CURL_CSELECT_IN ? seen->wants_read : seen->wants_write;
          if (is_wanted) self->act(socket, event);
          const auto still = self->watched_.find(socket);
          if (still != self->watched_.end() && still->second == seen) self->wait_for(socket, seen);
        });
  };
  if (watched->wants_read)
    wait(Watched::Descriptor::wait_read, &Watched::waits_to_read, CURL_CSELECT_IN);
  if (watched->wants_write)
    wait(Watched::Descriptor::wait_write, &Watched::waits_to_write, CURL_CSELECT_OUT);
}

void AsyncHttpClient::Engine::set_timer(long delay_ms) {
  timer_.cancel();
  if (delay_ms < 0 || is_cut_) return;
  timer_.expires_after(std::chrono::milliseconds(delay_ms));
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self) self->act(CURL_SOCKET_TIMEOUT, 0);
  });
}

void AsyncHttpClient::Engine::act(curl_socket_t socket, int events) {
  if (is_cut_) return;
  int running = 0;
  curl_multi_socket_action(multi_.get(), socket, events, &running);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    void* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    end(*static_cast<Transfer*>(transfer), message->data.result);
  }
}

void AsyncHttpClient::Engine::end(Transfer& transfer, CURLcode code) {
  transfer.code = code;
  remove(transfer);
  transfer.ended.cancel();
}

AsyncHttpClient::AsyncHttpClient(io::Executor executor, HttpClientOptions options)
    : engine_(std::make_shared<Engine>(executor, std::move(options))) {}

AsyncHttpClient::~AsyncHttpClient() { cut(); }

void AsyncHttpClient::cut() { engine_->cut(); }

io::Awaitable<Result<HttpAnswer>> AsyncHttpClient::perform(HttpCall call) {
  const auto engine = engine_;
  if (engine->is_cut()) co_return engine->refusal();
  const auto transfer = engine->make(call);
  if (auto prepared = transfer->exchange.prepare(); !prepared) co_return prepared.error();
  struct Removal {
    Engine& engine;
    Transfer& transfer;
    ~Removal() { engine.remove(transfer); }
  } removal{*engine, *transfer};
  engine->add(*transfer);
  while (!transfer->code) {
    boost::system::error_code woken;
    co_await transfer->ended.async_wait(io::asio::redirect_error(io::use_awaitable, woken));
  }
  co_return engine->finish(*transfer);
}

}  // namespace tandem::net
