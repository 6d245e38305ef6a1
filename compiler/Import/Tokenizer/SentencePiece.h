//===- SentencePiece.h - models of sentencepiece ----------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_TOKENIZER_SENTENCEPIECE_H
#define HALFTONE_COMPILER_IMPORT_TOKENIZER_SENTENCEPIECE_H

#include "compiler/Import/Tokenizer/Description.h"

namespace halftone::tokenizer {

/// Numbers are those of sentencepiece_model.proto, and of GGUF's token_type.
enum class PieceType { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };

struct Piece {
  std::string text;
  float score = 0;
  PieceType type = PieceType::Normal;
};

/// What a tokenizer.model says, or a GGUF file about such a model.
struct SentencePieceModel {
  std::vector<Piece> pieces;
  bool isUnigram = true; ///< else byte pairs
  bool addsPrefix = true, removesSpaces = true;
  bool addsBegin = false, addsEnd = false; ///< tokens around a text
  int64_t begin = 1, end = 2;              ///< their ids, negative: none
  std::string charsmap;
};

/// The tokenizer of a model. Control pieces are found in text, as chat formats
/// need it; sentencepiece itself leaves that to its callers.
llvm::Expected<Description> describeSentencePiece(const SentencePieceModel &model);

/// Reads a tokenizer.model. Never throws.
llvm::Expected<SentencePieceModel> parseSentencePiece(llvm::StringRef bytes);

} // namespace halftone::tokenizer

#endif
