#include "app/usage.h"

#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/failure.h"
#include "base/pod_account.h"
#include "base/text.h"
#include "base/trust.h"
#include "fleet/kubeconfig_files.h"
#include "ui/terminal.h"

namespace retrust {
namespace {

void check_file(std::string_view option, const std::string& path, std::string_view kind,
                FailureCode code) {
  const auto wrong = [&](std::string_view why) {
    throw Failure(code, fmt::format("--{}: cannot read {}: {}", option, path, why),
                  {fmt::format("give {} that you can read; see what is there", kind),
                   "ls -ld " + operand(path)});
  };
  struct ::stat state {};
  if (::stat(path.c_str(), &state) != 0) wrong(std::strerror(errno));
  if (S_ISDIR(state.st_mode)) wrong(std::strerror(EISDIR));
  if (::access(path.c_str(), R_OK) != 0) wrong(std::strerror(errno));
  if (S_ISREG(state.st_mode) && state.st_size == 0) wrong("the file is empty");
  // kubectl runs the programs that a kubeconfig names: whoever writes it acts as the operator.
  open_trusted(path);
}

/// Checks a kubeconfig. A list such as that of the variable KUBECONFIG is no file.
void check_kubeconfig(std::string_view option, const std::string& path,
                      const std::string& kubectl) {
  if (is_of_pod(path) && runs_in_pod()) return;
  struct ::stat state {};
  if (path.find(':') != std::string::npos && ::stat(path.c_str(), &state) != 0) {
    throw Failure(FailureCode::bad_kubeconfig,
                  fmt::format("--{} takes one file, not a list: {}", option, path),
                  {"make one file of the list, with the context that is meant as the current one",
                   fmt::format("(umask 077; KUBECONFIG={} {} config view --flatten "
                               ">one.kubeconfig)",
                               shell_line({path}), shell_line({kubectl}))});
  }
  check_file(option, path, "a kubeconfig", FailureCode::bad_kubeconfig);
}

}  // namespace

bool changes_something(const Options& options) {
  return options.command == CommandName::run || options.command == CommandName::rollback ||
         (options.command == CommandName::step &&
          info_of(*options.step).effect == StepInfo::Effect::changes);
}

bool lacks_choice(const Options& options) {
  const auto runs = options.command == CommandName::run || !options.plan_out.empty();
  return runs && options.backup.kind == BackupChoice::Kind::not_chosen;
}

void check_usage(const Options& options) {
  if (options.command == CommandName::rollback) {
    if (!options.kubeconfig.empty()) {
      check_kubeconfig("kubeconfig", options.kubeconfig, options.kubectl);
    }
  } else if (options.command != CommandName::list) {
    kubeconfig_files(options.kubeconfigs, options.contexts);
  }
  if (!options.local_kubeconfig.empty()) {
    check_kubeconfig("local-kubeconfig", options.local_kubeconfig, options.kubectl);
  }
  const auto& backup = options.backup;
  if (options.step == Step::backup_container && backup.kind != BackupChoice::Kind::container) {
    throw Failure(ExitStatus::usage, "step backup-container needs a container",
                  "give --rancher-container NAME, and no other choice of a backup");
  }
  if (options.step == Step::backup_etcd && backup.kind != BackupChoice::Kind::etcd &&
      !backup.distribution()) {
    throw Failure(ExitStatus::usage, "step backup-etcd needs to know whose etcd",
                  "give --rke-config FILE, --k3s or --rke2");
  }
  if (options.step == Step::backup_rancher && backup.kind != BackupChoice::Kind::backup_operator) {
    throw Failure(ExitStatus::usage, "step backup-rancher needs the Rancher backup operator",
                  "give --rancher-backup, and no other choice of a backup");
  }
  if (backup.kind == BackupChoice::Kind::etcd) {
    check_file("rke-config", backup.rke_config, "rke's configuration (cluster.yml)",
               FailureCode::usage);
  }
  // A missing choice is told first: see missing_choice.h.
  if (changes_something(options) && !lacks_choice(options) && !options.consented && !can_ask()) {
    throw Failure(FailureCode::no_consent,
                  "this is no terminal, so nobody can be asked: nothing was changed",
                  "give --yes to go on without a question");
  }
}

}  // namespace retrust
