// Which operation saves what. LibTorch asks its autograd engine for hooks whenever an operation
// saves a tensor; while a step is looked at, an engine stands in that answers with hooks that count
// and leaves all else to the usual one. The operation's name comes from its record function.
#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/saved_variable_hooks.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "ep/analysis.h"
#include "ep/arms.h"

namespace peakbench::ep {

namespace {

class Tally : public Observer, public StageWatch, public std::enable_shared_from_this<Tally> {
public:
  Tally(const Network& network, const Batch& batch) {
    for (const Layer& layer : network.layers)
      always_there_.insert({layer.weight.storage().data(), layer.bias.storage().data()});
    always_there_.insert({batch.input.storage().data(), batch.target.storage().data()});
    depth_ = network.depth();
  }

  // Observer and watch: what is there already, and which part of the step runs.
  void after_step(double beta, std::int64_t, const SettlingView& view) override {
    std::vector<at::Tensor>& states = states_[beta]; // of every phase: the contrast has them all
    states.clear();
    for (std::int64_t i = 0; i < depth_; ++i)
      if (const at::Tensor state = view.state(i); state.defined())
        states.push_back(state);
  }
  void begin(Stage stage) override {
    if (stage == Stage::settling)
      forget("settling_step"); // of several phases the last one counts
    else if (stage == Stage::contrast)
      forget("contrast");
  }
  void end(Stage) override {}

  void enter(std::string_view operation) { operations_.emplace_back(operation); }
  void leave() { operations_.pop_back(); }
  void save(const at::Tensor& tensor) {
    const std::lock_guard lock(mutex_);
    std::string name = operations_.empty() ? "unknown" : operations_.back();
    if (name.starts_with("aten::"))
      name.erase(0, 6);
    SavedTensors& entry = entry_of(name);
    ++entry.count;
    entry.bytes += static_cast<std::int64_t>(tensor.nbytes());
    const void* storage = tensor.storage().data();
    if (!is_resident(storage) && ++savers_[storage] == 1)
      entry.kept_bytes += static_cast<std::int64_t>(tensor.storage().nbytes());
  }
  // The graph lets go of it: another storage may take the address.
  void release(const at::Tensor& tensor) {
    const std::lock_guard lock(mutex_);
    const auto found = savers_.find(tensor.storage().data());
    if (found != savers_.end() && --found->second == 0)
      savers_.erase(found);
  }
  std::vector<SavedTensors> result() const { return entries_; }

private:
  void forget(const char* mode) {
    mode_ = mode;
    std::erase_if(entries_, [&](const SavedTensors& entry) { return entry.mode == mode_; });
  }
  SavedTensors& entry_of(const std::string& operation) {
    for (SavedTensors& entry : entries_)
      if (entry.mode == mode_ && entry.operation == operation)
        return entry;
    return entries_.emplace_back(SavedTensors{mode_, operation, 0, 0, 0});
  }
  bool is_resident(const void* storage) const {
    const auto holds = [&](const std::vector<at::Tensor>& states) {
      return std::ranges::any_of(
          states, [&](const at::Tensor& state) { return state.storage().data() == storage; });
    };
    return always_there_.contains(storage) ||
           std::ranges::any_of(states_, [&](const auto& phase) { return holds(phase.second); });
  }

  std::mutex mutex_; // of savers_ and entries_
  std::int64_t depth_ = 0;
  std::unordered_set<const void*> always_there_;
  std::unordered_map<const void*, int> savers_;      // how many saved tensors hold a storage
  std::map<double, std::vector<at::Tensor>> states_; // by the phase's beta
  std::string mode_ = "contrast";
  std::vector<std::string> operations_; // the running ones, innermost last
  std::vector<SavedTensors> entries_;
};

// LibTorch takes plain functions only. Hooks may be let go of on a thread of the backward pass.
thread_local Tally* current = nullptr;

class CountingHooks : public torch::autograd::SavedVariableHooks {
public:
  explicit CountingHooks(std::weak_ptr<Tally> tally) : tally_(std::move(tally)) {}
  ~CountingHooks() override {
    if (const auto tally = tally_.lock(); tally && tensor_.defined())
      tally->release(tensor_);
  }
  void call_pack_hook(const at::Tensor& tensor) override {
    tensor_ = tensor.detach();
    if (const auto tally = tally_.lock(); tally && tensor_.defined())
      tally->save(tensor_);
  }
  at::Tensor call_unpack_hook() override { return tensor_; }

private:
  std::weak_ptr<Tally> tally_;
  at::Tensor tensor_;
};

class CountingEngine : public torch::autograd::Engine {
public:
  ~CountingEngine() override { stop(); }
  torch::autograd::variable_list execute(const torch::autograd::edge_list& roots,
                                         const torch::autograd::variable_list& inputs,
                                         bool keep_graph, bool create_graph, bool accumulate_grad,
                                         const torch::autograd::edge_list& outputs) override {
    return get_base_engine().execute(roots, inputs, keep_graph, create_graph, accumulate_grad,
                                     outputs);
  }
  c10::intrusive_ptr<at::ivalue::Future>
  execute_with_graph_task(const std::shared_ptr<torch::autograd::GraphTask>& task,
                          std::shared_ptr<torch::autograd::Node> root,
                          torch::autograd::InputBuffer&& input) override {
    return get_base_engine().execute_with_graph_task(task, std::move(root), std::move(input));
  }
  std::unique_ptr<torch::autograd::SavedVariableHooks> get_default_saved_variable_hooks() override {
    return current ? std::make_unique<CountingHooks>(current->weak_from_this()) : nullptr;
  }
};

torch::autograd::Engine& counting_engine() {
  static CountingEngine engine;
  return engine;
}

std::unique_ptr<at::ObserverContext> operation_begins(const at::RecordFunction& function) {
  if (current)
    current->enter(function.name());
  return nullptr;
}
void operation_ends(const at::RecordFunction&, at::ObserverContext*) {
  if (current)
    current->leave();
}

class Counting {
public:
  explicit Counting(Tally& tally)
      : callback_(at::addThreadLocalCallback(
            at::RecordFunctionCallback(&operation_begins, &operation_ends)
                .scopes({at::RecordScope::FUNCTION}))) {
    current = &tally;
    torch::autograd::set_default_engine_stub(&counting_engine);
  }
  ~Counting() {
    torch::autograd::set_default_engine_stub(&torch::autograd::Engine::get_base_engine);
    current = nullptr;
    at::removeCallback(callback_);
  }
  Counting(const Counting&) = delete;
  Counting& operator=(const Counting&) = delete;

private:
  at::CallbackHandle callback_;
};

class Discard : public GradientSink {
public:
  void accept(std::int64_t, const at::Tensor&, const at::Tensor&) override {}
};

} // namespace

std::vector<SavedTensors> saved_tensors(const Settings& settings, c10::Device device,
                                        const Deadline& deadline) {
  validate(settings);
  Settings one_step = settings;
  one_step.steps = 1;
  one_step.tolerance = 0;
  const c10::NoGradGuard no_recording;
  const Network network = draw_network(settings, device);
  const Batch batch = draw_batch(settings, device);
  const auto tally = std::make_shared<Tally>(network, batch);
  Discard sink;
  const Counting counting(*tally);
  run_arm({one_step, network, batch, tally.get(), deadline, tally.get()}, sink);
  return tally->result();
}

} // namespace peakbench::ep
