// GoogleTest under MPI: rank 0 alone prints; a failure on any rank fails the test on rank 0 with
// that rank's message; every rank exits with the same status.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include <string>
#include <vector>

namespace {

int rank_of(MPI_Comm comm) {
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  return rank;
}

int size_of(MPI_Comm comm) {
  int size = 1;
  MPI_Comm_size(comm, &size);
  return size;
}

// Two listeners, because one that handles OnTestPartResult may not raise failures itself.
class Recorder final : public ::testing::EmptyTestEventListener {
public:
  const std::string& text() const { return text_; }

private:
  void OnTestStart(const ::testing::TestInfo&) override { text_.clear(); }
  void OnTestPartResult(const ::testing::TestPartResult& part) override {
    if (part.failed())
      text_ += std::string(part.file_name() ? part.file_name() : "?") + ":" +
               std::to_string(part.line_number()) + ": " + part.summary() + "\n";
  }
  std::string text_;
};

class Gatherer final : public ::testing::EmptyTestEventListener {
public:
  Gatherer(MPI_Comm comm, const Recorder& recorder) : comm_(comm), recorder_(recorder) {}

private:
  void OnTestStart(const ::testing::TestInfo&) override { MPI_Barrier(comm_); }
  // "End" events run in reverse order of registration: before rank 0's printer.
  void OnTestEnd(const ::testing::TestInfo&) override {
    const std::string& mine = recorder_.text();
    if (rank_of(comm_) != 0) {
      MPI_Send(mine.data(), static_cast<int>(mine.size()), MPI_CHAR, 0, 0, comm_);
      return;
    }
    for (int from = 1; from < size_of(comm_); ++from) {
      MPI_Status status;
      MPI_Probe(from, 0, comm_, &status);
      int length = 0;
      MPI_Get_count(&status, MPI_CHAR, &length);
      std::string theirs(static_cast<std::size_t>(length), '\0');
      MPI_Recv(theirs.data(), length, MPI_CHAR, from, 0, comm_, MPI_STATUS_IGNORE);
      if (!theirs.empty())
        ADD_FAILURE() << "on rank " << from << ":\n" << theirs;
    }
  }
  MPI_Comm comm_;
  const Recorder& recorder_;
};

} // namespace

int main(int argc, char** argv) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
  ::testing::InitGoogleMock(&argc, argv);
  MPI_Comm comm = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &comm);
  auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
  if (rank_of(comm) != 0) {
    delete listeners.Release(listeners.default_result_printer());
    delete listeners.Release(listeners.default_xml_generator());
  }
  auto* recorder = new Recorder;
  listeners.Append(recorder);
  listeners.Append(new Gatherer(comm, *recorder));
  const int mine = RUN_ALL_TESTS();
  int any = 0;
  MPI_Allreduce(&mine, &any, 1, MPI_INT, MPI_MAX, comm);
  MPI_Comm_free(&comm);
  MPI_Finalize();
  return any;
}
