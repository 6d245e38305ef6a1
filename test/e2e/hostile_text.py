"""Text that tokenizers get wrong: every corner of Unicode that one of their steps looks at."""
import random
import unicodedata

FIXED = [
    "", " ", "  ", "\n", "\n\n\n", "\t \t", "a", " a", "a ", "Hello, world!", "  leading", "trailing   ", "Hello  world   x",
    "don't you'll I'VE we'RE IT'S it’s don 't do not I 'm . , ?", "café cafe\u0301 CAFÉ naïve Ångström A\u030angstro\u0308m",
    "İstanbul ısı ŞẞßſK ΑΣΣ ὈΔΥΣΣΕΎΣ ǅ ǆ ŉ", "1234567890 12 345 6,789.01", "٣٤٥ ४५६ Ⅷ ½ ²³¹ ①",
    "你好,世界!今日は。안녕하세요 각 가\u11a8 \ud7a3\u1100\u1161\u11a8", "שלום עולם مرحبا بالعالم नमस्ते ক্ষ தமிழ் ไทยแลนด์ ລາວ",
    "👩‍👩‍👧‍👦👍🏽🇩🇪🏳️‍🌈 ©️ 𝒜𝔘𝟙 𐐀𐐨", "\u200b\u200c\u200d\ufeff\u00ad\u2060", "a\u0300\u0301\u0302\u0327b \u0301start \u0344\u0958\u2126\u212b",
    "x\x00y\x01\x1f\x7f\x80\x9f", "\u2028\u2029\u0085\u00a0\u3000\u1680", "\r\n\r\n \r\n", "=====>>>>> ---- ####",
    "https://example.com/a?b=c&d=%20#e snake_case camelCase HTTPServer x86_64 A.B.C. e.g. U.S.",
    "<|endoftext|> <s> </s> [CLS] [MASK] <unk> <0x41><0xE2> ##pre ##fix ▁under▁score ▁ Ġbyte Ċ",
    "ﬁ ﬂ ﬀ ℌ ㎏ ｆｕｌｌ ＡＢＣ ﷺ", "\U0010ffff\U000e0001\ue000\ufffd\ufffe", "a" * 500, " " * 300, "\n" * 200, "7" * 300,
    "é" * 200, "\u0301" * 100, "😀" * 60, "한국어" * 30, "the " * 200,
]
WORDS = ("the of and hello World don't it's we'll 123 4567 3.14 foo_bar x+y=z <s> </s> [SEP] <|endoftext|> café naïve über "
         "日本 語 ☃ 👍🏽").split()
SPACES = [" ", "  ", "\n", "\t", "\r\n", "\u3000", "\u00a0"]


def corpus(seed, count):
    """The fixed texts and `count` random ones."""
    chance = random.Random(seed)
    points = [chr(point) for point in range(0x110000)
              if not 0xD800 <= point < 0xE000 and unicodedata.category(chr(point)) != "Cn"]
    latin = [chr(point) for point in range(0x20, 0x250)]
    basic = [point for point in points if ord(point) < 0x3000]
    marks = [point for point in points if 0x300 <= ord(point) < 0x370]

    def some(make, most=40):
        return "".join(make() for _ in range(chance.randrange(1, most)))

    def anything():
        return chance.choice([
            lambda: chance.choice(WORDS), lambda: chance.choice(SPACES) * chance.randrange(1, 6), lambda: chance.choice(points),
            lambda: chance.choice("0123456789") * chance.randrange(1, 9),
            lambda: chance.choice("!?.,;:'\"") * chance.randrange(1, 4)])()

    kinds = [
        lambda: some(lambda: chance.choice(points)),
        lambda: some(lambda: chance.choice(latin)),
        lambda: some(lambda: chance.choice(WORDS) + chance.choice([*SPACES, "", " ", " "])),
        lambda: some(lambda: chance.choice(basic) + chance.choice(["", "", "", " "])),
        lambda: some(lambda: chance.choice("abcxyz .,") + "".join(chance.choices(marks, k=chance.randrange(3)))),
        lambda: some(anything),
    ]
    return FIXED + [chance.choice(kinds)() for _ in range(count)]
