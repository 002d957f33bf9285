#include "cli/complete_clusters.h"

#include <algorithm>
#include <exception>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include "binaries/kubectl.h"
#include "process/process.h"
#include "transcript/text.h"

namespace retrust {
namespace {

using boost::asio::awaitable;

awaitable<std::string> ask(Kubectl kubectl) {
  // Of each cluster these two fields alone: the resource holds a token.
  std::vector<std::string> args{
      "get", "clusters.management.cattle.io", "-o",
      R"(jsonpath={range .items[*]}{.metadata.name}{"\t"}{.spec.displayName}{"\n"}{end})"};
  auto answer = co_await kubectl.ask(std::move(args), "");
  co_return answer;
}

}  // namespace

int complete_clusters(const std::vector<std::string>& args, const Environment& environment) {
  try {
    const auto options = parse_options(args, environment);
    boost::asio::io_context io{1};
    Runner runner(io.get_executor());
    Redactor redactor;
    Events nobody(redactor);
    KubectlTarget target;
    target.side = Side::local;
    target.program = options.kubectl;
    target.kubeconfig = options.local_kubeconfig;
    target.context = options.local_context;
    target.command_timeout = std::chrono::seconds{2};
    std::string answer;
    boost::asio::co_spawn(io, ask(Kubectl(runner, nobody, std::move(target))),
                          [&](std::exception_ptr error, std::string said) {
                            if (!error) answer = std::move(said);
                          });
    io.run();
    for (std::size_t begin = 0; begin < answer.size();) {
      const auto end = std::min(answer.find('\n', begin), answer.size());
      const auto line = answer.substr(begin, end - begin);
      const auto tab = std::min(line.find('\t'), line.size());
      fmt::print("{}\t{}\n", one_line(line.substr(0, tab)),
                 tab < line.size() ? one_line(line.substr(tab + 1)) : "");
      begin = end + 1;
    }
  } catch (...) {
    // Nothing is offered.
  }
  return 0;
}

}  // namespace retrust
