#include <stdexcept>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/system/system_error.hpp>

#include "base/failure.h"
#include "base/json_stream.h"
#include "fuzz/checks.h"
#include "fuzz/target.h"
#include "observe/trim.h"
#include "tools/json_answer.h"

namespace retrust::fuzz {
namespace {

namespace json = boost::json;

struct Read {
  std::vector<json::value> documents;
  enum class End { whole, in_the_middle, wrong, too_much } end = End::whole;

  /// As text: 0e20002 is read as NaN, which equals nothing.
  bool operator==(const Read& other) const {
    return end == other.end &&
           json::serialize(json::array(documents.begin(), documents.end())) ==
               json::serialize(json::array(other.documents.begin(), other.documents.end()));
  }
};

enum class Feed { whole, in_pieces };

Read read(std::string_view input, Trim trim, Feed feed) {
  Read result;
  DocumentStream stream(std::move(trim));
  const auto take = [&](std::string_view piece) {
    stream.feed(piece,
                [&](json::value document) { result.documents.push_back(std::move(document)); });
  };
  try {
    if (feed == Feed::whole) {
      take(input);
    } else {
      in_pieces(input, take);
    }
    result.end = stream.at_boundary() ? Read::End::whole : Read::End::in_the_middle;
  } catch (const boost::system::system_error&) {
    result.end = Read::End::wrong;
  } catch (const std::length_error&) {
    result.end = Read::End::too_much;
  }
  return result;
}

}  // namespace

void json_stream(std::string_view input) {
  const auto whole = read(input, {}, Feed::whole);
  require(read(input, {}, Feed::in_pieces) == whole, "pieces give the documents of the whole");
  require(read(
              input, [](json::value&) {}, Feed::in_pieces) == whole,
          "a list whose items are read one by one is the same list");
  // A number ends where something follows, and no kubectl prints one.
  if (const auto document = parsed(input); document && !document->is_number()) {
    require(whole == Read{{*document}}, "one document is read as Boost.JSON reads it");
  }
  for (const auto& trim : {downstream_trim(), spec_trim(), local_trim("c-x7k2p")}) {
    const auto trimmed = read(input, trim, Feed::in_pieces);
    require(trimmed.end == whole.end && trimmed.documents.size() == whole.documents.size(),
            "trimming leaves no document out");
  }
}

void json_answer(std::string_view input) {
  const Asked asked{.kubeconfig = "FILE", .program = "kubectl", .command = "kubectl get pods"};
  const auto whole = read(input, {}, Feed::whole);
  // No document is shorter than two bytes with what ends it.
  JsonAnswer answer({}, DocumentStream::memory_limit, input.size());
  // A second start drops what the first has read.
  answer.reader()("{\"half\":");
  const auto reader = answer.reader();
  reader(input);
  require(answer.size() == input.size(), "every byte is counted");
  try {
    const auto documents = answer.documents(asked);
    require(whole == Read{documents}, "an answer holds the documents that were printed");
  } catch (const Failure& failure) {
    require(whole.end != Read::End::whole, "an answer that is JSON is taken");
    require(is_one_line(failure.what()), "a failure is one line");
  }
}

}  // namespace retrust::fuzz
