#pragma once

#include <functional>
#include <memory>
#include <string>

#include "app/installation.h"
#include "config/settings.h"
#include "store/store.h"
#include "store/task_reader.h"

namespace tandem::app {

// Where the settings say that tasks are kept: SQLite in the data directory, or a PostgreSQL
// database.
struct Storage {
  using MakeBell = std::function<std::unique_ptr<store::PeerBell>(std::function<void()> ring)>;

  std::unique_ptr<store::Store> store;
  std::unique_ptr<store::TaskReader> reader;  // closed before the store
  ServerId server_id = {};                    // nil: there can be no others
  MakeBell make_bell = nullptr;               // rings on a thread of its own; null: nobody writes
};

bool is_in_directory(const config::Settings& settings);  // SQLite

// Makes the schema or brings it up to date. Blocks. Errors carry a sentence for the operator.
Result<Storage> open_storage(const config::Settings& settings, const Installation& place);
// Reads alone: makes and changes nothing.
Result<std::unique_ptr<store::TaskReader>> open_reader(const config::Settings& settings);

}  // namespace tandem::app
