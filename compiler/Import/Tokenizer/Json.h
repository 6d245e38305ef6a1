//===- Json.h - the parts of tokenizer.json ---------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_TOKENIZER_JSON_H
#define HALFTONE_COMPILER_IMPORT_TOKENIZER_JSON_H

#include "compiler/Import/Tokenizer/Description.h"

#include "llvm/Support/JSON.h"

namespace halftone::tokenizer {

/// What the parts have to know of each other.
struct JsonContext {
  Description description;
  bool byteLevel = false; ///< words reach the model as letters for bytes
};

// Each takes the part of that name, null where the file has none.
llvm::Error readModel(JsonContext &context, const llvm::json::Value *part);
llvm::Error readNormalizer(JsonContext &context, const llvm::json::Value *part);
llvm::Error readPreTokenizer(JsonContext &context, const llvm::json::Value *part);
llvm::Error readPostProcessor(JsonContext &context, const llvm::json::Value *part);
llvm::Error readDecoder(JsonContext &context, const llvm::json::Value *part);

/// `part` as an object with a "type"; null for null; else an error that names `what`.
llvm::Expected<const llvm::json::Object *> getTyped(const llvm::json::Value *part, llvm::StringRef what,
                                                    llvm::StringRef &type);

/// A field that must be there.
llvm::Expected<llvm::StringRef> getText(const llvm::json::Object &object, llvm::StringRef key,
                                        llvm::StringRef what);

inline bool getFlag(const llvm::json::Object &object, llvm::StringRef key, bool fallback = false) {
  return object.getBoolean(key).value_or(fallback);
}

/// {"String": …} or {"Regex": …} as a pattern.
llvm::Expected<uint32_t> getPattern(PatternTable &patterns, const llvm::json::Object &object,
                                    llvm::StringRef what);

/// How a Metaspace puts its mark in front: "prepend_scheme", or the older
/// "add_prefix_space".
llvm::Expected<rt::PrependScheme> getPrependScheme(const llvm::json::Object &object);

/// The byte string that letters of byte-level vocabularies stand for; nullopt
/// where one of them stands for no byte.
std::optional<std::string> fromByteLetters(llvm::StringRef letters);

/// Fills `byteIds` from the tokens <0x00> … <0xFF>.
void findByteTokens(Description &description, const llvm::StringMap<uint32_t> &ids);

} // namespace halftone::tokenizer

#endif
