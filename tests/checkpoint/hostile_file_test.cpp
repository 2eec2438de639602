// Files whose seal is right and whose contents are not: made on purpose, or by a faulty program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <ostream>

#include "checkpoint/edited_checkpoint.hpp"
#include "microgpt/error.hpp"

namespace microgpt {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct Case {
  const char* name;
  std::function<void(hid_t)> change;
  const char* message;
};

std::ostream& operator<<(std::ostream& stream, const Case& hostile) {
  return stream << hostile.name;
}

class HostileFileTest : public testing::TestWithParam<Case> {};

TEST_P(HostileFileTest, IsRefused) {
  const TemporaryFolder folder;
  const auto file = folder / "step.h5";
  write_edited(file, GetParam().change);
  EXPECT_THAT(message_of<InputError>([&] { (void)read_checkpoint(file); }),
              AllOf(StartsWith(file.string() + ": damaged: " + GetParam().message),
                    EndsWith("; use an earlier checkpoint"), Not(HasSubstr("\n"))));
}

/// A change of the config's text.
std::function<void(hid_t)> config(const std::string& from, const std::string& to) {
  return [from, to](hid_t file) {
    std::string text = to_yaml(small_info(Precision::float32).config);
    text.replace(text.find(from), from.size(), to);
    replace_attribute(file, "/", "config", text);
  };
}

template <class Value>
std::function<void(hid_t)> attribute(const char* object, const char* name, Value value) {
  return [=](hid_t file) { replace_attribute(file, object, name, value); };
}

template <class Number>
std::function<void(hid_t)> dataset(const char* path, std::vector<hsize_t> extents,
                                   std::vector<Number> values) {
  return [=](hid_t file) { replace_dataset(file, path, extents, values); };
}

/// Replaces /model/wpe (3 x 4) by one that is created with other properties.
std::function<void(hid_t)> stored(const std::function<void(hid_t)>& set_properties) {
  return [=](hid_t file) {
    remove_object(file, "/model/wpe");
    const hsize_t extents[] = {3, 4};
    const hdf5::Space space(H5Screate_simple(2, extents, nullptr), "make");
    const hdf5::Properties creation(H5Pcreate(H5P_DATASET_CREATE), "make");
    set_properties(creation);
    const hdf5::Dataset wpe(
        H5Dcreate2(file, "/model/wpe", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT),
        "make");
  };
}

const std::string some_text = "text";
const std::vector<std::int64_t> one_number{1};

const Case object_cases[] = {
    {"MissingGroup", [](hid_t file) { remove_object(file, "/data"); }, "cannot find /data: "},
    {"SoftLink",
     [](hid_t file) {
       H5Lmove(file, "/model/wte", file, "/model/moved", H5P_DEFAULT, H5P_DEFAULT);
       H5Lcreate_soft("/model/moved", file, "/model/wte", H5P_DEFAULT, H5P_DEFAULT);
     },
     "/model/wte is a link"},
    {"LinkToAnotherFile",
     [](hid_t file) {
       remove_object(file, "/optimizer");
       H5Lcreate_external("other.h5", "/optimizer", file, "/optimizer", H5P_DEFAULT, H5P_DEFAULT);
     },
     "/optimizer is a link"},
    {"NumbersInAnotherFile",
     stored([](hid_t properties) { H5Pset_external(properties, "/etc/passwd", 0, 48); }),
     "/model/wpe is not stored in one piece"},
    {"NumbersOfOtherDatasets", stored([](hid_t properties) {
       const hsize_t extents[] = {3, 4};
       const hdf5::Space space(H5Screate_simple(2, extents, nullptr), "make");
       H5Pset_virtual(properties, space, "other.h5", "/x", space);
     }),
     "/model/wpe is not stored in one piece"},
    {"CompressedNumbers", stored([](hid_t properties) {
       const hsize_t chunk[] = {3, 4};
       H5Pset_chunk(properties, 2, chunk);
       H5Pset_deflate(properties, 9);
     }),
     "/model/wpe is not stored in one piece"},
    {"NumbersThatWereNeverWritten", stored([](hid_t) {}),
     "/model/wpe has not as many bytes as its extents say"},
    {"NumbersOfAnotherType", dataset("/model/wpe", {3, 4}, std::vector<double>(12)),
     "/model/wpe holds numbers of another type than expected"},
    {"OtherExtents", dataset("/model/wpe", {4, 3}, std::vector<float>(12)),
     "/model/wpe has 4 x 3 numbers, where the config asks for 3 x 4"},
    {"OtherRank", dataset("/model/wpe", {12}, std::vector<float>(12)),
     "/model/wpe has not 2 dimension(s)"},
    {"ListWithTwoDimensions", dataset("/history/loss", {3, 1}, std::vector<double>(3)),
     "/history/loss has not 1 dimension(s)"},
    {"GroupForADataset",
     [](hid_t file) {
       remove_object(file, "/history/loss");
       (void)hdf5::create_group(file, "/history/loss");
     },
     "cannot open /history/loss: "},
};

const Case attribute_cases[] = {
    {"TextForANumber", attribute("/", "step", some_text),
     "attribute /step is of another type than expected"},
    {"FractionForAWholeNumber", attribute("/data", "cursor", 160.0),
     "attribute /data/cursor is of another type than expected"},
    {"NumberForAText", attribute("/", "build", std::int64_t{1}), "attribute /build is not text"},
    {"ManyForOne",
     [](hid_t file) {
       H5Adelete(file, "epoch");
       const hsize_t extent = 2;
       const hdf5::Space space(H5Screate_simple(1, &extent, nullptr), "make");
       const hdf5::Attribute epoch(
           H5Acreate2(file, "epoch", H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT), "make");
     },
     "attribute /epoch is not one value"},
    {"OtherFormat", attribute("/", "format", some_text), "format is not microgpt"},
    {"VersionZero", attribute("/", "format_version", std::int64_t{0}), "format_version is 0"},
};

const Case content_cases[] = {
    {"UnknownKey", config("n_layer", "n_tiers"), "config:4: unknown key 'n_tiers'"},
    {"NoDataset", config("/data/names.txt", "''"), "config:1: dataset is empty"},
    {"HeadsThatDoNotDivide", config("n_head: 2", "n_head: 3"),
     "n_embd 4 (config:5) cannot be divided by n_head 3 (config:6): change one of them"},
    {"ModelLargerThanTheFile", config("n_layer: 2", "n_layer: 1000"),
     "it is too small for the model that its config describes"},
    {"WiderModelThanTheFile", config("n_embd: 4", "n_embd: 65536"),
     "it is too small for the model that its config describes"},
    {"MoreLayersThanTheFile", config("n_layer: 2", "n_layer: 3"),
     "cannot find /model/layer2.attn_wq: "},
    {"BatchOfThreads", config("batch_size: 8", "batch_size: threads"),
     "batch_size is not a number"},
    {"OtherPrecision", config("float32", "float64"),
     "/model/wte holds numbers of another type than expected"},
    {"WeightThatIsNoNumber",
     dataset("/model/wpe", {3, 4}, std::vector<float>(12, std::numeric_limits<float>::quiet_NaN())),
     "a parameter is not finite"},
    {"ShortGenerator", dataset("/random/mt19937", {3}, std::vector<std::uint32_t>(3)),
     "/random is not the state of an MT19937"},
    {"PositionBehindTheEnd", attribute("/random", "position", std::int64_t{625}),
     "/random is not the state of an MT19937"},
    {"HalfAHistory", dataset("/history/val_step", {1}, one_number),
     "the history has not one loss for each step"},
};

std::string name_of(const testing::TestParamInfo<Case>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Objects, HostileFileTest, testing::ValuesIn(object_cases), name_of);
INSTANTIATE_TEST_SUITE_P(Attributes, HostileFileTest, testing::ValuesIn(attribute_cases), name_of);
INSTANTIATE_TEST_SUITE_P(Contents, HostileFileTest, testing::ValuesIn(content_cases), name_of);

TEST(EditedCheckpointTest, IsReadWhereNothingIsWrong) {
  const TemporaryFolder folder;
  write_edited(folder / "step.h5",
               [](hid_t file) { replace_attribute(file, "/", "step", std::int64_t{21}); });
  EXPECT_EQ(read_checkpoint(folder / "step.h5").info.step, 21);
}

}  // namespace
}  // namespace microgpt
