#include "hostile.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/replace.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "failures.h"
#include "json_util.h"
#include "pki.h"
#include "rewrite.h"

namespace retrust::sandbox {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 9> replacements{"json",   "base64",       "long",
                                                       "nested", "duplicate",    "invalid-utf8",
                                                       "bearer", "certificates", "encrypted-pem"};
constexpr std::array<std::string_view, 13> behaviours{
    "slow",     "refuse", "garbage",  "many",  "bare",        "tokens", "error-event",
    "bookmark", "flood",  "multiply", "swell", "junk-events", "repeat"};
/// What a server says to the operator, where it may say anything.
constexpr std::string_view tale =
    "HOSTILE \x1b[2J\u202e\u200b\nHOSTILE Done. Rancher trusts it again. Exit status 0.\n"
    "HOSTILE\r# HOSTILE heading ![](https://hostile.example/x.png)";

int number(const std::string& text, int standard) {
  return text.empty() ? standard : std::stoi(text);
}

std::string bundle(int count) {
  static std::map<int, std::string> made;
  auto& text = made[count];
  if (!text.empty()) return text;
  for (int i = 0; i < count; ++i) {
    text += Authority(valid(std::chrono::days{1}, std::chrono::days{100})).pem();
  }
  return text;
}

std::string encrypted_pem() {
  return "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
         "DEK-Info: AES-256-CBC,0123456789ABCDEF0123456789ABCDEF\n\n" +
         base64_encode(std::string(48, 'x')) + "\n-----END CERTIFICATE-----\n";
}

Substitute quoted(std::string plain) {
  return {json::serialize(json::string(plain)), plain};
}

/// Its last step, where it is a member of an object.
std::string key_of(const std::string& place) {
  return place.substr(place.rfind('/') + 1);
}

Substitute substitute(const Attack& attack, const Request& request, const std::string& place,
                      const std::string& text) {
  const auto& argument = attack.argument;
  if (attack.replacement == "json") {
    boost::system::error_code wrong;
    const auto value = json::parse(argument, wrong);
    if (!wrong && value.is_string()) return {argument, std::string(value.get_string())};
    return {argument, argument};
  }
  if (attack.replacement == "base64") return quoted(base64_encode(argument));
  if (attack.replacement == "long") {
    return quoted("HOSTILE" +
                  std::string(static_cast<std::size_t>(number(argument, 4 << 20)), 'h'));
  }
  if (attack.replacement == "nested") {
    const auto depth = static_cast<std::size_t>(number(argument, 5000));
    const auto raw = std::string(depth, '[') + std::string(depth, ']');
    return {raw, raw};
  }
  if (attack.replacement == "duplicate") {
    const auto original = json::serialize(json::string(text));
    if (key_of(place) == "*") return {original + "," + argument, argument};
    return {fmt::format("{},\"{}\":{}", original, key_of(place), argument), argument};
  }
  if (attack.replacement == "invalid-utf8") {
    return {"\"HOSTILE\xff\xfe\xc0\xaf\xed\xa0\x80\"", "HOSTILE\xff\xfe\xc0\xaf\xed\xa0\x80"};
  }
  if (attack.replacement == "bearer") {
    return quoted((argument.empty() ? "HOSTILE " : argument) + request.token);
  }
  if (attack.replacement == "certificates") return quoted(bundle(number(argument, 1500)));
  return quoted(encrypted_pem());
}

/// `CODE,REASON,MESSAGE`, the message as a text or as a string of JSON.
Response refusal(const std::string& argument, const std::string& token) {
  const auto first = std::min(argument.find(','), argument.size());
  const auto second = std::min(argument.find(',', first + 1), argument.size());
  const auto code = static_cast<unsigned>(number(argument.substr(0, first), 403));
  if (second == argument.size()) return failure(code, "Forbidden", std::string(tale) + " " + token);
  const auto message = argument.substr(second + 1);
  boost::system::error_code wrong;
  const auto value = json::parse(message, wrong);
  return failure(code, argument.substr(first + 1, second - first - 1),
                 !wrong && value.is_string() ? std::string(value.get_string()) : message);
}

std::string resource_of(const Request& request, const About& about) {
  if (!about.resource.empty()) return about.resource;
  auto path = request.path.substr(std::min<std::size_t>(1, request.path.size()));
  std::replace(path.begin(), path.end(), '/', '.');
  return path;
}

/// Name and uid as no other object has them.
void make_another(json::value& object, std::size_t number) {
  put(object, "/metadata/name", fmt::format("{}-{}", text_at(object, "/metadata/name"), number));
  put(object, "/metadata/uid", fmt::format("{:08x}-0000-4000-8000-000000000000", number));
}

/// As tokens of one key and one account are: alike at both ends, which is what makes them hard to
/// tell apart.
std::string token_of(std::size_t number) {
  const auto claims =
      fmt::format(R"({{"iss":"kubernetes/serviceaccount","n":"{:012}","pad":"{}"}})", number,
                  std::string(300, 'p'));
  return fmt::format("{}.{}.{}", base64url_encode(R"({"alg":"RS256","kid":"HOSTILE"})"),
                     base64url_encode(claims), std::string(342, 's'));
}

/// Makes a secret the agents' own, with a token that no other one has.
void make_token_secret(json::value& secret, std::size_t number) {
  make_another(secret, number);
  put(secret, "/type", "kubernetes.io/service-account-token");
  put(secret, "/metadata/annotations/kubernetes.io~1service-account.name", "cattle");
  put(secret, "/data/token", base64_encode(token_of(number)));
}

/// Gives an object as much as a server stores, in fields that are read.
void fatten(json::value& object, std::size_t bytes) {
  if (find_at(object, "/spec") == nullptr) {
    put(object, "/data/ca.crt", base64_encode(std::string(bytes, 'x')));
    return;
  }
  constexpr std::size_t longest_name = 253;
  json::array volumes;
  for (std::size_t size = 0; size < bytes; size += longest_name) {
    json::value volume;
    put(volume, "/name", "x");
    put(volume, "/secret/secretName", std::string(longest_name, 'x'));
    volumes.push_back(std::move(volume));
  }
  put(object, "/spec/volumes", json::value(std::move(volumes)));
}

/// An item of a list has its kind in the list alone; kubectl takes no event without one.
json::value with_kind(json::value object, const json::value& list) {
  const auto kind = text_at(list, "/kind");
  if (find_at(object, "/kind") == nullptr && kind.ends_with("List")) {
    put(object, "/kind", kind.substr(0, kind.size() - std::string_view("List").size()));
    put(object, "/apiVersion", text_at(list, "/apiVersion"));
  }
  return object;
}

/// Of cattle-token-x7k2p and of a pod of a Deployment, cattle-token and the Deployment.
std::string without_random_parts(const std::string& name) {
  std::vector<std::string> parts;
  boost::algorithm::split(parts, name, [](char each) { return each == '-'; });
  // As random_suffix and the hash of a pod template make them: long enough, and without a vowel.
  std::erase_if(parts, [](const std::string& part) {
    return part.size() >= 5 && part.find_first_of("aeiou.") == std::string::npos;
  });
  return boost::algorithm::join(parts, "-");
}

bool is_status(const json::value& value) {
  return text_at(value, "/kind") == "Status";
}

}  // namespace

