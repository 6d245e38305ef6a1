#!/usr/bin/env python3
"""Writes compiler/Import/Tokenizer/UnicodeTables.inc: what tokenizers know of Unicode.

    generate.py > compiler/Import/Tokenizer/UnicodeTables.inc

A tokenizer must cut and change text as the one that its model was trained with. The
`tokenizers` package knows several versions of Unicode at once (its regular expressions,
its lower-casing and its normal forms come from libraries of different ages), so every
table but the combining classes and the pairs that compose is asked of it, for every code
point. Those two are `unicodedata`'s, as far as `tokenizers` agrees.
"""
import sys
import unicodedata

import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

CATEGORIES = ("Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp "
              "Cc Cf Cs Co Cn").split()
POINTS = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000]
EVERYTHING = "".join(map(chr, POINTS))


def matched(pattern):
    """The code points that a class of Oniguruma has."""
    left = pre_tokenizers.Split(Regex(f"(?:{pattern})+"), "removed").pre_tokenize_str(EVERYTHING)
    outside = set()
    for _, (begin, end) in left:
        outside.update(POINTS[begin:end])
    return [point for point in POINTS if point not in outside]


def cut_out(pre_tokenizer):
    """The code points that a pre-tokenizer takes away or sets apart, one by one."""
    return [point for point in POINTS
            if [piece for piece, _ in pre_tokenizer.pre_tokenize_str("a" + chr(point))] != ["a" + chr(point)]]


def mapped(normalizer):
    """{code point: text} where a normalizer changes a code point by itself."""
    return {point: text for point in POINTS if (text := normalizer.normalize_str(chr(point))) != chr(point)}


def ranges(points):
    found = []
    for point in points:
        if found and found[-1][1] == point - 1:
            found[-1][1] = point
        else:
            found.append([point, point])
    return found


def table(name, numbers, comment):
    print(f"/// {comment}\nconstexpr uint32_t {name}[] = {{")
    line = "   "
    for number in numbers:
        word = f" {number:#x}," if number > 9 else f" {number},"
        if len(line) + len(word) > 110:
            print(line)
            line = "   "
        line += word
    print(line + "\n};\n")


def table_of_ranges(name, points, comment):
    table(name, [number for pair in ranges(points) for number in pair], comment + ": first, last, ...")


def flat(mapping):
    for point, text in sorted(mapping.items()):
        yield from (point, len(text), *map(ord, text))


def main():
    print("//===- UnicodeTables.inc - made by tools/unicode/generate.py; do not edit ---===//\n//\n"
          f"// As tokenizers {tokenizers.__version__} and unicodedata {unicodedata.unidata_version} have them.\n//\n"
          "//===----------------------------------------------------------------------===//\n")
    # Surrogates are in no text.
    category = {point: CATEGORIES.index("Cs") for point in range(0xD800, 0xE000)}
    for index, name in enumerate(CATEGORIES):
        if name not in ("Cs", "Cn"):
            category.update(dict.fromkeys(matched(rf"\p{{{name}}}"), index))
    starts, last = [], None
    for point in range(0x110000):
        here = category.get(point, CATEGORIES.index("Cn"))
        if here != last:
            starts.append(point << 8 | here)
        last = here
    table("kCategories", starts, "First code point << 8 | category (the order of `Category`), in ascending order.")
    letters = {"L", "M"}
    plain = [p for p in POINTS if CATEGORIES[category.get(p, 29)][0] in letters or
             CATEGORIES[category.get(p, 29)] in ("Nd", "Nl", "Pc")]
    table_of_ranges("kMoreWords", sorted(set(matched(r"\w")) - set(plain)),
                    r"What \w of Oniguruma has beyond L, M, Nd, Nl and Pc")
    whitespace = pre_tokenizers.Whitespace()
    rust_words = [p for p in POINTS if len(whitespace.pre_tokenize_str("a" + chr(p))) == 1
                  and whitespace.pre_tokenize_str("a" + chr(p))[0][0] != "a"]
    table_of_ranges("kWords", rust_words, r"\w of the pre-tokenizer Whitespace and of added tokens")
    table_of_ranges("kSpaces", [p for p in cut_out(pre_tokenizers.WhitespaceSplit())], "White_Space")
    table_of_ranges("kPunctuation", cut_out(pre_tokenizers.Punctuation()), "What BERT takes for punctuation")
    table_of_ranges("kNumeric", cut_out(pre_tokenizers.Digits(True)), "What the pre-tokenizer Digits sets apart")
    bert = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    clean = mapped(normalizers.BertNormalizer(**{**bert, "clean_text": True}))
    table_of_ranges("kControls", [p for p in clean if clean[p] == ""], "What BERT's cleaning removes")
    table_of_ranges("kIdeographs", list(mapped(normalizers.BertNormalizer(**{**bert, "handle_chinese_chars": True}))),
                    "What BERT puts between spaces")
    accents = mapped(normalizers.StripAccents())
    table_of_ranges("kMarks", [p for p in accents if accents[p] == ""], "What StripAccents removes")
    bare = mapped(normalizers.BertNormalizer(**{**bert, "strip_accents": True}))
    table_of_ranges("kAccents", [p for p in bare if bare[p] == ""], "What BERT removes as accents, after NFD")
    nmt = mapped(normalizers.Nmt())
    table_of_ranges("kNmtRemoved", [p for p in nmt if nmt[p] == ""], "What the normalizer Nmt removes")
    table_of_ranges("kNmtSpaces", [p for p in nmt if nmt[p] == " "], "What it makes a space")
    table("kLower", flat(mapped(normalizers.Lowercase())), "Code point, length, lower case.")
    hangul = range(0xAC00, 0xD7A4)  # by arithmetic
    canonical = {p: text for p, text in mapped(normalizers.NFD()).items() if p not in hangul}
    compatible = {p: text for p, text in mapped(normalizers.NFKD()).items()
                  if p not in hangul and text != canonical.get(p)}
    table("kCanonical", flat(canonical), "Code point, length, full canonical decomposition (NFD).")
    table("kCompatible", flat(compatible), "The same of NFKD, where it differs.")
    compose = normalizers.NFC()
    pairs = []
    for point in POINTS:
        parts = unicodedata.decomposition(chr(point)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            text = "".join(chr(int(part, 16)) for part in parts)
            if compose.normalize_str(text) == chr(point):
                pairs.append((*map(ord, text), point))
    table("kPairs", [number for pair in sorted(pairs) for number in pair], "First, second, what they compose to.")
    classes = []
    for point in POINTS:
        here = unicodedata.combining(chr(point)) if accents.get(point) == "" else 0
        if here and classes and classes[-1][1] == point - 1 and classes[-1][2] == here:
            classes[-1][1] = point
        elif here:
            classes.append([point, point, here])
    table("kCombining", [number for row in classes for number in row], "First, last, combining class.")


if __name__ == "__main__":
    sys.exit(main())
