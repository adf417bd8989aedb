#include "core/lane.h"

#include <algorithm>

namespace tandem {
namespace {

bool listed(const std::vector<std::string>& list, const std::string& value) {
  return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
}

bool has_label(const Labels& labels, const std::string& wanted) {
  const auto equals = wanted.find('=');
  const auto found = labels.find(wanted.substr(0, equals));
  if (found == labels.end()) return false;
  return equals == std::string::npos || found->second == wanted.substr(equals + 1);
}

bool fits_channel(WorkerChannel channel, Assignment assignment) {
  switch (assignment) {
    case Assignment::any: return true;
    case Assignment::push: return channel == WorkerChannel::push;
    case Assignment::polling: return channel == WorkerChannel::polling;
  }
  return false;
}

}  // namespace

LaneKey lane_of(const Task& task) {
  const TaskSpec& spec = task.spec;
  return {.client_id = task.client_id,
          .queue = spec.queue,
          .job_type = spec.job_type,
          .assignment = spec.assignment,
          .requires_labels = spec.requires_labels};
}

bool may_take(const WorkerProfile& worker, const LaneKey& lane) {
  return fits_channel(worker.channel, lane.assignment) && listed(worker.queues, lane.queue) &&
         listed(worker.job_types, lane.job_type) &&
         std::all_of(lane.requires_labels.begin(), lane.requires_labels.end(),
                     [&](const std::string& wanted) { return has_label(worker.labels, wanted); });
}

}  // namespace tandem