Hostile::Hostile(const std::filesystem::path& places) : file_(places) {}

void Hostile::set_from(const std::string& text) {
  flooded_ = 0;
  swollen_.clear();
  attack_ = {};
  if (text == "none") return;
  const auto space = text.find(' ');
  if (space == std::string::npos) throw std::runtime_error("an attack is PLACE REPLACEMENT");
  const auto rest = text.substr(space + 1);
  const auto equals = std::min(rest.find('='), rest.size());
  Attack attack{.place = text.substr(0, space),
                .replacement = rest.substr(0, equals),
                .argument = rest.substr(std::min(equals + 1, rest.size()))};
  const auto knows = [&](const auto& names) {
    return std::find(names.begin(), names.end(), attack.replacement) != names.end();
  };
  if (!knows(replacements) && !knows(behaviours)) {
    throw std::runtime_error("there is no attack " + attack.replacement);
  }
  attack_ = std::move(attack);
}

void Hostile::note(const std::string& place) {
  if (places_.insert(place).second) file_ << place << std::endl;
}

/// The object's name without its random parts, so that it means the same in each sandbox, and a
/// number where several are called so.
std::string Hostile::mark_of(const std::string& resource, const json::value& object) {
  const auto name = text_at(object, "/metadata/name");
  auto& marks = marks_[resource];
  const auto key = text_at(object, "/metadata/namespace") + "/" + name;
  if (const auto known = marks.find(key); known != marks.end()) return known->second;
  const auto stem = "#" + without_random_parts(name);
  const auto number = alike_[resource + stem]++;
  return marks.emplace(key, number == 0 ? stem : fmt::format("{}.{}", stem, number)).first->second;
}

