//===- Normalizer.cpp - text before it is cut into words ------------------===//

#include "runtime/text/Normalizer.h"

namespace halftone::rt {

static void append(Array<char> &result, TextView text) {
  result.append(text.data, text.size);
}

static void lowerCase(const TokenizerTables &tables, TextView text,
                      Array<char> &result) {
  for (size_t at = 0; at < text.size;) {
    uint32_t point = nextCodePoint(text, at);
    if (point < 0x80) {
      result.push(static_cast<char>(point - 'A' < 26 ? point | 32 : point));
      continue;
    }
    size_t i = tables.lower.lowerBound(
        point, [](const CharacterMap &map) { return map.point; });
    if (i < tables.lower.count && tables.lower[i].point == point)
      append(result, tables.text(tables.lower[i].text));
    else
      appendCodePoint(result, point);
  }
}

static bool replace(const TokenizerTables &tables, Matcher &matcher,
                    const uint32_t *operands, TextView text,
                    Array<char> &result, bool &beginKept) {
  Pattern pattern = tables.patterns[operands[0]];
  bool keep = operands[1];
  TextView before = tables.text({operands[2], operands[3]}),
           after = tables.text({operands[4], operands[5]});
  size_t from = 0, done = 0, begin, end;
  while (matcher.find(pattern, text, from, begin, end)) {
    if (end ==
        begin) { // Nothing to replace: looks on behind the next code point.
      if (end == text.size)
        break;
      from = end;
      nextCodePoint(text, from);
      continue;
    }
    append(result, text.slice(done, begin));
    append(result, before);
    if (keep)
      append(result, text.slice(begin, end));
    append(result, after);
    if (begin == 0 && !keep && before.size + after.size == 0)
      beginKept = false;
    from = done = end;
  }
  append(result, text.slice(done, text.size));
  return !matcher.exhausted();
}

static void strip(const CharacterClass &set, bool left, bool right,
                  TextView text, Array<char> &result, bool &beginKept) {
  size_t begin = 0, end = text.size;
  for (size_t next = begin;
       left && begin < end && set.contains(nextCodePoint(text, next));
       begin = next)
    beginKept = false;
  while (right && end > begin) {
    size_t last = previousCodePoint(text, end), next = last;
    if (!set.contains(nextCodePoint(text, next)))
      break;
    end = last;
  }
  append(result, text.slice(begin, end));
}

/// What the precompiled map has for the shortest or the longest beginning of
/// `chunk` that it knows, of `bytes`: sentencepiece's own trie, as Darts lays
/// it out.
static bool lookUp(const TokenizerTables &tables, TextView chunk, bool longest,
                   TextView &found, size_t &bytes) {
  Table<uint32_t> units = tables.charsmapUnits;
  auto offsetOf = [](uint32_t unit) {
    return (unit >> 10) << ((unit & (1u << 9)) >> 6);
  };
  bytes = 0;
  size_t node = offsetOf(units[0]);
  for (size_t i = 0; i < chunk.size && (longest || bytes == 0); ++i) {
    unsigned char byte = static_cast<unsigned char>(chunk.data[i]);
    node ^= byte;
    if (byte == 0 || node >= units.count ||
        (units[node] & (1u << 31 | 0xff)) != byte)
      break;
    bool ends = units[node] >> 8 & 1;
    node ^= offsetOf(units[node]);
    if (node >= units.count)
      break;
    size_t begin = units[node] & 0x7fffffff;
    if (!ends || begin >= tables.charsmapTexts.count)
      continue;
    const char *text = tables.charsmapTexts.items + begin;
    found = {text, strnlen(text, tables.charsmapTexts.count - begin)};
    bytes = i + 1;
  }
  return bytes != 0;
}

static void mapLongest(const TokenizerTables &tables, TextView text,
                       Array<char> &result) {
  for (size_t at = 0; at < text.size;) {
    TextView rest = text.slice(at, text.size), found;
    size_t bytes;
    if (!lookUp(tables, rest, /*longest=*/true, found, bytes)) {
      bytes = 0;
      nextCodePoint(rest, bytes);
      found = rest.slice(0, bytes);
    }
    append(result, found);
    at += bytes;
  }
}

/// Short clusters of code points are looked up whole, others code point by code
/// point.
static bool mapChars(const TokenizerTables &tables, Matcher &matcher,
                     Pattern clusters, TextView text, Array<char> &result,
                     bool &beginKept) {
  constexpr size_t shortCluster = 6;
  size_t begin, end;
  for (size_t at = 0; at < text.size; at = end) {
    if (!matcher.find(clusters, text, at, begin, end) || begin != at ||
        end == at) {
      if (matcher.exhausted())
        return false;
      end = at;
      nextCodePoint(text, end);
    }
    TextView cluster = text.slice(at, end), found;
    size_t bytes;
    auto put = [&](TextView mapped) {
      if (at == 0 && result.empty() && mapped.size == 0)
        beginKept = false;
      append(result, mapped);
    };
    if (cluster.size < shortCluster &&
        lookUp(tables, cluster, /*longest=*/false, found, bytes)) {
      put(found);
      continue;
    }
    for (size_t i = 0; i < cluster.size;) {
      size_t next = i;
      nextCodePoint(cluster, next);
      TextView point = cluster.slice(i, next);
      put(lookUp(tables, point, /*longest=*/false, found, bytes) ? found
                                                                 : point);
      i = next;
    }
  }
  return true;
}

bool normalize(const TokenizerTables &tables, Matcher &matcher, TextView text,
               Array<char> &result, NormalizerPlace &place) {
  Array<char> input;
  input.append(text.data, text.size);
  const uint32_t *step = tables.normalizer.begin();
  while (step != tables.normalizer.end()) {
    TextView view = {input.data(), input.size()};
    result.clear();
    switch (static_cast<NormalizerStep>(*step)) {
    case NormalizerStep::Replace:
      if (!replace(tables, matcher, step + 1, view, result, place.beginKept))
        return false;
      step += 7;
      break;
    case NormalizerStep::Lower:
      lowerCase(tables, view, result);
      step += 1;
      break;
    case NormalizerStep::Decompose:
      decompose(tables, step[1], view, result);
      step += 2;
      break;
    case NormalizerStep::Compose:
      compose(tables, view, result);
      step += 1;
      break;
    case NormalizerStep::Prepend:
      if (view.size && !(step[3] && place.continued))
        append(result, tables.text({step[1], step[2]}));
      append(result, view);
      step += 4;
      break;
    case NormalizerStep::Strip:
      strip(tables.classes[step[1]], step[2], step[3], view, result,
            place.beginKept);
      step += 4;
      break;
    case NormalizerStep::Charsmap:
      if (step[1] == noPattern)
        mapLongest(tables, view, result);
      else if (!mapChars(tables, matcher, tables.patterns[step[1]], view,
                         result, place.beginKept))
        return false;
      step += 2;
      break;
    }
    std::swap(input, result);
  }
  std::swap(input, result);
  return true;
}

} // namespace halftone::rt
