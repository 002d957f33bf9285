#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "tools/arguments.h"

namespace retrust {

/// The source of the default values of kubectl's options.
enum class KubectlDefaults {
  built_in,
  of_kuberc,  ///< the operator's kuberc file
};

/// The source of defaults by a version such as "v1.35.0" and `gate`, the value of KUBECTL_KUBERC.
/// kubectl 1.33 reads a kuberc if the value is true; later versions, unless it is false. A version
/// of another form may read a kuberc.
KubectlDefaults defaults_of(const std::string& version, const char* gate);

/// The kuberc that kubectl would read: KUBERC, else ~/.kube/kuberc. Nothing if there is none.
std::optional<std::filesystem::path> kuberc_file();

/// Appends the options that a kuberc may not change here: the options that select objects, or
/// decide whether a change is immediate. Other defaults of a kuberc are the operator's choice.
/// Pure.
Arguments over_kuberc(Arguments args);

}  // namespace retrust
