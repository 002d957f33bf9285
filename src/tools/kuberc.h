#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "tools/arguments.h"

namespace retrust {

/// Who says what an option of kubectl is that a command line does not give.
enum class KubectlDefaults {
  built_in,
  of_kuberc,  ///< a file of the operator's
};

/// By a version such as "v1.35.0": kubectl 1.33 reads a kuberc where KUBECTL_KUBERC is true, later
/// ones where it is not false (`gate` is its value), and one of another kind of version may.
KubectlDefaults defaults_of(const std::string& version, const char* gate);

/// The kuberc that kubectl would read: KUBERC, else ~/.kube/kuberc. Nothing where there is none.
std::optional<std::filesystem::path> kuberc_file();

/// The arguments, and after them the options of their command that a kuberc may not change here:
/// which objects are meant, and whether a change is made at once. The other defaults of a kuberc
/// are the operator's choice. Pure.
Arguments over_kuberc(Arguments args);

}  // namespace retrust
