//===- CharacterSet.h - sets of code points ---------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_TOKENIZER_CHARACTERSET_H
#define HALFTONE_COMPILER_IMPORT_TOKENIZER_CHARACTERSET_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace halftone::tokenizer {

/// A set of code points, as ranges that ascend and do not touch.
class CharacterSet {
public:
  struct Range {
    uint32_t first, last;
    bool operator==(const Range &) const = default;
  };

  CharacterSet() = default;
  CharacterSet(std::initializer_list<Range> list) {
    for (Range range : list)
      add(range.first, range.last);
  }
  /// From first, last, first, last, …
  static CharacterSet fromTable(llvm::ArrayRef<uint32_t> table);

  void add(uint32_t first, uint32_t last);
  void add(const CharacterSet &other);
  CharacterSet complement() const;
  CharacterSet intersect(const CharacterSet &other) const;
  /// With every letter that differs from one inside in its case only.
  CharacterSet foldCase() const;
  bool contains(uint32_t point) const;

  llvm::ArrayRef<Range> ranges() const { return list; }
  bool operator==(const CharacterSet &) const = default;

private:
  std::vector<Range> list;
};

/// The set that `\p{name}` names: a general category (L, Lu, …; "Letter" and such
/// as well), a script (Han, …) or a property that patterns use; nullopt for others.
std::optional<CharacterSet> findProperty(llvm::StringRef name);

/// \s, \d and \w as Oniguruma has them; \w of Rust's regular expressions.
const CharacterSet &spaces();
const CharacterSet &digits();
const CharacterSet &words();
const CharacterSet &rustWords();

} // namespace halftone::tokenizer

#endif
