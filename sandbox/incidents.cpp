// What happens in the clusters without anybody's asking: faults, restarts, a renewal.
#include "world.h"

namespace retrust::sandbox {

void World::before_change(const std::string& server, const About& about) {
  if (server != "local" || about.resource != "clusters.management.cattle.io" ||
      (about.verb != "update" && about.verb != "patch")) {
    return;
  }
  auto* concerned = find(about.name);
  if (concerned != nullptr && concerned->settings().faults.take("conflict")) concerned->bump();
}

void World::answered(const std::string& server, const About& about) {
  if (server == "local" && about.resource == "deployments.apps" &&
      (about.verb == "get" || about.verb == "list")) {
    local_controllers_->deployments_read();
  }
  if (server == "local" && about.verb == "watch" &&
      about.resource == "clusters.management.cattle.io" && settings_.faults.take("restart-local")) {
    restart(*local_, scheduler_, log_, std::chrono::milliseconds{500});
  }
}

std::string World::command(const std::string& line) {
  const auto space = line.rfind(' ');
  auto* named = space == std::string::npos ? nullptr : find(line.substr(space + 1));
  return named == nullptr ? obey(first(), line) : obey(*named, line.substr(0, space));
}

std::string World::obey(Downstream& downstream, const std::string& line) {
  if (line == "bump") {
    downstream.bump();
  } else if (line == "renew") {
    downstream.renew();
    write_kubeconfigs();
  } else if (line == "hand-out-ca") {
    downstream.hand_out();
  } else if (line == "gain-ca") {
    downstream.gain_ca(local_authority_.pem());
  } else if (line == "restart local") {
    restart(*local_, scheduler_, log_, std::chrono::milliseconds{1000});
  } else if (line == "restart") {
    downstream.restart(std::chrono::milliseconds{1000});
  } else if (line == "stop local") {
    local_->server().stop();
  } else if (line == "stop") {
    downstream.stop();
  } else if (line == "use-impersonation") {
    downstream.use_impersonation();
  } else if (line == "dump") {
    dump();
  } else if (line.starts_with("hostile ")) {
    attack(line.substr(8));
  } else if (line.starts_with("fault ")) {
    auto& faults = downstream.settings().faults;
    faults.set_from(line.substr(6));
    if (faults.take("credential-missing")) downstream.remove_credential();
  } else if (line.starts_with("mend ")) {
    downstream.settings().faults.take(line.substr(5));
  } else {
    return "there is no such command";
  }
  return {};
}

}  // namespace retrust::sandbox
