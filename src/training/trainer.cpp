#include "microgpt/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string_view>

#include "distributed/agreement.hpp"
#include "microgpt/error.hpp"
#include "microgpt/version.hpp"
#include "training/data_parallel.hpp"
#include "training/initial_state.hpp"
#include "training/learning_rate.hpp"
#include "training/memory_plan.hpp"
#include "training/run_progress.hpp"

namespace microgpt {
namespace {

// Room for so many reports is taken up front; a longer history grows on the way.
constexpr std::int64_t kReservedReports = 1 << 20;

// What a process that cannot go on tells the others with its share of the next step. Larger than
// any signal's number.
constexpr int kObserverFailed = 1 << 16;

Config with_batch_size(Config config, int workers) {
  if (!config.batch_size) config.batch_size = workers;
  return config;
}

std::unique_ptr<TrainingEngine> make_engine(const ModelShape& shape, AnyModelState& state,
                                            const Dataset& dataset, std::int64_t batch_size,
                                            int threads, ProcessGroup& group) {
  return std::visit(
      [&]<class Scalar>(ModelState<Scalar>& model) -> std::unique_ptr<TrainingEngine> {
        return std::make_unique<DataParallelEngine<Scalar>>(
            shape, model, dataset.stream(), dataset.longest_document(), batch_size, threads, group);
      },
      state);
}

}  // namespace

// In the order of use: the random stream shuffles the documents, then draws the parameters. A
// resumed run shuffles them again, since their order is not stored, and takes the rest from the
// checkpoint.
struct Trainer::Run {
  Run(const Config& wanted, const Dataset& data, int threads, ProcessGroup& processes,
      std::optional<Checkpoint> checkpoint)
      : group(processes),
        config(with_batch_size(wanted, threads * group.size())),
        dataset(data),
        random(static_cast<std::uint64_t>(config.seed)),
        split(split_documents(data.documents(), config.documents, config.validation_fraction,
                              random)),
        shape(model_shape(config, data.tokenizer().vocab_size())),
        layout(shape),
        state(initial_state(config, layout, data.longest_document(), checkpoint, group)) {
    if (checkpoint) {
      progress = {.step = checkpoint->info.step,
                  .cursor = checkpoint->info.cursor,
                  .history = std::move(checkpoint->info.history)};
      random = PythonRandom(checkpoint->info.random);
    } else {
      initialize();
    }
    prepare(threads);
    if (checkpoint) forget_the_end(checkpoint->info.config);
  }

  // Of a run that goes on further than it was to, the last step would not have been told of. That,
  // and no change of eval_every and the like, is reason to forget what has been reported.
  void forget_the_end(const Config& former) {
    Config longer = former;
    longer.num_steps = config.num_steps;
    longer.num_epochs = config.num_epochs;
    RunSchedule(longer, static_cast<std::int64_t>(split.training.size()), !split.validation.empty(),
                progress)
        .forget_what_was_not_due(progress);
  }

  void initialize() {
    std::visit(
        [&](auto& model) {
          initialize_parameters(layout, config.init_std, config.zero_init_residual, random,
                                model.parameters.values());
        },
        state);
  }

  void prepare(int threads) {
    schedule.emplace(config, static_cast<std::int64_t>(split.training.size()),
                     !split.validation.empty(), progress);
    engine = make_engine(shape, state, dataset, config.batch_size.value(), threads, group);
    batch.resize(static_cast<std::size_t>(config.batch_size.value()));
    const auto reports =
        static_cast<std::size_t>(std::min(schedule->num_steps(), kReservedReports));
    progress.history.steps.reserve(reports);
    progress.history.losses.reserve(reports);
  }

  // Documents cursor .. cursor + batch_size - 1 of the shuffled list, cyclically.
  void next_batch() {
    const auto count = static_cast<std::int64_t>(split.training.size());
    std::int64_t index = progress.cursor % count;
    for (Document& document : batch) {
      document = split.training[static_cast<std::size_t>(index)];
      index = index + 1 == count ? 0 : index + 1;
    }
  }

