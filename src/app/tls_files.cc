#include "app/tls_files.h"

#include "net/tls.h"

namespace tandem::app {

void check_certificate(const config::Settings& settings, config::Violations& all) {
  if (settings.tls_cert.empty() || settings.tls_key.empty()) return;
  const auto made = net::TlsContext::for_server(settings.tls_cert, settings.tls_key);
  if (!made) all.sentences.push_back("TANDEM_TLS_CERT and TANDEM_TLS_KEY: " + made.error().detail);
}

void check_ca_file(const config::Settings& settings, config::Violations& all) {
  if (settings.ca_file.empty()) return;
  if (const auto made = net::TlsContext::for_client(settings.ca_file, true); !made)
    all.sentences.push_back("TANDEM_CA_FILE: " + made.error().detail);
}

}  // namespace tandem::app
