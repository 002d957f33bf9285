#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "base/names.h"
#include "base/reserved_room.h"
#include "cli/options.h"
#include "report/next.h"
#include "run/step_runner.h"
#include "transcript/run_folder.h"

namespace retrust {

class Invocation;

/// State of a command at one moment.
struct Standing {
  bool changed = false;  ///< a refusal after a change is a failure
  WayBack way_back = WayBack::none;
  std::vector<std::string> backups = {};  ///< what the command made as backups, in words
  BackupOffers offers = {};               ///< backups to propose
  ClusterId cluster = {};                 ///< the one that the command found out itself
};

/// End of a command, in words.
struct Ended {
  std::string head;     ///< "Done."
  std::string verdict;  ///< the state of the clusters; may be empty
  std::vector<Advice> next;
  std::string code = {};  ///< of the failure; empty: what the exit status says
};

/// The run folder and the transcript of a command that may change clusters.
class Record {
 public:
  /// Makes the run folder and begins its files. The invocation must outlive this. Throws Failure.
  explicit Record(Invocation& app, RunFolder::Content content = RunFolder::Content::run);
  /// Writes what was called, and waits until the disk has the folder. Throws Failure.
  void begin(std::string_view what);

  /// Asks the operator. The record must outlive the result.
  Confirm confirm();
  /// Writes into the transcript alone: the terminal shows it already.
  void note(std::string text);
  /// Writes the last line. Returns the exit status, which a lost standard output changes.
  ExitStatus end(ExitStatus status, const Ended& ended);
  /// The same after a failure that was shown.
  void end_failed(const Failure& failure);
  /// Keeps room on the disk for the last lines of a command that changes something. Throws Failure
  /// (refused) where the disk has none.
  void reserve_room();
  /// Gives that room back.
  void release_room() { room_.reset(); }
  /// Names the folder after the cluster's ID, if the name that the operator gave does not fit.
  void name_after(const ClusterId& id);
  /// "nothing was changed", and which backups stay. For a refusal before the first change.
  std::string unchanged() const;
  /// The command line, with the cluster that the command found out itself.
  Called called() const;

  RunFolder folder;
  std::function<Standing()> standing = [] { return Standing{}; };

 private:
  void tell_end(ExitStatus status, const Ended& ended, std::string_view where);

  Invocation& app_;
  std::string document_;  ///< name of the file for people
  std::optional<ReservedRoom> room_;
};

/// The folder of --run-dir, or a new one that the cluster and the time name: the cluster as the
/// operator called it, or its ID, which is not known at first, if that name has few ASCII letters.
std::string run_folder_name(const Options& options, std::string_view id = {});

}  // namespace retrust
