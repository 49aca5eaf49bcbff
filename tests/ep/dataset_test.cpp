#include "ep/dataset.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "base/error.h"
#include "ep/image_files.h"
#include "ep/problem.h"

namespace peakbench::ep {
namespace {

namespace fs = std::filesystem;
using peakbench::testing::ScratchFolder;
using peakbench::testing::write_file;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::idx_header;
using testing::small_settings;
using ::testing::ThrowsMessage;
using testing::write_images;

class DatasetFiles : public ::testing::Test {
protected:
  DatasetFiles() { write_images(scratch_.path(), 40, 12); }
  Dataset load() const { return load_dataset(scratch_.path().string(), 4); }
  void expect_refused(const std::string& file, const std::string& what) const {
    EXPECT_THAT([&] { load(); }, ThrowsMessage<UserError>(AllOf(
                                     HasSubstr((scratch_ / file).string()), HasSubstr(what))));
  }
  ScratchFolder scratch_;
};

TEST_F(DatasetFiles, AreReadWhole) {
  const Dataset dataset = load();
  EXPECT_EQ(dataset.width, 9);
  EXPECT_EQ(dataset.training.rows, 40);
  EXPECT_EQ(dataset.training.pixels.size(), 360u);
  EXPECT_EQ(dataset.test.rows, 12);
  EXPECT_EQ(dataset.training.labels[2], 2 * 7 / 3 % 4);
  EXPECT_EQ(dataset.training.pixels[9 * 2 + 0], dataset.training.labels[2] == 0 ? 202 : 6);
}

TEST_F(DatasetFiles, FingerprintTellsTheDataApart) {
  const std::uint64_t before = load().fingerprint();
  EXPECT_EQ(load().fingerprint(), before);
  write_images(scratch_.path(), 40, 11);
  EXPECT_NE(load().fingerprint(), before);
}

TEST_F(DatasetFiles, TrainingPixelsHaveMeanZeroAndDeviationOne) {
  const Dataset dataset = load();
  const Settings settings = small_settings();
  std::vector<std::int64_t> all(40);
  std::iota(all.begin(), all.end(), 0);
  const Batch batch = batch_of(settings, dataset, dataset.training, all, at::kCPU);
  EXPECT_NEAR(batch.input.mean().item<double>(), 0, 1e-12);
  EXPECT_NEAR(batch.input.std(false).item<double>(), 1, 1e-12);
  // The test set takes the training set's: its own would tell something about it.
  all.resize(12);
  const Batch test = batch_of(settings, dataset, dataset.test, all, at::kCPU);
  const double pixel = dataset.test.pixels[5];
  EXPECT_NEAR(test.input[0][5].item<double>(), (pixel - dataset.mean) / dataset.deviation, 1e-12);
  EXPECT_GT(std::abs(test.input.mean().item<double>()), 1e-6);
}

TEST_F(DatasetFiles, ABatchHasTheRowsAskedFor) {
  const Dataset dataset = load();
  Settings settings = small_settings(5, at::kFloat);
  const std::vector<std::int64_t> rows{7, 3};
  const Batch batch = batch_of(settings, dataset, dataset.training, rows, at::kCPU);
  EXPECT_EQ(batch.input.scalar_type(), at::kFloat);
  EXPECT_EQ(batch.input.sizes(), (std::vector<std::int64_t>{2, 9}));
  EXPECT_EQ(batch.labels[1].item<std::int64_t>(), dataset.training.labels[3]);
  EXPECT_NEAR(batch.input[1][4].item<double>() * dataset.deviation + dataset.mean,
              dataset.training.pixels[9 * 3 + 4], 1e-4);
  // Smoothed by 0.1 over four classes; one-hot for the squared loss.
  const std::int64_t label = dataset.training.labels[7];
  EXPECT_NEAR(batch.target[0][label].item<double>(), 0.925, 1e-6);
  EXPECT_NEAR(batch.target.sum().item<double>(), 2, 1e-6);
  settings.loss = Loss::mse;
  const Batch hot = batch_of(settings, dataset, dataset.training, rows, at::kCPU);
  EXPECT_EQ(hot.target[0][label].item<double>(), 1);
  EXPECT_EQ(hot.target.count_nonzero().item<std::int64_t>(), 2);
}

TEST_F(DatasetFiles, AMissingFileOrFolderIsNamed) {
  fs::remove(scratch_ / "t10k-labels-idx1-ubyte");
  expect_refused("t10k-labels-idx1-ubyte", "no such file");
  EXPECT_THAT([] { load_dataset("/nowhere", 4); },
              ThrowsMessage<UserError>(HasSubstr("dataset /nowhere: no such folder")));
}

TEST_F(DatasetFiles, FilesThatDoNotFitTogether) {
  write_file(scratch_ / "train-labels-idx1-ubyte", idx_header({3}) + std::string("\0\1\2", 3));
  expect_refused("train-labels-idx1-ubyte", "3 labels for 40 images");
  write_images(scratch_.path(), 40, 12);
  write_file(scratch_ / "t10k-images-idx3-ubyte", idx_header({12, 2, 2}) + std::string(48, 'x'));
  expect_refused("t10k-images-idx3-ubyte", "images of 2 x 2 pixels (those to train on have 9");
}

TEST_F(DatasetFiles, ALabelOutOfRangeIsFoundWithItsRow) {
  EXPECT_NO_THROW(load_dataset(scratch_.path().string(), 4));
  std::string labels = idx_header({12}) + std::string(12, '\0');
  labels[8 + 5] = 4;
  write_file(scratch_ / "t10k-labels-idx1-ubyte", labels);
  expect_refused("t10k-labels-idx1-ubyte", "label 4 of row 5 is out of range");
}

TEST(FashionMnist, IsWhatItIsKnownToBe) {
  if (!fs::exists("/usr/share/datasets/fashion-mnist")) {
    EXPECT_THAT([] { load_dataset("fashion-mnist", 10); },
                ThrowsMessage<UserError>(HasSubstr("dataset-fashion-mnist")));
    GTEST_SKIP() << "needs the package dataset-fashion-mnist (tools/bootstrap.sh)";
  }
  const Dataset dataset = load_dataset("fashion-mnist", 10);
  EXPECT_EQ(dataset.width, 784);
  EXPECT_EQ(dataset.training.rows, 60000);
  EXPECT_EQ(dataset.test.rows, 10000);
  // The published mean and deviation, of pixels between 0 and 1.
  EXPECT_NEAR(dataset.mean / 255, 0.2860, 5e-5);
  EXPECT_NEAR(dataset.deviation / 255, 0.3530, 5e-5);
  for (const int label : {0, 9})
    EXPECT_EQ(std::ranges::count(dataset.training.labels, label), 6000);
}

} // namespace
} // namespace peakbench::ep
