#include "table.h"

#include <chrono>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "json_util.h"

namespace retrust::sandbox {
namespace {

namespace json = boost::json;

struct Column {
  std::string name;
  std::string type;
  std::function<json::value(const json::value&)> cell;
};

/// How kubectl writes how long ago something was: two units where one alone would be too coarse.
std::string duration(std::chrono::seconds time) {
  const auto seconds = time.count();
  const auto minutes = seconds / 60;
  const auto hours = minutes / 60;
  const auto days = hours / 24;
  const auto both = [](auto large, char unit, auto small, char small_unit) {
    return small == 0 ? fmt::format("{}{}", large, unit)
                      : fmt::format("{}{}{}{}", large, unit, small, small_unit);
  };
  if (seconds < 120) return fmt::format("{}s", seconds);
  if (minutes < 10) return both(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return fmt::format("{}m", minutes);
  if (hours < 8) return both(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return fmt::format("{}h", hours);
  if (days < 8) return both(days, 'd', hours % 24, 'h');
  if (days < 2 * 365) return fmt::format("{}d", days);
  return both(days / 365, 'y', days % 365, 'd');
}

json::value age(const json::value& object) {
  std::tm parts{};
  const auto created = text_at(object, "/metadata/creationTimestamp");
  if (strptime(created.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts) == nullptr) return "<unknown>";
  const auto since = std::chrono::system_clock::from_time_t(timegm(&parts));
  const auto now = std::chrono::system_clock::now();
  return json::string(duration(std::chrono::duration_cast<std::chrono::seconds>(now - since)));
}

std::int64_t size_at(const json::value& object, std::string_view pointer) {
  const auto* found = find_at(object, pointer);
  if (found == nullptr) return 0;
  if (found->is_object()) return static_cast<std::int64_t>(found->get_object().size());
  if (found->is_array()) return static_cast<std::int64_t>(found->get_array().size());
  boost::system::error_code not_a_number;
  const auto number = found->to_number<std::int64_t>(not_a_number);
  return not_a_number ? 0 : number;
}

Column text(std::string name, std::string pointer) {
  return {std::move(name), "string",
          [pointer](const json::value& object) { return json::value(text_at(object, pointer)); }};
}

Column number(std::string name, std::string pointer, std::string type = "integer") {
  return {std::move(name), std::move(type),
          [pointer](const json::value& object) { return json::value(size_at(object, pointer)); }};
}

json::value ready_containers(const json::value& pod) {
  int ready = 0;
  if (const auto* statuses = find_at(pod, "/status/containerStatuses")) {
    for (const auto& status : statuses->as_array()) {
      const auto* value = find_at(status, "/ready");
      if (value != nullptr && value->is_bool() && value->get_bool()) ++ready;
    }
  }
  return json::string(fmt::format("{}/{}", ready, size_at(pod, "/spec/containers")));
}

json::value pod_status(const json::value& pod) {
  if (find_at(pod, "/metadata/deletionTimestamp") != nullptr) return "Terminating";
  const auto waiting = text_at(pod, "/status/containerStatuses/0/state/waiting/reason");
  return json::string(waiting.empty() ? text_at(pod, "/status/phase") : waiting);
}

json::value ready_replicas(const json::value& deployment) {
  return json::string(fmt::format("{}/{}", size_at(deployment, "/status/readyReplicas"),
                                  size_at(deployment, "/spec/replicas")));
}

std::vector<Column> columns(const Resource& resource) {
  std::vector<Column> columns{text("Name", "/metadata/name")};
  const auto id = resource.id();
  if (id == "pods") {
    columns.push_back({"Ready", "string", ready_containers});
    columns.push_back({"Status", "string", pod_status});
    columns.push_back(number("Restarts", "/status/containerStatuses/0/restartCount"));
  } else if (id == "secrets") {
    columns.push_back(text("Type", "/type"));
    columns.push_back(number("Data", "/data", "string"));
  } else if (id == "configmaps") {
    columns.push_back(number("Data", "/data", "string"));
  } else if (id == "serviceaccounts") {
    columns.push_back(number("Secrets", "/secrets", "string"));
  } else if (id == "namespaces") {
    columns.push_back(text("Status", "/status/phase"));
  } else if (id == "deployments.apps") {
    columns.push_back({"Ready", "string", ready_replicas});
    columns.push_back(number("Up-to-date", "/status/updatedReplicas", "string"));
    columns.push_back(number("Available", "/status/availableReplicas", "string"));
  } else if (id == "daemonsets.apps") {
    columns.push_back(number("Desired", "/status/desiredNumberScheduled"));
    columns.push_back(number("Current", "/status/currentNumberScheduled"));
    columns.push_back(number("Ready", "/status/numberReady"));
    columns.push_back(number("Up-to-date", "/status/updatedNumberScheduled"));
    columns.push_back(number("Available", "/status/numberAvailable"));
  }
  columns.push_back({"Age", resource.is_custom() ? "date" : "string", age});
  return columns;
}

json::object row(const std::vector<Column>& columns, const json::value& object) {
  json::array cells;
  for (const auto& column : columns) cells.push_back(column.cell(object));
  json::object partial;
  partial["kind"] = "PartialObjectMetadata";
  partial["apiVersion"] = "meta.k8s.io/v1";
  partial["metadata"] = object.at("metadata");
  json::object row;
  row["cells"] = std::move(cells);
  row["object"] = std::move(partial);
  return row;
}

}  // namespace

json::object table(const Resource& resource, const json::value& document) {
  const auto shown = columns(resource);
  json::array definitions;
  for (const auto& column : shown) {
    json::object definition;
    definition["name"] = column.name;
    definition["type"] = column.type;
    definition["format"] = column.name == "Name" ? "name" : "";
    definition["description"] = "";
    definition["priority"] = 0;
    definitions.push_back(std::move(definition));
  }
  json::object made;
  made["kind"] = "Table";
  made["apiVersion"] = "meta.k8s.io/v1";
  json::array rows;
  if (const auto* items = find_at(document, "/items")) {
    made["metadata"] = document.at("metadata");
    for (const auto& item : items->as_array()) rows.push_back(row(shown, item));
  } else {
    json::object metadata;
    metadata["resourceVersion"] = text_at(document, "/metadata/resourceVersion");
    made["metadata"] = std::move(metadata);
    rows.push_back(row(shown, document));
  }
  made["columnDefinitions"] = std::move(definitions);
  made["rows"] = std::move(rows);
  return made;
}

}  // namespace retrust::sandbox
