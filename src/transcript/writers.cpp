#include "transcript/writers.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <utility>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/failure.h"

namespace retrust {
namespace {

/// True for events that update transcript.md: each change, each wait, and each end, because a run
/// is often killed in these. transcript.jsonl has every event at once.
bool is_landmark(const Event& event) {
  return event.is<Change, WaitStarted, ClusterEnded, RunEnded>();
}

Descriptor spare_descriptor() {
  return Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

}  // namespace

bool is_momentary(const Event& event) {
  return event.is<WaitProgress>() && event.weight == Weight::routine;
}

std::string json_line(const Event& event) {
  return boost::json::serialize(to_json(event));
}

void JsonlWriter::emit(const Event& event) {
  if (is_momentary(event)) return;
  if (event.is<Change>()) file_.check_there();
  const auto before = file_.size();
  file_.write(json_line(event) + "\n");
  const auto corrects = event.is<RunEnded>() && std::exchange(ended_, true);
  // A change is announced before it is made, and the disk must then have all earlier events.
  if (corrects || !event.is<Change, RunEnded>()) return;
  try {
    file_.sync();
  } catch (const Failure&) {
    // The end of the run is told once, and the change is not made.
    file_.take_back(before);
    throw;
  }
}

MarkdownWriter::MarkdownWriter(Folder folder, std::string name, Document document_of)
    : folder_(std::move(folder)),
      name_(std::move(name)),
      document_(document_of),
      spare_(spare_descriptor()) {
  if (spare_) return;
  throw Failure(ExitStatus::refused,
                fmt::format("cannot keep a file open for the transcript: {}", std::strerror(errno)),
                "allow retrust more open files, then run again: ulimit -n 1024");
}

void MarkdownWriter::emit(const Event& event) {
  if (is_momentary(event)) return;
  const auto corrects = event.is<RunEnded>() && std::exchange(ended_, true);
  if (corrects) std::erase_if(events_, [](const Event& each) { return each.is<RunEnded>(); });
  events_.push_back(event);
  if (events_.size() > 1 && !is_landmark(event)) return;
  std::optional<Failure> unwritten;
  spare_ = Descriptor();
  try {
    replace_file(folder_, name_, document_(events_),
                 corrects ? Disk::may_lack_it : Disk::must_have_it);
  } catch (const Failure& failure) {
    unwritten = failure;
  }
  spare_ = spare_descriptor();
  // transcript.jsonl has the wait, and the next change is written here, too.
  if (unwritten && !event.is<WaitStarted>()) throw Failure(*unwritten);
  if (event.is<RunEnded>() && !corrects) folder_.synchronise();
}

}  // namespace retrust
