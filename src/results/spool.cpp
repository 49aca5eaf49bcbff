#include "results/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/hash.h"

namespace peakbench::results {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFirstWords = "peakbench spool 1 of ";
using Frame = std::array<std::uint64_t, 2>; // length, hash

std::string folder_of(const std::string& path) { return path + ".spool"; }
std::string first_line(const std::string& identity) {
  return std::string(kFirstWords) + identity + "\n";
}

std::string own_name() {
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  return std::string(host) + "." + std::to_string(getpid());
}

[[noreturn]] void throw_errno(const std::string& file) {
  throw UserError("cannot write " + file, std::strerror(errno), "");
}

void write_at(int descriptor, const std::string& file, std::string_view bytes, std::size_t at) {
  while (!bytes.empty()) {
    const ssize_t count = pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      throw_errno(file);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    at += static_cast<std::size_t>(count);
  }
}

void sync_folder(const std::string& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0)
    return;
  fsync(descriptor); // not every file system can; then only a fall of the machine loses the name
  close(descriptor);
}

// False if it is not a spool of this results file.
bool read_file(const std::string& file, const std::string& identity,
               std::vector<std::string>& messages) {
  std::ifstream in(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const std::string first = first_line(identity);
  // One whose rank was killed before it had written its first line holds nothing.
  if (first.starts_with(bytes))
    return true;
  if (!bytes.starts_with(first))
    return false;
  std::string_view rest = std::string_view(bytes).substr(first.size());
  for (Frame frame; rest.size() >= sizeof frame;) {
    std::memcpy(frame.data(), rest.data(), sizeof frame);
    rest.remove_prefix(sizeof frame);
    if (frame[0] > rest.size() || hash64(rest.substr(0, frame[0])) != frame[1])
      break;
    messages.emplace_back(rest.substr(0, frame[0]));
    rest.remove_prefix(frame[0]);
  }
  return true;
}

} // namespace

void make_spool_folder(const std::string& path) {
  std::error_code error;
  fs::create_directory(folder_of(path), error);
  if (error)
    throw UserError("cannot make " + folder_of(path), error.message(), "");
}

void remove_spool_folder(const std::string& path) { rmdir(folder_of(path).c_str()); }

Spool::Spool(const std::string& path, const std::string& identity)
    : file_(folder_of(path) + "/" + own_name()) {
  descriptor_ = open(file_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0)
    throw_errno(file_);
  const std::string first = first_line(identity);
  try {
    write_at(descriptor_, file_, first, 0);
  } catch (...) {
    remove();
    throw;
  }
  start_ = end_ = first.size();
  sync_folder(folder_of(path));
}

Spool::~Spool() {
  if (descriptor_ >= 0)
    close(descriptor_);
}

Spool::Spool(Spool&& other) noexcept
    : file_(std::move(other.file_)), descriptor_(std::exchange(other.descriptor_, -1)),
      start_(other.start_), end_(other.end_) {}

void Spool::append(std::string_view message) {
  const Frame frame{message.size(), hash64(message)};
  std::string bytes(reinterpret_cast<const char*>(frame.data()), sizeof frame);
  bytes += message;
  write_at(descriptor_, file_, bytes, end_);
  if (fdatasync(descriptor_) != 0)
    throw_errno(file_);
  end_ += bytes.size();
}

void Spool::clear() {
  // Where that fails, nothing but room is lost: what is there already is known to be.
  if (end_ > start_ && ftruncate(descriptor_, static_cast<off_t>(start_)) == 0)
    end_ = start_;
}

void Spool::remove() {
  if (descriptor_ < 0)
    return;
  unlink(file_.c_str());
  close(descriptor_);
  descriptor_ = -1;
}

Spooled read_spool(const std::string& path, const std::string& identity) {
  Spooled spooled;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_of(path), error))
    // A pipe would keep us waiting.
    (entry.is_regular_file(error) && read_file(entry.path(), identity, spooled.messages)
         ? spooled.files
         : spooled.foreign)
        .push_back(entry.path());
  return spooled;
}

std::size_t take_over(const Spooled& spooled, Store& store) {
  const auto finished = store.finished();
  std::map<std::string, std::string> status_of(finished.begin(), finished.end());
  std::size_t taken = 0;
  for (const std::string& message : spooled.messages) {
    std::optional<AnyRow> row;
    try {
      row = from_message(message);
    } catch (const std::exception&) {
      continue; // of another version of this program
    }
    const auto [id, status] = std::visit(
        [](const auto& known) { return std::pair(known.record.case_id, known.record.status); },
        *row);
    const auto known = status_of.find(id);
    if (known != status_of.end() && (known->second == "ok" || status != "ok"))
      continue;
    store.append(*row);
    status_of[id] = status;
    ++taken;
  }
  for (const std::string& file : spooled.files)
    unlink(file.c_str());
  return taken;
}

} // namespace peakbench::results
