// Included ahead of every file that reads text from outside. Such a file starts no child and waits
// for nothing, so the fuzz targets build from these files alone. A file that includes Boost.Asio
// does not compile.
#pragma once
#pragma GCC poison asio
