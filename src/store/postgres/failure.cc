#include "store/postgres/failure.h"

#include <algorithm>
#include <string>

namespace tandem::store::postgres {
namespace {

struct Known {
  std::string_view sqlstate;  // or the class, two letters
  Errc code;
  const char* sentence;
};

constexpr Known kKnown[] = {
    {"23505", Errc::conflict, "It is there already"},
    {"TD001", Errc::illegal_transition, "A task can't change its status like this"},
    {"22", Errc::internal, "A value is none that the database can keep"},
    {"23", Errc::internal, "The row breaks a rule of the store"},
    {"53100", Errc::disk_full, "The database can't grow: its disk is full"},
    {"53200", Errc::store_unavailable, "The database has no memory left"},
    {"53300", Errc::store_unavailable, "The database takes no more connections"},
    {"25006", Errc::store_unavailable,
     "The database takes no changes: it is a standby, or set to be read only"},
    {"28P01", Errc::store_unavailable, "The database refuses the user or the password"},
    {"28", Errc::store_unavailable,
     "The database lets nobody in like this: its pg_hba.conf wants another user or host, or TLS"},
    {"3D000", Errc::store_unavailable, "There is no database of that name"},
    {"3F000", Errc::store_unavailable, "The tables are not there; run `tandem migrate`"},
    {"40", Errc::store_unavailable, "Another transaction was in the way; try again"},
    {"42501", Errc::store_unavailable,
     "The database's user lacks a right; docs/operating/postgresql.md tells which it needs"},
    {"42P01", Errc::store_unavailable, "The tables are not there; run `tandem migrate`"},
    {"55P03", Errc::store_unavailable, "The database waits for another transaction; try again"},
    {"57014", Errc::store_unavailable, "The database took too long to answer"},
    {"57P", Errc::store_unavailable, "The database is starting or stopping"},
};

bool is_state(std::string_view text) {
  return text.size() == 5 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

// Within a verbose message; empty: there is none, as nobody answered.
std::string_view sqlstate_in(std::string_view message) {
  for (std::size_t at = message.find(":  "); at != std::string_view::npos;
       at = message.find(":  ", at + 1)) {
    const std::string_view state = message.substr(at + 3, 5);
    if (is_state(state) && message.substr(at + 8, 2) == ": ") return state;
  }
  return {};
}

}  // namespace

Error error_of(std::string_view sqlstate) {
  for (const Known& known : kKnown)
    if (sqlstate.starts_with(known.sqlstate)) return fail(known.code, known.sentence);
  if (sqlstate.empty()) return fail(Errc::store_unavailable, "The database can't be reached");
  return fail(Errc::store_unavailable,
              "The database refused a statement, code " + std::string(sqlstate));
}

bool is_of_standby(const Error& error) { return error.detail == error_of(kReadOnlyState).detail; }

// Where nobody has answered, libpq says in words what it has met.
Error error_of_connection(std::string_view message) {
  const std::string_view state = sqlstate_in(message);
  const auto says = [message](std::string_view words) {
    return message.find(words) != std::string_view::npos;
  };
  if (!state.empty()) return error_of(state);
  if (says("certificate"))
    return fail(Errc::store_unavailable,
                "The database's certificate is not trusted: look at sslrootcert, and whether it "
                "names the host");
  if (says("does not support SSL"))
    return fail(Errc::store_unavailable, "The database does not speak TLS, as sslmode wants it to");
  return error_of({});
}

}  // namespace tandem::store::postgres