  [[nodiscard]] kernels::AdamStep adam_step(double learning_rate) const {
    const auto t = static_cast<double>(progress.step + 1);
    return {.learning_rate = learning_rate,
            .beta1 = config.beta1,
            .beta2 = config.beta2,
            .epsilon = config.eps_adam,
            .weight_decay = config.weight_decay,
            .bias_correction1 = 1 - std::pow(config.beta1, t),
            .bias_correction2 = 1 - std::pow(config.beta2, t)};
  }

  // `stop` is what this process has been asked; afterwards it is what any has been asked.
  StepReport train_step(int& stop) {
    const auto start = std::chrono::steady_clock::now();
    const double learning_rate = learning_rate_at(config, progress.step, schedule->num_steps());
    next_batch();
    const BatchLoss batch_loss = engine->compute_gradient(batch, failure ? kObserverFailed : stop);
    if (batch_loss.note == kObserverFailed) settle(group, failure);
    stop = batch_loss.note;
    const std::int64_t step = progress.step + 1;
    require_finite("loss", std::isfinite(batch_loss.loss), step, learning_rate);
    const bool is_finite = engine->update(adam_step(learning_rate), config.grad_clip);
    require_finite("gradient", is_finite, step, learning_rate);
    progress.step = step;
    progress.cursor += static_cast<std::int64_t>(batch.size());
    return {
        .step = step,
        .epoch = schedule->epoch(progress.cursor),
        .loss = batch_loss.loss,
        .learning_rate = learning_rate,
        .positions = count_positions(batch),
        .seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
        .val_loss = {},
        .logged = false};
  }

  // All processes have the same numbers, so all end here, or none.
  void require_finite(std::string_view what, bool is_finite, std::int64_t step,
                      double learning_rate) {
    if (is_finite) return;
    failure = std::make_exception_ptr(RunError(
        fmt::format("step {}: the {} is not finite (learning rate {:g}): lower learning_rate or "
                    "set grad_clip",
                    step, what, learning_rate)));
    settle(group, failure);
  }

  // Tells the observer something, in the first process. The others learn of a failure when they
  // meet it next.
  template <class Tell>
  void tell(Tell&& observer) {
    if (group.rank() != 0 || failure) return;
    try {
      observer();
    } catch (...) {
      failure = std::current_exception();
    }
    if (group.size() == 1) settle(group, failure);
  }

  // Evaluates where that is due and notes the step in the history. True where val_loss is a new
  // best.
  bool record(StepReport& report) {
    TrainingHistory& history = progress.history;
    bool is_best = false;
    if (schedule->evaluation_due(progress.step, progress.cursor)) {
      report.val_loss = engine->evaluate(split.validation);
      require_finite("val_loss", std::isfinite(*report.val_loss), report.step,
                     report.learning_rate);
      history.val_steps.push_back(report.step);
      history.val_losses.push_back(*report.val_loss);
      is_best = best_evaluation(history) == history.val_losses.size() - 1;
    }
    report.logged = report.val_loss || schedule->log_due(progress.step);
    if (report.logged) {
      history.steps.push_back(report.step);
      history.losses.push_back(report.loss);
    }
    return is_best;
  }

