#pragma once

#include <string_view>
#include <vector>

namespace retrust::fuzz {

/// A parser, and what must hold of its result for every input.
struct Target {
  std::string_view name;  ///< also of its folder in fixtures/fuzz
  void (*run)(std::string_view input);
};

/// Every target, in the order of the table in target.cpp.
const std::vector<Target>& all_targets();

/// Ends the program by SIGABRT where a property does not hold, and says which one.
void require(bool holds, std::string_view property);

// One function for each line of the table.
void json_stream(std::string_view input);
void json_answer(std::string_view input);
void certificate(std::string_view input);
void base64(std::string_view input);
void token(std::string_view input);
void rke_log(std::string_view input);
void k3s_log(std::string_view input);
void container(std::string_view input);
void command_errors(std::string_view input);
void kubeconfig(std::string_view input);
void cluster(std::string_view input);
void options(std::string_view input);
void config_file(std::string_view input);
void text(std::string_view input);
void markdown(std::string_view input);
void transcript(std::string_view input);
void difference(std::string_view input);
void redactor(std::string_view input);
void secret(std::string_view input);
void secret_shape(std::string_view input);
void lines(std::string_view input);
void kubectl_output(std::string_view input);
void volume(std::string_view input);
void saved_files(std::string_view input);
void saved_plan(std::string_view input);

}  // namespace retrust::fuzz
