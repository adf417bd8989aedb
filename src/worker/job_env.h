#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tandem::worker {

using Environment = std::map<std::string, std::string>;

// The environment of a job: PATH (a sane one where the worker has none), LANG, LC_ALL, TZ and the
// names of `allow` from the worker's own, then the task's, then `of_rules`. Nothing else is passed
// on. validation_failed, with a sentence: the task's has a name or a value that can't be, one that
// is in `of_rules`, or one that would change what the handler's loader or interpreter runs
// (LD_PRELOAD, PATH, PYTHONPATH …).
Result<Environment> make_environment(const Environment& of_task,
                                     const std::vector<std::string>& allow,
                                     const Environment& of_rules = {});

// Whether a task may set this name, if `allow` does not name it.
bool may_be_set(std::string_view name);

// The program for argv[0]: itself where it is an absolute path, else the first executable file of
// that name in `path`. validation_failed, with a sentence, where there is none.
Result<std::string> find_program(const std::string& name, const std::string& path);

// A regular file that we may execute.
bool is_program(const std::string& path);

}  // namespace tandem::worker
