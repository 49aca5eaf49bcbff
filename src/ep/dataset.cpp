#include "ep/dataset.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/hash.h"
#include "ep/idx_file.h"
#include "measure/tag.h"

namespace peakbench::ep {

namespace fs = std::filesystem;

namespace {

constexpr const char* kPackage = "dataset-fashion-mnist";
constexpr const char* kPackageFolder = "/usr/share/datasets/fashion-mnist";

fs::path folder_of(const std::string& name) {
  std::error_code ignored;
  if (name == "fashion-mnist") {
    if (!fs::is_directory(kPackageFolder, ignored))
      throw UserError("dataset fashion-mnist is not on this machine",
                      fmt::format("there is no folder {}", kPackageFolder),
                      fmt::format("Install the package {} (tools/bootstrap.sh does), or name a "
                                  "folder with its four files.",
                                  kPackage));
    return kPackageFolder;
  }
  if (!fs::is_directory(name, ignored))
    throw UserError(fmt::format("dataset {}: no such folder", name), "",
                    "Name a folder with IDX files, or fashion-mnist.");
  return name;
}

// width: pixels of an image, [rows, height, width] in the file.
ImageSet read_images(const fs::path& folder, const std::string& part, std::int64_t classes,
                     std::int64_t& width) {
  IdxArray images = read_idx(folder, part + "-images-idx3-ubyte", 3);
  IdxArray labels = read_idx(folder, part + "-labels-idx1-ubyte", 1);
  if (images.sizes[0] != labels.sizes[0])
    throw UserError(fmt::format("{}: {} labels for {} images", labels.path.string(),
                                labels.sizes[0], images.sizes[0]),
                    "the two files do not belong together", "");
  const auto wrong =
      std::ranges::find_if(labels.values, [&](std::uint8_t l) { return l >= classes; });
  if (wrong != labels.values.end())
    throw UserError(fmt::format("{}: label {} of row {} is out of range", labels.path.string(),
                                *wrong, wrong - labels.values.begin()),
                    fmt::format("the network has {} classes", classes), "");
  const std::int64_t pixels = images.sizes[1] * images.sizes[2];
  if (width != 0 && width != pixels)
    throw UserError(fmt::format("{}: images of {} x {} pixels", images.path.string(),
                                images.sizes[1], images.sizes[2]),
                    fmt::format("those to train on have {} pixels", width), "");
  width = pixels;
  return {images.sizes[0], std::move(images.values), std::move(labels.values)};
}

// Exact sums, whatever the order: by how often each of the 256 values is there.
void measure_pixels(Dataset& dataset) {
  std::array<std::int64_t, 256> counts{};
  for (const std::uint8_t pixel : dataset.training.pixels)
    ++counts[pixel];
  double sum = 0, squares = 0;
  for (std::size_t value = 0; value < counts.size(); ++value) {
    const auto count = static_cast<double>(counts[value]), pixel = static_cast<double>(value);
    sum += count * pixel;
    squares += count * pixel * pixel;
  }
  const auto all = static_cast<double>(dataset.training.pixels.size());
  dataset.mean = sum / all;
  const double variance = squares / all - dataset.mean * dataset.mean;
  dataset.deviation = variance > 0 ? std::sqrt(variance) : 1; // images of one grey stay zero
}

} // namespace

std::uint64_t Dataset::fingerprint() const {
  std::string hashes;
  for (const auto* bytes : {&training.pixels, &training.labels, &test.pixels, &test.labels})
    hashes += hash_hex({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  return hash64(hashes);
}

Dataset load_dataset(const std::string& name, std::int64_t classes) {
  const fs::path folder = folder_of(name);
  Dataset dataset;
  dataset.name = name;
  dataset.training = read_images(folder, "train", classes, dataset.width);
  dataset.test = read_images(folder, "t10k", classes, dataset.width);
  measure_pixels(dataset);
  return dataset;
}

Batch batch_of(const Settings& settings, const Dataset& dataset, const ImageSet& images,
               std::span<const std::int64_t> rows, at::Device device) {
  const measure::TagScope tag(measure::Tag::activations);
  const auto count = static_cast<std::int64_t>(rows.size());
  at::Tensor pixels = at::empty({count, dataset.width}, at::kByte); // [rows, width]
  at::Tensor labels = at::empty({count}, at::kLong);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto* image = images.pixels.data() + rows[i] * dataset.width;
    std::copy_n(image, dataset.width,
                pixels.data_ptr<std::uint8_t>() + static_cast<std::int64_t>(i) * dataset.width);
    labels.data_ptr<std::int64_t>()[i] = images.labels[static_cast<std::size_t>(rows[i])];
  }
  Batch batch;
  batch.input = pixels.to(device).to(settings.dtype).sub_(dataset.mean).div_(dataset.deviation);
  batch.labels = labels.to(device);
  batch.target = targets_of(settings, batch.labels);
  return batch;
}

} // namespace peakbench::ep
