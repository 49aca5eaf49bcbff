// Labelled images to train on: IDX files as MNIST and Fashion-MNIST have them.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ep/network.h"
#include "ep/settings.h"

namespace peakbench::ep {

// Kept as bytes: a quarter of what floats would take, and outside of LibTorch's allocator, so that
// it stands in no case's memory.
struct ImageSet {
  std::int64_t rows = 0;
  std::vector<std::uint8_t> pixels; // [rows, width]
  std::vector<std::uint8_t> labels; // [rows]
};

struct Dataset {
  std::string name;
  std::int64_t width = 0; // pixels of an image
  ImageSet training, test;
  double mean = 0, deviation = 1; // of all pixels of the training set
  std::uint64_t fingerprint() const;
};

// "fashion-mnist" (where Debian's package dataset-fashion-mnist put it), or a folder with
// train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
// t10k-labels-idx1-ubyte, each as it is or with .gz. UserError naming file and offset for whatever
// is missing, damaged, or does not fit together; labels are 0 .. classes - 1.
Dataset load_dataset(const std::string& name, std::int64_t classes);

// These rows as a batch: the input standardised by the training set's mean and deviation
// [rows, width], labels and targets as draw_batch makes them.
Batch batch_of(const Settings& settings, const Dataset& dataset, const ImageSet& images,
               std::span<const std::int64_t> rows, at::Device device);

} // namespace peakbench::ep
