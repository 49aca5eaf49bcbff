// The columns of /ep/components, /ep/operations and /ep/training.
#include "results/fields.h"
#include "results/member_access.h"

namespace peakbench::results {

namespace {

template <auto... Path>
constexpr auto component_member = &member_of<EpComponentRow, Path...>;
template <auto... Path>
constexpr auto operation_member = &member_of<EpOperationRow, Path...>;
template <auto... Path>
constexpr auto training_member = &member_of<EpTrainingRow, Path...>;
using Component = EpComponentRow;
using Operation = EpOperationRow;
using Training = EpTrainingRow;
constexpr Role kId = Role::id;
constexpr Role kMeasured = Role::measured;

constexpr Field<Component> kComponentFields[] = {
    {"case_id", "", "the case that was analysed", kId, component_member<&Component::case_id>},
    {"component", "",
     "part of the training step: settling | energy | contrast | update | step (all of it)", kId,
     component_member<&Component::component>},
    {"evaluations", "1", "how often it was entered in one training step", kMeasured,
     component_member<&Component::evaluations>},
    {"seconds", "seconds",
     "wall time in it, all evaluations of one training step, less the components inside it",
     kMeasured, component_member<&Component::seconds>},
    {"peak_bytes", "bytes", "greatest live memory in it, less weights and batch", kMeasured,
     component_member<&Component::peak_bytes>},
    {"held_bytes", "bytes", "of these, what was live when it began", kMeasured,
     component_member<&Component::held_bytes>},
    {"source", "1", kSourceDescription, kMeasured, component_member<&Component::source>},
};
static_assert(std::size(kComponentFields) == member_count<EpComponentRow>(),
              "a member of EpComponentRow is missing in the list");

constexpr Field<Operation> kOperationFields[] = {
    {"case_id", "", "the case that was analysed", kId, operation_member<&Operation::case_id>},
    {"mode", "", "how the network was evaluated", kId, operation_member<&Operation::mode>},
    {"operation", "",
     "the operation that keeps tensors; of a forward pass `peak` and `live` (at its end)", kId,
     operation_member<&Operation::operation>},
    {"count", "1", "tensors kept for the backward pass", kMeasured,
     operation_member<&Operation::count>},
    {"bytes", "bytes",
     "of these tensors, each by itself; of `peak` and `live` memory less weights and batch",
     kMeasured, operation_member<&Operation::bytes>},
    {"kept_bytes", "bytes",
     "of their storages, each once, without weights, batch and states, which are there anyhow",
     kMeasured, operation_member<&Operation::kept_bytes>},
    {"source", "1", kSourceDescription, kMeasured, operation_member<&Operation::source>},
};
static_assert(std::size(kOperationFields) == member_count<EpOperationRow>(),
              "a member of EpOperationRow is missing in the list");

constexpr Field<Training> kTrainingFields[] = {
    {"case_id", "", "the case that was trained", kId, training_member<&Training::case_id>},
    {"step", "1", "training steps done", kId, training_member<&Training::step>},
    {"training_loss", "1", "mean loss of the training rows seen since the point before", kMeasured,
     training_member<&Training::training_loss>},
    {"test_loss", "1", "mean loss of the test rows", kMeasured,
     training_member<&Training::test_loss>},
    {"test_accuracy", "1", "share of the test rows classified right", kMeasured,
     training_member<&Training::test_accuracy>},
    {"source", "1", kSourceDescription, kMeasured, training_member<&Training::source>},
};
static_assert(std::size(kTrainingFields) == member_count<EpTrainingRow>(),
              "a member of EpTrainingRow is missing in the list");

} // namespace

template <>
std::span<const Field<EpComponentRow>> fields<EpComponentRow>() {
  return kComponentFields;
}
template <>
std::span<const Field<EpOperationRow>> fields<EpOperationRow>() {
  return kOperationFields;
}
template <>
std::span<const Field<EpTrainingRow>> fields<EpTrainingRow>() {
  return kTrainingFields;
}

} // namespace peakbench::results
