// How varied the samples of a generation are.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "eab/generation.h"

namespace peakbench::eab {

namespace {

using Tokens = std::vector<std::int32_t>;
using NGrams = std::map<Tokens, std::int64_t>;

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

NGrams ngrams_of(const Tokens& tokens, std::size_t n) {
  NGrams counts;
  for (std::size_t i = 0; i + n <= tokens.size(); ++i)
    ++counts[Tokens(tokens.begin() + static_cast<std::ptrdiff_t>(i),
                    tokens.begin() + static_cast<std::ptrdiff_t>(i + n))];
  return counts;
}

double distinct(const Trace& trace, std::size_t n) {
  NGrams all;
  std::int64_t total = 0;
  for (const Sample& sample : trace.samples)
    for (const auto& [ngram, count] : ngrams_of(sample.tokens, n)) {
      all[ngram] += count;
      total += count;
    }
  return total > 0 ? static_cast<double>(all.size()) / static_cast<double>(total) : kUndefined;
}

// For one n, all samples' n-grams, and of each n-gram the two greatest counts in one sample: the
// greatest in any *other* sample is one of them, so that all samples are scored in one sweep.
struct References {
  std::vector<NGrams> of_sample;
  struct Two {
    std::int64_t first = 0, second = 0;
    std::size_t owner = 0; // of the first
  };
  std::map<Tokens, Two> greatest;

  References(const Trace& trace, std::size_t n) {
    for (std::size_t s = 0; s < trace.samples.size(); ++s) {
      of_sample.push_back(ngrams_of(trace.samples[s].tokens, n));
      for (const auto& [ngram, count] : of_sample.back()) {
        Two& two = greatest[ngram];
        if (count > two.first) {
          two.second = two.first;
          two.first = count;
          two.owner = s;
        } else {
          two.second = std::max(two.second, count);
        }
      }
    }
  }
  // Modified n-gram precision of a sample against all others.
  double precision(std::size_t sample) const {
    std::int64_t matches = 0;
    std::int64_t total = 0;
    for (const auto& [ngram, count] : of_sample[sample]) {
      const Two& two = greatest.at(ngram);
      matches += std::min(count, two.owner == sample ? two.second : two.first);
      total += count;
    }
    // Chen and Cherry's first smoothing: no match counts as a tenth of one.
    return (matches > 0 ? static_cast<double>(matches) : 0.1) / static_cast<double>(total);
  }
};

double brevity_penalty(const Trace& trace, std::size_t sample) {
  const auto length = static_cast<std::int64_t>(trace.samples[sample].tokens.size());
  std::int64_t closest = -1;
  for (std::size_t other = 0; other < trace.samples.size(); ++other) {
    if (other == sample)
      continue;
    const auto candidate = static_cast<std::int64_t>(trace.samples[other].tokens.size());
    const std::int64_t distance = std::abs(candidate - length);
    if (closest < 0 || distance < std::abs(closest - length) ||
        (distance == std::abs(closest - length) && candidate < closest))
      closest = candidate;
  }
  return length >= closest
             ? 1.0
             : std::exp(1 - static_cast<double>(closest) / static_cast<double>(length));
}

// Mean over the samples of their BLEU (orders 1 to 4, those the sample is long enough for) against
// the others (Zhu et al., "Texygen", 2018).
double self_bleu(const Trace& trace) {
  if (trace.samples.size() < 2)
    return kUndefined;
  std::vector<References> orders;
  for (std::size_t n = 1; n <= 4; ++n)
    orders.emplace_back(trace, n);
  double sum = 0;
  for (std::size_t s = 0; s < trace.samples.size(); ++s) {
    const std::size_t usable = std::min<std::size_t>(4, trace.samples[s].tokens.size());
    double logs = 0;
    for (std::size_t n = 0; n < usable; ++n)
      logs += std::log(orders[n].precision(s));
    sum += brevity_penalty(trace, s) * std::exp(logs / static_cast<double>(usable));
  }
  return sum / static_cast<double>(trace.samples.size());
}

// The answer: the text, or the tokens where there is no tokenizer.
std::string answer_of(const Sample& sample) {
  if (!sample.text.empty())
    return sample.text;
  std::string tokens;
  for (const std::int32_t token : sample.tokens)
    tokens += std::to_string(token) + ' ';
  return tokens;
}

// Entropy over distinct answers, each weighted with the probability of its token sequences. A
// sequence counts once, however often independent sampling has drawn it.
double answer_entropy(const Trace& trace) {
  double greatest = -std::numeric_limits<double>::infinity();
  for (const Sample& sample : trace.samples)
    greatest = std::max(greatest, sample.log_prob);
  std::set<Tokens> seen;
  std::map<std::string, double> weights;
  double total = 0;
  for (const Sample& sample : trace.samples) {
    if (!seen.insert(sample.tokens).second)
      continue;
    const double weight = std::exp(sample.log_prob - greatest);
    weights[answer_of(sample)] += weight;
    total += weight;
  }
  double entropy = 0;
  for (const auto& [answer, weight] : weights)
    if (weight > 0)
      entropy -= weight / total * std::log(weight / total);
  return entropy;
}

// Means over decisions: a branch's children come from one, every other node from its own.
void describe_decisions(const Trace& trace, Quality& quality) {
  std::int64_t decisions = 0;
  std::int64_t branches = 0;
  double entropy = 0;
  const Node* previous = nullptr;
  for (const Node& node : trace.nodes) {
    const bool sibling = previous && node.branched && previous->branched &&
                         previous->parent == node.parent && previous->position == node.position;
    previous = &node;
    if (sibling)
      continue;
    ++decisions;
    branches += node.branched ? 1 : 0;
    entropy += node.entropy;
  }
  if (decisions == 0) {
    quality.mean_entropy = quality.branch_rate = kUndefined;
    return;
  }
  quality.mean_entropy = entropy / static_cast<double>(decisions);
  quality.branch_rate = static_cast<double>(branches) / static_cast<double>(decisions);
}

} // namespace

Quality quality_of(const Trace& trace) {
  Quality quality;
  std::set<std::string> answers;
  double sum = 0;
  for (const Sample& sample : trace.samples) {
    answers.insert(answer_of(sample));
    sum += sample.log_prob;
  }
  const auto count = static_cast<double>(trace.samples.size());
  quality.distinct_texts = static_cast<std::int64_t>(answers.size());
  quality.distinct_1 = distinct(trace, 1);
  quality.distinct_2 = distinct(trace, 2);
  quality.self_bleu = self_bleu(trace);
  quality.mean_log_prob = trace.samples.empty() ? kUndefined : sum / count;
  double squares = 0;
  for (const Sample& sample : trace.samples)
    squares +=
        (sample.log_prob - quality.mean_log_prob) * (sample.log_prob - quality.mean_log_prob);
  quality.spread_log_prob = count > 1 ? std::sqrt(squares / (count - 1)) : kUndefined;
  describe_decisions(trace, quality);
  quality.answer_entropy = answer_entropy(trace);
  return quality;
}

} // namespace peakbench::eab
