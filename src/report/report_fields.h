#pragma once

#include <string_view>
#include <vector>

namespace retrust {

/// A member of the output of `status`, `plan` or `list` with -o json.
struct ReportField {
  std::string_view path;     ///< "cluster.ready.status"; "[]" stands for each element of a list
  std::string_view type;     ///< e.g. "text", "text or null"
  std::string_view meaning;  ///< for the man page
};

/// Every member of the report of `status` and `plan`, in its order. The man page has this table.
const std::vector<ReportField>& report_fields();
/// The same of a command that failed or was refused.
const std::vector<ReportField>& failure_fields();
/// The same of `list`.
const std::vector<ReportField>& list_fields();

}  // namespace retrust
