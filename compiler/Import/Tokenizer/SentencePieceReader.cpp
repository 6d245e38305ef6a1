//===- SentencePieceReader.cpp - the protobuf of a tokenizer.model ----------===//
//
// Compiled with exceptions: protozero reports damage by throwing, and so do the
// fields of Fields.h. Nothing leaves this file.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/Fields.h"
#include "compiler/Import/Tokenizer/SentencePiece.h"

namespace halftone::tokenizer {

using onnx::Reader;

static Piece readPiece(Reader reader) {
  Piece piece;
  while (reader.next())
    switch (reader.tag()) {
    case 1:
      piece.text = onnx::getName(reader, "piece").str();
      break;
    case 2:
      piece.score = onnx::getFloat(reader, "piece");
      break;
    case 3:
      piece.type = static_cast<PieceType>(onnx::getEnum(reader, "piece"));
      break;
    default:
      reader.skip();
    }
  if (piece.type < PieceType::Normal || piece.type > PieceType::Byte)
    onnx::fail("a piece has an unknown type");
  return piece;
}

static void readTrainer(Reader reader, SentencePieceModel &model) {
  while (reader.next())
    switch (reader.tag()) {
    case 3: {
      int32_t type = onnx::getEnum(reader, "trainer's specification");
      if (type != 1 && type != 2)
        onnx::fail("the model is neither Unigram nor BPE");
      model.isUnigram = type == 1;
      break;
    }
    case 24:
      if (onnx::getInt(reader, "trainer's specification"))
        onnx::fail("white space as a suffix of words is not supported");
      break;
    case 41:
      model.begin = static_cast<int32_t>(onnx::getInt(reader, "trainer's specification"));
      break;
    case 42:
      model.end = static_cast<int32_t>(onnx::getInt(reader, "trainer's specification"));
      break;
    default:
      reader.skip();
    }
}

static void readNormalizer(Reader reader, SentencePieceModel &model) {
  while (reader.next())
    switch (reader.tag()) {
    case 2:
      model.charsmap = onnx::getBytes(reader, "normalizer's specification").str();
      break;
    case 3:
      model.addsPrefix = onnx::getInt(reader, "normalizer's specification");
      break;
    case 4:
      model.removesSpaces = onnx::getInt(reader, "normalizer's specification");
      break;
    case 5:
      if (!onnx::getInt(reader, "normalizer's specification"))
        onnx::fail("spaces that stay spaces are not supported");
      break;
    default:
      reader.skip();
    }
}

static SentencePieceModel readModel(llvm::StringRef bytes) {
  SentencePieceModel model;
  Reader reader(bytes.data(), bytes.size());
  while (reader.next())
    switch (reader.tag()) {
    case 1:
      model.pieces.push_back(readPiece(onnx::getMessage(reader, "model")));
      if (model.pieces.size() > kMaxTokens)
        onnx::fail("it has too many pieces");
      break;
    case 2:
      readTrainer(onnx::getMessage(reader, "model"), model);
      break;
    case 3:
      readNormalizer(onnx::getMessage(reader, "model"), model);
      break;
    default:
      reader.skip();
    }
  return model;
}

llvm::Expected<SentencePieceModel> parseSentencePiece(llvm::StringRef bytes) {
  try {
    return readModel(bytes);
  } catch (const onnx::ReadError &error) {
    return llvm::createStringError("%s", error.what());
  } catch (const std::exception &) {
    return llvm::createStringError("it is no tokenizer.model, or damaged");
  }
}

} // namespace halftone::tokenizer
