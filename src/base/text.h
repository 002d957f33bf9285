#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace retrust {

/// Text from a cluster or a child made fit for a terminal: hidden characters (see is_hidden) other
/// than line end and tab, and bytes that are not UTF-8, become `?`.
std::string printable(std::string_view text);

/// The printable text in one line: line ends and tabs become spaces.
std::string one_line(std::string_view text);

/// The lines of a text, without their ends; a final line end does not start another line.
std::vector<std::string> split_lines(std::string_view text);

/// The lines as one text, without an end of line after the last.
std::string joined(const std::vector<std::string>& lines);

/// The words joined to a line that a POSIX shell would split into them again.
std::string shell_line(const std::vector<std::string>& words);
/// A line of a program's own words and its arguments, quoted alike.
std::string shell_line(std::vector<std::string> program, const std::vector<std::string>& args);

/// 2026-01-10T08:00:00Z, and with milliseconds.
std::string utc_text(std::chrono::system_clock::time_point time);
/// A time of a certificate in that form. The nanoseconds of system_clock end in 2262.
std::string utc_text(std::chrono::sys_seconds time);
std::string utc_text_ms(std::chrono::system_clock::time_point time);

/// 20261124T103823Z, for names of files.
std::string compact_utc_text(std::chrono::system_clock::time_point time);

/// "0.4 s", "12 s", "3 min 5 s".
std::string duration_text(std::chrono::milliseconds duration);

/// "1 pod", "3 pods".
std::string counted(std::size_t count, std::string_view noun);

/// "a", "a and b", "a, b and c".
std::string enumerated(const std::vector<std::string>& words);

}  // namespace retrust
