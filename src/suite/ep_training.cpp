#include "suite/ep_training.h"

namespace peakbench::suite {

void train_ep_case(const ep::Settings&, const EpTraining&, c10::Device, const Deadline&,
                   results::EpRow&) {}

} // namespace peakbench::suite
