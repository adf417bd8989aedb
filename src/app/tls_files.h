#pragma once

#include "config/load.h"

// Whether the files that settings name for TLS can be used: a sentence for each that can't.
namespace tandem::app {

// TANDEM_TLS_CERT and TANDEM_TLS_KEY.
void check_certificate(const config::Settings& settings, config::Violations& all);
// TANDEM_CA_FILE.
void check_ca_file(const config::Settings& settings, config::Violations& all);

}  // namespace tandem::app
