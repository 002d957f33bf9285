#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sandbox.h"

namespace retrust::hostile {

/// A call of retrust that is attacked, and the programs that it gets.
struct Command {
  std::string name;
  std::vector<std::string> args;
  enum class Prints { text, json, token } prints = Prints::text;
  enum class Effect { none, changes } effect = Effect::changes;
  /// What is there besides kubectl and two kubeconfigs.
  enum class Beside {
    nothing,
    earlier_run,
    earlier_run_and_container,
    container,
    container_with_data,
    rke,
    k3s,
    rke2
  } beside = Beside::nothing;
  /// The kinds of clusters where it has something to do, by options of retrust-sandbox.
  std::vector<std::string> worlds = {};
  std::string cluster = "c-x7k2p";  ///< its ID or display name
};

const std::vector<Command>& commands();
const Command& command_named(const std::string& name);
/// Every world of a command.
std::vector<std::string> worlds();
/// The words of a world.
std::vector<std::string> options_of(const std::string& world);

/// A file of the folder in which each program writes down its arguments, as PROGRAM.PID.
std::filesystem::path recorded(const e2e::Sandbox& sandbox);
/// Makes the programs and what they need. The sandbox does not attack yet.
e2e::Sandbox::Call prepared(const Command& command, e2e::Sandbox& sandbox,
                            const std::string& patience);

}  // namespace retrust::hostile
