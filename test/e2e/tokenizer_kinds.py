"""Tokenizers of every kind that models have, trained on the spot by the `tokenizers` package."""
import json

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)

from hostile_text import corpus

LLAMA_3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
           r"|\s+(?!\S)|\s+")
QWEN_2 = LLAMA_3.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
            r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
BEHAVIORS = ["isolated", "removed", "contiguous", "merged_with_previous", "merged_with_next"]


def split(regex, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(regex), behavior, invert)


def byte_level(lines, *steps, normalizer=None, prefix_space=False, regex=False, **model):
    tokenizer = Tokenizer(models.BPE(**model))
    last = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space, use_regex=regex)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*steps, last]) if steps else last
    tokenizer.decoder = decoders.ByteLevel()
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=1200, special_tokens=["<|endoftext|>", "<|im_start|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.add_special_tokens(["<|end|>"])
    tokenizer.add_tokens([AddedToken("foo_bar", single_word=True), AddedToken("   ", normalized=False),
                          AddedToken("☃", lstrip=True, rstrip=True)])
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|im_start|> $A <|endoftext|>",
                                      special_tokens=[("<|im_start|>", 1), ("<|endoftext|>", 0)])])
    return tokenizer


def byte_fallback(lines, normalizer, pre_tokenizer, decoder):
    """Of the kind that sentencepiece makes: a mark for spaces, bytes for what is unknown."""
    trained = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=1500, limit_alphabet=200, show_progress=False,
        special_tokens=["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]))
    model = json.loads(trained.to_str())["model"]
    tokenizer = Tokenizer(models.BPE(vocab=model["vocab"], merges=[tuple(merge) for merge in model["merges"]],
                                     unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoder
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


def word_piece(lines, most=100, **options):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=most))
    tokenizer.normalizer = normalizers.BertNormalizer(**options)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(lines, trainers.WordPieceTrainer(
        vocab_size=1500, limit_alphabet=400, show_progress=False,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def unigram(lines, normalizer, pre_tokenizer, decoder, bytes_too=False):
    tokenizer = Tokenizer(models.Unigram())
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoder
    special = ["<pad>", "</s>", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256) if bytes_too)]
    # The trainer wants room for every letter that it sees.
    few = ["".join(letter for letter in line if ord(letter) < 0x180) for line in lines]
    tokenizer.train_from_iterator(filter(None, few), trainers.UnigramTrainer(
        vocab_size=1600, special_tokens=special, unk_token="<unk>", show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    if bytes_too:
        whole = json.loads(tokenizer.to_str())
        whole["model"]["byte_fallback"] = True
        tokenizer = Tokenizer.from_str(json.dumps(whole))
    return tokenizer


def word_level(lines):
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(lines, trainers.WordLevelTrainer(vocab_size=2000, special_tokens=["[UNK]"],
                                                                   show_progress=False))
    return tokenizer


def decorated(lines):
    """Pieces that say where in a word they stand."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>", continuing_subword_prefix="@@"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.Replace(Regex(r"\s+"), " "),
                                                 normalizers.Lowercase(), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(True),
                                                       pre_tokenizers.Punctuation("contiguous")])
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=1500, special_tokens=["<unk>"], end_of_word_suffix="</w>", continuing_subword_prefix="@@",
        limit_alphabet=150, show_progress=False))
    return tokenizer


def spaces_back(*more):
    return decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *more])


def marked():
    return normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])


strip = decoders.Strip(" ", 1, 0)
metaspace = pre_tokenizers.Metaspace

KINDS = {
    "gpt2": lambda lines: byte_level(lines, regex=True),
    "gpt2-prefix-space": lambda lines: byte_level(lines, regex=True, prefix_space=True),
    "llama3": lambda lines: byte_level(lines, split(LLAMA_3), ignore_merges=True),
    "qwen2": lambda lines: byte_level(lines, split(QWEN_2), normalizer=normalizers.NFC()),
    "o200k": lambda lines: byte_level(lines, split(O200K)),
    "deepseek": lambda lines: byte_level(lines, split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK)),
    "digits-from-the-right": lambda lines: byte_level(lines, split(r"\d{1,3}(?=(?:\d{3})*\b)"), regex=True),
    "starcoder": lambda lines: byte_level(lines, pre_tokenizers.Digits(individual_digits=True), regex=True),
    "llama2": lambda lines: byte_fallback(lines, marked(), None, spaces_back(strip)),
    "mistral": lambda lines: byte_fallback(lines, None, metaspace(prepend_scheme="first", split=False),
                                           spaces_back(strip)),
    "gemma": lambda lines: byte_fallback(lines, normalizers.Replace(" ", "▁"),
                                         pre_tokenizers.Split(" ", "merged_with_previous"), spaces_back()),
    "bert-uncased": lambda lines: word_piece(lines, lowercase=True),
    "bert-cased": lambda lines: word_piece(lines, lowercase=False),
    "bert-odd": lambda lines: word_piece(lines, most=8, lowercase=True, strip_accents=False,
                                         handle_chinese_chars=False, clean_text=False),
    "t5": lambda lines: unigram(lines, None, pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace()]),
                                decoders.Metaspace()),
    "xlm-r": lambda lines: unigram(lines, normalizers.NFKC(), metaspace(), decoders.Metaspace()),
    "unigram-bytes": lambda lines: unigram(
        lines, normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]),
        metaspace(prepend_scheme="first"),
        decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first")]), bytes_too=True),
    "word-level": word_level,
    "decorated": decorated,
}


def random_tokenizer(lines, chance, kind):
    """A model of the kind behind steps that nobody would put together."""
    norms = [
        normalizers.NFC, normalizers.NFD, normalizers.NFKC, normalizers.NFKD, normalizers.Lowercase,
        normalizers.StripAccents, normalizers.Nmt, normalizers.BertNormalizer, lambda: normalizers.Prepend("▁"),
        lambda: normalizers.Strip(chance.random() < 0.5, chance.random() < 0.5),
        lambda: normalizers.Replace(Regex(chance.choice([r"[aeiou]{2}", r"\s+", r"(?<=a)b|x*y", r"\p{P}+"])),
                                    chance.choice(["", "_", " ", "ab"]))]
    regexes = ["th", Regex(r"\w+?"), Regex(r"[A-Z]?[a-z]++"), Regex(r"(?>a|ab)c|\d+(?!\.)"), Regex(r"(?<!\s)\b"),
               Regex(r"[^\W\d_]{2,4}?"), Regex(r"(?i:st|ı|k)+"), Regex(r"[a-z&&[^aeiou]]+"),
               Regex(r"\p{Han}|\p{Hiragana}+"), Regex(r"(?:ab|a(?=c))*\s")]
    pres = [
        pre_tokenizers.Whitespace, pre_tokenizers.WhitespaceSplit, pre_tokenizers.BertPreTokenizer,
        lambda: pre_tokenizers.Punctuation(chance.choice(BEHAVIORS)),
        lambda: pre_tokenizers.Digits(chance.random() < 0.5),
        lambda: pre_tokenizers.CharDelimiterSplit(chance.choice("e .")),
        lambda: metaspace(prepend_scheme=chance.choice(["always", "never"]), split=chance.random() < 0.5),
        lambda: pre_tokenizers.Split(chance.choice(regexes), chance.choice(BEHAVIORS), chance.random() < 0.3)]
    options = dict(special_tokens=["<unk>", "<s>"], show_progress=False)
    model, trainer = {
        "BPE": (lambda: models.BPE(unk_token="<unk>", fuse_unk=chance.random() < 0.5),
                lambda: trainers.BpeTrainer(vocab_size=600, limit_alphabet=100, **options)),
        "WordPiece": (lambda: models.WordPiece(unk_token="<unk>"),
                      lambda: trainers.WordPieceTrainer(vocab_size=600, limit_alphabet=100, **options)),
        "Unigram": (models.Unigram, lambda: trainers.UnigramTrainer(vocab_size=1000, unk_token="<unk>", **options)),
        "WordLevel": (lambda: models.WordLevel(unk_token="<unk>"),
                      lambda: trainers.WordLevelTrainer(vocab_size=600, **options)),
    }[kind]
    tokenizer = Tokenizer(model())
    tokenizer.normalizer = normalizers.Sequence([chance.choice(norms)() for _ in range(chance.randrange(4))])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([chance.choice(pres)() for _ in range(chance.randrange(1, 4))])
    decoder = chance.choice([None, decoders.Metaspace(), decoders.WordPiece(cleanup=chance.random() < 0.5)])
    if decoder:
        tokenizer.decoder = decoder
    few = ["".join(letter for letter in line if ord(letter) < 0x180) for line in lines]
    tokenizer.train_from_iterator(filter(None, few), trainer())
    tokenizer.add_tokens([AddedToken("Hello", single_word=chance.random() < 0.5, lstrip=chance.random() < 0.5,
                                     rstrip=chance.random() < 0.5), AddedToken("é")])
    return tokenizer


def training_lines(book):
    """Prose and what it never has."""
    return book.read_text(encoding="utf-8")[:60000].split("\n") + corpus(7, 300)
