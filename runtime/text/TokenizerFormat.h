//===- TokenizerFormat.h - the compiled form of a tokenizer ---------------===//
//
// Written by compiler/Import/Tokenizer/Writer.cpp, read where it lies: in a
// program's payload, or in a file. All numbers are little-endian; every section
// begins at a multiple of 8 bytes from the start, which is itself aligned so.
//
// The form knows nothing of Unicode or of regular expressions: what a tokenizer
// needs of them was compiled into it as classes of code points, maps and code
// for the matcher of Pattern.h.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_RUNTIME_TEXT_TOKENIZERFORMAT_H
#define HALFTONE_RUNTIME_TEXT_TOKENIZERFORMAT_H

#include <cstdint>

namespace halftone::rt {

constexpr char tokenizerMagic[8] = {'H', 'T', 'T', 'O', 'K', 'E', 'N', '\n'};
constexpr uint32_t tokenizerVersion = 1;
constexpr uint32_t noToken = ~uint32_t(0), noPattern = ~uint32_t(0);

enum class TokenizerModel : uint32_t {
  BytePairs,
  WordPiece,
  WordLevel,
  Unigram
};

/// Bits of `TokenizerHeader::flags`.
enum TokenizerFlag : uint32_t {
  flagBytes = 1u << 0, ///< byte pairs begin with bytes, not with code points
  flagByteFallback =
      1u << 1, ///< what is not in the vocabulary becomes tokens for its bytes
  flagFuseUnknown = 1u << 2, ///< unknown neighbours are one unknown token
  flagWholeWords = 1u << 3,  ///< a word that is a token is not looked into
  flagByteTokens =
      1u << 4, ///< decoding: runs of tokens for bytes must be UTF-8
  flagFloatScores =
      1u << 5, ///< scores are summed in f32, as sentencepiece does it
};

/// Bytes of the section Pool.
struct PoolSpan {
  uint32_t offset, size;
};

enum TokenizerSection : uint32_t {
  sectionPool,  ///< bytes that others name
  sectionTrie,  ///< TrieNode: the vocabulary's pieces as they are looked up
  sectionTexts, ///< PoolSpan × tokens: what a token adds to decoded text
  sectionFirstTexts, ///< FirstText, ascending: the same at the text's
                     ///< beginning, where it differs
  sectionKinds,      ///< u8 × tokens: TokenKind
  sectionScores,     ///< f64 × tokens, of a Unigram model
  sectionMergeRows,  ///< u32 × (tokens + 1): where the merges of a left token
                     ///< begin
  sectionMerges,     ///< Merge, by left and right token
  sectionByteIds,    ///< u32 × 256: the tokens of bytes
  sectionAdded,      ///< AddedToken
  sectionAddedTrie,  ///< TrieNode: contents found in the text as it is
  sectionNormalTrie, ///< TrieNode: contents found in normalized text
  sectionNormalizer, ///< u32: NormalizerStep and its operands, one after the
                     ///< other
  sectionPreTokens,  ///< u32: PreTokenStep and its operands
  sectionPrefix,     ///< u32: tokens before a text
  sectionSuffix,     ///< u32: tokens behind it
  sectionPatterns,   ///< u32: how many, where each begins, code (Pattern.h)
  sectionClasses, ///< u32: how many, where each begins, code points (Pattern.h)
  sectionLower,   ///< CharacterMap, ascending
  sectionCanonical,  ///< CharacterMap: full canonical decompositions
  sectionCompatible, ///< CharacterMap: full compatibility decompositions, where
                     ///< these differ
  sectionPairs,      ///< ComposedPair, ascending
  sectionCombining,  ///< CombiningRange, ascending
  sectionCharsmap, ///< sentencepiece's precompiled map: u32 bytes of its trie,
                   ///< u32 0, trie, texts
  numTokenizerSections
};

struct TokenizerSpan {
  uint32_t offset, size;
};

struct TokenizerHeader {
  char magic[8];
  uint32_t version;
  uint32_t size; ///< of everything
  uint32_t model;
  uint32_t flags;
  uint32_t numTokens;
  uint32_t unknown; ///< the token for what is not in the vocabulary, or noToken
  uint32_t begin, end; ///< tokens that begin and end a text, or noToken
  uint32_t
      longestWord; ///< WordPiece: longer words, in code points, are unknown
  uint32_t
      strippedLeft; ///< decoding: how many `strippedText` go from the beginning
  PoolSpan strippedText;
  PoolSpan continuing; ///< what stands before a piece inside a word
  PoolSpan wordEnd;    ///< what stands behind a piece at a word's end
  double unknownScore; ///< Unigram: of a code point that no piece covers
  TokenizerSpan sections[numTokenizerSections];
};

/// A double array: the child of node n for byte b is c = base[n] + b + 1 where
/// check[c] = n. A node that ends a key has a child for "no byte", base[n],
/// whose own base is the key's value. Node 0 is the root.
struct TrieNode {
  uint32_t base, check;
};

/// Bits of what a token is.
enum TokenKind : uint8_t {
  kindExists = 1,  ///< ids may have holes
  kindSpecial = 2, ///< not part of the text
  kindByte = 4,    ///< decoding: its text is one byte
};

struct FirstText {
  uint32_t token;
  PoolSpan text;
};

struct Merge {
  uint32_t right;
  uint32_t rank; ///< lower ones come first
  uint32_t result;
};

enum AddedTokenFlag : uint32_t {
  addedStripLeft = 1,  ///< takes the white space before it
  addedStripRight = 2, ///< and behind it
  addedWord = 4,       ///< only where no word goes on before or behind it
};

struct AddedToken {
  uint32_t token, flags;
};

struct CharacterMap {
  uint32_t point;
  PoolSpan text;
};

struct ComposedPair {
  uint32_t first, second, composed;
};

struct CombiningRange {
  uint32_t first, last, combiningClass;
};

/// A step of the normalizer, followed by its operands.
enum class NormalizerStep : uint32_t {
  Replace, ///< pattern, keep, before (offset, size), after: each match becomes
           ///< before + (match) + after
  Lower,   ///< -
  Decompose, ///< compatible
  Compose,   ///< -
  Prepend,   ///< text (offset, size), unless continued: before text that is not
             ///< empty
  Strip,     ///< class, left, right: code points of the class at the ends
  Charsmap,  ///< pattern of grapheme clusters, or noPattern: the longest match
             ///< at each place
};

enum class SplitBehavior : uint32_t {
  Removed,
  Isolated,
  MergedWithPrevious,
  MergedWithNext,
  Contiguous
};
enum class PrependScheme : uint32_t { Never, First, Always };

/// A step of the pre-tokenizer, followed by its operands.
enum class PreTokenStep : uint32_t {
  Split,       ///< pattern, SplitBehavior, inverted
  Metaspace,   ///< replacement (offset, size), PrependScheme, split
  PrefixSpace, ///< -: a space before every piece that has none
};

/// The classes that every tokenizer has, by index: white space; what \b looks
/// at; what words are made of around added tokens.
constexpr uint32_t classSpace = 0, classWord = 1, classAddedWord = 2,
                   numFixedClasses = 3;

} // namespace halftone::rt

#endif
