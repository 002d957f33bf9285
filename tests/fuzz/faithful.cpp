#include "fuzz/faithful.h"

#include <fstream>
#include <map>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace retrust::fuzz {
namespace {

namespace json = boost::json;

/// A value of the recorded type: "string=v1", "string", "number", "bool=true" ….
json::value value_of(std::string_view pointer, std::string_view type) {
  const auto equals = type.find('=');
  const auto known =
      equals == std::string_view::npos ? std::string_view() : type.substr(equals + 1);
  if (type.starts_with("number")) return 1;
  if (type.starts_with("bool")) return known == "true";
  if (!known.empty()) return json::value(known);
  if (pointer.find("/data/") != std::string_view::npos) return "ZXlKaGJHY2lPaUo5LmUzMC5zaWc=";
  if (pointer.ends_with("Timestamp") || pointer.ends_with("startedAt")) {
    return "2026-01-10T08:00:00Z";
  }
  if (pointer.ends_with("service-account.name") || pointer.ends_with("serviceAccountName")) {
    return "cattle";
  }
  if (pointer.ends_with("/namespace")) return "cattle-system";
  return "cattle-token-x7k2p";
}

/// The place of a recorded pointer: `*` is an element of an array, and a condition goes by its
/// type.
json::value& place(json::value& whole, std::string_view pointer) {
  auto* at = &whole;
  auto in_conditions = false;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const auto word = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(word.size());
    if (word == "*" || in_conditions) {
      if (!at->is_array()) at->emplace_array();
      auto& array = at->get_array();
      if (array.empty()) array.emplace_back(json::object());
      at = &array.front();
      if (in_conditions) at->get_object()["type"] = word;
      in_conditions = false;
      continue;
    }
    std::string key(word);
    for (auto escape = key.find("~1"); escape != std::string::npos; escape = key.find("~1")) {
      key.replace(escape, 2, "/");
    }
    if (!at->is_object()) at->emplace_object();
    at = &at->get_object()[key];
    in_conditions = key == "conditions";
  }
  return *at;
}

}  // namespace

std::vector<std::string> faithful_documents(const std::filesystem::path& fixtures) {
  std::vector<json::value> documents;
  std::map<std::string, json::array> items;  // by server
  for (const auto& entry : std::filesystem::directory_iterator(fixtures / "faithfulness")) {
    if (entry.path().extension() != ".txt") continue;
    std::ifstream file(entry.path());
    std::string kind;
    std::string server;
    json::value document;
    const auto finish = [&] {
      if (!document.is_object()) return;
      auto& object = document.get_object();
      object.emplace("kind", kind);
      if (auto* list = object.if_contains("items"); list != nullptr && list->is_array()) {
        for (auto& item : list->get_array()) {
          if (!item.is_object()) continue;
          item.get_object()["kind"] = kind.substr(0, kind.size() - std::string_view("List").size());
          items[server].push_back(item);
        }
      }
      documents.push_back(std::move(document));
      document = nullptr;
    };
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("  /")) {
        const auto space = line.find(' ', 2);
        const auto pointer = std::string_view(line).substr(2, space - 2);
        place(document, pointer) = value_of(pointer, std::string_view(line).substr(space + 1));
      } else if (!line.starts_with(' ')) {
        finish();
        kind = line.substr(line.rfind(' ') + 1);
        server = line.substr(0, line.find(' '));
      }
    }
    finish();
  }
  for (auto& [server, list] : items) {
    json::object all;
    all["kind"] = "List";
    all["items"] = std::move(list);
    documents.emplace_back(std::move(all));
  }
  std::vector<std::string> texts;
  for (const auto& document : documents) texts.push_back(json::serialize(document));
  return texts;
}

}  // namespace retrust::fuzz