  ProcessGroup& group;
  Config config;
  const Dataset& dataset;
  PythonRandom random;
  DocumentSplit split;
  ModelShape shape;
  ParameterLayout layout;
  AnyModelState state;
  RunProgress progress;
  std::optional<RunSchedule> schedule;
  std::unique_ptr<TrainingEngine> engine;
  std::vector<Document> batch;
  std::exception_ptr failure;  // of the observer, that the other processes do not know of yet
};

void Trainer::require_memory(const Config& wanted, const Dataset& dataset, int threads,
                             const ProcessGroup& group, bool has_model) {
  const Config config = with_batch_size(wanted, threads * group.size());
  const MemoryPlan plan =
      plan_memory(model_shape(config, dataset.tokenizer().vocab_size()), dataset.longest_document(),
                  config.precision, config.batch_size.value(), threads, group);
  require_room_for(plan, has_model ? plan.model : 0, group.on_this_host());
}

Trainer::Trainer(const Config& config, const Dataset& dataset, int threads, ProcessGroup& group) {
  if (group.size() == 1) require_memory(config, dataset, threads, group);
  run_ = std::make_unique<Run>(config, dataset, threads, group, std::nullopt);
}

Trainer::Trainer(Checkpoint checkpoint, const Config& config, const Dataset& dataset, int threads,
                 ProcessGroup& group) {
  if (group.size() == 1) require_memory(config, dataset, threads, group, true);
  run_ = std::make_unique<Run>(config, dataset, threads, group, std::move(checkpoint));
}

Trainer::~Trainer() = default;

TrainingEnd Trainer::run(TrainingObserver& observer, const std::atomic<int>& stop) {
  RunProgress& progress = run_->progress;
  const RunSchedule& schedule = *run_->schedule;
  bool patience_is_over = schedule.patience_is_over(progress.history);
  while (progress.step < schedule.num_steps()) {
    if (patience_is_over) return TrainingEnd::early;

    int asked_to_stop = stop.load(std::memory_order_relaxed);
    StepReport report = run_->train_step(asked_to_stop);
    const bool is_best = run_->record(report);
    if (report.val_loss) patience_is_over = schedule.patience_is_over(progress.history);
    run_->tell([&] { observer.on_step(report); });

    // A process alone need not have heard of it before the step.
    if (run_->group.size() == 1) asked_to_stop = stop.load(std::memory_order_relaxed);
    const bool stopped = asked_to_stop != 0;
    if (stopped || is_best || patience_is_over ||
        schedule.checkpoint_due(progress.step, progress.cursor)) {
      run_->engine->collect_state();
      run_->tell([&] { observer.on_checkpoint(info(), run_->state); });
      settle(run_->group, run_->failure);
    }
    if (stopped && progress.step < schedule.num_steps()) return TrainingEnd::stopped;
  }
  return TrainingEnd::completed;
}

std::int64_t Trainer::num_steps() const { return run_->schedule->num_steps(); }
const DocumentSplit& Trainer::split() const { return run_->split; }
const ParameterLayout& Trainer::layout() const { return run_->layout; }
const AnyModelState& Trainer::state() const { return run_->state; }

std::vector<StepReport> Trainer::past_reports() const {
  const Run& run = *run_;
  const TrainingHistory& history = run.progress.history;
  std::vector<StepReport> reports;
  std::size_t evaluation = 0;
  for (std::size_t i = 0; i < history.steps.size(); ++i) {
    const std::int64_t step = history.steps[i];
    StepReport report{
        .step = step,
        .epoch = run.schedule->earlier_epoch(run.progress.cursor, run.progress.step - step),
        .loss = history.losses[i],
        .learning_rate = learning_rate_at(run.config, step - 1, run.schedule->num_steps()),
        .positions = 0,
        .seconds = 0,
        .val_loss = {},
        .logged = true};
    while (evaluation < history.val_steps.size() && history.val_steps[evaluation] < step) {
      ++evaluation;
    }
    if (evaluation < history.val_steps.size() && history.val_steps[evaluation] == step) {
      report.val_loss = history.val_losses[evaluation];
    }
    reports.push_back(report);
  }
  return reports;
}

CheckpointInfo Trainer::info() const {
  const Run& run = *run_;
  return {.program_version = program_version(),
          .build = build_description(),
          .config = run.config,
          .step = run.progress.step,
          .epoch = run.schedule->epoch(run.progress.cursor),
          .documents = static_cast<std::int64_t>(run.dataset.documents().size()),
          .dataset_sha256 = run.dataset.sha256(),
          .cursor = run.progress.cursor,
          .code_points = run.dataset.tokenizer().code_points(),
          .random = run.random.state(),
          .history = run.progress.history};
}

}  // namespace microgpt