std::string Hostile::rewritten(const Request& request, const About& about, json::value document) {
  const auto resource = resource_of(request, about);
  std::string numbered;  // the place of the object that is walked over, with its mark
  std::string general;   // and without
  Rewrite rewrite([&](const std::string& place, const std::string& text) {
    const auto rest = place.substr(general.size());
    note(numbered + rest);
    return attack_.place == place || attack_.place == numbered + rest
               ? std::optional(substitute(attack_, request, place, text))
               : std::nullopt;
  });
  const auto walk_object = [&](json::value& object) {
    const auto named = find_at(object, "/metadata/name") != nullptr;
    general = is_status(object) ? resource + ":status" : resource;
    numbered = is_status(object) || !named ? general : general + mark_of(resource, object);
    if (named && !is_status(object)) last_[resource] = with_kind(object, document);
    rewrite.walk(object, general);
  };
  if (auto* items = document.is_object() ? document.get_object().if_contains("items") : nullptr;
      items != nullptr && items->is_array()) {
    auto taken = std::move(items->get_array());
    items->emplace_array();
    if (does(about, "many") && !taken.empty()) {
      const auto first = taken.front();
      for (int i = 0; i < number(attack_.argument, 20'000); ++i) {
        taken.push_back(first);
        make_another(taken.back(), static_cast<std::size_t>(i));
      }
    }
    for (auto& item : taken) walk_object(item);
    general = numbered = resource + ":list";
    rewrite.walk(document, general);
    if (!taken.empty()) add_more(about, taken);
    document.get_object()["items"] = std::move(taken);
  } else if (document.is_object() && document.get_object().contains("object") &&
             document.get_object().contains("type")) {
    auto object = std::move(document.get_object()["object"]);
    walk_object(object);
    document.get_object()["object"] = nullptr;
    general = numbered = resource + ":event";
    rewrite.walk(document, general);
    document.get_object()["object"] = std::move(object);
  } else {
    walk_object(document);
  }
  return rewrite.serialised(document);
}

/// What nobody has to walk over, as nothing of it is replaced.
void Hostile::add_more(const About& about, json::array& items) const {
  const auto first = items.front();
  const auto count = [this](int standard) {
    return static_cast<std::size_t>(number(attack_.argument, standard));
  };
  if (does(about, "tokens")) {
    for (std::size_t i = 0, end = count(5'000); i < end; ++i) {
      items.push_back(first);
      make_token_secret(items.back(), i);
    }
  } else if (does(about, "bare")) {
    for (std::size_t i = 0, end = count(40'000); i < end; ++i) {
      json::value object;
      put(object, "/metadata/name", text_at(first, "/metadata/name"));
      make_another(object, i);
      items.push_back(std::move(object));
    }
  }
}

bool Hostile::does(const About& about, std::string_view behaviour) const {
  return attack_.replacement == behaviour &&
         (attack_.place == about.resource || attack_.place == "*");
}

std::chrono::milliseconds Hostile::delay(const About& about) const {
  return std::chrono::milliseconds{does(about, "slow") ? number(attack_.argument, 500) : 0};
}

Response Hostile::answer(const Request& request, const About& about, Response response) {
  if (!response.text.empty()) return response;
  if (does(about, "refuse")) return refusal(attack_.argument, request.token);
  if (does(about, "garbage")) {
    response.text = "{\"HOSTILE\n\x1b[2J" + request.token + "\n";
    return response;
  }
  response.text = rewritten(request, about, std::move(response.body));
  return response;
}

std::vector<std::string> Hostile::lines(const Request& request, const About& about,
                                        const std::string& line) {
  const auto event = [](const char* type, json::value object) {
    json::object made;
    made["type"] = type;
    made["object"] = std::move(object);
    return json::serialize(made) + "\n";
  };
  if (does(about, "error-event")) {
    return {event("ERROR", failure(500, "HOSTILE", std::string(tale) + " " + request.token).body)};
  }
  if (does(about, "bookmark")) {
    auto object = json::parse(line).at("object");
    put(object, "/metadata/name", "--all");
    return {event("BOOKMARK", std::move(object)), event("HOSTILE\n", json::string(tale)), line};
  }
  if (does(about, "junk-events")) {
    return {"{}\n",
            "[]\n",
            "null\n",
            "7\n",
            event("ADDED", nullptr),
            event("MODIFIED", json::array{}),
            event("DELETED", json::string(tale)),
            "{\"type\":{},\"object\":{\"metadata\":7}}\n",
            line};
  }
  if (does(about, "repeat")) return {line, line, line, line};
  return {rewritten(request, about, json::parse(line)) + "\n"};
}

bool Hostile::floods(const About& about) const {
  return (does(about, "flood") || does(about, "multiply") || does(about, "swell")) &&
         last_.contains(about.resource);
}

std::string Hostile::flood_line(const About& about) {
  const auto number = ++flooded_;
  auto object = last_.at(about.resource);
  json::object event;
  event["type"] = "MODIFIED";
  const auto news = fmt::format("HOSTILE {} {}", number, std::string(2048, 'h'));
  put(object, "/metadata/resourceVersion", std::to_string(1'000'000 + number));
  if (does(about, "swell")) return swollen_line(std::move(object), number);
  if (does(about, "multiply")) {
    event["type"] = "ADDED";
    make_another(object, number);
  } else {
    put(object, "/metadata/annotations/hostile", news);
    if (auto* status = object.get_object().if_contains("status")) {
      for (const auto* text : {"phase", "reason", "message"}) {
        if (status->is_object()) status->get_object()[text] = news;
      }
      auto* conditions =
          status->is_object() ? status->get_object().if_contains("conditions") : nullptr;
      if (conditions != nullptr && conditions->is_array()) {
        for (auto& condition : conditions->get_array()) {
          if (!condition.is_object()) continue;
          condition.get_object()["status"] = number % 2 == 0 ? "True" : "False";
          condition.get_object()["message"] = news;
        }
      }
    }
  }
  event["object"] = std::move(object);
  return json::serialize(event) + "\n";
}

/// Made once and then changed as a text: what takes long to make is no flood.
std::string Hostile::swollen_line(json::value object, std::size_t number) {
  constexpr std::string_view name_mark = "numbered";
  constexpr std::string_view token_mark = "\x01token\x01";
  if (swollen_.empty()) {
    make_token_secret(object, 0);
    put(object, "/metadata/name", name_mark);
    put(object, "/metadata/uid", std::string(name_mark) + "-0000-4000-8000-000000000000");
    put(object, "/data/token", token_mark);
    fatten(object, static_cast<std::size_t>(sandbox::number(attack_.argument, 700'000)));
    json::object event;
    event["type"] = "ADDED";
    event["object"] = std::move(object);
    swollen_ = json::serialize(event) + "\n";
  }
  auto line = boost::replace_all_copy(swollen_, name_mark, fmt::format("{:08x}", number));
  boost::replace_first(line, R"(\u0001token\u0001)", base64_encode(token_of(number)));
  return line;
}

}  // namespace retrust::sandbox
