#include "held.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "base/encoding.h"
#include "oracles.h"

namespace retrust::hostile {
namespace {

namespace json = boost::json;

void add_forms(std::set<std::string>& forms, const std::string& secret) {
  forms.merge(forms_of(secret));
}

}  // namespace

json::value dump_of(e2e::Sandbox& sandbox) {
  sandbox.tell("dump");
  return json::parse(e2e::read_file(sandbox.file("dump.json")));
}

std::set<std::string> secrets_in(const json::value& dump, e2e::Sandbox& sandbox) {
  std::set<std::string> forms;
  for (const auto* server : {"downstream", "local"}) {
    for (const auto& object : dump.at(server).as_array()) {
      for (const auto* data : {"/data/token", "/data/credential"}) {
        add_forms(forms, base64_decode(e2e::text(object, data)).value_or(""));
      }
      add_forms(forms, e2e::text(object, "/status/serviceAccountToken"));
    }
    const auto config =
        json::parse(e2e::read_file(sandbox.file(server + std::string(".kubeconfig"))));
    add_forms(forms, e2e::text(config, "/users/0/user/token"));
  }
  return forms;
}

}  // namespace retrust::hostile
