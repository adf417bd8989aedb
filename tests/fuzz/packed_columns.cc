// The packed columns of a task, as a damaged database might hold them.
#include "store/packed.h"

#include <bit>

#include "store/task_codec.h"
#include "tests/fuzz/target.h"

namespace tandem::fuzz {
namespace {

// Reads a value of each kind in turn and writes it again. The writer's numbers are the shortest
// form, so what it wrote is read as the same and written as the same.
std::string rewrite(std::string_view bytes) {
  store::PackReader in(bytes);
  store::PackWriter out;
  for (int kind = 0; in.ok() && !in.at_end(); kind = (kind + 1) % 5) {
    switch (kind) {
      case 0: out.number(in.number()); break;
      case 1: out.text(in.text()); break;
      case 2: out.signed_number(in.signed_number()); break;
      case 3: out.maybe(in.maybe()); break;
      default: out.number(std::bit_cast<std::uint64_t>(in.real())); break;
    }
  }
  return out.take();
}

// unpack(pack(x)) is x, seen by packing once more.
template <class Value, class Unpack, class Pack>
void check_column(std::string_view bytes, Unpack unpack, Pack pack) {
  Value value;
  if (!unpack(bytes, value)) return;
  const std::string packed = pack(value);
  Value again;
  TANDEM_ASSERT(unpack(packed, again));
  TANDEM_ASSERT(pack(again) == packed);
}

}  // namespace

void check(std::string_view input) {
  const std::string once = rewrite(input);
  TANDEM_ASSERT(rewrite(once) == once);

  using store::pack_labels;
  check_column<std::vector<std::string>>(input, store::unpack_list, store::pack_list);
  check_column<Labels>(input, store::unpack_labels,
                       [](const Labels& labels) { return pack_labels(labels); });
  check_column<Task>(input, store::unpack_spec, store::pack_spec);
  check_column<Task>(input, store::unpack_state, store::pack_state);
  Labels labels;
  if (store::unpack_labels(input, labels))
    TANDEM_ASSERT(store::has_labels(input, pack_labels(labels)));
}

}  // namespace tandem::fuzz
