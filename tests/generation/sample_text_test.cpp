// The text that is drawn, character for character that of the formulas and CPython's choices.
#include <gtest/gtest.h>

#include "support.hpp"

namespace microgpt {
namespace {

TEST(SampleText, IsThatOfTheFormulas) {
  Writer<double> writer;
  const auto plain = writer.model.plain();
  for (const double temperature : {0.1, 0.5, 1.0, 3.0}) {
    for (const bool stop_at_bos : {true, false}) {
      for (std::uint64_t seed = 0; seed < 5; ++seed) {
        const SampleOptions options{temperature, 30, stop_at_bos};
        EXPECT_EQ(writer.write(options, seed),
                  write_plainly(plain, writer.model.shape, writer.tokenizer, options, seed))
            << "temperature " << temperature << ", seed " << seed;
      }
    }
  }
}

// Shorter than a block, as long, longer: the window slides from the first character on.
TEST(SampleText, GoesOnBehindAPromptOfAnyLength) {
  Writer<double> writer;
  const auto plain = writer.model.plain();
  const SampleOptions options{1.0, 20, false};
  std::vector<Token> prompt;
  for (Token length = 0; length < 15; ++length) {
    EXPECT_EQ(writer.write(options, 7, prompt),
              write_plainly(plain, writer.model.shape, writer.tokenizer, options, 7, prompt))
        << "a prompt of " << length;
    prompt.push_back(length % 8);
  }
}

TEST(SampleText, SlidesOverABlockOfOne) {
  Writer<double> writer(U"abc", 1);
  const auto plain = writer.model.plain();
  const SampleOptions options{1.0, 50, false};
  EXPECT_EQ(writer.write(options, 3),
            write_plainly(plain, writer.model.shape, writer.tokenizer, options, 3));
}

// The most probable characters do not depend on the last digits of the logits.
TEST(SampleText, IsThatOfTheFormulasInFloatWhereNothingIsClose) {
  Writer<float> writer;
  const SampleOptions options{1e-3, 30, true};
  EXPECT_EQ(writer.write(options, 1),
            write_plainly(writer.model.plain(), writer.model.shape, writer.tokenizer, options, 1));
}

}  // namespace
}  // namespace microgpt
